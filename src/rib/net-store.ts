import type { Random } from "../base/index.ts";
import { KeyedHash, LITTLE_ENDIAN, tailWord } from "../base/index.ts";
import { hashFlooded, type LimitedThing, RibError } from "./fault.ts";
import { placeAfter, SlotIndex } from "./slot-index.ts";
import type { AttributeId, NetId } from "./types.ts";

/*
 * A net is 4 words, its best path inside; a further path is 4 words with the same members at the same places.
 *
 *     net   | key | attributes | tag | since |
 *     path  | next further path | attributes | tag | since |
 *
 * key: position in the key words, 0 = the record is free. attributes 0 = no path. tag: peer and epoch, see PeerBook.
 * since: seconds since the Unix epoch; without a path the hash of the key; the next free record in one that is free. Where the further paths of a net begin is in
 * an array beside the records, memory only where there are any.
 */
export const NET_SHIFT = 2;
export const PATH_SHIFT = 2;
export const KEY = 0;
export const ATTRIBUTES = 1;
export const TAG = 2;
export const SINCE = 3;
export const PATH_NEXT = 0;

export interface StoreOptions {
  readonly maxRoutes: number;
  readonly maxPaths: number;
  /** Key words set aside per route: keys that are longer on average use up the room earlier. */
  readonly keyWords: number;
  /** Longest key in octets. */
  readonly maxKey: number;
  /** Length of a key from its own octets. */
  keyLength(octets: Uint8Array, start: number): number;
}

/** Records, keys and the index of one table: finds, makes and frees; decides nothing. */
export class NetStore {
  readonly nets: Int32Array;
  /** By net: the first of its further paths, 0 = none. */
  readonly further: Int32Array;
  readonly paths: Int32Array;
  readonly keyOctets: Uint8Array;
  /** The same memory. */
  readonly keyView: DataView;
  readonly index: SlotIndex;
  readonly options: StoreOptions;
  readonly #keyWords: Int32Array;
  readonly #hash: KeyedHash;
  readonly #freeKeys: Int32Array;
  #keyTop = 1;
  #netTop = 1;
  #freeNet = 0;
  #netCount = 0;
  #pathTop = 1;
  #freePath = 0;
  #pathCount = 0;
  /** Where the latest search ended that found nothing. */
  #vacant = 0;

