import { KeyedHash, LITTLE_ENDIAN, OctetView, type Random, sameOctets } from "../base/index.ts";
import { ID_AT, ID_OCTETS, listOf, NO_LIST } from "./capability-key.ts";
import { NetStore, type StoreOptions } from "./net-store.ts";
import { KEY, ORIGIN, recordOf, SET } from "./path-record.ts";
import type { KeyBatch } from "./route-table.ts";
import { placeAfter } from "./slot-index.ts";
import type { NetId } from "./types.ts";

/** Ids in the index from here on are groups. */
const GROUP = 1 << 30;
/** In `places`: the net has company, in the group whose number is added, and is at no destination. */
const WITH_OTHERS = -0x80000000;
/** In `places`: what is below 0 and not below it is a tenant, `-1 - place`. */
const TENANTS = -0x10000;
const ID_WORDS = ID_OCTETS / 4;
/** In the hashes of whole keys, not in those of identifiers: neither chooses a bucket or a place within it. */
const OF_WHOLE_KEY = 1 << 22;

/**
 * Nets of the capability family, found by their identifier while they are alone with it, so that one place of the index leads
 * to the net and to its destination; by their whole key as soon as there are several.
 *
 *     hash of type and identifier -> the only net | a group: count of nets, identifier
 *     hash of the key             -> one of several nets, or a net without an identifier
 *
 * Nets that once had company stay in their group until the last of them is gone. Identifiers that hash alike, as some do in a
 * large table, have a place each.
 */
export class CapabilityStore extends NetStore {
  /**
   * By net: above 0 a destination with a record, 0: it is alone and at no destination; below 0 it is alone at that of a tenant
   * (`TENANTS`), or has company and is at none (`WITH_OTHERS`). Kept by the destinations.
   */
  readonly places: Int32Array;
  /** By group: the destination of most of its nets, 0 = none. Kept by `DestinationIndex`. */
  readonly shared: Int32Array;
  /** Told of a net that was alone until now, whose place has to be one with a record, and of its group. */
  onCompany: (net: NetId, group: number) => void = () => {};
  readonly #identifiers: KeyedHash;
  /** By group: its nets; of one that is not used, the next such. */
  readonly #groups: Int32Array;
  /** By group: its identifier. */
  readonly #identifiersOfGroups: Int32Array;
  #groupTop = 1;
  #freeGroup = 0;
  /** What the latest search that found nothing met at the identifier: a net, a group, or 0. */
  #met = 0;
  readonly #view = new OctetView();

  constructor(options: StoreOptions, random: Random) {
    super(options, random);
    this.places = new Int32Array(options.maxRoutes + 1);
    this.#groups = new Int32Array(options.maxRoutes + 2);
    this.#identifiersOfGroups = new Int32Array(ID_WORDS * (options.maxRoutes + 2));
    this.shared = new Int32Array(options.maxRoutes + 2);
    this.#identifiers = new KeyedHash(random, ID_OCTETS);
  }

  /** By identifier where there is one; `lookAhead` makes of it that of the whole key where there are several, or may be. */
  override hash(view: DataView, at: number, length: number): number {
    const list = listOf(view.getUint8(at));
    const hasIdentifier = list !== NO_LIST && length >= ID_AT + ID_OCTETS;
    return hasIdentifier ? this.#hashIdentifier(list, view, at + ID_AT) : this.#hashWhole(view, at, length);
  }

  /** What it is in the index by. */
  override hashOf(id: NetId): number {
    return this.isAlone(id) ? this.hash(this.keyView, this.keyStart(id), this.keyLength(id)) : this.#hashWholeOf(id);
  }

  #hashIdentifier(list: number, view: DataView, at: number): number {
    return (this.#identifiers.hash16(view, at) ^ Math.imul(list, 0x9e3779b1)) & ~OF_WHOLE_KEY;
  }

