import { KeyedHash, LITTLE_ENDIAN, type Milliseconds, milliseconds, type Random, tailWord } from "../base/index.ts";
import { hashFlooded, type LimitedThing, RibError } from "./fault.ts";
import { KEY, ORIGIN, PATH_NEXT, peerIn, recordOf, recordWords, SET, setIn, tagIn, timeIn } from "./path-record.ts";
import { PathTimes } from "./path-times.ts";
import type { KeyBatch } from "./route-table.ts";
import { placeAfter, SlotIndex } from "./slot-index.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";

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

/**
 * Memory of this size begins 16 octets behind a line of the processor's cache, with what the C library knows of it: from here on keys
 * of 32 octets, which those of sites have with their padding, are within one line. 0 is no key.
 */
const FIRST_KEY = 12;

/** Records, keys and the index of one table: finds, makes and frees; decides nothing. */
export class NetStore {
  /** Records of nets and of further paths: see `path-record`. */
  readonly nets: Int32Array;
  /** By net: the first of its further paths, 0 = none. Beside the records: memory only where there are any. */
  readonly further: Int32Array;
  readonly paths: Int32Array;
  readonly keyOctets: Uint8Array;
  /** The same memory. */
  readonly keyView: DataView;
  readonly index: SlotIndex;
  readonly times = new PathTimes();
  readonly options: StoreOptions;
  readonly #keyWords: Int32Array;
  readonly #hash: KeyedHash;
  readonly #freeKeys: Int32Array;
  #keyTop = FIRST_KEY;
  #netTop = 1;
  #freeNet = 0;
  #netCount = 0;
  #pathTop = 1;
  #freePath = 0;
  #pathCount = 0;
  /** Where the latest search ended that found nothing. */
  protected vacant = 0;

  constructor(options: StoreOptions, random: Random) {
    this.options = options;
    this.index = new SlotIndex(options.maxRoutes, hashFlooded);
    this.#hash = new KeyedHash(random, options.maxKey);
    this.nets = new Int32Array(recordWords(options.maxRoutes));
    this.further = new Int32Array(options.maxRoutes + 1);
    this.paths = new Int32Array(recordWords(options.maxPaths));
    this.#keyWords = new Int32Array(FIRST_KEY + options.maxRoutes * options.keyWords);
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

  /** Touches the slots of these keys, then the records, so that cache misses overlap. */
  lookAhead({ count }: KeyBatch, _view: DataView, hashes: Int32Array): void {
    const { index, nets } = this;
    const { slots } = index;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      touched ^= slots[index.home(hashes[i]!)]!;
    }
    for (let i = 0; i < count; i++) {
      const home = index.home(hashes[i]!);
      if (slots[home] === hashes[i]) touched ^= nets[recordOf(slots[home + 1]!)]!;
    }
    nets[0] = touched; // a record that nobody has: keeps the loads from being optimised away
  }

  find(view: DataView, at: number, length: number, hash: number): NetId {
    const { nets, index } = this;
    const { slots } = index;
    let slot = index.home(hash);
    for (; slots[slot + 1] !== 0; slot = placeAfter(slot)) {
      const id = slots[slot + 1]!;
      if (slots[slot] === hash && this.holds(nets[recordOf(id) + KEY]!, view, at, length)) return id;
    }
    this.vacant = slot;
    return 0;
  }

  /** The octet at place 1 of a typed key is its length, so a key that is equal over its own length is the same key. */
  protected holds(key: number, view: DataView, at: number, length: number): boolean {
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
    this.enter(id, hash, view, at, length);
    const net = recordOf(id);
    if (id === this.#netTop) this.#netTop++;
    else this.#freeNet = this.nets[net + ORIGIN]!;
    const key = recycled !== 0 ? recycled : this.#keyTop;
    if (recycled !== 0) this.#freeKeys[words] = this.#keyWords[recycled]!;
    else this.#keyTop += words;
    this.#copyKey(key, view, at, length);
    this.nets[net + KEY] = key;
    this.nets[net + SET] = 0;
    this.nets[net + ORIGIN] = 0;
    this.#netCount++;
    return id;
  }

  /** Puts a net into the index, which `find` has just not found. @throws {RibError} with nothing changed */
  protected enter(id: NetId, hash: number, _view: DataView, _at: number, _length: number): void {
    this.index.insert(this.vacant, hash, id);
  }

  /** Takes a net out of the index. */
  protected leave(id: NetId, hash: number): void {
    this.index.remove(hash, id);
  }

  #copyKey(key: number, view: DataView, at: number, length: number): void {
    const words = this.#keyWords;
    const end = at + length;
    let k = key;
    let position = at;
    for (; position + 4 <= end; position += 4) words[k++] = view.getInt32(position, LITTLE_ENDIAN);
    if (position < end) words[k] = tailWord(view, position, end);
  }

