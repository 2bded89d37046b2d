import type { Reader } from "../../../base/index.ts";
import type { Numbered } from "./flow.ts";
import { type Decoded, decoded, encode, TYPE } from "./message.ts";

const COMMAND = { add: 0, modify: 1, delete: 2 } as const;
const FLAG = { kilobits: 1, packets: 2, burst: 4 } as const;
const DROP = 1;
const ALL_METERS = 0xffffffff;
const PART_METER = 9;
const MORE = 1;
const LARGEST = 0xffffffff;

/** What a meter lets pass: packets a second and at once, or thousands of bits. */
export interface MeterRate {
  readonly of: "packets" | "kilobits";
  readonly perSecond: number;
  readonly burst: number;
}

/** @see OpenFlow 1.5.1 §7.3.4.5 */
export const setMeter =
  (index: number, { of, perSecond, burst }: MeterRate, { exists }: { readonly exists: boolean }): Numbered =>
  (xid) =>
    encode(TYPE.meterMod, xid, (body) =>
      body
        .u16(exists ? COMMAND.modify : COMMAND.add)
        .u16(FLAG[of] | FLAG.burst)
        .u32(index)
        .u16(DROP)
        .u16(16)
        .u32(Math.min(perSecond, LARGEST))
        .u32(Math.min(burst, LARGEST))
        .u32(0),
    );

export const removeMeter =
  (index: number): Numbered =>
  (xid) =>
    encode(TYPE.meterMod, xid, (body) => body.u16(COMMAND.delete).u16(FLAG.packets).u32(index));

/** Asks what all meters have counted. @see OpenFlow 1.5.1 §7.3.5.12 */
export const askMeters: Numbered = (xid) =>
  encode(TYPE.multipartRequest, xid, (body) => body.u16(PART_METER).u16(0).u32(0).u32(ALL_METERS).u32(0));

/** What came to a meter, and what of that it dropped. */
export interface MeterCount {
  readonly meter: number;
  readonly packets: bigint;
  readonly droppedPackets: bigint;
  readonly droppedBytes: bigint;
}

export interface MetersPart {
  readonly meters: readonly MeterCount[];
  readonly more: boolean;
}

export const decodeMeters = (body: Uint8Array): Decoded<MetersPart> =>
  decoded("meters", body, (reader) => {
    const type = reader.u16();
    const more = (reader.u16() & MORE) !== 0;
    reader.skip(4);
    const meters: MeterCount[] = [];
    while (type === PART_METER && reader.left > 0) {
      const meter = reader.u32();
      const length = reader.u16();
      meters.push(readMeter(meter, reader.within(length - 6 < 0 ? reader.left + 1 : length - 6)));
    }
    return { meters, more };
  });

function readMeter(meter: number, reader: Reader): MeterCount {
  reader.skip(6 + 4);
  const packets = reader.u64();
  reader.skip(8 + 4 + 4);
  let [droppedPackets, droppedBytes] = [0n, 0n];
  while (reader.left > 0) {
    droppedPackets += reader.u64();
    droppedBytes += reader.u64();
  }
  return { meter, packets, droppedPackets, droppedBytes };
}

/** A meter comes, gets another rate, or goes. The switch takes no such message into a bundle. */
export interface MeterOrder {
  readonly meter: number;
  /** Absent: it goes. */
  readonly rate?: MeterRate;
}

/** What a switch has to do, in order. */
export type Order = Numbered | MeterOrder;
