const PAGE_BITS = 14;
const PAGE = 1 << PAGE_BITS;

/** Where in a slab a run of words is. */
export type WordPlace = number;

/** Many runs of words of any length, that live long and go one by one, in few pieces of memory. */
export class WordSlab {
  readonly #pages: Int32Array[] = [];
  /** By length: places that are free again. */
  readonly #free = new Map<number, WordPlace[]>();
  #used = PAGE;

  /** A copy of the first `length` words. */
  copy(words: Int32Array, length: number): WordPlace {
    const place = this.#free.get(length)?.pop() ?? this.#room(length);
    const page = this.#pages[place >> PAGE_BITS]!;
    const start = place & (PAGE - 1);
    for (let i = 0; i < length; i++) page[start + i] = words[i]!;
    return place;
  }

  #room(length: number): WordPlace {
    if (this.#used + length > PAGE) {
      this.#pages.push(new Int32Array(Math.max(PAGE, length)));
      this.#used = 0;
    }
    const place = ((this.#pages.length - 1) << PAGE_BITS) + this.#used;
    this.#used += length;
    return place;
  }

  free(place: WordPlace, length: number): void {
    const places = this.#free.get(length);
    if (places === undefined) this.#free.set(length, [place]);
    else places.push(place);
  }

  get(place: WordPlace, at: number): number {
    return this.#pages[place >> PAGE_BITS]![(place & (PAGE - 1)) + at]!;
  }

  equals(place: WordPlace, words: Int32Array, length: number): boolean {
    const page = this.#pages[place >> PAGE_BITS]!;
    const start = place & (PAGE - 1);
    for (let i = 0; i < length; i++) if (page[start + i] !== words[i]) return false;
    return true;
  }
}
