import { type Ipv6Address, KEYS_AHEAD, putWord, type Random, WordIndex, wordAt } from "../base/index.ts";
import type { PlanId } from "./capability-book.ts";
import type { GroupIndex } from "./plan.ts";
import type { PolicyIndex } from "./policy.ts";

/** One address of the capability table; 0 is "none". */
export type EntryId = number;

/** What points at a group: the sites (2 × entry) or the instances (one more) of an entry. */
export type SideId = number;

const ADDRESS_WORDS = 4;
const OWNER = 4;
/** Of the sites, and three words later of the instances. */
const GROUP = 5;
const NEXT = 6;
const PREVIOUS = 7;
const SIDE_WORDS = 3;
const LOCAL = 11;
const POLICY = 12;
const INSTALLED_GROUPS = 13;
const INSTALLED_POLICY = 14;
const FLAGS = 15;
/** 64 octets, a line of the processor's cache. */
const WORDS = 16;

/** Bits of FLAGS: the affinity that it should have, and has in the data plane. */
const AFFINITY_SHIFT = 8;
const INSTALLED_AFFINITY_SHIFT = 12;
const AFFINITY_MASK = 3;

/** It should be in the data plane; it is there; it is to be compared at the end of the step. */
export const ENTRY = { wanted: 1, installed: 2, changed: 4 } as const;

/**
 * The addresses of the capability table, a record each, and the lists of those who use a group.
 *
 *     | address, 4 words | owner | site group, next, previous user | local group, next, previous user | whose local group | policy | installed: groups, policy | flags |
 */
export class EntryRecords {
  readonly #records: WordIndex;
  readonly #ahead = new Int32Array(ADDRESS_WORDS * KEYS_AHEAD);

  constructor(random: Random) {
    // Users of a group are walked over while some of them go
    this.#records = new WordIndex({ key: ADDRESS_WORDS, value: WORDS - ADDRESS_WORDS, keepsMemory: true }, random);
  }

