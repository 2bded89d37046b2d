import { type Reader, Writer } from "../../../base/index.ts";
import type { Action } from "./actions.ts";
import { PORT } from "./actions.ts";
import { exactValue, FIELD, type FieldValue, is, readMatch, writeMatch } from "./fields.ts";
import { type Decoded, decoded, encode, TYPE, zeros } from "./message.ts";

/** A flow entry. Of several that match, the one of the highest priority counts. */
export interface Flow {
  readonly table: number;
  readonly priority: number;
  readonly match: readonly FieldValue[];
  readonly cookie?: bigint;
  /** None: the packet is dropped. */
  readonly actions: readonly Action[];
}

/** A message that still needs its number in the conversation. */
export type Numbered = (xid: number) => Uint8Array;

const COMMAND = { add: 0, deleteAll: 3, deleteStrict: 4 } as const;
const ALL_TABLES = 255;
const NO_BUFFER = 0xffffffff;
const APPLY_ACTIONS = 4;

interface FlowModFields {
  readonly command: number;
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly match: readonly FieldValue[];
  readonly actions: readonly Action[];
}

/** @see OpenFlow 1.5.1 §7.3.4.2 */
const flowMod =
  (fields: FlowModFields): Numbered =>
  (xid) =>
    encode(TYPE.flowMod, xid, (body) => {
      body.u64(fields.cookie).u64(0n).u8(fields.table).u8(fields.command);
      body.u16(0).u16(0).u16(fields.priority).u32(NO_BUFFER).u32(PORT.any).u32(PORT.any).u16(0).u16(0);
      writeMatch(body, fields.match);
      if (fields.actions.length === 0) return;
      const octets = fields.actions.reduce((sum, each) => sum + each.length, 8);
      body.u16(APPLY_ACTIONS).u16(octets).u32(0);
      for (const each of fields.actions) body.bytes(each);
    });

/** Adds a flow, or replaces the one of the same table, match and priority. */
export const addFlow = (flow: Flow): Numbered => flowMod({ ...flow, command: COMMAND.add, cookie: flow.cookie ?? 0n });

export const removeFlow = ({ table, priority, match }: Pick<Flow, "table" | "priority" | "match">): Numbered =>
  flowMod({ table, priority, match, command: COMMAND.deleteStrict, cookie: 0n, actions: [] });

export const removeFlows = (table: number = ALL_TABLES): Numbered =>
  flowMod({ table, priority: 0, match: [], command: COMMAND.deleteAll, cookie: 0n, actions: [] });

/** One of the places that a group may send a packet to. */
export interface Bucket {
  /** Chosen only while that group has a bucket that can be chosen. */
  readonly watchGroup?: number;
  readonly actions: readonly Action[];
}

/**
 * `select`: by the datapath's hash of the flow, every bucket with the same share; `first`: the first that can be chosen;
 * `all`: every one.
 */
export type GroupType = "all" | "select" | "first";

const GROUP_TYPE: Readonly<Record<GroupType, number>> = { all: 0, select: 1, first: 3 };
const GROUP_COMMAND = { addOrModify: 0x8000, delete: 2 } as const;
const ALL_BUCKETS = 0xffffffff;
const ALL_GROUPS = 0xfffffffc;
const NETRONOME = 0x154d;
const BUCKET_PROPERTY = { weight: 0, watchGroup: 2 } as const;

/** Makes a group, or gives the one of that number these buckets. @see OpenFlow 1.5.1 §7.3.4.3 */
export const setGroup =
  (index: number, type: GroupType, buckets: readonly Bucket[]): Numbered =>
  (xid) =>
    encode(TYPE.groupMod, xid, (body) => {
      const written = new Writer(64 * Math.max(buckets.length, 1));
      for (const [id, bucket] of buckets.entries()) writeBucket(written, id, bucket, type);
      body.u16(GROUP_COMMAND.addOrModify).u8(GROUP_TYPE[type]).u8(0).u32(index);
      body.u16(written.length).u16(0).u32(ALL_BUCKETS).bytes(written.finish());
      if (type === "select") body.bytes(DATAPATH_HASH);
    });

export const removeGroup =
  (index: number = ALL_GROUPS): Numbered =>
  (xid) =>
    encode(TYPE.groupMod, xid, (body) =>
      body.u16(GROUP_COMMAND.delete).u8(0).u8(0).u32(index).u16(0).u16(0).u32(ALL_BUCKETS),
    );

function writeBucket(writer: Writer, id: number, { watchGroup, actions }: Bucket, type: GroupType): void {
  const actionOctets = actions.reduce((sum, each) => sum + each.length, 0);
  const hasWeight = type === "select";
  writer.u16(8 + actionOctets + (hasWeight ? 8 : 0) + (watchGroup === undefined ? 0 : 8)).u16(actionOctets);
  writer.u32(id);
  for (const each of actions) writer.bytes(each);
  if (hasWeight) writer.u16(BUCKET_PROPERTY.weight).u16(8).u16(1).u16(0);
  if (watchGroup !== undefined) writer.u16(BUCKET_PROPERTY.watchGroup).u16(8).u32(watchGroup);
}

