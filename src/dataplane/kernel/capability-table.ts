import type { Ipv6Address } from "../../base/index.ts";
import type { Affinity } from "../../forwarding/index.ts";
import {
  CAPABILITY,
  CAPABILITY_LINE,
  CAPABILITY_LINE_SLOTS,
  CAPABILITY_PROBES,
  capabilityHome,
  KEY_EMPTY,
  KEY_TOMBSTONE,
  SPREAD,
} from "../abi.ts";

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

const WORDS = CAPABILITY.size / 8;
const KEY_WORD = CAPABILITY.offsets.key / 8;
const GROUPS_WORD = CAPABILITY.offsets.group / 8;
const POLICY_WORD = CAPABILITY.offsets.policy / 8;
/** Octets 6 to 15 of the address: the key and the selector. */
const KEY_AT = 6;
const SELECTOR_AT = 14;
const ADDRESS_LENGTH = 16;

/**
 * Open addressing over the mmapped `capabilities`, with one writer (this) and readers on every processor.
 *
 * An entry sits in the first line from its home that had room. Removing leaves a tombstone only while a living entry has
 * its home before and its place behind that line (it "passes" it); the removal of the last such entry turns the line's
 * tombstones into empty slots. So tombstones never pile up and no rebuild is needed in which a reader could miss an entry:
 * a slot becomes empty only when no search for a living entry goes past it.
 * @see dataplane/abi.h (writing rules)
 */
export class CapabilityTable {
  readonly #octets: Uint8Array;
  readonly #words: BigUint64Array;
  readonly #mask: number;
  /** By line: the living entries that pass it. At most 30. */
  readonly #passing: Uint8Array;
  #size = 0;

  /** Borrows `octets` (a power of two of lines) and takes over what is in it. Cost: one look at each slot. */
  constructor(octets: Uint8Array) {
    const lines = octets.length / CAPABILITY_LINE.size;
    if (lines < CAPABILITY_PROBES || (lines & (lines - 1)) !== 0)
      throw new RangeError(`${octets.length} octets are not a power of two of lines, at least ${CAPABILITY_PROBES}`);
    this.#octets = octets;
    this.#words = new BigUint64Array(octets.buffer, octets.byteOffset, octets.length / 8);
    this.#mask = lines - 1;
    this.#passing = new Uint8Array(lines);
    for (const slot of this.#livingSlots()) {
      this.#size++;
      this.#countPassed(this.#addressAt(slot, new Uint8Array(ADDRESS_LENGTH)), slot, 1);
    }
  }

  get size(): number {
    return this.#size;
  }

  get(address: Ipv6Address): CapabilityGroups | undefined {
    const slot = this.#find(address);
    return slot === undefined ? undefined : this.#groupsAt(slot);
  }

