import { KeyedHash } from "./keyed-hash.ts";
import type { Random } from "./ports.ts";
import { SegmentedIndex } from "./segmented-index.ts";

const PAGE_BITS = 12;
const IN_PAGE = (1 << PAGE_BITS) - 1;
const SEGMENT_BITS = 8;
/** As many keys are looked ahead at. */
const LOOKED_AHEAD = 32;

/** Words of a record: the first are its key, and the others are the owner's. */
export interface RecordWords {
  readonly key: number;
  readonly value: number;
  /** Memory stays when the last record goes: one that went may be asked about, and is zeros but for its first word. */
  readonly keepsMemory?: boolean;
}

/**
 * Records of a few words of 32 bits, by number from 1 on, that are found by their key. A million of them are no object and no work for
 * the garbage collector; memory comes a page of 4096 at a time, and the number of one that goes is used again. Nobody who does not know
 * the secret of the hash can choose keys that collide.
 */
export class WordIndex {
  /** The key that is asked about is written here. */
  readonly key: Int32Array;
  readonly #stride: number;
  readonly #keepsMemory: boolean;
  readonly #hash: KeyedHash;
  #askedHash = 0;
  readonly #ahead = new Int32Array(LOOKED_AHEAD);
  #index = newIndex();
  /**
   * Shared memory is not counted as the heap's: with each 10 MB that are, the garbage collector looks at everything once more, which
   * made twenty times of the cold start of a million records.
   */
  #pages: Int32Array[] = [];
  #top = 1;
  /** Numbers that went, chained by their first word. */
  #free = 0;
  #size = 0;

  constructor({ key, value, keepsMemory = false }: RecordWords, random: Random) {
    this.key = new Int32Array(key);
    this.#stride = key + value;
    this.#keepsMemory = keepsMemory;
    this.#hash = new KeyedHash(random, 4 * key);
  }

  get size(): number {
    return this.#size;
  }

  /** Every number is below it. */
  get top(): number {
    return this.#top;
  }

  /** The record with this key; 0: there is none. */
  find(): number {
    const { key } = this;
    const hash = this.#hash.hashWords(key, 0, 4 * key.length);
    this.#askedHash = hash;
    const slots = this.#index.segment(hash);
    const mask = slots.length - 1;
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & mask) {
      if (slots[at] === hash && this.hasKey(slots[at + 1]!)) return slots[at + 1]!;
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
      if (slots[at] === hashes[i] && slots[at + 1] !== 0) touched ^= this.get(slots[at + 1]!, 0);
    }
    hashes[0] = touched; // keeps the loads from being optimised away
  }

  /** Whether the key that is asked about is that of a record. */
  hasKey(number: number): boolean {
    const { key } = this;
    const page = this.#pages[number >> PAGE_BITS]!;
    const start = (number & IN_PAGE) * this.#stride;
    for (let word = 0; word < key.length; word++) if (page[start + word] !== key[word]) return false;
    return true;
  }

  /** A record with the key that was asked about last and that no other has; its other words are 0. The number of one that went is used again. */
  add(): number {
    const number = this.#free === 0 ? this.#top : this.#free;
    this.#index.insert(this.#askedHash, number);
    if (this.#free === 0) this.#grow();
    else this.#free = this.get(number, 0);
    const { key } = this;
    const page = this.#pages[number >> PAGE_BITS]!;
    const start = (number & IN_PAGE) * this.#stride;
    for (let word = 0; word < key.length; word++) page[start + word] = key[word]!;
    this.#size++;
    return number;
  }

  #grow(): void {
    if (this.#top >> PAGE_BITS === this.#pages.length)
      this.#pages.push(new Int32Array(new SharedArrayBuffer((4 * this.#stride) << PAGE_BITS)));
    this.#top++;
  }

  /** With the last one memory goes, unless it is little, or to stay. */
  remove(number: number): void {
    const page = this.#pages[number >> PAGE_BITS]!;
    const start = (number & IN_PAGE) * this.#stride;
    this.#index.remove(this.#hash.hashWords(page, start, 4 * this.key.length), number);
    page.fill(0, start, start + this.#stride);
    page[start] = this.#free;
    this.#free = number;
    this.#size--;
    if (this.#size > 0 || this.#pages.length < 2 || this.#keepsMemory) return;
    this.#index = newIndex();
    this.#pages = [];
    this.#top = 1;
    this.#free = 0;
  }

  get(number: number, word: number): number {
    return this.#pages[number >> PAGE_BITS]![(number & IN_PAGE) * this.#stride + word]!;
  }

  set(number: number, word: number, value: number): void {
    this.#pages[number >> PAGE_BITS]![(number & IN_PAGE) * this.#stride + word] = value;
  }
}

const newIndex = (): SegmentedIndex => new SegmentedIndex(SEGMENT_BITS, flooded);

function flooded(probes: number): Error {
  return new RangeError(`${probes} places in a row are taken in an index of words: its hash is no secret any more`);
}
