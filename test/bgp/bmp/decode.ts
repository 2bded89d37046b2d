/** A reader of BMP of its own, from RFC 7854's drawings: nothing of `src/bgp/bmp` is used. */
import assert from "node:assert/strict";
import { Reader } from "../../../src/base/index.ts";

export interface Said {
  readonly type: string;
  /** `10.0.0.2` of the peer; `loc-rib`. */
  readonly peer?: string;
  readonly postPolicy?: boolean;
  /** Of what the peer is told. */
  readonly out?: boolean;
  readonly asWidth?: number;
  readonly as?: number;
  /** Seconds since the Unix epoch; 0: not known. */
  readonly at?: number;
  readonly reason?: number;
  readonly update?: Uint8Array;
  readonly opens?: readonly Uint8Array[];
  readonly statistics?: ReadonlyMap<number, bigint>;
  readonly tlvs?: readonly (readonly [number, string])[];
}

const TYPES = ["route-monitoring", "statistics", "peer-down", "peer-up", "initiation", "termination", "mirroring"];

/** All messages of a stream; what is left of the last one is not looked at. */
export function decodeBmp(octets: Uint8Array): Said[] {
  const all: Said[] = [];
  for (let at = 0; octets.length - at >= 6; ) {
    const view = new DataView(octets.buffer, octets.byteOffset + at);
    const length = view.getUint32(1);
    assert.equal(view.getUint8(0), 3, `version at ${at}`);
    assert.ok(length >= 6, `length ${length} at ${at}`);
    if (octets.length - at < length) break;
    all.push(decodeOne(octets[at + 5]!, new Reader(octets, at + 6, at + length)));
    at += length;
  }
  return all;
}

function decodeOne(type: number, reader: Reader): Said {
  const name = TYPES[type];
  assert.ok(name !== undefined, `type ${type}`);
  if (type === 4 || type === 5) return { type: name, tlvs: tlvs(reader, type === 4) };
  const peerType = reader.u8();
  const flags = reader.u8();
  reader.skip(8);
  const address = Buffer.from(reader.bytes(16)).toString("hex");
  const as = reader.u32();
  reader.skip(4);
  const at = reader.u32();
  reader.skip(4);
  const policy = { postPolicy: (flags & 0x40) !== 0, out: (flags & 0x10) !== 0 };
  const head = { type: name, peer: peerType === 3 ? "loc-rib" : address, as, at, ...policy };
  if (type === 0) return { ...head, asWidth: (flags & 0x20) === 0 ? 4 : 2, update: reader.rest().slice() };
  if (type === 6) return { ...head, asWidth: (flags & 0x20) === 0 ? 4 : 2, tlvs: tlvs(reader, false) };
  if (type === 2) return { ...head, reason: reader.u8() };
  if (type === 3) {
    reader.skip(20);
    const open = (): Uint8Array => {
      const length = (reader.octets[reader.offset + 16]! << 8) | reader.octets[reader.offset + 17]!;
      return reader.bytes(length).slice();
    };
    return { ...head, opens: [open(), open()], tlvs: tlvs(reader, true) };
  }
  const statistics = new Map<number, bigint>();
  for (let left = reader.u32(); left > 0; left--) {
    const kind = reader.u16();
    const value = reader.within(reader.u16());
    if ([9, 10, 16, 17].includes(kind)) value.skip(3);
    statistics.set(kind, (statistics.get(kind) ?? 0n) + (value.left === 4 ? BigInt(value.u32()) : value.u64()));
    assert.equal(value.left, 0);
  }
  assert.equal(reader.left, 0);
  return { ...head, statistics };
}

function tlvs(reader: Reader, isText: boolean): [number, string][] {
  const found: [number, string][] = [];
  while (reader.left > 0) {
    const type = reader.u16();
    const value = reader.bytes(reader.u16());
    found.push([type, isText ? Buffer.from(value).toString() : Buffer.from(value).toString("hex")]);
  }
  return found;
}
