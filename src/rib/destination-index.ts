import type { Random } from "../base/index.ts";
import { ID_AT, listAt, NO_LIST, SITE_LIST } from "./capability-key.ts";
import { IdSet } from "./id-set.ts";
import { KeyedHash } from "./keyed-hash.ts";
import { ATTRIBUTES, DESTINATION, NET_SHIFT, NEXT, type NetStore, PREVIOUS } from "./net-store.ts";
import { SegmentedIndex } from "./segmented-index.ts";
import type { NetId } from "./types.ts";

/** A small number that stands for one (list, tenant, identifier); 0 is "none". */
export type DestinationId = number;

const SHIFT = 3;
const FIRST = 4;
const SCOPE = 5;
/** The number of the list is above the tenant index. */
const LIST_SHIFT = 16;
const TENANT_MASK = 0xffff;
const COUNT = 6;
const HASH = 7;
/** In COUNT of a record that is not used; FIRST is then the next such record. */
const UNUSED = -1;

/**
 * From (tenant, capability) to its sites of all origins, and the same for its instances and for agents: lists of nets in
 * typed arrays, 8 words a destination, and two words in each net for a doubly linked list.
 *
 *     | identifier, 4 words | first net | list and tenant index | nets | hash |
 *
 * Tenant 0 holds the routes that no tenant imports.
 */
export class DestinationIndex {
  /** Destinations whose selection may be another one since they were last visited. */
  readonly changed: IdSet;
  /** Announcements are refused when this many are in use; moves between tenants have room beyond it. */
  readonly limit: number;
  readonly #store: NetStore;
  readonly #records: Int32Array;
  readonly #octets: Uint8Array;
  readonly #index = new SegmentedIndex(10);
  readonly #hash: KeyedHash;
  readonly #wanted = new Int32Array(4);
  readonly #wantedOctets = new Uint8Array(this.#wanted.buffer);
  readonly #wantedView = new DataView(this.#wanted.buffer);
  #hashes = new Int32Array(256);
  #top = 1;
  #free: DestinationId = 0;
  #size = 0;

  constructor(store: NetStore, random: Random) {
    const capacity = store.options.maxRoutes;
    this.#store = store;
    // A destination without nets lives on until its change was visited, so there may be more of them than nets.
    this.limit = 2 * capacity;
    const records = this.limit + capacity + 1;
    this.changed = new IdSet(records);
    this.#records = new Int32Array(records << SHIFT);
    this.#octets = new Uint8Array(this.#records.buffer);
    this.#hash = new KeyedHash(random, 16);
  }

  get size(): number {
    return this.#size;
  }

  /** Every id is below it. */
  get top(): DestinationId {
    return this.#top;
  }

  /** The identifier is the 16 octets at `at`. */
  find(tenant: number, octets: Uint8Array, at: number, list: number = SITE_LIST): DestinationId {
    const scope = scopeOf(list, tenant);
    return this.#find(scope, this.#want(scope, octets, at));
  }

  /** Makes the memory of the destinations of these nets come closer: their cache misses overlap when they are asked for together. */
  touch(ids: Int32Array, count: number, tenantOf: Uint16Array): number {
    const { nets, keyOctets } = this.#store;
    let touched = 0;
    if (this.#hashes.length < count) this.#hashes = new Int32Array(2 * count);
    const hashes = this.#hashes;
    for (let i = 0; i < count; i++) {
      const at = this.#store.keyStart(ids[i]!);
      hashes[i] = 0;
      const list = listAt(keyOctets, at);
      if (list === NO_LIST) continue;
      const tenant = tenantOf[nets[(ids[i]! << NET_SHIFT) + ATTRIBUTES]!]!;
      hashes[i] = this.#want(scopeOf(list, tenant), keyOctets, at + ID_AT);
      const slots = this.#index.segment(hashes[i]!);
      touched ^= slots[this.#index.home(slots, hashes[i]!)]!;
    }
    for (let i = 0; i < count; i++) {
      const slots = this.#index.segment(hashes[i]!);
      const home = this.#index.home(slots, hashes[i]!);
      if (slots[home] === hashes[i]) touched ^= this.#records[slots[home + 1]! << SHIFT]!;
    }
    return touched;
  }

  /** Brings an identifier into `#wanted`; returns its hash. */
  #want(scope: number, octets: Uint8Array, at: number): number {
    const wanted = this.#wantedOctets;
    for (let i = 0; i < 16; i++) wanted[i] = octets[at + i]!;
    return this.#hash.hash(this.#wantedView, 0, 16) ^ Math.imul(scope, 0x9e3779b1);
  }

  #find(scope: number, hash: number): DestinationId {
    const wanted = this.#wanted;
    const records = this.#records;
    const slots = this.#index.segment(hash);
    for (let slot = this.#index.home(slots, hash); slots[slot + 1] !== 0; slot = (slot + 2) & (slots.length - 1)) {
      if (slots[slot] !== hash) continue;
      const id = slots[slot + 1]!;
      const record = id << SHIFT;
      const sameId =
        records[record] === wanted[0] &&
        records[record + 1] === wanted[1] &&
        records[record + 2] === wanted[2] &&
        records[record + 3] === wanted[3];
      if (sameId && records[record + SCOPE] === scope) return id;
    }
    return 0;
  }

