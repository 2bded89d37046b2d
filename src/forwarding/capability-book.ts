import {
  type CapabilityId,
  type CapabilityName,
  KEYS_AHEAD,
  putWord,
  type Random,
  toHex,
  WordIndex,
  wordAt,
} from "../base/index.ts";
import type { ChoiceId } from "./choice-book.ts";
import type { EntryId } from "./entry-records.ts";
import type { InstanceMember } from "./instance-book.ts";
import { AFFINITIES, type Affinity } from "./plan.ts";

/** A capability of a tenant that something is known of; 0 is "none". */
export type PlanId = number;

const ID_WORDS = 4;
const TENANT = 4;
const ANY = 5;
const OWN = 6;
const CHOICE = 7;
const TAXONOMY = 8;
const WAITS = 9;
const NEXT_OF_TENANT = 10;
const PREVIOUS_OF_TENANT = 11;
const AFFINITY = 12;
/** 64 octets, a line of the processor's cache. */
const WORDS = 16;

const NAMES_BITS = 12;
const NOBODY: ReadonlyMap<string, InstanceMember> = new Map();

interface Siblings {
  first: PlanId;
  last: PlanId;
}

/**
 * What is known of each capability of each tenant, a record each: there may be a million.
 *
 *     | CapID, 4 words | tenant | C::0 | C::selector | choice of sites | taxonomy | in the queue | of the tenant: next, previous | affinity |
 */
export class CapabilityBook {
  readonly #records: WordIndex;
  /** By number. Names are shared: by the tenants of a capability, and with whoever said them. */
  readonly #names: (CapabilityName | undefined)[][] = [];
  /** Of each tenant, in the order in which they came. */
  readonly #siblings = new Map<number, Siblings>();
  /** Few capabilities have instances behind this router. */
  readonly #instances = new Map<PlanId, Map<string, InstanceMember>>();
  readonly #entriesAhead = new Int32Array(KEYS_AHEAD);
  /** Where a walk over a tenant's goes on. */
  #cursor: PlanId = 0;

  constructor(random: Random) {
    this.#records = new WordIndex({ key: TENANT + 1, value: WORDS - TENANT - 1, keepsMemory: true }, random);
  }

