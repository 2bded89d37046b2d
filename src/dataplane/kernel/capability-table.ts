import type { Bpf, CapabilityLines, Filling } from "../../../native/index.ts";
import { type Ipv6Address, wordAt } from "../../base/index.ts";
import { type Affinity, AFFINITIES as BY_NUMBER, CapabilityBatch, HELD_AT_ONCE } from "../../forwarding/index.ts";
import { CAPABILITY, CAPABILITY_LINE, CAPABILITY_PROBES, KEY_EMPTY, KEY_TOMBSTONE, SPREAD } from "../abi.ts";
import { homeOf } from "../hashes.ts";

/** Of the addon: fills lines in batches. */
export type FillCapabilities = Bpf["fillCapabilities"];

/** What a capability leads to, and what is done to packets for it. */
export interface CapabilityGroups {
  readonly group: number;
  readonly localGroup: number;
  /** Absent: none. */
  readonly policy?: number;
  /** Absent: by flow. */
  readonly affinity?: Affinity;
}

/** By their octet. */
export const AFFINITIES: ReadonlyMap<number, Affinity> = new Map(
  Object.entries(SPREAD).map(([name, flag]) => [flag as number, name as Affinity]),
);

/** Words of 64 and of 32 bits in a slot. */
const WORDS = CAPABILITY.size / 8;
const CELLS = CAPABILITY.size / 4;
const KEY_WORD = CAPABILITY.offsets.key / 8;
const GROUPS_WORD = CAPABILITY.offsets.group / 8;
const KEY_CELL = CAPABILITY.offsets.key / 4;
/** Selector in the low half; flags in the third octet. */
const SELECTOR_CELL = CAPABILITY.offsets.selector / 4;
const FLAGS_SHIFT = 8 * (CAPABILITY.offsets.flags - CAPABILITY.offsets.selector);
const GROUP_CELL = CAPABILITY.offsets.group / 4;
const LOCAL_GROUP_CELL = CAPABILITY.offsets.local_group / 4;
const POLICY_CELL = CAPABILITY.offsets.policy / 4;

/** State of a line: slots with a living entry, slots with a tombstone. The others are empty. */
const LIVING = [0b0001, 0b0010] as const;
const TOMBSTONE = [0b0100, 0b1000] as const;
/** Of a line whose second slot is empty: no search goes past it. */
const SECOND_IN_USE = LIVING[1] | TOMBSTONE[1];

const flagsOf = (affinity: Affinity | undefined): number => (affinity === undefined ? 0 : SPREAD[affinity]);
/** Octets of entries, by the number of the affinity. */
const FLAGS = Uint8Array.from(BY_NUMBER, flagsOf);

/** And back. */
const NUMBERS = Uint8Array.from({ length: 256 }, (_, flags) => Math.max(0, FLAGS.indexOf(flags)));

/** Words that say what an entry names: group, local group, policy. */
export const NAMED_WORDS = 3;

/** Of taking over. */
const SLOTS_IN_A_STEP = 512;

const NOWHERE = -1;
/** Octets 6 to 15 of the address: the key and the selector. */
const KEY_AT = 6;
const SELECTOR_AT = 14;
const ADDRESS_LENGTH = 16;

/** Where an address is, or else where there is room for it: slots, or {@link NOWHERE}. */
interface Place {
  found: number;
  free: number;
}

/**
 * Open addressing over the mmapped `capabilities`, with one writer (this) and readers on every processor.
 *
 * An entry sits in the first line from its home that had room. Removing leaves a tombstone only while a living entry has
 * its home before and its place behind that line (it "passes" it); the removal of the last such entry turns the line's
 * tombstones into empty slots. So tombstones never pile up and no rebuild is needed in which a reader could miss an entry:
 * a slot becomes empty only when no search for a living entry goes past it. Which slots are in use is also noted
 * beside the table, so that looking for room touches no line of it.
 * @see dataplane/abi.h (writing rules)
 */
