/**
 * The two hashes of `dataplane/abi.h`: where the search for an address begins, and which slots a flow has. Pure. They multiply in
 * 64 bits, which numbers here have not: the first, worked out for every entry, in parts; the second, for the model, as bigints.
 */

import { FLOW_KEY } from "./abi.ts";

const HOME_MULTIPLIER_HIGH = 0xd6e8feb8 | 0;
const HOME_MULTIPLIER_LOW = 0x6659fd93;

/** High 32 bits of the product of two unsigned 32-bit numbers, as a signed one. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const low = Math.imul(aLow, bLow);
  // Neither sum is beyond 2^32 - 1
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (low >>> 16);
  const other = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0;
}

/**
 * The line of `capabilities` where the search for an address begins. `mask` is the number of lines − 1, at most 2^24 − 1.
 * Reads octets 6 to 15 of `address` as a little-endian machine lays them out.
 */
export function capabilityHome(address: Uint8Array, mask: number): number {
  const word = (at: number): number =>
    address[at]! | (address[at + 1]! << 8) | (address[at + 2]! << 16) | (address[at + 3]! << 24);
  return homeOf(word(6), word(10), address[14]! | (address[15]! << 8), mask);
}

/** The same of the words of a key and a selector, as the table has them. */
export function homeOf(keyLow: number, keyHigh: number, selector: number, mask: number): number {
  const high = keyHigh;
  const low = keyLow ^ high ^ (selector << 16);
  const product =
    multiplyHigh(low >>> 0, HOME_MULTIPLIER_LOW) +
    Math.imul(low, HOME_MULTIPLIER_HIGH) +
    Math.imul(high, HOME_MULTIPLIER_LOW);
  return (((product | 0) >>> 8) & mask) >>> 0;
}

const FLOW_MULTIPLIERS = [
  0x9e3779b97f4a7c15n,
  0xbf58476d1ce4e5b9n,
  0x94d049bb133111ebn,
  0xd6e8feb86659fd93n,
  0xa0761d6478bd642fn,
] as const;

/**
 * The hash of a flow key (FLOW_KEY.size octets), unsigned; the header has the formula. Bits 0–5: slot of the sites' group,
 * 6–11: slot of the local group, 20–31: lower 12 bits of the tunnel's flow label.
 */
export function flowHash(key: Uint8Array, seed: number): number {
  if (key.length !== FLOW_KEY.size) throw new RangeError(`a flow key has ${FLOW_KEY.size} octets, not ${key.length}`);
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  let hash = BigInt(seed >>> 0) ^ view.getBigUint64(0, true);
  hash *= FLOW_MULTIPLIERS[0];
  for (let at = 1; at < FLOW_MULTIPLIERS.length; at++) hash += view.getBigUint64(at * 8, true) * FLOW_MULTIPLIERS[at]!;
  hash = BigInt.asUintN(64, hash);
  hash = BigInt.asUintN(64, (hash ^ (hash >> 32n)) * 0xe7037ed1a0b428dbn);
  hash = BigInt.asUintN(64, (hash ^ (hash >> 29n)) * 0x8ebc6af09c88c6e3n);
  return Number(hash >> 32n);
}
