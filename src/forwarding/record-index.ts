import { KeyedHash, type Random, SegmentedIndex } from "../base/index.ts";
import type { Records } from "./records.ts";

const SEGMENT_BITS = 8;
/** As many as are told of at a time. */
const LOOKED_AHEAD = 32;

/**
 * Finds records by a key of whole words that stands in their first ones. Nobody who does not know the secret of the hash can
 * choose keys that collide.
 */
export class RecordIndex {
  /** The key that is asked about is written here. */
  readonly key: Int32Array;
  readonly #records: Records;
  readonly #index = new SegmentedIndex(SEGMENT_BITS, flooded);
  readonly #hash: KeyedHash;
  #asked = 0;
  readonly #ahead = new Int32Array(LOOKED_AHEAD);

  constructor(records: Records, words: number, random: Random) {
    this.#records = records;
    this.key = new Int32Array(words);
    this.#hash = new KeyedHash(random, 4 * words);
  }

  /** The record with this key; 0: there is none. */
  find(): number {
    const { key } = this;
    const hash = this.#hash.hashWords(key, 0, 4 * key.length);
    this.#asked = hash;
    const slots = this.#index.segment(hash);
    const mask = slots.length - 1;
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & mask) {
      if (slots[at] === hash && this.#has(slots[at + 1]!)) return slots[at + 1]!;
    }
    return 0;
  }

  /** Touches what `find` will ask for, for `count` keys one behind the other, so that cache misses overlap. */
  lookAhead(keys: Int32Array, count: number): void {
    const { length } = this.key;
    const most = Math.min(count, LOOKED_AHEAD);
    const hashes = this.#ahead;
    let touched = 0;
    for (let i = 0; i < most; i++) {
      const hash = this.#hash.hashWords(keys, i * length, 4 * length);
      hashes[i] = hash;
      const slots = this.#index.segment(hash);
      touched ^= slots[this.#index.home(slots, hash)]!;
    }
    for (let i = 0; i < most; i++) {
      const slots = this.#index.segment(hashes[i]!);
      // Most are there or next to it.
      const home = this.#index.home(slots, hashes[i]!);
      const at = slots[home] === hashes[i] ? home : (home + 2) & (slots.length - 1);
      if (slots[at] === hashes[i] && slots[at + 1] !== 0) touched ^= this.#records.get(slots[at + 1]!, 0);
    }
    hashes[0] = touched; // keeps the loads from being optimised away
  }

  #has(number: number): boolean {
    return this.#records.begins(number, this.key);
  }

  /** A new record with the key that was asked about last and that no other has. */
  add(): number {
    const { key } = this;
    const number = this.#records.take();
    for (let word = 0; word < key.length; word++) this.#records.set(number, word, key[word]!);
    this.#index.insert(this.#asked, number);
    return number;
  }

  remove(number: number): void {
    const { key } = this;
    for (let word = 0; word < key.length; word++) key[word] = this.#records.get(number, word);
    this.#index.remove(this.#hash.hashWords(key, 0, 4 * key.length), number);
    this.#records.give(number);
  }
}

function flooded(probes: number): Error {
  return new RangeError(`${probes} places in a row are taken in an index of the plan: its hash is no secret any more`);
}