  #hashWhole(view: DataView, at: number, length: number): number {
    return super.hash(view, at, length) | OF_WHOLE_KEY;
  }

  #hashWholeOf(id: NetId): number {
    return this.#hashWhole(this.keyView, this.keyStart(id), this.keyLength(id));
  }

  override lookAhead(keys: KeyBatch, view: DataView, hashes: Int32Array): void {
    const { index, nets } = this;
    const { slots } = index;
    const { count } = keys;
    let touched = 0;
    let several = 0;
    for (let i = 0; i < count; i++) touched ^= slots[index.home(hashes[i]!)]!;
    for (let i = 0; i < count; i++) {
      // Most are there or next to it; `find` and `lose` see to the others.
      const home = index.home(hashes[i]!);
      const at = slots[home] === hashes[i] ? home : placeAfter(home);
      if (slots[at] !== hashes[i]) continue;
      const id = slots[at + 1]!;
      if (id < GROUP) {
        touched ^= nets[recordOf(id)]!;
        continue;
      }
      // It may be the group of another identifier: `find` sees to that as well.
      const whole = this.#hashWhole(view, keys.starts[i]!, keys.lengths[i]!);
      hashes[i] = whole;
      several++;
      touched ^= slots[index.home(whole)]!;
    }
    for (let i = 0; i < count && several > 0; i++) {
      if ((hashes[i]! & OF_WHOLE_KEY) === 0) continue;
      several--;
      const home = index.home(hashes[i]!);
      if (slots[home] === hashes[i]) touched ^= nets[recordOf(slots[home + 1]!)]!;
    }
    nets[0] = touched; // a record that nobody has: keeps the loads from being optimised away
  }

  override find(view: DataView, at: number, length: number, hash: number): NetId {
    if ((hash & OF_WHOLE_KEY) !== 0) return this.#findWhole(view, at, length, hash);
    const { nets, index } = this;
    const { slots } = index;
    let slot = index.home(hash);
    for (; slots[slot + 1] !== 0; slot = placeAfter(slot)) {
      if (slots[slot] !== hash) continue;
      const id = slots[slot + 1]!;
      if (id < GROUP && this.holds(nets[recordOf(id) + KEY]!, view, at, length)) return id;
      if (!this.#isOf(id, view, at + ID_AT)) continue;
      this.#met = id;
      return id < GROUP ? 0 : super.find(view, at, length, this.#hashWhole(view, at, length));
    }
    this.#met = 0;
    this.vacant = slot;
    return 0;
  }

  #findWhole(view: DataView, at: number, length: number, whole: number): NetId {
    const found = super.find(view, at, length, whole);
    if (found !== 0) return found;
    const { vacant } = this;
    this.#met = 0;
    const hash = this.hash(view, at, length);
    if ((hash & OF_WHOLE_KEY) !== 0) return 0;
    const met = this.#idAt(hash, view, at + ID_AT);
    this.#met = met;
    if (met >= GROUP) this.vacant = vacant;
    return met !== 0 && met < GROUP && this.holds(this.nets[recordOf(met) + KEY]!, view, at, length) ? met : 0;
  }

  /** What there is with this identifier, `at` of these octets: above 0 the only net; below 0 a group, `-1 - group`; 0: nothing. */
  withIdentifier(list: number, octets: Uint8Array, at: number): number {
    const view = this.#view.over(octets);
    const id = this.#idAt(this.#hashIdentifier(list, view, at), view, at);
    return id >= GROUP ? -1 - (id - GROUP) : id;
  }

  /** The net or group of an identifier with this hash, which `view` has `at`; 0: none, and it may be put at `vacant`. */
  #idAt(hash: number, view: DataView, at: number): number {
    const { slots } = this.index;
    let slot = this.index.home(hash);
    for (; slots[slot + 1] !== 0; slot = placeAfter(slot)) {
      if (slots[slot] === hash && this.#isOf(slots[slot + 1]!, view, at)) return slots[slot + 1]!;
    }
    this.vacant = slot;
    return 0;
  }

  /** Whether a net or group, whose type is the same where its hash is, has the identifier that `view` has `at`. */
  #isOf(id: number, view: DataView, at: number): boolean {
    if (id < GROUP) return sameOctets(this.keyView, this.keyStart(id) + ID_AT, view, at, ID_OCTETS);
    const words = this.#identifiersOfGroups;
    const first = ID_WORDS * (id - GROUP);
    for (let i = 0; i < ID_WORDS; i++) {
      if (words[first + i] !== view.getInt32(at + 4 * i, LITTLE_ENDIAN)) return false;
    }
    return true;
  }

  isAlone(net: NetId): boolean {
    const place = this.places[net]!;
    return place <= 0 && place >= TENANTS;
  }

  /** Whose destination a net is that is alone there; `undefined`: of nobody, or it is not alone. */
  tenantOfAlone(net: NetId): number | undefined {
    const place = this.places[net]!;
    return place < 0 && place >= TENANTS ? -1 - place : undefined;
  }

  /** Of a net that is not alone, and at no destination. */
  groupOf(net: NetId): number {
    return this.places[net]! - WITH_OTHERS;
  }

  /** A net that is not alone is at no destination any more. */
  leavePlace(net: NetId, group: number): void {
    this.places[net] = WITH_OTHERS + group;
  }

  protected override enter(net: NetId, hash: number, view: DataView, at: number, length: number): void {
    const met = this.#met;
    const isWhole = (hash & OF_WHOLE_KEY) !== 0;
    if (met === 0) {
      this.index.insert(this.vacant, isWhole ? this.hash(view, at, length) : hash, net);
      this.places[net] = 0;
      return;
    }
    const whole = isWhole ? hash : this.#hashWhole(view, at, length);
    const group = met < GROUP ? this.#makeGroup(met, whole, net) : this.#join(met - GROUP, whole, net);
    this.places[net] = WITH_OTHERS + group;
  }

  #join(group: number, whole: number, net: NetId): number {
    this.index.insert(this.vacant, whole, net);
    this.#groups[group]!++;
    return group;
  }

  /** Of a net that was alone and another one. Whatever is thrown, nothing is changed then. */
  #makeGroup(first: NetId, whole: number, second: NetId): number {
    const { index, nets, places } = this;
    const hash = this.hashOf(first);
    const group = this.#freeGroup === 0 ? this.#groupTop : this.#freeGroup;
    const wholeOfFirst = this.#hashWholeOf(first);
    index.insert(this.#vacancy(wholeOfFirst), wholeOfFirst, first);
    try {
      index.insert(this.#vacancy(whole), whole, second);
      try {
        this.onCompany(first, group);
      } catch (cause) {
        index.remove(whole, second);
        throw cause;
      }
    } catch (cause) {
      index.remove(wholeOfFirst, first);
      throw cause;
    }
    if (group === this.#groupTop) this.#groupTop++;
    else this.#freeGroup = this.#groups[group]!;
    this.#groups[group] = 2;
    for (let i = 0; i < ID_WORDS; i++) {
      const word = this.keyView.getInt32(this.keyStart(first) + ID_AT + 4 * i, LITTLE_ENDIAN);
      this.#identifiersOfGroups[ID_WORDS * group + i] = word;
    }
    index.replace(hash, first, GROUP + group);
    if (places[first]! <= 0) places[first] = WITH_OTHERS + group;
    const record = recordOf(first);
    if (nets[record + SET] === 0) nets[record + ORIGIN] = wholeOfFirst;
    return group;
  }

  /** Where something with this hash may be inserted. */
  #vacancy(hash: number): number {
    const { slots } = this.index;
    let slot = this.index.home(hash);
    while (slots[slot + 1] !== 0) slot = placeAfter(slot);
    return slot;
  }

  /** It keeps what it is in the index by, which `lookAhead` does not know for sure. */
  override lose(net: NetId, hash: number): void {
    const isWhole = (hash & OF_WHOLE_KEY) !== 0;
    super.lose(net, isWhole === this.isAlone(net) ? this.hashOf(net) : hash);
  }

  protected override leave(net: NetId, hash: number): void {
    this.index.remove(hash, net);
    if (this.isAlone(net)) return;
    const group = this.groupOf(net);
    if (--this.#groups[group]! === 0) {
      this.index.remove(this.hash(this.keyView, this.keyStart(net), this.keyLength(net)), GROUP + group);
      this.#groups[group] = this.#freeGroup;
      this.#freeGroup = group;
    }
    this.places[net] = 0;
  }
}
