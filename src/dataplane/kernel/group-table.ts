import {
  GROUP_SLOTS,
  type GroupIndex,
  type HeldGroup,
  type NextHopIndex,
  ownersIn,
  type SlotOwner,
} from "../../forwarding/index.ts";
import { GROUP, PLAN } from "../abi.ts";
import { Grace } from "./grace.ts";

export interface StoredGroup {
  /** GROUP_SLOTS of them. */
  readonly slots: readonly SlotOwner[];
  readonly backup: NextHopIndex;
}

/** Of taking over. */
const PLACES_IN_A_STEP = 64;

/** The mmapped `groups`, and the generation of the plan in the place of group 0. One writer. */
export class GroupTable {
  readonly #words: Uint32Array;
  readonly #generation: BigUint64Array;
  readonly #grace = new Grace();
  readonly #entries: number;
  /** By index: 1 for a group. What the table says itself, without a look at it. */
  readonly #there: Uint8Array;

  /** Borrows `octets`, in which no group is: else {@link takeOver} is to be walked to its end first. */
  constructor(octets: Uint8Array) {
    this.#words = new Uint32Array(octets.buffer, octets.byteOffset, octets.length / 4);
    this.#generation = new BigUint64Array(octets.buffer, octets.byteOffset + PLAN.offsets.generation, 1);
    this.#entries = octets.length / GROUP.size;
    this.#there = new Uint8Array(this.#entries);
  }

  /**
   * Notes the groups that an earlier process has left, a step for some places of the table; `visit` is told what each names: its slots
   * are words from `first` on.
   */
  *takeOver(visit: (slots: Uint32Array, first: number, backup: NextHopIndex) => void): Generator<void> {
    for (let index = 1; index < this.#entries; index++) {
      if (index % PLACES_IN_A_STEP === 0) yield;
      const tail = this.#words[this.#tail(index)]!;
      if (tail >>> 16 !== 1) continue;
      this.#there[index] = 1;
      visit(this.#words, this.#head(index), tail & 0xffff);
    }
  }

  get generation(): number {
    return Number(this.#generation[0]);
  }

  set generation(generation: number) {
    Atomics.store(this.#generation, 0, BigInt(generation));
  }

  has(index: GroupIndex): boolean {
    return this.#there[index] === 1;
  }

  get(index: GroupIndex): StoredGroup | undefined {
    if (!this.has(index)) return undefined;
    return { slots: ownersIn(this.#words, this.#head(index)), backup: this.#words[this.#tail(index)]! & 0xffff };
  }

  /** Each slot is one store, the backup another; slots that are not named keep their owner, or have none in a new group. */
  set(index: GroupIndex, slots: readonly SlotOwner[], backup: NextHopIndex): void {
    const first = this.#head(index);
    if (!this.has(index)) {
      this.#grace.settle(index);
      this.#words.fill(0, first, first + GROUP_SLOTS);
    }
    for (const { slot, current, previous } of slots)
      Atomics.store(this.#words, first + slot, current | (previous << 16));
    Atomics.store(this.#words, this.#tail(index), backup | (1 << 16));
    this.#there[index] = 1;
  }

  /** A group that is not there yet, of packed slots (`current`, and `previous` in the upper half) from `first` on. */
  add(index: GroupIndex, slots: Uint32Array, first: number, backup: NextHopIndex): void {
    this.#grace.settle(index);
    // Nothing names it before the group is complete
    this.#words.set(slots.subarray(first, first + GROUP_SLOTS), this.#head(index));
    Atomics.store(this.#words, this.#tail(index), backup | (1 << 16));
    this.#there[index] = 1;
  }

  /** The slots stay as they are until the index is used again: a program that still looks at them acts by the old plan. */
  delete(index: GroupIndex): void {
    Atomics.store(this.#words, this.#tail(index), this.#words[this.#tail(index)]! & 0xffff);
    this.#there[index] = 0;
    this.#grace.retire(index);
  }

  /** Each group, borrowed until the next one. */
  *held(): Generator<HeldGroup> {
    const group = { index: 0, slots: new Uint32Array(GROUP_SLOTS), backup: 0 };
    for (let index = 1; index < this.#entries; index++) {
      if (!this.has(index)) continue;
      const first = this.#head(index);
      for (let slot = 0; slot < GROUP_SLOTS; slot++) group.slots[slot] = this.#words[first + slot]!;
      group.index = index;
      group.backup = this.#words[this.#tail(index)]! & 0xffff;
      yield group;
    }
  }

  *indexes(): Generator<GroupIndex> {
    for (let index = 1; index < this.#entries; index++) if (this.has(index)) yield index;
  }

  /** Word of the first slot. */
  #head(index: GroupIndex): number {
    return (index * GROUP.size + GROUP.offsets.slots) / 4;
  }

  /** Word of the backup (low half) and of `used` (high half). */
  #tail(index: GroupIndex): number {
    return (index * GROUP.size + GROUP.offsets.backup) / 4;
  }
}