  /** Of a net that has lost its last path: where the path's origin was is its hash until it has a path again, or is removed. */
  lose(id: NetId, hash: number): void {
    this.nets[recordOf(id) + ORIGIN] = hash;
  }

  hashOf(id: NetId): number {
    return this.#hash.hashWords(this.#keyWords, this.nets[recordOf(id) + KEY]!, this.keyLength(id));
  }

  /** Removes lost nets, `ids[0..count)`: touches all slots first, so that their cache misses overlap. */
  removeNets(ids: Int32Array, count: number): void {
    const { nets, index } = this;
    const { slots } = index;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const hash = nets[recordOf(ids[i]!) + ORIGIN]!;
      touched ^= slots[index.home(hash)]!;
    }
    nets[0] = touched; // a record that nobody has: keeps the loads from being optimised away
    for (let i = 0; i < count; i++) this.removeNet(ids[i]!);
  }

  removeNet(id: NetId): void {
    const { nets } = this;
    const net = recordOf(id);
    const key = nets[net + KEY]!;
    const words = (this.keyLength(id) + 3) >> 2;
    this.leave(id, nets[net + ORIGIN]!);
    this.#keyWords[key] = this.#freeKeys[words]!;
    this.#freeKeys[words] = key;
    nets[net + KEY] = 0;
    nets[net + SET] = 0;
    nets[net + ORIGIN] = this.#freeNet;
    this.#freeNet = id;
    this.#netCount--;
  }

  /** Where the key begins in `keyOctets`. */
  keyStart(id: NetId): number {
    return 4 * this.nets[recordOf(id) + KEY]!;
  }

  keyLength(id: NetId): number {
    return this.options.keyLength(this.keyOctets, this.keyStart(id));
  }

  /** Set of the path at a place of a net: 0, in its record, or the number of a further path. */
  attributesAt(id: NetId, place: number): AttributeId {
    return place === 0 ? setIn(this.nets, recordOf(id)) : setIn(this.paths, recordOf(place));
  }

  tagAt(id: NetId, place: number): number {
    return place === 0 ? tagIn(this.nets, recordOf(id)) : tagIn(this.paths, recordOf(place));
  }

  peerAt(id: NetId, place: number): PeerIndex {
    return place === 0 ? peerIn(this.nets, recordOf(id)) : peerIn(this.paths, recordOf(place));
  }

  /** Milliseconds since the Unix epoch, as the wall clock had them when the path was learnt or last replaced. */
  sinceAt(id: NetId, place: number): Milliseconds {
    return milliseconds(1000 * this.times.wallOf(this.#timeAt(id, place)));
  }

  /** The same instant, monotonic. */
  learntAt(id: NetId, place: number): Milliseconds {
    return milliseconds(1000 * this.times.secondsOf(this.#timeAt(id, place)));
  }

  #timeAt(id: NetId, place: number): number {
    return place === 0 ? timeIn(this.nets, recordOf(id)) : timeIn(this.paths, recordOf(place));
  }

  /** The place behind another one; 0: it is the last one. */
  placeAfter(id: NetId, place: number): number {
    return place === 0 ? this.further[id]! : this.paths[recordOf(place) + PATH_NEXT]!;
  }

  /** A further path, not yet in a list. */
  addPath(): number {
    const { maxPaths } = this.options;
    if (this.#pathCount >= maxPaths) throw limitReached("paths", maxPaths);
    this.#pathCount++;
    const id = this.#freePath;
    if (id === 0) return this.#pathTop++;
    this.#freePath = this.paths[recordOf(id) + PATH_NEXT]!;
    return id;
  }

  removePath(id: number): void {
    this.paths[recordOf(id) + PATH_NEXT] = this.#freePath;
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
