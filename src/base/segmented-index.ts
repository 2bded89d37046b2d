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
  /** By the length of a segment: memory for all segments of this length, how many have had theirs, and how many need it no more. */
  readonly #rooms = new Map<number, { readonly memory: ArrayBuffer; taken: number; left: number }>();

  readonly #flooded: (probes: number) => Error;

  /** @param flooded what is thrown when so many places in a row are taken: somebody chooses the keys */
  constructor(segmentBits: number, flooded: (probes: number) => Error) {
    this.#flooded = flooded;
    this.#shift = 32 - segmentBits;
    this.#used = new Int32Array(2 ** segmentBits);
    this.#segments = Array.from(this.#used, () => this.#room(2 * FIRST_SLOTS));
  }

  /**
   * Segments grow at about the same time, since hashes are even: those of one length share memory, which goes as a whole when the
   * last of them has grown. Each in memory of its own would leave as much again in pieces that nothing else fits.
   */
  #room(length: number): Int32Array {
    const room = this.#rooms.get(length) ?? {
      memory: new ArrayBuffer(4 * length * this.#used.length),
      taken: 0,
      left: 0,
    };
    this.#rooms.set(length, room);
    return new Int32Array(room.memory, 4 * length * room.taken++, length);
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
   * @throws what the owner says, with nothing changed, when no free place is within `MAX_PROBES` steps.
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
    if (place < 0) throw this.#flooded(MAX_PROBES);
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
    const slots = this.#room(2 * old.length);
    const mask = slots.length - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let at = this.home(slots, old[i]!);
      while (slots[at + 1] !== 0) at = (at + 2) & mask;
      slots[at] = old[i]!;
      slots[at + 1] = old[i + 1]!;
    }
    this.#segments[number] = slots;
    const room = this.#rooms.get(old.length)!;
    if (++room.left === this.#used.length) {
      this.#rooms.delete(old.length);
      room.memory.transfer(0); // gone now, not when the garbage collector comes by
    }
    return slots;
  }
}

function freePlace(slots: Int32Array, hash: number): number {
  const mask = slots.length - 1;
  let at = (hash << 1) & mask;
  for (let probes = 0; probes < MAX_PROBES; probes++, at = (at + 2) & mask) if (slots[at + 1] === 0) return at;
  return -1;
}
