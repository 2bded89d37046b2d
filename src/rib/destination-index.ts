import { KeyedHash, LITTLE_ENDIAN, OctetView, type Random } from "../base/index.ts";
import { ID_AT, listAt, NO_LIST, SITE_LIST } from "./capability-key.ts";
import { hashFlooded } from "./fault.ts";
import { IdSet } from "./id-set.ts";
import type { NetStore } from "./net-store.ts";
import { KEY, recordOf, setIn } from "./path-record.ts";
import { placeAfter, SlotIndex } from "./slot-index.ts";
import type { NetId } from "./types.ts";

/** A small number that stands for one (list, tenant, identifier); 0 is "none". */
export type DestinationId = number;

const SHIFT = 2;
const ID_OCTETS = 16;
const ID_WORDS = 4;
const FIRST = 0;
const SCOPE = 1;
/** The number of the list is above the tenant index. */
const LIST_SHIFT = 16;
const TENANT_MASK = 0xffff;
const COUNT = 2;
const HASH = 3;

/** Of a net: its neighbours in the list of its destination. */
const LINK_SHIFT = 1;
const NEXT = 0;
const PREVIOUS = 1;

/** In COUNT of a record that is not used; FIRST is then the next such record. */
const UNUSED = -1;

/**
 * From (tenant, capability) to its sites of all origins, and the same for its instances and for agents: lists of nets in
 * typed arrays, 4 words a destination, a word a net, and 2 for a doubly linked list where there is more than one.
 *
 *     | first net | list and tenant index | nets | hash |
 *
 * The identifier is in the keys of its nets; that of a destination which has lost its last one is kept beside the records.
 * Tenant 0 holds the routes that no tenant imports.
 */
export class DestinationIndex {
  /** Destinations whose selection may be another one since they were last visited. */
  readonly changed: IdSet;
  /** Announcements are refused when this many are in use; moves between tenants have room beyond it. */
  readonly limit: number;
  readonly #store: NetStore;
  readonly #records: Int32Array;
  /** By net: its destination, 0 = none. */
  readonly #destinations: Int32Array;
  /** By net: all zero while it is alone, so that most of this memory is never written. */
  readonly #links: Int32Array;
  /** Identifiers of destinations without nets: memory where there are any. */
  readonly #orphans: Int32Array;
  readonly #index: SlotIndex;
  readonly #hash: KeyedHash;
  readonly #view = new OctetView();
  #hashes = new Int32Array(256);
  #top = 1;
  #free: DestinationId = 0;
  #size = 0;
  /** Where the latest search ended that found nothing. */
  #vacant = 0;

  constructor(store: NetStore, random: Random) {
    const capacity = store.options.maxRoutes;
    this.#store = store;
    // A destination without nets lives on until its change was visited, so there may be more of them than nets.
    this.limit = 2 * capacity;
    const records = this.limit + capacity + 1;
    this.#index = new SlotIndex(records, hashFlooded);
    this.changed = new IdSet();
    this.#records = new Int32Array(records << SHIFT);
    this.#destinations = new Int32Array(capacity + 1);
    this.#links = new Int32Array((capacity + 1) << LINK_SHIFT);
    this.#orphans = new Int32Array(records * ID_WORDS);
    this.#hash = new KeyedHash(random, ID_OCTETS);
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
    const view = this.#view.over(octets);
    return this.#find(scopeOf(list, tenant), view, at, this.#hashOf(scopeOf(list, tenant), view, at));
  }

  /**
   * Hashes the identifiers of nets and touches what is about to be looked at, so that cache misses overlap. A net that has a
   * destination stays with it, as a rule: its hash is left 0. The answer is good until the next call.
   */
  lookAhead(ids: Int32Array, count: number, tenantOf: Uint16Array): Int32Array {
    const { nets, keyOctets, keyView } = this.#store;
    if (this.#hashes.length < count) this.#hashes = new Int32Array(2 * count);
    const hashes = this.#hashes;
    const records = this.#records;
    const index = this.#index;
    const { slots } = index;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const own = recordOf(ids[i]!);
      const now = this.of(ids[i]!);
      const at = 4 * nets[own + KEY]!;
      hashes[i] = 0;
      if (now !== 0) touched ^= records[(now << SHIFT) + SCOPE]!;
      else if (at !== 0) {
        const list = listAt(keyOctets, at);
        const scope = scopeOf(list, tenantOf[setIn(nets, own)]!);
        if (list === NO_LIST) continue;
        const hash = this.#hashOf(scope, keyView, at + ID_AT);
        hashes[i] = hash;
        touched ^= slots[index.home(hash)]!;
      }
    }
    for (let i = 0; i < count; i++) {
      if (hashes[i] === 0) continue;
      const home = index.home(hashes[i]!);
      if (slots[home] === hashes[i]) touched ^= records[slots[home + 1]! << SHIFT]!;
    }
    records[0] = touched; // of no destination: keeps the loads from being optimised away
    return hashes;
  }