  #ask(tenantIndex: number, id: CapabilityId): void {
    const { key } = this.#records;
    for (let word = 0; word < ID_WORDS; word++) key[word] = wordAt(id, 4 * word);
    key[TENANT] = tenantIndex;
  }

  /** 0 when it is not known. */
  find(tenantIndex: number, id: CapabilityId): PlanId {
    this.#ask(tenantIndex, id);
    return this.#records.find();
  }

  /** Touches what `find` will ask for; keys are CapID and tenant, as `DESTINATION_WORDS` of the RIB. */
  lookAhead(keys: Int32Array, count: number): void {
    this.#records.lookAhead(keys, count);
  }

  /** Touches `KEYS_AHEAD` of them, 0 is none. @returns the `any` of each, until the next ones */
  touch(plans: Int32Array): Int32Array {
    const records = this.#records;
    const entries = this.#entriesAhead;
    records.touch(plans);
    for (let i = 0; i < KEYS_AHEAD; i++) entries[i] = plans[i] === 0 ? 0 : records.get(plans[i]!, ANY);
    return entries;
  }

  /** The one that was looked for last, and is not known. */
  add(name: CapabilityName): PlanId {
    const plan = this.#records.add();
    const page = plan >> NAMES_BITS;
    this.#names[page] ??= new Array<undefined>(1 << NAMES_BITS); // as long as it will be: it does not grow
    this.#names[page][plan & ((1 << NAMES_BITS) - 1)] = name;
    const tenantIndex = this.tenant(plan);
    const siblings = this.#siblings.get(tenantIndex);
    if (siblings === undefined) this.#siblings.set(tenantIndex, { first: plan, last: plan });
    else {
      this.#records.set(siblings.last, NEXT_OF_TENANT, plan);
      this.#records.set(plan, PREVIOUS_OF_TENANT, siblings.last);
      siblings.last = plan;
    }
    return plan;
  }

  /** One without entries, choice and instances. */
  remove(plan: PlanId): void {
    const tenantIndex = this.tenant(plan);
    const next = this.#records.get(plan, NEXT_OF_TENANT);
    const previous = this.#records.get(plan, PREVIOUS_OF_TENANT);
    const siblings = this.#siblings.get(tenantIndex)!;
    if (this.#cursor === plan) this.#cursor = next;
    if (next === 0) siblings.last = previous;
    else this.#records.set(next, PREVIOUS_OF_TENANT, previous);
    if (previous === 0) siblings.first = next;
    else this.#records.set(previous, NEXT_OF_TENANT, next);
    if (siblings.first === 0) this.#siblings.delete(tenantIndex);
    this.#names[plan >> NAMES_BITS]![plan & ((1 << NAMES_BITS) - 1)] = undefined;
    this.#records.remove(plan);
  }

  /** Each number that there is or was; see {@link isUsed}. */
  get top(): PlanId {
    return this.#records.top;
  }

  isUsed(plan: PlanId): boolean {
    return this.tenant(plan) !== 0;
  }

  /** Those of one tenant; one walk at a time, which bears that some come and go meanwhile. */
  *ofTenant(tenantIndex: number): Generator<PlanId> {
    this.#cursor = this.#siblings.get(tenantIndex)?.first ?? 0;
    while (this.#cursor !== 0) {
      const plan = this.#cursor;
      this.#cursor = this.#records.get(plan, NEXT_OF_TENANT);
      yield plan;
    }
  }

  tenant(plan: PlanId): number {
    return this.#records.get(plan, TENANT);
  }

  name(plan: PlanId): CapabilityName {
    return this.#names[plan >> NAMES_BITS]![plan & ((1 << NAMES_BITS) - 1)]!;
  }

  /** Of no other capability. */
  key(plan: PlanId): string {
    const id = new Uint8Array(4 * ID_WORDS);
    for (let word = 0; word < ID_WORDS; word++) putWord(id, 4 * word, this.#records.get(plan, word));
    return `${this.tenant(plan)} ${toHex(id)}`;
  }

  /** Its address for any instance; 0 where another capability has it. */
  any(plan: PlanId): EntryId {
    return this.#records.get(plan, ANY);
  }

  setAny(plan: PlanId, entry: EntryId): void {
    this.#records.set(plan, ANY, entry);
  }

  /** The address of its instances here; 0 as long as it never had one. */
  own(plan: PlanId): EntryId {
    return this.#records.get(plan, OWN);
  }

  setOwn(plan: PlanId, entry: EntryId): void {
    this.#records.set(plan, OWN, entry);
  }

  choice(plan: PlanId): ChoiceId {
    return this.#records.get(plan, CHOICE);
  }

  setChoice(plan: PlanId, choice: ChoiceId): void {
    this.#records.set(plan, CHOICE, choice);
  }

  /** Number of the taxonomy that has it last; 0: none. */
  taxonomy(plan: PlanId): number {
    return this.#records.get(plan, TAXONOMY);
  }

  setTaxonomy(plan: PlanId, taxonomy: number): void {
    this.#records.set(plan, TAXONOMY, taxonomy);
  }

  /** Of its datagrams, as the taxonomy says; its number among {@link AFFINITIES}. */
  affinity(plan: PlanId): number {
    return this.#records.get(plan, AFFINITY);
  }

  setAffinity(plan: PlanId, affinity: Affinity | undefined): void {
    this.#records.set(plan, AFFINITY, AFFINITIES.indexOf(affinity));
  }

  /** It is in the queue of work. */
  waits(plan: PlanId): boolean {
    return this.#records.get(plan, WAITS) !== 0;
  }

  setWaits(plan: PlanId, waits: boolean): void {
    this.#records.set(plan, WAITS, waits ? 1 : 0);
  }

  /** The instances behind this router, by id. */
  instances(plan: PlanId): ReadonlyMap<string, InstanceMember> {
    return this.#instances.get(plan) ?? NOBODY;
  }

  putInstance(plan: PlanId, member: InstanceMember): void {
    const known = this.#instances.get(plan);
    if (known === undefined) this.#instances.set(plan, new Map([[member.instance.id, member]]));
    else known.set(member.instance.id, member);
  }

  dropInstance(plan: PlanId, id: string): void {
    const known = this.#instances.get(plan);
    known?.delete(id);
    if (known?.size === 0) this.#instances.delete(plan);
  }
}
