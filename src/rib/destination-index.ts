import { KeyedHash, LITTLE_ENDIAN, OctetView, type Random } from "../base/index.ts";
import { ID_AT, ID_OCTETS, INSTANCE_LIST, listAt } from "./capability-key.ts";
import type { CapabilityStore } from "./capability-store.ts";
import { ChangedDestinations } from "./changed-destinations.ts";
import { hashFlooded } from "./fault.ts";
import { KEY, recordOf } from "./path-record.ts";
import { placeAfter, SlotIndex } from "./slot-index.ts";
import type { NetId } from "./types.ts";

/** A small number that stands for one (list, tenant, identifier); 0 is "none". */
export type DestinationId = number;

const SHIFT = 2;
const ID_WORDS = 4;
const FIRST = 0;
const SCOPE = 1;
/** The number of the list is above the tenant index. */
const LIST_SHIFT = 16;
const TENANT_MASK = 0xffff;
const LIST_MASK = 3;
/** In SCOPE: it is found by its hash. */
const IS_INDEXED = 1 << 30;
const COUNT = 2;
const GROUP = 3;

/** Of a net: its neighbours in the list of its destination. */
const LINK_SHIFT = 1;
const NEXT = 0;
const PREVIOUS = 1;

/** In COUNT of a record that is not used; FIRST is then the next such record. */
const UNUSED = -1;

/**
 * From (tenant, capability) to its sites of all origins, and the same for its instances and for agents. A net that is alone with
 * its identifier is its destination itself, found by the store. Others are in lists in typed arrays, 4 words a destination, and 2
 * a net for a doubly linked list where there is more than one.
 *
 *     | first net | list and tenant index | nets | group of its nets in the store |
 *
 * A group of nets leads to its first destination, and as a rule there is no other. What belongs to further tenants is found by a
 * hash of its own, and so is a destination that has lost its last net: its identifier is kept beside the records, since those of
 * others are in the keys of their nets. Tenant 0 holds the routes that no tenant imports.
 */
export class DestinationIndex {
  /** Destinations whose selection may be another one since they were last visited. */
  readonly changed = new ChangedDestinations();
  /** Announcements are refused when this many are in use; moves between tenants have room beyond it. */
  readonly limit: number;
  readonly #store: CapabilityStore;
  readonly #records: Int32Array;
  /** By net: all zero while it is alone, so that most of this memory is never written. */
  readonly #links: Int32Array;
  /** Identifiers of destinations without nets: memory where there are any. */
  readonly #orphans: Int32Array;
  readonly #orphanView: DataView;
  readonly #index: SlotIndex;
  readonly #hash: KeyedHash;
  readonly #view = new OctetView();
  #top = 1;
  #free: DestinationId = 0;
  #size = 0;
  #emptyOnes = 0;
  #ofNobody = 0;
  /** Where the latest search ended that found nothing. */
  #vacant = 0;

  constructor(store: CapabilityStore, random: Random) {
    const capacity = store.options.maxRoutes;
    this.#store = store;
    store.onCompany = (net, group) => this.#share(net, group);
    // A destination without nets lives on until its change was visited, so there may be more of them than nets.
    this.limit = 2 * capacity;
    const records = this.limit + capacity + 1;
    this.#index = new SlotIndex(records, hashFlooded);
    this.#records = new Int32Array(records << SHIFT);
    this.#links = new Int32Array((capacity + 1) << LINK_SHIFT);
    this.#orphans = new Int32Array(records * ID_WORDS);
    this.#orphanView = new DataView(this.#orphans.buffer);
    this.#hash = new KeyedHash(random, ID_OCTETS);
  }

  /** Those with a record. */
  get size(): number {
    return this.#size;
  }

  /** Those among them that have no net any more. */
  get emptyOnes(): number {
    return this.#emptyOnes;
  }

  /** Nets in lists of destinations that no tenant imports. */
  get ofNobody(): number {
    return this.#ofNobody;
  }

  /** Every id is below it. */
  get top(): DestinationId {
    return this.#top;
  }

  /**
   * One net of the destination, 0: there is none; the others with `next`. The identifier is the 16 octets at `at`.
   * @param found what the store has with this identifier (`CapabilityStore.withIdentifier`)
   */
  first(found: number, tenant: number, octets: Uint8Array, at: number, list: number): NetId {
    if (found >= 0) return this.#store.tenantOfAlone(found) === tenant ? found : 0;
    return this.firstNet(this.#findOfGroup(-1 - found, scopeOf(list, tenant), this.#view.over(octets), at));
  }

  /** A destination with a record; 0: there is none. The identifier is the 16 octets at `at`. */
  find(tenant: number, octets: Uint8Array, at: number, list: number): DestinationId {
    const found = this.#store.withIdentifier(list, octets, at);
    return this.#findOfGroup(found < 0 ? -1 - found : 0, scopeOf(list, tenant), this.#view.over(octets), at);
  }

  /** @param group 0: none */
  #findOfGroup(group: number, scope: number, view: DataView, at: number): DestinationId {
    const usual = this.#store.shared[group]!;
    return this.#is(usual, scope, view, at) ? usual : this.#find(scope, view, at, this.#hashOf(scope, view, at));
  }