  /** Puts a net, whose key begins at `at` of the key octets, into its list. */
  place(net: NetId, tenant: number, list: number, at: number): DestinationId {
    const { nets, keyOctets } = this.#store;
    const scope = scopeOf(list, tenant);
    const hash = this.#want(scope, keyOctets, at + ID_AT);
    let id = this.#find(scope, hash);
    if (id === 0) id = this.#add(scope, hash);
    const record = id << SHIFT;
    const first = this.#records[record + FIRST]!;
    const own = net << NET_SHIFT;
    nets[own + DESTINATION] = id;
    nets[own + NEXT] = first;
    nets[own + PREVIOUS] = 0;
    if (first !== 0) nets[(first << NET_SHIFT) + PREVIOUS] = net;
    this.#records[record + FIRST] = net;
    this.#records[record + COUNT]!++;
    return id;
  }

  /** `#wanted` holds the identifier: it has just been looked for. */
  #add(scope: number, hash: number): DestinationId {
    const reused = this.#free;
    const id = reused === 0 ? this.#top : reused;
    if (id << SHIFT >= this.#records.length) throw new RangeError("changed destinations are not drained");
    this.#index.insert(hash, id);
    this.#size++;
    const record = id << SHIFT;
    if (reused === 0) this.#top++;
    else this.#free = this.#records[record + FIRST]!;
    this.#records.set(this.#wanted, record);
    this.#records[record + FIRST] = 0;
    this.#records[record + SCOPE] = scope;
    this.#records[record + COUNT] = 0;
    this.#records[record + HASH] = hash;
    return id;
  }

  remove(net: NetId): void {
    const { nets } = this.#store;
    const own = net << NET_SHIFT;
    const id = nets[own + DESTINATION]!;
    const next = nets[own + NEXT]!;
    const previous = nets[own + PREVIOUS]!;
    if (previous === 0) this.#records[(id << SHIFT) + FIRST] = next;
    else nets[(previous << NET_SHIFT) + NEXT] = next;
    if (next !== 0) nets[(next << NET_SHIFT) + PREVIOUS] = previous;
    nets[own + DESTINATION] = 0;
    this.#records[(id << SHIFT) + COUNT]!--;
    this.freeIfEmpty(id);
  }

  /** A destination of a tenant stays until its last change was visited. */
  freeIfEmpty(id: DestinationId): void {
    const record = id << SHIFT;
    if (this.#records[record + COUNT] !== 0) return;
    if (this.tenant(id) !== 0 && this.changed.has(id)) return;
    this.#index.remove(this.#records[record + HASH]!, id);
    this.#records[record + COUNT] = UNUSED;
    this.#records[record + FIRST] = this.#free;
    this.#free = id;
    this.#size--;
  }

  isUsed(id: DestinationId): boolean {
    return this.#records[(id << SHIFT) + COUNT]! > 0;
  }

  tenant(id: DestinationId): number {
    return this.#records[(id << SHIFT) + SCOPE]! & TENANT_MASK;
  }

  list(id: DestinationId): number {
    return this.#records[(id << SHIFT) + SCOPE]! >>> LIST_SHIFT;
  }

  routes(id: DestinationId): number {
    return this.#records[(id << SHIFT) + COUNT]!;
  }

  /** CapID or AgentID; a copy. */
  identifier(id: DestinationId): Uint8Array {
    const at = 4 * (id << SHIFT);
    return this.#octets.slice(at, at + 16);
  }

  /** 0 for an unknown destination. */
  firstNet(id: DestinationId): NetId {
    return id === 0 ? 0 : this.#records[(id << SHIFT) + FIRST]!;
  }
}

function scopeOf(list: number, tenant: number): number {
  return (list << LIST_SHIFT) | tenant;
}
