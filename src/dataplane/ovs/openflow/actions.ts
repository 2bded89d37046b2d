import { Writer } from "../../../base/index.ts";
import { type Field, type FieldValue, fieldHeader, writeField } from "./fields.ts";
import { pad8, zeros } from "./message.ts";

/** An action's octets. */
export type Action = Uint8Array;

const NICIRA = 0x2320;
const MAX_WHOLE_PACKET = 0xffff;

/** Port numbers with a meaning. @see OpenFlow 1.5.1 §7.2.1.1 */
export const PORT = {
  inPort: 0xfffffff8,
  normal: 0xfffffffa,
  controller: 0xfffffffd,
  local: 0xfffffffe,
  any: 0xffffffff,
} as const;

/** Writes an action and its length, padded to eight octets. @see OpenFlow 1.5.1 §7.2.6 */
function action(type: number, write: (body: Writer) => void): Action {
  const body = new Writer();
  body.u16(type).u16(0);
  write(body);
  pad8(body, 0);
  return new Writer(body.length).u16(type).u16(body.length).bytes(body.finish().subarray(4)).finish().slice();
}

/** An action of Open vSwitch. @see ovs-actions(7) */
const extension = (subtype: number, write: (body: Writer) => void): Action =>
  action(0xffff, (body) => {
    body.u32(NICIRA).u16(subtype);
    write(body);
  });

export const output = (port: number): Action =>
  action(0, (body) =>
    body
      .u32(port)
      .u16(port === PORT.controller ? MAX_WHOLE_PACKET : 0)
      .bytes(zeros(6)),
  );
export const group = (index: number): Action => action(22, (body) => body.u32(index));
export const decrementHopLimit: Action = action(24, (body) => body.u32(0));
export const meter = (index: number): Action => action(29, (body) => body.u32(index));
export const setField = (value: FieldValue): Action => action(25, (body) => writeField(body, value));

/** Copies all of a field. @see OpenFlow 1.5.1 §7.2.6.9 */
export const copyField = (from: Field, to: Field): Action =>
  action(28, (body) =>
    body
      .u16(8 * Math.min(from.octets, to.octets))
      .u16(0)
      .u16(0)
      .u16(0)
      .u32(fieldHeader(from))
      .u32(fieldHeader(to)),
  );

/** Goes on in another table, and comes back behind it. */
export const resubmit = (table: number): Action => extension(14, (body) => body.u16(0xfff8).u8(table).bytes(zeros(3)));

/** Does nothing: octets that are found again when flows are read. */
export const note = (octets: Uint8Array): Action => extension(8, (body) => body.bytes(octets));

/** Sets the lowest bit of a register where the frame is longer. */
export const checkLonger = (frameOctets: number, to: Field): Action =>
  extension(49, (body) => body.u16(frameOctets).u16(0).u32(fieldHeader(to)).bytes(zeros(6)));

/** Where a new connection is to go. */
export interface Translation {
  readonly address: Uint8Array;
  readonly port: number;
}

export interface ConntrackOptions {
  readonly zone: number;
  /** Goes on there, with the state known and what was translated before translated again. */
  readonly table: number;
  /** Remembers the connection, translated to there. */
  readonly commit?: Translation;
}

/** Connection tracking with translation. @see ovs-actions(7), "The ct action" */
export const conntrack = ({ zone, table, commit }: ConntrackOptions): Action =>
  extension(35, (body) =>
    body
      .u16(commit === undefined ? 0 : 1)
      .u32(0)
      .u16(zone)
      .u8(table)
      .bytes(zeros(3))
      .u16(0)
      .bytes(translate(commit)),
  );

const NAT_DESTINATION = 2;
const NAT_IPV6_MIN_AND_PORT_MIN = 4 + 16;

const translate = (to: Translation | undefined): Action =>
  extension(36, (body) => {
    body.u16(0).u16(to === undefined ? 0 : NAT_DESTINATION);
    body.u16(to === undefined ? 0 : NAT_IPV6_MIN_AND_PORT_MIN);
    if (to !== undefined) body.bytes(to.address).u16(to.port);
  });

/** One part of what `learn` makes: a condition or a value, from a field of the packet or a constant. */
export type LearnPart =
  | { readonly type: "match-field"; readonly field: Field }
  | { readonly type: "match-value"; readonly field: Field; readonly value: number }
  | { readonly type: "match-source"; readonly from: Field; readonly to: Field }
  | { readonly type: "output-field"; readonly field: Field }
  | { readonly type: "load-field"; readonly from: Field; readonly to: Field };

export interface LearnOptions {
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly idleSeconds: number;
  /** Once the connection was seen to end. */
  readonly endedIdleSeconds: number;
  readonly limit: number;
  readonly parts: readonly LearnPart[];
}

/** Makes a flow out of this packet, not more than `limit` of them. @see ovs-actions(7), "The learn action" */
export const learn = (options: LearnOptions): Action =>
  extension(45, (body) => {
    body.u16(options.idleSeconds).u16(0).u16(options.priority).u64(options.cookie).u16(0);
    body.u8(options.table).u8(0).u16(options.endedIdleSeconds).u16(0);
    body.u32(options.limit).u16(0).u16(0);
    for (const part of options.parts) writeLearnPart(body, part);
  });

/** @see `enum nx_learn`: a header of source, destination and bits */
function writeLearnPart(body: Writer, part: LearnPart): void {
  const bits = 8 * ("to" in part ? part.to.octets : part.field.octets);
  switch (part.type) {
    case "match-field":
      body.u16(bits).u32(fieldHeader(part.field)).u16(0).u32(fieldHeader(part.field)).u16(0);
      break;
    case "match-source":
      body.u16(bits).u32(fieldHeader(part.from)).u16(0).u32(fieldHeader(part.to)).u16(0);
      break;
    case "output-field":
      body
        .u16(0x1000 | bits)
        .u32(fieldHeader(part.field))
        .u16(0);
      break;
    case "match-value": {
      body.u16(0x2000 | bits);
      const octets = new Uint8Array(2 * Math.ceil(part.field.octets / 2));
      new DataView(octets.buffer).setUint16(octets.length - 2, part.value);
      body.bytes(octets).u32(fieldHeader(part.field)).u16(0);
      break;
    }
    case "load-field":
      body
        .u16(0x0800 | bits)
        .u32(fieldHeader(part.from))
        .u16(0)
        .u32(fieldHeader(part.to))
        .u16(0);
      break;
  }
}