  /** Touches what is about to be looked at for nets that are not alone, so that cache misses overlap. */
  lookAhead(ids: Int32Array, count: number): void {
    const { nets, keyOctets, places, shared } = this.#store;
    const records = this.#records;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const place = places[ids[i]!]!;
      if (place > 0) touched ^= records[(place << SHIFT) + SCOPE]!;
      else if (!this.#store.isAlone(ids[i]!)) touched ^= shared[this.#store.groupOf(ids[i]!)]!;
    }
    for (let i = 0; i < count; i++) {
      const net = ids[i]!;
      if (places[net]! > 0 || this.#store.isAlone(net)) continue;
      const first = this.firstNet(shared[this.#store.groupOf(net)]!);
      if (first !== 0) touched ^= keyOctets[4 * nets[recordOf(first) + KEY]!]!;
    }
    records[COUNT] = touched; // of no destination: keeps the loads from being optimised away
  }

  #hashOf(scope: number, view: DataView, at: number): number {
    return this.#hash.hash16(view, at) ^ Math.imul(scope, 0x9e3779b1);
  }

  #find(scope: number, view: DataView, at: number, hash: number): DestinationId {
    const { slots } = this.#index;
    let slot = this.#index.home(hash);
    for (; slots[slot + 1] !== 0; slot = placeAfter(slot)) {
      if (slots[slot] !== hash) continue;
      const id = slots[slot + 1]!;
      if (this.#is(id, scope, view, at)) return id;
    }
    this.#vacant = slot;
    return 0;
  }

  #is(id: DestinationId, scope: number, view: DataView, at: number): boolean {
    return (this.#records[(id << SHIFT) + SCOPE]! & ~IS_INDEXED) === scope && id !== 0 && this.#holds(id, view, at);
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

  /** A net that was alone at its destination is so no more. */
  #share(net: NetId, group: number): void {
    const tenant = this.#store.tenantOfAlone(net);
    if (tenant === undefined) return;
    const at = this.#store.keyStart(net);
    const id = this.#place(net, scopeOf(listAt(this.#store.keyOctets, at), tenant), at, group);
    if (this.changed.deleteNet(net)) this.changed.add(id);
  }

  /** The destination of a tenant that a net was alone at, and has left, has changed. */
  abandon(net: NetId, tenant: number, list: number): void {
    if (!this.changed.isWatched) return;
    const { keyView } = this.#store;
    const at = this.#store.keyStart(net) + ID_AT;
    const scope = scopeOf(list, tenant);
    const hash = this.#hashOf(scope, keyView, at);
    let id = this.#find(scope, keyView, at, hash);
    if (id === 0) {
      id = this.#addIndexed(scope, hash);
      this.#keepIdentifier(id, at);
    }
    this.changed.add(id);
  }

  /** Of a destination without nets. */
  #keepIdentifier(id: DestinationId, at: number): void {
    const { keyView } = this.#store;
    for (let i = 0; i < ID_WORDS; i++) this.#orphans[id * ID_WORDS + i] = keyView.getInt32(at + 4 * i, LITTLE_ENDIAN);
  }

  /** Puts a net that is not alone and at no destination, whose key begins at `at` of the key octets, into its list. */
  place(net: NetId, tenant: number, list: number, at: number): DestinationId {
    return this.#place(net, scopeOf(list, tenant), at, this.#store.groupOf(net));
  }

  #place(net: NetId, scope: number, at: number, group: number): DestinationId {
    const { keyView, shared, places } = this.#store;
    const usual = shared[group]!;
    const id = this.#is(usual, scope, keyView, at + ID_AT) ? usual : this.#placeAmongOthers(scope, at, group);
    const record = id << SHIFT;
    const first = this.#records[record + FIRST]!;
    places[net] = id;
    if (first !== 0) {
      this.#links[(net << LINK_SHIFT) + NEXT] = first;
      this.#links[(first << LINK_SHIFT) + PREVIOUS] = net;
    }
    this.#records[record + FIRST] = net;
    if ((scope & TENANT_MASK) === 0) this.#ofNobody++;
    if (this.#records[record + COUNT]!++ === 0) this.#emptyOnes--;
    this.#records[record + GROUP] = group;
    return id;
  }

  /** Where the group leads to no destination, or to another one. */
  #placeAmongOthers(scope: number, at: number, group: number): DestinationId {
    const { keyView, shared } = this.#store;
    const hash = this.#hashOf(scope, keyView, at + ID_AT);
    const known = this.#find(scope, keyView, at + ID_AT, hash);
    if (known !== 0) return known;
    if (shared[group] !== 0) return this.#addIndexed(scope, hash);
    const id = this.#add(scope);
    shared[group] = id;
    return id;
  }

