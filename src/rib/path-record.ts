import type { AttributeId, PeerIndex } from "./types.ts";

/*
 * A net is three words, its best path inside; a further path is three words with the same members at the same places.
 *
 *     net   | key               | attributes 24, epoch 8 | peer 16, time 16 |
 *     path  | next further path | attributes 24, epoch 8 | peer 16, time 16 |
 *
 * key: position in the key words, 0 = the record is free. The second word is 0 without a path; then the third is the hash of the
 * key, or the next free record in one that is free. epoch: see PathTags. time: see PathTimes.
 */
const WORDS = 3;
export const KEY = 0;
export const PATH_NEXT = 0;
/** Not 0 where there is a path. */
export const SET = 1;
export const ORIGIN = 2;

/** Largest number of a set, and of a peer. */
export const LARGEST_SET_ID = 0xffffff;
export const LARGEST_PEER = 0xffff;

/** Words of a table with records from 0 to `last`. */
export function recordWords(last: number): number {
  return WORDS * (last + 1);
}

/** Where the record of a net, or of a further path, begins. */
export function recordOf(id: number): number {
  return Math.imul(id, WORDS);
}

export function setIn(records: Int32Array, record: number): AttributeId {
  return records[record + SET]! & LARGEST_SET_ID;
}

export function peerIn(records: Int32Array, record: number): PeerIndex {
  return records[record + ORIGIN]! & LARGEST_PEER;
}

/** Whose path it is and when it was confirmed. @see PathTags */
export function tagIn(records: Int32Array, record: number): number {
  return ((records[record + SET]! >>> 24) << 16) | (records[record + ORIGIN]! & LARGEST_PEER);
}

/** @see PathTimes */
export function timeIn(records: Int32Array, record: number): number {
  return records[record + ORIGIN]! >>> 16;
}

export function writePath(records: Int32Array, record: number, set: AttributeId, tag: number, time: number): void {
  records[record + SET] = set | ((tag >>> 16) << 24);
  records[record + ORIGIN] = (tag & LARGEST_PEER) | (time << 16);
}

/** The same path with another set. */
export function writeSet(records: Int32Array, record: number, set: AttributeId): void {
  records[record + SET] = (records[record + SET]! & ~LARGEST_SET_ID) | set;
}

/** The same path, confirmed in the epoch of `tag`. */
export function writeEpoch(records: Int32Array, record: number, tag: number): void {
  records[record + SET] = (records[record + SET]! & LARGEST_SET_ID) | ((tag >>> 16) << 24);
}