  /** Sets what an address leads to. False when none of its lines has room. */
  set(address: Ipv6Address, groups: CapabilityGroups): boolean {
    const present = this.#find(address);
    if (present !== undefined) {
      this.#storeGroups(present, groups);
      return true;
    }
    const slot = this.#freeSlot(address);
    if (slot === undefined) return false;
    this.#octets.set(address.subarray(SELECTOR_AT), slot * CAPABILITY.size + CAPABILITY.offsets.selector);
    this.#storeGroups(slot, groups);
    Atomics.store(this.#words, slot * WORDS + KEY_WORD, keyOf(address));
    this.#countPassed(address, slot, 1);
    this.#size++;
    return true;
  }

  /** False when the address was not there. */
  delete(address: Ipv6Address): boolean {
    const slot = this.#find(address);
    if (slot === undefined) return false;
    Atomics.store(this.#words, slot * WORDS + KEY_WORD, KEY_TOMBSTONE);
    this.#countPassed(address, slot, -1);
    this.#sweep(lineOf(slot));
    this.#size--;
    return true;
  }

  /** Each entry; `domain` gives the first six octets of the addresses. */
  *entries(domain: Uint8Array): Generator<readonly [Ipv6Address, CapabilityGroups]> {
    for (const slot of this.#livingSlots()) {
      const address = new Uint8Array(ADDRESS_LENGTH);
      address.set(domain.subarray(0, KEY_AT));
      yield [this.#addressAt(slot, address), this.#groupsAt(slot)];
    }
  }

  /** Slots that hold neither an entry nor an end of a search. For tests and metrics; looks at each slot. */
  tombstones(): number {
    let count = 0;
    for (let slot = 0; slot < this.#slots; slot++) if (this.#keyAt(slot) === KEY_TOMBSTONE) count++;
    return count;
  }

  get #slots(): number {
    return (this.#mask + 1) * CAPABILITY_LINE_SLOTS;
  }

  *#livingSlots(): Generator<number> {
    for (let slot = 0; slot < this.#slots; slot++) {
      const key = this.#keyAt(slot);
      if (key !== KEY_EMPTY && key !== KEY_TOMBSTONE) yield slot;
    }
  }

  #keyAt(slot: number): bigint {
    return this.#words[slot * WORDS + KEY_WORD]!;
  }

  #groupsAt(slot: number): CapabilityGroups {
    const both = this.#words[slot * WORDS + GROUPS_WORD]!;
    const policy = Number(this.#words[slot * WORDS + POLICY_WORD]! & 0xffff_ffffn);
    const affinity = AFFINITIES.get(this.#octets[slot * CAPABILITY.size + CAPABILITY.offsets.flags]!);
    return {
      ...{ group: Number(both & 0xffff_ffffn), localGroup: Number(both >> 32n) },
      ...(policy === 0 ? {} : { policy }),
      ...(affinity === undefined ? {} : { affinity }),
    };
  }

  /** Both groups in one store: a reader sees the old two or the new two. Policy and flags are others. */
  #storeGroups(slot: number, { group, localGroup, policy = 0, affinity }: CapabilityGroups): void {
    this.#octets[slot * CAPABILITY.size + CAPABILITY.offsets.flags] = affinity === undefined ? 0 : SPREAD[affinity];
    Atomics.store(this.#words, slot * WORDS + POLICY_WORD, BigInt(policy));
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

  #find(address: Ipv6Address): number | undefined {
    const key = keyOf(address);
    const home = capabilityHome(address, this.#mask);
    for (let probe = 0; probe < CAPABILITY_PROBES; probe++) {
      const first = ((home + probe) & this.#mask) * CAPABILITY_LINE_SLOTS;
      for (let slot = first; slot < first + CAPABILITY_LINE_SLOTS; slot++)
        if (this.#keyAt(slot) === key && this.#hasSelector(slot, address)) return slot;
      if (this.#keyAt(first + 1) === KEY_EMPTY) return undefined;
    }
    return undefined;
  }

  #hasSelector(slot: number, address: Ipv6Address): boolean {
    const at = slot * CAPABILITY.size + CAPABILITY.offsets.selector;
    return this.#octets[at] === address[SELECTOR_AT] && this.#octets[at + 1] === address[SELECTOR_AT + 1];
  }

  #freeSlot(address: Ipv6Address): number | undefined {
    const home = capabilityHome(address, this.#mask);
    for (let probe = 0; probe < CAPABILITY_PROBES; probe++) {
      const first = ((home + probe) & this.#mask) * CAPABILITY_LINE_SLOTS;
      for (let slot = first; slot < first + CAPABILITY_LINE_SLOTS; slot++) {
        const key = this.#keyAt(slot);
        if (key === KEY_EMPTY || key === KEY_TOMBSTONE) return slot;
      }
    }
    return undefined;
  }

  /** Counts an entry in or out at the lines that a search for it goes past. */
  #countPassed(address: Ipv6Address, slot: number, by: 1 | -1): void {
    const home = capabilityHome(address, this.#mask);
    for (let line = home; line !== lineOf(slot); line = (line + 1) & this.#mask) {
      this.#passing[line]! += by;
      if (by === -1) this.#sweep(line);
    }
  }

  /** Turns the tombstones of a line that nobody passes into empty slots. */
  #sweep(line: number): void {
    if (this.#passing[line] !== 0) return;
    const first = line * CAPABILITY_LINE_SLOTS;
    for (let slot = first; slot < first + CAPABILITY_LINE_SLOTS; slot++)
      if (this.#keyAt(slot) === KEY_TOMBSTONE) Atomics.store(this.#words, slot * WORDS + KEY_WORD, KEY_EMPTY);
  }
}

function lineOf(slot: number): number {
  return Math.floor(slot / CAPABILITY_LINE_SLOTS);
}

/** Octets 6 to 13 as they lie in memory, read as this (little-endian) machine reads them. */
function keyOf(address: Ipv6Address): bigint {
  const view = new DataView(address.buffer, address.byteOffset + KEY_AT, 8);
  return view.getBigUint64(0, true);
}