  #ask(octets: Uint8Array, start: number): void {
    for (let word = 0; word < ADDRESS_WORDS; word++) this.#records.key[word] = wordAt(octets, start + 4 * word);
  }

  /** 0 when it is not known. */
  find(address: Ipv6Address): EntryId {
    return this.#findAt(address, 0);
  }

  #findAt(octets: Uint8Array, start: number): EntryId {
    this.#ask(octets, start);
    return this.#records.find();
  }

  /** These addresses are asked about soon, in this order: from the `first` to the `end`th in `octets`, at most KEYS_AHEAD of them. */
  lookAhead(octets: Uint8Array, first: number, end: number): void {
    for (let word = ADDRESS_WORDS * first; word < ADDRESS_WORDS * end; word++)
      this.#ahead[word - ADDRESS_WORDS * first] = wordAt(octets, 4 * word);
    this.#records.lookAhead(this.#ahead, end - first);
  }

  /** Touches them, so that cache misses overlap. 0 is none. */
  touch(entries: Int32Array): void {
    this.#records.touch(entries);
  }

  /** Also one that was not known: of the address that begins at `start`. */
  at(octets: Uint8Array, start = 0): EntryId {
    const known = this.#findAt(octets, start);
    return known === 0 ? this.#records.add() : known;
  }

  /** One that nobody owns, that uses no group and that is not in the data plane. */
  remove(entry: EntryId): void {
    this.#records.remove(entry);
  }

  get top(): EntryId {
    return this.#records.top;
  }

  /** Into `octets` from `start` on. */
  copyAddress(entry: EntryId, octets: Uint8Array, start: number): void {
    for (let word = 0; word < ADDRESS_WORDS; word++) putWord(octets, start + 4 * word, this.#records.get(entry, word));
  }

  /** 0: found in the data plane, and not yet asked for by anybody. */
  owner(entry: EntryId): PlanId {
    return this.#records.get(entry, OWNER);
  }

  setOwner(entry: EntryId, owner: PlanId): void {
    this.#records.set(entry, OWNER, owner);
  }

  siteSide(entry: EntryId): SideId {
    return 2 * entry;
  }

  /** May be that of another entry with the same instances. */
  localSide(entry: EntryId): SideId {
    const other = this.#records.get(entry, LOCAL);
    return 2 * (other === 0 ? entry : other) + 1;
  }

  /** `of`: whose instances these are; 0: its own. */
  shareLocal(entry: EntryId, of: EntryId): void {
    this.#records.set(entry, LOCAL, of);
  }

  /** The policy that it should name; 0: none. */
  policy(entry: EntryId): PolicyIndex {
    return this.#records.get(entry, POLICY);
  }

  setPolicy(entry: EntryId, policy: PolicyIndex): void {
    this.#records.set(entry, POLICY, policy);
  }

  /** Of its datagrams; its number among {@link AFFINITIES}. */
  affinity(entry: EntryId): number {
    return (this.#records.get(entry, FLAGS) >> AFFINITY_SHIFT) & AFFINITY_MASK;
  }

  setAffinity(entry: EntryId, affinity: number): void {
    this.#setBits(entry, AFFINITY_SHIFT, affinity);
  }

  installedAffinity(entry: EntryId): number {
    return (this.#records.get(entry, FLAGS) >> INSTALLED_AFFINITY_SHIFT) & AFFINITY_MASK;
  }

  setInstalledAffinity(entry: EntryId, affinity: number): void {
    this.#setBits(entry, INSTALLED_AFFINITY_SHIFT, affinity);
  }

  #setBits(entry: EntryId, shift: number, value: number): void {
    const others = this.#records.get(entry, FLAGS) & ~(AFFINITY_MASK << shift);
    this.#records.set(entry, FLAGS, others | (value << shift));
  }

  has(entry: EntryId, flag: number): boolean {
    return (this.#records.get(entry, FLAGS) & flag) !== 0;
  }

  set(entry: EntryId, flag: number): void {
    this.#records.set(entry, FLAGS, this.#records.get(entry, FLAGS) | flag);
  }

  clear(entry: EntryId, flag: number): void {
    this.#records.set(entry, FLAGS, this.#records.get(entry, FLAGS) & ~flag);
  }

  /** As the data plane has it: 0 and 0 when it does not have it. */
  installedGroup(entry: EntryId): GroupIndex {
    return this.#records.get(entry, INSTALLED_GROUPS) & 0xffff;
  }

  installedLocalGroup(entry: EntryId): GroupIndex {
    return this.#records.get(entry, INSTALLED_GROUPS) >>> 16;
  }

  installedPolicy(entry: EntryId): PolicyIndex {
    return this.#records.get(entry, INSTALLED_POLICY);
  }

  setInstalled(entry: EntryId, group: GroupIndex, localGroup: GroupIndex, policy: PolicyIndex): void {
    this.#records.set(entry, INSTALLED_GROUPS, group | (localGroup << 16));
    this.#records.set(entry, INSTALLED_POLICY, policy);
  }

  /** The group that a side uses; 0: none. */
  groupOf(side: SideId): GroupIndex {
    return this.#side(side, GROUP);
  }

  setGroup(side: SideId, group: GroupIndex): void {
    this.#setSide(side, GROUP, group);
  }

  /** The one behind it in the list of its group; 0: it is the last one. */
  nextUser(side: SideId): SideId {
    return this.#side(side, NEXT);
  }

  setNextUser(side: SideId, next: SideId): void {
    this.#setSide(side, NEXT, next);
  }

  previousUser(side: SideId): SideId {
    return this.#side(side, PREVIOUS);
  }

  setPreviousUser(side: SideId, previous: SideId): void {
    this.#setSide(side, PREVIOUS, previous);
  }

  #side(side: SideId, word: number): number {
    return this.#records.get(side >> 1, word + (side & 1) * SIDE_WORDS);
  }

  #setSide(side: SideId, word: number, value: number): void {
    this.#records.set(side >> 1, word + (side & 1) * SIDE_WORDS, value);
  }
}
