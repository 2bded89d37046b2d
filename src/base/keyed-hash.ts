import type { Random } from "./ports.ts";

/** Word order of this machine: stored words are compared with words read from messages. */
export const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * A universal hash of octet strings with a secret key.
 *
 * Two independent multilinear sums over 16-bit pieces modulo 2^32, the upper half of each: two keys that somebody
 * chose without knowing the secret collide with a probability of about 2^-32, which no unkeyed or merely seeded mixer
 * can promise (differences in the top bit of one word cancel in the next, whatever the seed).
 * @see Carter and Wegman, Universal Classes of Hash Functions; Lemire and Kaser, Strongly Universal String Hashing
 */
export class KeyedHash {
  readonly #key: Int32Array;
  readonly maxLength: number;

  constructor(random: Random, maxLength: number) {
    this.maxLength = maxLength;
    const words = Math.ceil(maxLength / 4) + 1;
    this.#key = new Int32Array(words * 4);
    random.fill(new Uint8Array(this.#key.buffer));
  }

  /** A signed 32-bit number. `length` at most `maxLength`. */
  hash(view: DataView, start: number, length: number): number {
    const key = this.#key;
    let high = Math.imul(key[0]!, length) + key[1]!;
    let low = Math.imul(key[2]!, length) + key[3]!;
    let k = 4;
    let at = start;
    const wholeWords = start + (length & ~3);
    for (; at < wholeWords; at += 4, k += 4) {
      const word = view.getInt32(at, LITTLE_ENDIAN);
      high = (high + Math.imul(key[k]!, word & 0xffff) + Math.imul(key[k + 1]!, word >>> 16)) | 0;
      low = (low + Math.imul(key[k + 2]!, word & 0xffff) + Math.imul(key[k + 3]!, word >>> 16)) | 0;
    }
    if (at < start + length) {
      const word = tailWord(view, at, start + length);
      high = (high + Math.imul(key[k]!, word & 0xffff) + Math.imul(key[k + 1]!, word >>> 16)) | 0;
      low = (low + Math.imul(key[k + 2]!, word & 0xffff) + Math.imul(key[k + 3]!, word >>> 16)) | 0;
    }
    return scattered((high & 0xffff0000) | (low >>> 16));
  }

  /** The same of 16 octets, which identifiers have. */
  hash16(view: DataView, at: number): number {
    const key = this.#key;
    const a = view.getInt32(at, LITTLE_ENDIAN);
    const b = view.getInt32(at + 4, LITTLE_ENDIAN);
    const c = view.getInt32(at + 8, LITTLE_ENDIAN);
    const d = view.getInt32(at + 12, LITTLE_ENDIAN);
    const high =
      Math.imul(key[0]!, 16) +
      key[1]! +
      (Math.imul(key[4]!, a & 0xffff) + Math.imul(key[5]!, a >>> 16)) +
      (Math.imul(key[8]!, b & 0xffff) + Math.imul(key[9]!, b >>> 16)) +
      (Math.imul(key[12]!, c & 0xffff) + Math.imul(key[13]!, c >>> 16)) +
      (Math.imul(key[16]!, d & 0xffff) + Math.imul(key[17]!, d >>> 16));
    const low =
      Math.imul(key[2]!, 16) +
      key[3]! +
      (Math.imul(key[6]!, a & 0xffff) + Math.imul(key[7]!, a >>> 16)) +
      (Math.imul(key[10]!, b & 0xffff) + Math.imul(key[11]!, b >>> 16)) +
      (Math.imul(key[14]!, c & 0xffff) + Math.imul(key[15]!, c >>> 16)) +
      (Math.imul(key[18]!, d & 0xffff) + Math.imul(key[19]!, d >>> 16));
    return scattered((high & 0xffff0000) | (low >>> 16));
  }

  /** The same of octets that are in words of this machine, the last one padded with zeros. */
  hashWords(words: Int32Array, start: number, length: number): number {
    const key = this.#key;
    let high = Math.imul(key[0]!, length) + key[1]!;
    let low = Math.imul(key[2]!, length) + key[3]!;
    let k = 4;
    const end = start + ((length + 3) >> 2);
    for (let at = start; at < end; at++, k += 4) {
      const word = words[at]!;
      high = (high + Math.imul(key[k]!, word & 0xffff) + Math.imul(key[k + 1]!, word >>> 16)) | 0;
      low = (low + Math.imul(key[k + 2]!, word & 0xffff) + Math.imul(key[k + 3]!, word >>> 16)) | 0;
    }
    return scattered((high & 0xffff0000) | (low >>> 16));
  }
}

/**
 * Each number as another one. Keys that count up have sums that do so in steps, and crowd together wherever a table is cut by some
 * of the bits. @see Appleby, MurmurHash3 (finalizer)
 */
function scattered(sum: number): number {
  let mixed = sum ^ (sum >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** The last one to three octets as the word that a zero-padded copy of them would hold. */
export function tailWord(view: DataView, at: number, end: number): number {
  if (!LITTLE_ENDIAN) return tailOfBigEndian(view, at, end);
  const last = view.getUint8(end - 1);
  return end - at === 1 ? last : view.getUint16(at, true) | (end - at === 2 ? 0 : last << 16);
}

function tailOfBigEndian(view: DataView, at: number, end: number): number {
  let word = 0;
  for (let position = at, shift = 24; position < end; position++, shift -= 8) word |= view.getUint8(position) << shift;
  return word;
}