  constructor(options: StoreOptions, random: Random) {
    this.options = options;
    this.index = new SlotIndex(options.maxRoutes, hashFlooded);
    this.#hash = new KeyedHash(random, options.maxKey);
    this.nets = new Int32Array((options.maxRoutes + 1) << NET_SHIFT);
    this.further = new Int32Array(options.maxRoutes + 1);
    this.paths = new Int32Array((options.maxPaths + 1) << PATH_SHIFT);
    this.#keyWords = new Int32Array(options.maxRoutes * options.keyWords + 1);
    this.keyOctets = new Uint8Array(this.#keyWords.buffer);
    this.keyView = new DataView(this.#keyWords.buffer);
    this.#freeKeys = new Int32Array(((options.maxKey + 3) >> 2) + 1);
  }

  get netCount(): number {
    return this.#netCount;
  }

  /** Every net id is below it. */
  get netTop(): NetId {
    return this.#netTop;
  }

  hash(view: DataView, at: number, length: number): number {
    return this.#hash.hash(view, at, length);
  }

  find(view: DataView, at: number, length: number, hash: number): NetId {
    const { nets, index } = this;
    const { slots } = index;
    let slot = index.home(hash);
    for (; slots[slot + 1] !== 0; slot = placeAfter(slot)) {
      const id = slots[slot + 1]!;
      if (slots[slot] === hash && this.#holds(nets[(id << NET_SHIFT) + KEY]!, view, at, length)) return id;
    }
    this.#vacant = slot;
    return 0;
  }

  /** The octet at place 1 of a typed key is its length, so a key that is equal over its own length is the same key. */
  #holds(key: number, view: DataView, at: number, length: number): boolean {
    const words = this.#keyWords;
    const end = at + length;
    let k = key;
    let position = at;
    for (; position + 4 <= end; position += 4) if (words[k++] !== view.getInt32(position, LITTLE_ENDIAN)) return false;
    return position === end || words[k] === tailWord(view, position, end);
  }

  /** Makes a net without a path, which `find` has just not found. @throws {RibError} `rib.route-limit`, `rib.hash-flooded`; nothing is changed then. */
  addNet(view: DataView, at: number, length: number, hash: number): NetId {
    const { maxRoutes } = this.options;
    if (this.#netCount >= maxRoutes) throw limitReached("routes", maxRoutes);
    const words = (length + 3) >> 2;
    const recycled = this.#freeKeys[words]!;
    if (recycled === 0 && this.#keyTop + words > this.#keyWords.length) {
      throw limitReached("key octets", 4 * this.#keyWords.length);
    }
    const id = this.#freeNet !== 0 ? this.#freeNet : this.#netTop;
    this.index.insert(this.#vacant, hash, id);
    const net = id << NET_SHIFT;
    if (id === this.#netTop) this.#netTop++;
    else this.#freeNet = this.nets[net + SINCE]!;
    const key = recycled !== 0 ? recycled : this.#keyTop;
    if (recycled !== 0) this.#freeKeys[words] = this.#keyWords[recycled]!;
    else this.#keyTop += words;
    this.#copyKey(key, view, at, length);
    this.nets[net + KEY] = key;
    for (let word = ATTRIBUTES; word <= SINCE; word++) this.nets[net + word] = 0;
    this.#netCount++;
    return id;
  }

  #copyKey(key: number, view: DataView, at: number, length: number): void {
    const words = this.#keyWords;
    const end = at + length;
    let k = key;
    let position = at;
    for (; position + 4 <= end; position += 4) words[k++] = view.getInt32(position, LITTLE_ENDIAN);
    if (position < end) words[k] = tailWord(view, position, end);
  }

  /** Of a net that has lost its last path: where the path's time was is its hash until it has a path again, or is removed. */
  lose(id: NetId, hash: number): void {
    this.nets[(id << NET_SHIFT) + SINCE] = hash;
  }

  hashOf(id: NetId): number {
    return this.#hash.hashWords(this.#keyWords, this.nets[(id << NET_SHIFT) + KEY]!, this.keyLength(id));
  }

  /** Removes lost nets, `ids[0..count)`: touches all slots first, so that their cache misses overlap. */
  removeNets(ids: Int32Array, count: number): void {
    const { nets, index } = this;
    const { slots } = index;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const hash = nets[(ids[i]! << NET_SHIFT) + SINCE]!;
      touched ^= slots[index.home(hash)]!;
    }
    nets[0] = touched; // a record that nobody has: keeps the loads from being optimised away
    for (let i = 0; i < count; i++) this.removeNet(ids[i]!);
  }

  removeNet(id: NetId): void {
    const { nets } = this;
    const net = id << NET_SHIFT;
    const key = nets[net + KEY]!;
    const words = (this.keyLength(id) + 3) >> 2;
    this.index.remove(nets[net + SINCE]!, id);
    this.#keyWords[key] = this.#freeKeys[words]!;
    this.#freeKeys[words] = key;
    nets[net + KEY] = 0;
    nets[net + ATTRIBUTES] = 0;
    nets[net + SINCE] = this.#freeNet;
    this.#freeNet = id;
    this.#netCount--;
  }

  /** Where the key begins in `keyOctets`. */
  keyStart(id: NetId): number {
    return 4 * this.nets[(id << NET_SHIFT) + KEY]!;
  }

  keyLength(id: NetId): number {
    return this.options.keyLength(this.keyOctets, this.keyStart(id));
  }

  /** Set of the path at a place of a net: 0, in its record, or the number of a further path. */
  attributesAt(id: NetId, place: number): AttributeId {
    return place === 0 ? this.nets[(id << NET_SHIFT) + ATTRIBUTES]! : this.paths[(place << PATH_SHIFT) + ATTRIBUTES]!;
  }

  tagAt(id: NetId, place: number): number {
    return place === 0 ? this.nets[(id << NET_SHIFT) + TAG]! : this.paths[(place << PATH_SHIFT) + TAG]!;
  }

  /** The place behind another one; 0: it is the last one. */
  placeAfter(id: NetId, place: number): number {
    return place === 0 ? this.further[id]! : this.paths[(place << PATH_SHIFT) + PATH_NEXT]!;
  }

  /** A further path, not yet in a list. */
  addPath(): number {
    const { maxPaths } = this.options;
    if (this.#pathCount >= maxPaths) throw limitReached("paths", maxPaths);
    this.#pathCount++;
    const id = this.#freePath;
    if (id === 0) return this.#pathTop++;
    this.#freePath = this.paths[id << PATH_SHIFT]!;
    return id;
  }

  removePath(id: number): void {
    this.paths[id << PATH_SHIFT] = this.#freePath;
    this.#freePath = id;
    this.#pathCount--;
  }
}

function limitReached(what: LimitedThing, limit: number): RibError {
  return new RibError(
    { code: "rib.route-limit", what, limit },
    `the table is full: ${limit} ${what}; raise max-routes or let this router import less`,
  );
}
