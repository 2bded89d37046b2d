const PAGE_BITS = 14;
const PAGE = 1 << PAGE_BITS;
const IN_PAGE = PAGE - 1;
/** Runs begin at lines of the processor's cache as far as their lengths allow; 0 is no place. */
const FIRST = 16;

/** Where in a slab a run of words is; never 0. */
export type WordPlace = number;

/** Many runs of words of any length, that live long and go one by one, in few pieces of memory. */
export class WordSlab {
  readonly #pages: Int32Array[] = [];
  /** By length: places that are free again. */
  readonly #free = new Map<number, WordPlace[]>();
  #used = PAGE;

  /** Words that are whatever was there before. */
  take(length: number): WordPlace {
    const place = this.#free.get(length)?.pop();
    if (place !== undefined) return place;
    if (this.#used + length > PAGE) {
      this.#pages.push(new Int32Array(Math.max(PAGE, length + FIRST)));
      this.#used = FIRST;
    }
    const room = ((this.#pages.length - 1) << PAGE_BITS) + this.#used;
    this.#used += length;
    return room;
  }

  free(place: WordPlace, length: number): void {
    const places = this.#free.get(length);
    if (places === undefined) this.#free.set(length, [place]);
    else places.push(place);
  }

  get(place: WordPlace, at: number): number {
    return this.#pages[place >> PAGE_BITS]![(place & IN_PAGE) + at]!;
  }

  set(place: WordPlace, at: number, word: number): void {
    this.#pages[place >> PAGE_BITS]![(place & IN_PAGE) + at] = word;
  }

  /** The first `length` words of `words` are those from `at` on. */
  equals(place: WordPlace, at: number, words: Int32Array, length: number): boolean {
    const page = this.#pages[place >> PAGE_BITS]!;
    const start = (place & IN_PAGE) + at;
    for (let i = 0; i < length; i++) if (page[start + i] !== words[i]) return false;
    return true;
  }
}