/** The selection method "dp_hash". @see Open vSwitch, "OpenFlow group selection method" (Netronome extension) */
const DATAPATH_HASH: Uint8Array = new Writer(40)
  .u16(0xffff)
  .u16(40)
  .u32(NETRONOME)
  .u32(1)
  .u32(0)
  .bytes(new TextEncoder().encode("dp_hash\0\0\0\0\0\0\0\0\0"))
  .u64(0n)
  .finish();

/** @see OpenFlow 1.5.1 §7.3.6 */
export const packetOut =
  (actions: readonly Action[], packet: Uint8Array): Numbered =>
  (xid) =>
    encode(TYPE.packetOut, xid, (body) => {
      body
        .u32(NO_BUFFER)
        .u16(actions.reduce((sum, each) => sum + each.length, 0))
        .u16(0);
      writeMatch(body, [is(FIELD.inPort, PORT.controller)]);
      for (const each of actions) body.bytes(each);
      body.bytes(packet);
    });

const PART = { flowDescriptions: 1 } as const;
const MORE = 1;

/** Asks for the flows of a table. @see OpenFlow 1.5.1 §7.3.5.2 */
export const askFlows =
  (table: number = ALL_TABLES): Numbered =>
  (xid) =>
    encode(TYPE.multipartRequest, xid, (body) => {
      body.u16(PART.flowDescriptions).u16(0).u32(0);
      body.u8(table).bytes(zeros(3)).u32(PORT.any).u32(PORT.any).u32(0).u64(0n).u64(0n);
      writeMatch(body, []);
    });

/** A flow as the switch has it. */
export interface FlowDescription {
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly match: readonly FieldValue[];
  readonly packets: bigint;
  readonly bytes: bigint;
  /** What a `note` among its actions holds, the zeros at its end left out. */
  readonly note?: Uint8Array;
}

export interface FlowsPart {
  readonly flows: readonly FlowDescription[];
  readonly more: boolean;
}

export const decodeFlows = (body: Uint8Array): Decoded<FlowsPart> =>
  decoded("flow descriptions", body, (reader) => {
    const type = reader.u16();
    const more = (reader.u16() & MORE) !== 0;
    reader.skip(4);
    const flows: FlowDescription[] = [];
    while (type === PART.flowDescriptions && reader.left > 0) {
      const length = reader.u16();
      flows.push(readFlow(reader.within(length - 2 < 0 ? reader.left + 1 : length - 2)));
    }
    return { flows, more };
  });

function readFlow(reader: Reader): FlowDescription {
  reader.skip(2);
  const table = reader.u8();
  reader.skip(1);
  const priority = reader.u16();
  reader.skip(8);
  const cookie = reader.u64();
  const match = readMatch(reader);
  const counted = readStatistics(reader);
  const found = readNote(reader);
  return { table, priority, cookie, match, ...counted, ...(found === undefined ? {} : { note: found }) };
}

const STATISTIC = { packets: 4, bytes: 5 } as const;

/** @see OpenFlow 1.5.1 §7.2.4 */
function readStatistics(reader: Reader): { readonly packets: bigint; readonly bytes: bigint } {
  reader.skip(2);
  const length = reader.u16();
  const fields = reader.within(Math.max(length - 4, 0));
  reader.skip((8 - (length % 8)) % 8);
  const found = { packets: 0n, bytes: 0n };
  while (fields.left > 0) {
    fields.skip(2);
    const number = fields.u8() >> 1;
    const value = fields.within(fields.u8());
    if (number === STATISTIC.packets) found.packets = value.u64();
    if (number === STATISTIC.bytes) found.bytes = value.u64();
  }
  return found;
}

const NICIRA = 0x2320;
const NOTE = 8;

function readNote(reader: Reader): Uint8Array | undefined {
  while (reader.left > 0) {
    const isActions = reader.u16() === APPLY_ACTIONS;
    const instruction = reader.within(Math.max(reader.u16() - 4, 0));
    if (!isActions) continue;
    instruction.skip(4);
    while (instruction.left > 0) {
      const type = instruction.u16();
      const action = instruction.within(Math.max(instruction.u16() - 4, 0));
      if (type !== 0xffff || action.u32() !== NICIRA || action.u16() !== NOTE) continue;
      const octets = action.rest();
      let end = octets.length;
      while (end > 0 && octets[end - 1] === 0) end--;
      return octets.slice(0, end);
    }
  }
  return undefined;
}

/** A packet that a flow sent here. */
export interface PacketIn {
  readonly inPort: number;
  readonly cookie: bigint;
  /** Where it came from, if through a tunnel. */
  readonly tunnelSource?: Uint8Array;
  readonly frame: Uint8Array;
}

/** @see OpenFlow 1.5.1 §7.4.1 */
export const decodePacketIn = (body: Uint8Array): Decoded<PacketIn> =>
  decoded("a packet", body, (reader) => {
    reader.skip(8);
    const cookie = reader.u64();
    const match = readMatch(reader);
    reader.skip(2);
    const inPort = exactValue(match, FIELD.inPort);
    const tunnelSource = exactValue(match, FIELD.tunnelIpv6Src);
    const port = inPort === undefined ? 0 : new DataView(inPort.buffer, inPort.byteOffset).getUint32(0);
    return {
      inPort: port,
      cookie,
      frame: reader.rest().slice(),
      ...(tunnelSource ? { tunnelSource: tunnelSource.slice() } : {}),
    };
  });
