/*
 * The part of the protobuf encoding that many leaves go through: each is encoded once, and its octets are shared by all who
 * are sent them. Everything else is encoded by protobuf.js.
 */

import { fieldNumber, fieldOctets, varintSize, writeVarint } from "../../base/index.ts";

const VARINT = 0;
const LENGTH = 2;

/** The fields `path` and `val` of an Update; `elems` of the node it is in, `elem` its own, `value` a TypedValue. */
export function updateOctets(elems: Uint8Array, elem: Uint8Array, value: Uint8Array): Buffer {
  const path = elems.length + elem.length;
  const octets = Buffer.allocUnsafe(2 + varintSize(path) + path + varintSize(value.length) + value.length);
  octets[0] = (1 << 3) | LENGTH;
  let at = writeVarint(octets, 1, path);
  octets.set(elems, at);
  octets.set(elem, at + elems.length);
  at += path;
  octets[at++] = (3 << 3) | LENGTH;
  at = writeVarint(octets, at, value.length);
  octets.set(value, at);
  return octets;
}

/** A field `timestamp`: nanoseconds are more than a number holds. */
function timestampOctets(nanoseconds: bigint): Buffer {
  const octets: number[] = [(1 << 3) | VARINT];
  let rest = nanoseconds;
  for (; rest > 0x7fn; rest >>= 7n) octets.push(Number(rest & 0x7fn) | 0x80);
  octets.push(Number(rest));
  return Buffer.from(octets);
}

/** One thing to be sent: the Path that is gone, or the Update without its duplicates. */
export interface Sent {
  readonly isDelete: boolean;
  readonly octets: Uint8Array;
  /** Values that were passed over. */
  readonly duplicates: number;
}

/** A SubscribeResponse with a Notification; `prefix` is the Path message. */
export function notificationOctets(nanoseconds: bigint, prefix: Uint8Array, items: readonly Sent[]): Buffer {
  const parts: Uint8Array[] = [timestampOctets(nanoseconds)];
  if (prefix.length > 0) parts.push(fieldOctets(2, prefix));
  for (const { isDelete, octets, duplicates } of items) {
    if (isDelete) parts.push(fieldOctets(5, octets));
    else if (duplicates > 0) parts.push(fieldOctets(4, octets, fieldNumber(4, duplicates)));
    else parts.push(fieldOctets(4, octets));
  }
  return fieldOctets(1, ...parts);
}

/** A SubscribeResponse that says that all that was there has been sent. */
export const SYNC_RESPONSE: Buffer = fieldNumber(3, 1);

/** The `elem` fields of the path of an Update that {@link updateOctets} made. */
export function pathOf(update: Uint8Array): Uint8Array {
  let length = 0;
  let at = 1;
  for (let shift = 1; ; shift *= 128) {
    const octet = update[at++]!;
    length += (octet & 0x7f) * shift;
    if (octet < 0x80) return update.subarray(at, at + length);
  }
}
