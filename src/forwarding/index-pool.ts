const COMPACTED_AT = 1024;

/** Numbers 1 to `limit`. One that was given back rests before it gets a new meaning: packets and flow entries may still name it. */
export class IndexPool {
  readonly #limit: number;
  readonly #rest: number;
  readonly #resting: { readonly index: number; readonly until: number }[] = [];
  /** Used by what was adopted. They come back like others, by resting, and never as one that was not used yet. */
  readonly #claimed = new Set<number>();
  readonly #spare: number[] = [];
  #head = 0;
  #top = 1;

  constructor(limit: number, rest: number) {
    this.#limit = limit;
    this.#rest = rest;
  }

  /** The one that rested longest, else one that was never used; `undefined` when there is neither. */
  take(now: number): number | undefined {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const rested = this.#resting[this.#head];
    if (rested !== undefined && rested.until <= now) {
      this.#head++;
      if (this.#head === COMPACTED_AT) {
        this.#resting.splice(0, COMPACTED_AT);
        this.#head = 0;
      }
      return rested.index;
    }
    while (this.#claimed.has(this.#top)) this.#top++;
    return this.#top > this.#limit ? undefined : this.#top++;
  }

  /** Marks one as used by what was adopted. Only before the first `take`. */
  claim(index: number): void {
    this.#claimed.add(index);
  }

  /** Nobody outside has heard of it. */
  giveUnused(index: number): void {
    this.#spare.push(index);
  }

  give(index: number, now: number): void {
    this.#resting.push({ index, until: now + this.#rest });
  }
}