  /** What `#find` has just not found. */
  #addIndexed(scope: number, hash: number): DestinationId {
    this.#index.insert(this.#vacant, hash, this.#nextId);
    return this.#add(scope | IS_INDEXED);
  }

  get #nextId(): DestinationId {
    const id = this.#free === 0 ? this.#top : this.#free;
    if (id << SHIFT >= this.#records.length) throw new RangeError("changed destinations are not drained");
    return id;
  }

  #add(scope: number): DestinationId {
    const records = this.#records;
    const id = this.#nextId;
    this.#size++;
    this.#emptyOnes++;
    const record = id << SHIFT;
    if (id === this.#top) this.#top++;
    else this.#free = records[record + FIRST]!;
    records[record + FIRST] = 0;
    records[record + SCOPE] = scope;
    records[record + COUNT] = 0;
    return id;
  }

  remove(net: NetId): void {
    const { places, shared } = this.#store;
    const links = this.#links;
    const own = net << LINK_SHIFT;
    const id = places[net]!;
    const record = id << SHIFT;
    const next = links[own + NEXT]!;
    const previous = links[own + PREVIOUS]!;
    if (previous === 0) this.#records[record + FIRST] = next;
    else links[(previous << LINK_SHIFT) + NEXT] = next;
    if (next !== 0) {
      links[(next << LINK_SHIFT) + PREVIOUS] = previous;
      links[own + NEXT] = 0;
    }
    if (previous !== 0) links[own + PREVIOUS] = 0;
    const group = this.#records[record + GROUP]!;
    if (this.tenant(id) === 0) this.#ofNobody--;
    this.#store.leavePlace(net, group);
    if (--this.#records[record + COUNT]! > 0) return;
    this.#emptyOnes++;
    this.#keepIdentifier(id, this.#store.keyStart(net) + ID_AT);
    // The group may be gone before the change was visited.
    if (shared[group] === id) {
      shared[group] = 0;
      if (this.#isAwaited(id)) this.#indexOrphan(id);
    }
    this.freeIfEmpty(id);
  }

  #isAwaited(id: DestinationId): boolean {
    return this.tenant(id) !== 0 && this.changed.has(id);
  }

  #hashOfOrphan(id: DestinationId): number {
    const scope = this.#records[(id << SHIFT) + SCOPE]! & ~IS_INDEXED;
    return this.#hashOf(scope, this.#orphanView, 4 * ID_WORDS * id);
  }

  #indexOrphan(id: DestinationId): void {
    const hash = this.#hashOfOrphan(id);
    const { slots } = this.#index;
    let slot = this.#index.home(hash);
    while (slots[slot + 1] !== 0) slot = placeAfter(slot);
    this.#index.insert(slot, hash, id);
    this.#records[(id << SHIFT) + SCOPE]! |= IS_INDEXED;
  }

  /** A destination of a tenant stays until its last change was visited. */
  freeIfEmpty(id: DestinationId): void {
    const record = id << SHIFT;
    if (this.#records[record + COUNT] !== 0) return;
    if (this.#isAwaited(id)) return;
    if ((this.#records[record + SCOPE]! & IS_INDEXED) !== 0) this.#index.remove(this.#hashOfOrphan(id), id);
    this.#records[record + COUNT] = UNUSED;
    this.#records[record + FIRST] = this.#free;
    this.#free = id;
    this.#size--;
    this.#emptyOnes--;
  }

  /** Where a net is that is not alone; 0: nowhere. */
  of(net: NetId): DestinationId {
    return Math.max(0, this.#store.places[net]!);
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

  /** Whether its changes are told: not where nobody imports it, and not of instances. */
  isTold(id: DestinationId): boolean {
    return this.routes(id) !== UNUSED && this.tenant(id) !== 0 && this.list(id) !== INSTANCE_LIST;
  }

  list(id: DestinationId): number {
    return (this.#records[(id << SHIFT) + SCOPE]! >>> LIST_SHIFT) & LIST_MASK;
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