  #hashOf(scope: number, view: DataView, at: number): number {
    return this.#hash.hash16(view, at) ^ Math.imul(scope, 0x9e3779b1);
  }

  #find(scope: number, view: DataView, at: number, hash: number): DestinationId {
    const records = this.#records;
    const { slots } = this.#index;
    let slot = this.#index.home(hash);
    for (; slots[slot + 1] !== 0; slot = placeAfter(slot)) {
      if (slots[slot] !== hash) continue;
      const id = slots[slot + 1]!;
      if (records[(id << SHIFT) + SCOPE] === scope && this.#holds(id, view, at)) return id;
    }
    this.#vacant = slot;
    return 0;
  }

  #holds(id: DestinationId, view: DataView, at: number): boolean {
    const first = this.#records[(id << SHIFT) + FIRST]!;
    const { keyView } = this.#store;
    const own = first === 0 ? 0 : this.#store.keyStart(first) + ID_AT;
    for (let i = 0; i < ID_WORDS; i++) {
      const word = first === 0 ? this.#orphans[id * ID_WORDS + i] : keyView.getInt32(own + 4 * i, LITTLE_ENDIAN);
      if (word !== view.getInt32(at + 4 * i, LITTLE_ENDIAN)) return false;
    }
    return true;
  }

  /** Puts a net, whose key begins at `at` of the key octets, into its list. @param hash from `lookAhead`; 0: it has none yet */
  place(net: NetId, tenant: number, list: number, at: number, hash: number): DestinationId {
    const { keyView } = this.#store;
    const scope = scopeOf(list, tenant);
    const known = hash === 0 ? this.#hashOf(scope, keyView, at + ID_AT) : hash;
    let id = this.#find(scope, keyView, at + ID_AT, known);
    if (id === 0) id = this.#add(scope, known);
    const record = id << SHIFT;
    const first = this.#records[record + FIRST]!;
    this.#destinations[net] = id;
    if (first !== 0) {
      this.#links[(net << LINK_SHIFT) + NEXT] = first;
      this.#links[(first << LINK_SHIFT) + PREVIOUS] = net;
    }
    this.#records[record + FIRST] = net;
    this.#records[record + COUNT]!++;
    return id;
  }

  #add(scope: number, hash: number): DestinationId {
    const records = this.#records;
    const reused = this.#free;
    const id = reused === 0 ? this.#top : reused;
    if (id << SHIFT >= records.length) throw new RangeError("changed destinations are not drained");
    this.#index.insert(this.#vacant, hash, id);
    this.#size++;
    const record = id << SHIFT;
    if (reused === 0) this.#top++;
    else this.#free = records[record + FIRST]!;
    records[record + FIRST] = 0;
    records[record + SCOPE] = scope;
    records[record + COUNT] = 0;
    records[record + HASH] = hash;
    return id;
  }

  remove(net: NetId): void {
    const links = this.#links;
    const own = net << LINK_SHIFT;
    const id = this.#destinations[net]!;
    const next = links[own + NEXT]!;
    const previous = links[own + PREVIOUS]!;
    if (previous === 0) this.#records[(id << SHIFT) + FIRST] = next;
    else links[(previous << LINK_SHIFT) + NEXT] = next;
    if (next !== 0) {
      links[(next << LINK_SHIFT) + PREVIOUS] = previous;
      links[own + NEXT] = 0;
    }
    if (previous !== 0) links[own + PREVIOUS] = 0;
    this.#destinations[net] = 0;
    if (--this.#records[(id << SHIFT) + COUNT]! > 0) return;
    const at = this.#store.keyStart(net) + ID_AT;
    for (let i = 0; i < ID_WORDS; i++) {
      this.#orphans[id * ID_WORDS + i] = this.#store.keyView.getInt32(at + 4 * i, LITTLE_ENDIAN);
    }
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

  /** Where a net is; 0: nowhere. */
  of(net: NetId): DestinationId {
    return this.#destinations[net]!;
  }

  /** The net behind another one in the list of their destination; 0: it is the last one. */
  next(net: NetId): NetId {
    return this.#links[(net << LINK_SHIFT) + NEXT]!;
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
    const first = this.firstNet(id);
    if (first === 0) return new Uint8Array(this.#orphans.slice(id * ID_WORDS, (id + 1) * ID_WORDS).buffer);
    const start = this.#store.keyStart(first) + ID_AT;
    return this.#store.keyOctets.slice(start, start + ID_OCTETS);
  }

  /** 0 for an unknown destination. */
  firstNet(id: DestinationId): NetId {
    return id === 0 ? 0 : this.#records[(id << SHIFT) + FIRST]!;
  }
}

function scopeOf(list: number, tenant: number): number {
  return (list << LIST_SHIFT) | tenant;
}