export class CapabilityTable {
  readonly #octets: Uint8Array;
  readonly #words: BigUint64Array;
  readonly #cells: Int32Array;
  readonly #mask: number;
  /** By line. */
  readonly #states: Uint8Array;
  /** The same, four lines at a time. */
  readonly #fours: Int32Array;
  /** By line: the living entries that pass it. At most 30. */
  readonly #passing: Uint8Array;
  readonly #place: Place = { found: NOWHERE, free: NOWHERE };
  readonly #lines: CapabilityLines;
  readonly #fill: FillCapabilities;
  #size = 0;

  /** Borrows `octets`, a power of two of lines, of which none is in use: else {@link takeOver} is to be walked to its end first. */
  constructor(octets: Uint8Array, fill: FillCapabilities) {
    const lines = octets.length / CAPABILITY_LINE.size;
    if (lines < CAPABILITY_PROBES || (lines & (lines - 1)) !== 0)
      throw new RangeError(`${octets.length} octets are not a power of two of lines, at least ${CAPABILITY_PROBES}`);
    this.#octets = octets;
    this.#words = new BigUint64Array(octets.buffer, octets.byteOffset, octets.length / 8);
    this.#cells = new Int32Array(octets.buffer, octets.byteOffset, octets.length / 4);
    this.#mask = lines - 1;
    this.#states = new Uint8Array(lines);
    this.#fours = new Int32Array(this.#states.buffer);
    this.#passing = new Uint8Array(lines);
    this.#lines = { table: octets, states: this.#states, passing: this.#passing };
    this.#fill = fill;
  }

  /** Notes which slots an earlier process has left in use, a step for some lines; `visit` is told what each entry names. */
  *takeOver(visit: (group: number, localGroup: number, policy: number) => void): Generator<void> {
    const cells = this.#cells;
    for (let slot = 0; slot < 2 * this.#states.length; slot++) {
      if (slot % SLOTS_IN_A_STEP === 0) {
        yield;
        // Their pages are there from now on, not only when a start fills them
        this.#states[slot >> 1]! |= 0;
        this.#passing[slot >> 1]! |= 0;
      }
      const cell = slot * CELLS;
      const [low, high] = [cells[cell + KEY_CELL]!, cells[cell + KEY_CELL + 1]!];
      if (low === 0 && high === 0) continue;
      if (low === -1 && high === -1) {
        this.#states[slot >> 1]! |= TOMBSTONE[slot & 1]!;
        continue;
      }
      this.#states[slot >> 1]! |= LIVING[slot & 1]!;
      this.#size++;
      this.#countPassed(this.#homeOfSlot(slot), slot, 1);
      visit(cells[cell + GROUP_CELL]! >>> 0, cells[cell + LOCAL_GROUP_CELL]! >>> 0, cells[cell + POLICY_CELL]! >>> 0);
    }
  }

  get size(): number {
    return this.#size;
  }

  get(address: Ipv6Address): CapabilityGroups | undefined {
    const { found } = this.#lookFor(address);
    return found === NOWHERE ? undefined : this.#groupsAt(found);
  }

