import type { NetStore } from "./net-store.ts";
import type { PathChooser } from "./path-chooser.ts";
import { type PathMarks, SLOTS } from "./path-marks.ts";
import { recordOf, SET } from "./path-record.ts";
import type { NetId } from "./types.ts";

/**
 * The identifiers under which the paths of a net are sent, the same ones to all neighbours: small numbers of the net, which a
 * path gets when it is sent for the first time and keeps. Of a net with more paths than there are numbers, the best have one.
 */
export class PathSlots {
  /** Places of the net that was ordered last, the best first. */
  readonly order = new Int32Array(SLOTS);
  readonly #store: NetStore;
  readonly #chooser: PathChooser;
  readonly #marks: PathMarks;
  readonly #reassigned: (net: NetId, bit: number) => void;

  /** @param reassigned a number stands for another path from now on */
  constructor(store: NetStore, chooser: PathChooser, marks: PathMarks, reassigned: (net: NetId, bit: number) => void) {
    this.#store = store;
    this.#chooser = chooser;
    this.#marks = marks;
    this.#reassigned = reassigned;
  }

  /** Fills `order`; returns how many paths it has. */
  rank(net: NetId): number {
    return this.#store.nets[recordOf(net) + SET] === 0 ? 0 : this.#chooser.rank(net, this.order);
  }

  /** The number of one of the first `count` places of `order`; it gets one where it has none. */
  slotOf(net: NetId, place: number, count: number): number {
    const known = this.#marks.slotOf(net, place);
    if (known !== 0) return known;
    let used = 0;
    let last = 0;
    for (let other = 0; ; ) {
      const slot = this.#marks.slotOf(net, other);
      if (slot !== 0) used |= 1 << (slot - 1);
      if (slot !== 0 && !this.#isOrdered(other, count)) last = other;
      other = this.#store.placeAfter(net, other);
      if (other === 0) break;
    }
    let slot = Math.clz32(~used & -~used);
    if (used === -1) {
      // All numbers are taken, one at least by a path that is not among the best any more.
      slot = this.#marks.slotOf(net, last);
      this.#marks.setSlot(net, last, 0);
    } else slot = 32 - slot;
    this.#marks.setSlot(net, place, slot);
    this.#reassigned(net, 1 << (slot - 1));
    return slot;
  }

  /** The bit of the number that a path has; 0 where it has none. */
  bitOf(net: NetId, place: number): number {
    const slot = this.#marks.slotOf(net, place);
    return slot === 0 ? 0 : 1 << (slot - 1);
  }

  #isOrdered(place: number, count: number): boolean {
    for (let i = 0; i < count; i++) if (this.order[i] === place) return true;
    return false;
  }

  /** Where the path with this number is; -1 when there is none. */
  placeOf(net: NetId, slot: number): number {
    let place = 0;
    do {
      if (this.#marks.slotOf(net, place) === slot) return place;
      place = this.#store.placeAfter(net, place);
    } while (place !== 0);
    return -1;
  }
}
