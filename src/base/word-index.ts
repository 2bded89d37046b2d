import { KeyedHash } from "./keyed-hash.ts";
import type { Random } from "./ports.ts";
import { SegmentedIndex } from "./segmented-index.ts";

const PAGE_BITS = 12;
const IN_PAGE = (1 << PAGE_BITS) - 1;
const SEGMENT_BITS = 6;

/**
 * Records of a few words of 32 bits, by number from 1 on, that are found by their first words: their key. A million of them are no object.
 * Nobody who does not know the secret of the hash can choose keys that collide.
 */
export class WordIndex {
  /** The key that is asked about is written here. */
  readonly key: Int32Array;
  readonly #stride: number;
  readonly #hash: KeyedHash;
  #askedHash = 0;
  #index = newIndex();
  /** Shared memory is not counted as the heap's: with each 10 MB that are, the garbage collector looks at everything once more. */
  #pages: Int32Array[] = [];
  #top = 1;
  /** Numbers that went, chained by their first word. */
  #free = 0;
  #size = 0;

  /** Of the words of a record the first are its key, and the others are the owner's. */
  constructor(words: { readonly key: number; readonly value: number }, random: Random) {
    this.key = new Int32Array(words.key);
    this.#stride = words.key + words.value;
    this.#hash = new KeyedHash(random, 4 * words.key);
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
      if (slots[at] === hash && this.#hasKey(slots[at + 1]!)) return slots[at + 1]!;
    }
    return 0;
  }

  #hasKey(number: number): boolean {
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
    this.#pages[number >> PAGE_BITS]!.set(this.key, (number & IN_PAGE) * this.#stride);
    this.#size++;
    return number;
  }

  #grow(): void {
    if (this.#top >> PAGE_BITS === this.#pages.length)
      this.#pages.push(new Int32Array(new SharedArrayBuffer((4 * this.#stride) << PAGE_BITS)));
    this.#top++;
  }

  /** With the last one memory goes, unless it is little. */
  remove(number: number): void {
    const page = this.#pages[number >> PAGE_BITS]!;
    const start = (number & IN_PAGE) * this.#stride;
    this.#index.remove(this.#hash.hashWords(page, start, 4 * this.key.length), number);
    page.fill(0, start, start + this.#stride);
    page[start] = this.#free;
    this.#free = number;
    this.#size--;
    if (this.#size > 0 || this.#pages.length < 2) return;
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
