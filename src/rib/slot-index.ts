/** Slots of a bucket, a power of two: a page of memory, so that a bucket is split within a few microseconds. */
const BUCKET_BITS = 9;
/** The last word of a bucket that a place can be: two words a slot. */
const WITHIN = (2 << BUCKET_BITS) - 1;
/** More than this and somebody has found keys that collide, or the random source is broken. */
const MAX_PROBES = 256;
/** A bucket has room for no more: every search ends at a free place. */
const MOST_IN_BUCKET = 500;
/** A round of splits begins when buckets hold so many on average, and is over when they hold so many: 0.6 and 0.66 of their slots. */
const FULL = 308;
/** The first bucket is split early: V8 has seen one being split before it compiles what inserts. */
const FIRST_SPLIT = 48;
const OVERFULL = 338;

/**
 * An open-addressing hash table from 32-bit hashes to ids in one piece of reserved memory, which grows where it lies: buckets are
 * split one after the other into those behind them (linear hashing), each by an insertion, so that none takes long and nothing is
 * copied elsewhere. The owner of the ids compares keys; this class only knows hashes. Id 0 is "none".
 *
 * Owners walk a probe sequence themselves, without a call per step:
 *
 *     for (at = index.home(hash); slots[at + 1] !== 0; at = placeAfter(at)) …
 *
 * `slots[at]` is the hash, `slots[at + 1]` the id. Where a search ends that finds nothing is the place to `insert` at.
 */
export class SlotIndex {
  readonly slots: Int32Array;
  /** Buckets at the beginning of this round, a power of two, less one. */
  #mask = 0;
  /** How many of them have been split since. */
  #split = 0;
  #used = 0;
  /** With so many ids the next bucket is split. */
  #splitAt: number;
  /** By bucket: its ids. */
  readonly #counts: Uint16Array;
  readonly #moving = new Int32Array(2 << BUCKET_BITS);
  readonly #flooded: (probes: number) => Error;

  /**
   * @param limit ids that there are at most: memory is reserved for them, and is used where something is written
   * @param flooded what is thrown when so many places in a row are taken: somebody chooses the keys
   */
  constructor(limit: number, flooded: (probes: number) => Error) {
    this.#flooded = flooded;
    let buckets = 1;
    // A bucket more than fits is split before the round ends.
    while (buckets * FULL <= limit) buckets *= 2;
    this.slots = new Int32Array(buckets * (2 << BUCKET_BITS));
    this.#counts = new Uint16Array(buckets);
    this.#splitAt = buckets === 1 ? FULL : FIRST_SPLIT;
  }

  /** Position in `slots` where the search for `hash` begins. */
  home(hash: number): number {
    const mask = this.#mask;
    const narrow = hash & mask;
    // One bit more where the bucket has been split, without a branch that nobody can foresee.
    const bucket = narrow + (hash & (mask + 1) & ((narrow - this.#split) >> 31));
    return (bucket << (BUCKET_BITS + 1)) | ((hash >>> (32 - BUCKET_BITS)) << 1);
  }

  /**
   * Adds an id that is not in the table.
   * @param place where the search for it ended, with nothing inserted or removed since
   * @throws what the owner says, with nothing changed, when that is `MAX_PROBES` steps behind where it began, or the bucket is full.
   */
  insert(place: number, hash: number, id: number): void {
    const { slots } = this;
    const bucket = place >>> (BUCKET_BITS + 1);
    const isFar = ((place - this.home(hash)) & WITHIN) >= 2 * MAX_PROBES;
    if (isFar || this.#counts[bucket]! >= MOST_IN_BUCKET) throw this.#flooded(MAX_PROBES);
    this.#counts[bucket]!++;
    slots[place] = hash;
    slots[place + 1] = id;
    if (++this.#used > this.#splitAt) this.#splitNext();
  }

  /** Removes an id that is in the table, closing the gap so that no tombstone is left. */
  remove(hash: number, id: number): void {
    const { slots } = this;
    let gap = this.home(hash);
    while (slots[gap + 1] !== id) {
      if (slots[gap + 1] === 0) throw new RangeError(`id ${id} is not in the index`);
      gap = placeAfter(gap);
    }
    for (let at = placeAfter(gap); slots[at + 1] !== 0; at = placeAfter(at)) {
      // An entry may move back into the gap unless its home lies behind the gap.
      if (((at - this.home(slots[at]!)) & WITHIN) < ((at - gap) & WITHIN)) continue;
      slots[gap] = slots[at]!;
      slots[gap + 1] = slots[at + 1]!;
      gap = at;
    }
    slots[gap] = 0;
    slots[gap + 1] = 0;
    this.#counts[gap >>> (BUCKET_BITS + 1)]!--;
    this.#used--;
  }

  /** Another id in the place of one that is in the table. */
  replace(hash: number, id: number, other: number): void {
    const { slots } = this;
    let at = this.home(hash);
    while (slots[at + 1] !== id) {
      if (slots[at + 1] === 0) throw new RangeError(`id ${id} is not in the index`);
      at = placeAfter(at);
    }
    slots[at + 1] = other;
  }

  #splitNext(): void {
    const { slots } = this;
    const moving = this.#moving;
    const start = this.#split << (BUCKET_BITS + 1);
    let count = 0;
    for (let at = start; at <= start + WITHIN; at += 2) {
      const id = slots[at + 1]!;
      moving[count] = slots[at]!;
      moving[count + 1] = id;
      count += (-id >>> 31) << 1; // without a branch that nobody can foresee
      slots[at] = 0;
      slots[at + 1] = 0;
    }
    const half = this.#mask + 1;
    const away = half << (BUCKET_BITS + 1);
    slots[start + away] = 0; // memory that is read before it is written to is asked of the kernel twice
    let gone = 0;
    for (let i = 0; i < count; i += 2) {
      const hash = moving[i]!;
      const moves = (hash & half) !== 0;
      if (moves) gone++;
      let place = (start + (moves ? away : 0)) | ((hash >>> (32 - BUCKET_BITS)) << 1);
      while (slots[place + 1] !== 0) place = placeAfter(place);
      slots[place] = hash;
      slots[place + 1] = moving[i + 1]!;
    }
    this.#counts[this.#split] = (count >>> 1) - gone;
    this.#counts[this.#split + half] = gone;
    this.#split++;
    if (this.#split > this.#mask) {
      this.#mask = 2 * this.#mask + 1;
      this.#split = 0;
    }
    this.#splitAt = FULL * (this.#mask + 1) + (OVERFULL - FULL) * this.#split;
  }
}

/** Where a search is before its first step. */
export function placeBefore(place: number): number {
  return (place & ~WITHIN) | ((place - 2) & WITHIN);
}

/** The place behind another one: behind the last one of a bucket comes its first. */
export function placeAfter(place: number): number {
  return (place & ~WITHIN) | ((place + 2) & WITHIN);
}
