import { KeyedHash } from "./keyed-hash.ts";
import type { Random } from "./ports.ts";
import { SegmentedIndex } from "./segmented-index.ts";

const PAGE_BITS = 12;
const SEGMENT_BITS = 8;
/** A line of the processor's cache. */
const LINE_WORDS = 16;
/**
 * Records that are a line have pages of 32 MB: so much the C library asks of the kernel, which gives what is written to, and begins
 * with 16 octets of its own. So each record is one line, not parts of two. Where it is another library a record costs as much as before.
 */
const LINES_BITS = 19;
const BEHIND_HEADER = 48;
/** Memory for so many is kept. */
const LITTLE = 1 << PAGE_BITS;
/** As many keys are looked ahead at. */
export const KEYS_AHEAD = 32;

/** Words of a record: the first are its key, and the others are the owner's. */
export interface RecordWords {
  readonly key: number;
  readonly value: number;
  /** Memory stays when the last record goes: one that went may be asked about, and is zeros but for its first word. */
  readonly keepsMemory?: boolean;
}

/**
 * Records of a few words of 32 bits, by number from 1 on, that are found by their key. A million of them are no object and no work for
 * the garbage collector; memory comes a page at a time, and the number of one that goes is used again. Nobody who does not know
 * the secret of the hash can choose keys that collide.
 */
export class WordIndex {
  /** The key that is asked about is written here. */
  readonly key: Int32Array;
  readonly #stride: number;
  readonly #pageBits: number;
  readonly #inPage: number;
  readonly #keepsMemory: boolean;
  readonly #hash: KeyedHash;
  #askedHash = 0;
  /** Numbers that were looked ahead at, 0 where there was none, and how far they have been asked about. */
  readonly #ahead = new Int32Array(KEYS_AHEAD);
  #aheadCount = 0;
  #aheadAt = 0;
  /** Keeps loads from being optimised away. */
  readonly #touched = new Int32Array(1);
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
    this.#pageBits = this.#stride === LINE_WORDS ? LINES_BITS : PAGE_BITS;
    this.#inPage = (1 << this.#pageBits) - 1;
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
    if (this.#aheadAt < this.#aheadCount) {
      const number = this.#findAhead();
      if (number !== 0) return number;
    }
    const hash = this.#hash.hashWords(key, 0, 4 * key.length);
    this.#askedHash = hash;
    const slots = this.#index.segment(hash);
    const mask = slots.length - 1;
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & mask) {
      if (slots[at] === hash && this.hasKey(slots[at + 1]!)) return slots[at + 1]!;
    }
    return 0;
  }

  /** Keys are asked about in the order in which they were looked ahead at, though some not at all. */
  #findAhead(): number {
    const ahead = this.#ahead;
    for (let at = this.#aheadAt; at < this.#aheadCount; at++) {
      const number = ahead[at]!;
      if (number === 0 || !this.hasKey(number)) continue;
      this.#aheadAt = at + 1;
      return number;
    }
    this.#aheadCount = 0; // they are asked about no more: nobody pays for looking again
    return 0;
  }

  /**
   * Touches what `find` will ask for, for `count` keys one behind the other, so that cache misses overlap.
   * @returns the number of each of the first `KEYS_AHEAD`, 0 for none; until the next look
   */
  lookAhead(keys: Int32Array, count: number): Int32Array {
    const { length } = this.key;
    const most = Math.min(count, KEYS_AHEAD);
    const ahead = this.#ahead;
    for (let i = 0; i < most; i++) ahead[i] = this.#hash.hashWords(keys, i * length, 4 * length);
    // The shorter a loop, the more of its loads are under way at a time
    let touched = 0;
    for (let i = 0; i < most; i++) {
      const slots = this.#index.segment(ahead[i]!);
      touched ^= slots[this.#index.home(slots, ahead[i]!)]!;
    }
    this.#touched[0] = touched;
    for (let i = 0; i < most; i++) {
      const slots = this.#index.segment(ahead[i]!);
      // Most are there or next to it
      const home = this.#index.home(slots, ahead[i]!);
      const at = slots[home] === ahead[i] ? home : (home + 2) & (slots.length - 1);
      ahead[i] = slots[at] === ahead[i] ? slots[at + 1]! : 0;
    }
    ahead.fill(0, most);
    this.touch(ahead);
    this.#aheadCount = most;
    this.#aheadAt = 0;
    return ahead;
  }

  /** Touches records, so that cache misses overlap. 0 is none. */
  touch(numbers: Int32Array): void {
    if (this.#pages.length === 0) return;
    let touched = 0;
    for (let i = 0; i < numbers.length; i++) touched ^= this.get(numbers[i]!, 0);
    this.#touched[0] = touched;
  }

  /** Whether the key that is asked about is that of a record. */
  hasKey(number: number): boolean {
    const { key } = this;
    const page = this.#pages[number >> this.#pageBits]!;
    const start = (number & this.#inPage) * this.#stride;
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
    const page = this.#pages[number >> this.#pageBits]!;
    const start = (number & this.#inPage) * this.#stride;
    for (let word = 0; word < key.length; word++) page[start + word] = key[word]!;
    this.#size++;
    return number;
  }

  #grow(): void {
    if (this.#top >> this.#pageBits === this.#pages.length) {
      const words = this.#stride << this.#pageBits;
      this.#pages.push(new Int32Array(new SharedArrayBuffer(4 * words + BEHIND_HEADER), BEHIND_HEADER, words));
    }
    this.#top++;
  }

  /** With the last one memory goes, unless it is little, or to stay. */
  remove(number: number): void {
    const page = this.#pages[number >> this.#pageBits]!;
    const start = (number & this.#inPage) * this.#stride;
    this.#aheadCount = 0; // its number may be among them
    this.#index.remove(this.#hash.hashWords(page, start, 4 * this.key.length), number);
    page.fill(0, start, start + this.#stride);
    page[start] = this.#free;
    this.#free = number;
    this.#size--;
    if (this.#size > 0 || this.#top <= LITTLE || this.#keepsMemory) return;
    this.#index = newIndex();
    this.#pages = [];
    this.#top = 1;
    this.#free = 0;
  }

  get(number: number, word: number): number {
    return this.#pages[number >> this.#pageBits]![(number & this.#inPage) * this.#stride + word]!;
  }

  set(number: number, word: number, value: number): void {
    this.#pages[number >> this.#pageBits]![(number & this.#inPage) * this.#stride + word] = value;
  }
}

const newIndex = (): SegmentedIndex => new SegmentedIndex(SEGMENT_BITS, flooded);

function flooded(probes: number): Error {
  return new RangeError(`${probes} places in a row are taken in an index of words: its hash is no secret any more`);
}
