import { RibError } from "./fault.ts";

const FIRST_SLOTS = 32;
/** More than this and somebody has found keys that collide, or the random source is broken. */
const MAX_PROBES = 128;

/**
 * An open-addressing hash table from 32-bit hashes to ids, in segments that double on their own: growing rehashes one
 * segment, never the table. The owner of the ids compares keys; this class only knows hashes. Id 0 is "none".
 *
 * Owners walk a probe sequence themselves, without a call per step:
 *
 *     const slots = index.segment(hash);
 *     for (let at = index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) …
 *
 * `slots[at]` is the hash, `slots[at + 1]` the id.
 */
export class SegmentedIndex {
  readonly #segments: Int32Array[];
  readonly #used: Int32Array;
  readonly #shift: number;

  constructor(segmentBits: number) {
    this.#shift = 32 - segmentBits;
    this.#used = new Int32Array(2 ** segmentBits);
    this.#segments = Array.from(this.#used, () => new Int32Array(2 * FIRST_SLOTS));
  }

  segment(hash: number): Int32Array {
    return this.#segments[hash >>> this.#shift]!;
  }

  /** Position in `slots` where the search for `hash` begins. */
  home(slots: Int32Array, hash: number): number {
    return (hash << 1) & (slots.length - 1);
  }

  /**
   * Adds an id whose key is known not to be in the table.
   * @throws {RibError} `rib.hash-flooded`, with nothing changed, when no free place is within `MAX_PROBES` steps.
   */
  insert(hash: number, id: number): void {
    const number = hash >>> this.#shift;
    let slots = this.#segments[number]!;
    const used = this.#used[number]!;
    if (used * 16 >= slots.length * 6) slots = this.#grow(number);
    let place = freePlace(slots, hash);
    // A long run in a table that is far from full: give it room once more, then call it what it is.
    if (place < 0 && used * 32 >= slots.length) {
      slots = this.#grow(number);
      place = freePlace(slots, hash);
    }
    if (place < 0) throw new RibError({ code: "rib.hash-flooded", probes: MAX_PROBES });
    slots[place] = hash;
    slots[place + 1] = id;
    this.#used[number] = used + 1;
  }

  /** Removes an id that is in the table, closing the gap so that no tombstone is left. */
  remove(hash: number, id: number): void {
    const number = hash >>> this.#shift;
    const slots = this.#segments[number]!;
    const mask = slots.length - 1;
    let gap = this.home(slots, hash);
    while (slots[gap + 1] !== id) {
      if (slots[gap + 1] === 0) throw new RangeError(`id ${id} is not in the index`);
      gap = (gap + 2) & mask;
    }
    for (let at = (gap + 2) & mask; slots[at + 1] !== 0; at = (at + 2) & mask) {
      // An entry may move back into the gap unless its home lies behind the gap.
      if (((at - this.home(slots, slots[at]!)) & mask) < ((at - gap) & mask)) continue;
      slots[gap] = slots[at]!;
      slots[gap + 1] = slots[at + 1]!;
      gap = at;
    }
    slots[gap] = 0;
    slots[gap + 1] = 0;
    this.#used[number]!--;
  }

  #grow(number: number): Int32Array {
    const old = this.#segments[number]!;
    const slots = new Int32Array(2 * old.length);
    const mask = slots.length - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let at = this.home(slots, old[i]!);
      while (slots[at + 1] !== 0) at = (at + 2) & mask;
      slots[at] = old[i]!;
      slots[at + 1] = old[i + 1]!;
    }
    this.#segments[number] = slots;
    return slots;
  }
}

function freePlace(slots: Int32Array, hash: number): number {
  const mask = slots.length - 1;
  let at = (hash << 1) & mask;
  for (let probes = 0; probes < MAX_PROBES; probes++, at = (at + 2) & mask) if (slots[at + 1] === 0) return at;
  return -1;
}
