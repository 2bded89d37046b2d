/** Words of a record: 64 octets, a line of the processor's cache. */
const STRIDE_BITS = 4;
const PAGE_BITS = 12;
const IN_PAGE = (1 << PAGE_BITS) - 1;
/**
 * A page is never given back, so the garbage collector has nothing to find in it. Shared memory is not counted as its heap: with
 * each 10 MB that are, it looks at everything once more, which made twenty times of the cold start of a million records.
 */
const PAGE_OCTETS = 4 << (PAGE_BITS + STRIDE_BITS);

/**
 * Records of 16 words of 32 bits by number, from 1 on. A million of them are no object and no work for the garbage
 * collector; memory comes a page of 4096 at a time, and the number of one that goes is used again.
 */
export class Records {
  readonly #pages: Int32Array[] = [];
  #top = 1;
  /** Those that went, chained by their first word. */
  #free = 0;

  /** Every number is below it. */
  get top(): number {
    return this.#top;
  }

  /** A record of zeros. */
  take(): number {
    const reused = this.#free;
    if (reused !== 0) {
      this.#free = this.get(reused, 0);
      this.set(reused, 0, 0);
      return reused;
    }
    if (this.#top >> PAGE_BITS === this.#pages.length)
      this.#pages.push(new Int32Array(new SharedArrayBuffer(PAGE_OCTETS)));
    return this.#top++;
  }

  give(number: number): void {
    const start = (number & IN_PAGE) << STRIDE_BITS;
    this.#pages[number >> PAGE_BITS]!.fill(0, start, start + (1 << STRIDE_BITS));
    this.set(number, 0, this.#free);
    this.#free = number;
  }

  get(number: number, word: number): number {
    return this.#pages[number >> PAGE_BITS]![((number & IN_PAGE) << STRIDE_BITS) + word]!;
  }

  /** Its first words are these. */
  begins(number: number, words: Int32Array): boolean {
    const page = this.#pages[number >> PAGE_BITS]!;
    const start = (number & IN_PAGE) << STRIDE_BITS;
    for (let word = 0; word < words.length; word++) if (page[start + word] !== words[word]) return false;
    return true;
  }

  set(number: number, word: number, value: number): void {
    this.#pages[number >> PAGE_BITS]![((number & IN_PAGE) << STRIDE_BITS) + word] = value;
  }
}