  /** Sets what an address leads to. False when none of its lines has room. */
  set(address: Ipv6Address, groups: CapabilityGroups): boolean {
    const { found, free } = this.#lookFor(address);
    if (found !== NOWHERE) {
      this.#storeGroups(found, groups);
      return true;
    }
    if (free === NOWHERE) return false;
    this.#cells[free * CELLS + SELECTOR_CELL] = selectorOf(address);
    this.#storeGroups(free, groups);
    Atomics.store(this.#words, free * WORDS + KEY_WORD, keyOf(address));
    this.#occupy(free, this.#homeOfSlot(free));
    this.#size++;
    return true;
  }

  /**
   * Sets the entries of a batch from `first` to `end` (not included), at most `room` of them whose addresses are not there yet. One store
   * for each new key, behind what it leads to; so a reader sees an entry whole or not at all, and those of the batch one after the
   * other.
   */
  fill(batch: CapabilityBatch, first: number, end: number, room: number): Filling {
    const filling = this.#fill(this.#lines, batch, first, end, room, FLAGS);
    this.#size += filling.end - first - filling.replaced.length / NAMED_WORDS;
    return filling;
  }

  /** False when the address was not there. */
  delete(address: Ipv6Address): boolean {
    const { found: slot } = this.#lookFor(address);
    if (slot === NOWHERE) return false;
    const home = this.#homeOfSlot(slot);
    Atomics.store(this.#words, slot * WORDS + KEY_WORD, KEY_TOMBSTONE);
    this.#states[slot >> 1]! ^= LIVING[slot & 1]! | TOMBSTONE[slot & 1]!;
    this.#countPassed(home, slot, -1);
    this.#sweep(slot >> 1);
    this.#size--;
    return true;
  }

  /** Each entry; `domain` gives the first six octets of the addresses. */
  *entries(domain: Uint8Array): Generator<readonly [Ipv6Address, CapabilityGroups]> {
    const prefix = domain.subarray(0, KEY_AT);
    for (let slot = this.#livingFrom(0); slot !== NOWHERE; slot = this.#livingFrom(slot + 1)) {
      const address = new Uint8Array(ADDRESS_LENGTH);
      address.set(prefix);
      yield [this.#addressAt(slot, address), this.#groupsAt(slot)];
    }
  }

  /** All entries, some at a time, borrowed until the next ones; `domain` as above. */
  *held(domain: Uint8Array): Generator<CapabilityBatch> {
    const batch = new CapabilityBatch(HELD_AT_ONCE);
    const [cells, words] = [this.#cells, batch.addressWords];
    const [first, second] = [wordAt(domain, 0), domain[4]! | (domain[5]! << 8)];
    for (let slot = this.#livingFrom(0); slot !== NOWHERE; slot = this.#livingFrom(slot + 1)) {
      const cell = slot * CELLS;
      const [low, high] = [cells[cell + KEY_CELL]!, cells[cell + KEY_CELL + 1]!];
      const selector = cells[cell + SELECTOR_CELL]!;
      const affinity = NUMBERS[(selector >>> FLAGS_SHIFT) & 0xff]!;
      const [group, localGroup] = [cells[cell + GROUP_CELL]!, cells[cell + LOCAL_GROUP_CELL]!];
      const at = batch.add(group, localGroup, cells[cell + POLICY_CELL]!, affinity) >> 2;
      // The key begins in the middle of a word of the address
      words[at] = first;
      words[at + 1] = second | (low << 16);
      words[at + 2] = (low >>> 16) | (high << 16);
      words[at + 3] = (high >>> 16) | (selector << 16);
      if (!batch.isFull) continue;
      yield batch;
      batch.clear();
    }
    if (batch.length > 0) yield batch;
  }

  /** The first slot from this one on with a living entry; {@link NOWHERE}: there is none. */
  #livingFrom(from: number): number {
    const states = this.#states;
    for (let slot = from; slot < 2 * states.length; slot++) {
      // Four lines at a time: a table of four million slots may have but a few entries, far from each other
      if ((slot & 7) === 0 && this.#fours[slot >> 3] === 0) slot += 7;
      else if ((states[slot >> 1]! & LIVING[slot & 1]!) !== 0) return slot;
    }
    return NOWHERE;
  }

  /** Slots that hold neither an entry nor an end of a search. For tests and metrics; looks at each line. */
  tombstones(): number {
    let count = 0;
    for (const state of this.#states) for (const bit of TOMBSTONE) if ((state & bit) !== 0) count++;
    return count;
  }

  #groupsAt(slot: number): CapabilityGroups {
    const cell = slot * CELLS;
    const policy = this.#cells[cell + POLICY_CELL]! >>> 0;
    const affinity = AFFINITIES.get((this.#cells[cell + SELECTOR_CELL]! >>> FLAGS_SHIFT) & 0xff);
    return {
      ...{ group: this.#cells[cell + GROUP_CELL]! >>> 0, localGroup: this.#cells[cell + LOCAL_GROUP_CELL]! >>> 0 },
      ...(policy === 0 ? {} : { policy }),
      ...(affinity === undefined ? {} : { affinity }),
    };
  }

  /** Both groups in one store: a reader sees the old two or the new two. Policy and flags are others. */
  #storeGroups(slot: number, { group, localGroup, policy = 0, affinity }: CapabilityGroups): void {
    this.#octets[slot * CAPABILITY.size + CAPABILITY.offsets.flags] = flagsOf(affinity);
    Atomics.store(this.#cells, slot * CELLS + POLICY_CELL, policy);
    Atomics.store(this.#words, slot * WORDS + GROUPS_WORD, BigInt(group) | (BigInt(localGroup) << 32n));
  }

  /** Fills in the octets of the address that the slot knows. */
  #addressAt(slot: number, address: Uint8Array): Uint8Array {
    const at = slot * CAPABILITY.size;
    address.set(this.#octets.subarray(at + CAPABILITY.offsets.key, at + CAPABILITY.offsets.key + 8), KEY_AT);
    const selector = at + CAPABILITY.offsets.selector;
    address.set(this.#octets.subarray(selector, selector + 2), SELECTOR_AT);
    return address;
  }

  #homeOfSlot(slot: number): number {
    const cell = slot * CELLS;
    const selector = this.#cells[cell + SELECTOR_CELL]! & 0xffff;
    const [low, high] = [this.#cells[cell + KEY_CELL]!, this.#cells[cell + KEY_CELL + 1]!];
    return homeOf(low, high, selector, this.#mask);
  }

  #lookFor(address: Ipv6Address): Readonly<Place> {
    const view = new DataView(address.buffer, address.byteOffset + KEY_AT);
    const [low, high, selector] = [view.getInt32(0, true), view.getInt32(4, true), view.getUint16(8, true)];
    return this.#look(homeOf(low, high, selector, this.#mask), low, high, selector);
  }

  /** Looks at the lines from `home` on. The answer is valid until the next look. */
  #look(home: number, low: number, high: number, selector: number): Readonly<Place> {
    const place = this.#place;
    place.found = NOWHERE;
    place.free = NOWHERE;
    for (let probe = 0; probe < CAPABILITY_PROBES; probe++) {
      const line = (home + probe) & this.#mask;
      const state = this.#states[line]!;
      for (let slot = 2 * line; slot < 2 * line + 2; slot++) {
        if ((state & LIVING[slot & 1]!) === 0) {
          if (place.free === NOWHERE) place.free = slot;
        } else if (this.#holds(slot, low, high, selector)) {
          place.found = slot;
          return place;
        }
      }
      if ((state & SECOND_IN_USE) === 0) return place;
    }
    return place;
  }

  #holds(slot: number, low: number, high: number, selector: number): boolean {
    const cell = slot * CELLS;
    const cells = this.#cells;
    return (
      cells[cell + KEY_CELL] === low &&
      cells[cell + KEY_CELL + 1] === high &&
      (cells[cell + SELECTOR_CELL]! & 0xffff) === selector
    );
  }

  /** A free slot has an entry from now on, whose search begins at `home`. */
  #occupy(slot: number, home: number): void {
    const line = slot >> 1;
    this.#states[line] = (this.#states[line]! | LIVING[slot & 1]!) & ~TOMBSTONE[slot & 1]!;
    if (home !== line) this.#countPassed(home, slot, 1);
  }

  /** Counts an entry in or out at the lines that a search for it goes past. */
  #countPassed(home: number, slot: number, by: 1 | -1): void {
    for (let line = home; line !== slot >> 1; line = (line + 1) & this.#mask) {
      this.#passing[line]! += by;
      if (by === -1) this.#sweep(line);
    }
  }

  /** Turns the tombstones of a line that nobody passes into empty slots. */
  #sweep(line: number): void {
    if (this.#passing[line] !== 0) return;
    for (const [slot, bit] of TOMBSTONE.entries()) {
      if ((this.#states[line]! & bit) === 0) continue;
      Atomics.store(this.#words, (2 * line + slot) * WORDS + KEY_WORD, KEY_EMPTY);
      this.#states[line]! ^= bit;
    }
  }
}

/** As it lies in memory, read as this (little-endian) machine reads it. */
function selectorOf(address: Ipv6Address): number {
  return address[SELECTOR_AT]! | (address[SELECTOR_AT + 1]! << 8);
}

/** Octets 6 to 13 as they lie in memory, likewise. */
function keyOf(address: Ipv6Address): bigint {
  return new DataView(address.buffer, address.byteOffset + KEY_AT, 8).getBigUint64(0, true);
}
