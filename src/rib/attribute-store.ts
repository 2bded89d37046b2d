import { type Clock, KeyedHash, OctetView, type Random, sameOctets } from "../base/index.ts";
import type { AttributeSet, SetDigest, SetSource } from "./attributes.ts";
import { hashFlooded, RibError } from "./fault.ts";
import { IdSet } from "./id-set.ts";
import { leadingRank } from "./net-decision.ts";
import { KeptSet, SetDecoders } from "./set-decoders.ts";
import { type InternedSets, type SetJudge, SetJudgements } from "./set-judgements.ts";
import { SetSlab } from "./set-slab.ts";
import { placeAfter, placeBefore, SlotIndex } from "./slot-index.ts";
import type { AttributeId, AttributeTable, RouteFamily } from "./types.ts";

const LARGEST_SET = 0xffff;
const NOWHERE = -1;
const COLLECTED_PER_TURN = 2048;
/** A power of two. */
const SHOWN = 256;

/** The interned sets, with the numbers that comparing paths needs in arrays beside them. */
export class AttributeStore implements AttributeTable, InternedSets {
  /** Largest number of sets, and largest id. */
  readonly limit: number;
  /** Order of the leading decision steps for a path that is not this router's own. */
  readonly rank: Float64Array;
  readonly med: Uint32Array;
  readonly neighbourAs: Uint32Array;
  /** Bits of `SetMark`. */
  readonly marks: Uint16Array;
  readonly originatorId: Uint32Array;
  readonly clusterListLength: Uint8Array;
  /** Of sets of the capability family: whether they may be used, and for whom. */
  readonly judged: SetJudgements;

  readonly #clock: Clock;
  readonly #hash: KeyedHash;
  readonly #index: SlotIndex;
  readonly #view = new OctetView();
  readonly #references: Int32Array;
  readonly #hashes: Int32Array;
  readonly #serials: Uint32Array;
  readonly #slab = new SetSlab();
  readonly #places: Uint32Array;
  readonly #lengths: Uint16Array;
  readonly #decoders = new SetDecoders();
  #nextSerial = 0;
  /** Objects that were made last, for those who walk over routes. */
  readonly #shown: ({ readonly serial: number; readonly set: AttributeSet } | undefined)[] = new Array(SHOWN);
  /** Numbers that are free: the first of them, 0 = none; the place of each holds the next one. */
  #free: AttributeId = 0;
  #size = 0;
  /** Sets that were seen without a reference and are looked at again on a later turn. */
  readonly #idle = new IdSet();
  /** All of them are looked at in turn, whoever comes again and again. */
  #collectFrom: AttributeId = 1;
  /** Seconds since the Unix epoch, as they were asked for in this turn; 0: not yet. */
  #turnSeconds = 0;
  #latest: AttributeId = 0;
  #top = 1;
  #closed = false;

  constructor(limit: number, policy: SetJudge, clock: Clock, random: Random) {
    this.limit = limit;
    this.#index = new SlotIndex(limit, hashFlooded);
    this.#clock = clock;
    this.#hash = new KeyedHash(random, LARGEST_SET);
    const size = limit + 1;
    this.rank = new Float64Array(size);
    this.med = new Uint32Array(size);
    this.neighbourAs = new Uint32Array(size);
    this.marks = new Uint16Array(size);
    this.originatorId = new Uint32Array(size);
    this.clusterListLength = new Uint8Array(size);
    this.#references = new Int32Array(size);
    this.#hashes = new Int32Array(size);
    this.#serials = new Uint32Array(size);
    this.#places = new Uint32Array(size);
    this.#lengths = new Uint16Array(size);
    this.judged = new SetJudgements(this, policy);
  }

  get size(): number {
    return this.#size;
  }

  /** Every id is below it. */
  get top(): AttributeId {
    return this.#top;
  }

  intern(
    octets: Uint8Array,
    start: number,
    length: number,
    source: SetSource | (() => AttributeSet),
    family: RouteFamily = "capability",
  ): AttributeId {
    const view = this.#view.over(octets);
    if (length > LARGEST_SET) throw new RangeError(`${length} octets are more than path attributes can have`);
    const { slots } = this.#index;
    let hash = 0;
    let at = NOWHERE;
    // The latest set is asked first, and in the same place as those whose hash is equal: one such pair in a table must not throw
    // away compiled code.
    let id = this.#latest;
    while (!this.#same(id, view, start, length)) {
      if (at === NOWHERE) {
        hash = this.#hash.hash(view, start, length);
        at = placeBefore(this.#index.home(hash));
      }
      do at = placeAfter(at);
      while (slots[at + 1] !== 0 && slots[at] !== hash);
      id = slots[at + 1]!;
      if (id === 0) return this.#addSet(octets, start, length, source, hash, at, family);
    }
    this.#latest = id;
    return id;
  }

  #addSet(
    octets: Uint8Array,
    start: number,
    length: number,
    source: SetSource | (() => AttributeSet),
    hash: number,
    vacant: number,
    family: RouteFamily,
  ): AttributeId {
    const id = this.#add(typeof source === "function" ? new KeptSet(source()) : source, hash, vacant, family);
    this.#places[id] = this.#slab.put(octets, start, length);
    this.#lengths[id] = length;
    return id;
  }

  #same(id: AttributeId, view: DataView, start: number, length: number): boolean {
    if (this.#lengths[id] !== length || this.#serials[id] === 0) return false;
    const place = this.#places[id]!;
    return sameOctets(this.#slab.view(place), this.#slab.start(place), view, start, length);
  }

  /** @param vacant where the search for it ended */
  #add(source: SetSource, hash: number, vacant: number, family: RouteFamily): AttributeId {
    if (this.size >= this.limit) {
      const advice = `${this.limit} distinct attribute sets are in use: raise the limit, or find the peer that makes every route different`;
      throw new RibError({ code: "rib.attribute-limit", limit: this.limit }, advice);
    }
    const { digest } = source;
    // Nothing but the decision steps of RFC 4271 chooses among unicast routes.
    const policy = family === "capability" ? this.judged.policyOf(source) : undefined;
    const id = this.#free === 0 ? this.#top : this.#free;
    this.#index.insert(vacant, hash, id);
    if (id === this.#top) this.#top++;
    else this.#free = this.#places[id]!;
    this.#size++;
    this.#nextSerial = (this.#nextSerial + 1) >>> 0 || 1;
    this.#serials[id] = this.#nextSerial;
    this.#hashes[id] = hash;
    this.#decoders.put(id, source);
    this.neighbourAs[id] = digest.neighbourAs;
    this.rank[id] = leadingRank(digest, true);
    this.#writeRare(id, digest);
    if (policy !== undefined) this.judged.enter(id, digest, source, policy);
    this.#latest = id;
    this.#lookAtLater(id);
    return id;
  }

  /** The time of this turn: sets that came in it are looked at later, and then it is forgotten. */
  secondsNow(): number {
    if (this.#idle.size === 0 || this.#turnSeconds === 0) this.#turnSeconds = this.#clock.wall() / 1000;
    return this.#turnSeconds;
  }

  /** What most sets have nothing of is written where it differs only: memory that nobody writes to costs nothing. */
  #writeRare(id: AttributeId, digest: SetDigest): void {
    const clusters = Math.min(digest.clusterListLength, 0xff);
    if (this.#references[id] !== 0) this.#references[id] = 0;
    if (this.med[id] !== digest.multiExitDisc) this.med[id] = digest.multiExitDisc;
    if (this.marks[id] !== digest.marks) this.marks[id] = digest.marks;
    if (this.originatorId[id] !== digest.originatorId) this.originatorId[id] = digest.originatorId;
    if (this.clusterListLength[id] !== clusters) this.clusterListLength[id] = clusters;
  }

  get(id: AttributeId): AttributeSet {
    const place = this.#placeOf(id);
    const slot = id & (SHOWN - 1);
    const shown = this.#shown[slot];
    if (shown !== undefined && shown.serial === this.#serials[id]) return shown.set;
    const set = this.#decoders.of(id)(this.#slab.chunk(place), this.#slab.start(place), this.#lengths[id]!);
    this.#shown[slot] = { serial: this.#serials[id]!, set };
    return set;
  }

  octets(id: AttributeId): Uint8Array {
    const start = this.start(id);
    return this.chunk(id).subarray(start, start + this.#lengths[id]!);
  }

  chunk(id: AttributeId): Uint8Array {
    return this.#slab.chunk(this.#placeOf(id));
  }

  start(id: AttributeId): number {
    return this.#slab.start(this.#placeOf(id));
  }

  length(id: AttributeId): number {
    return this.#lengths[id]!;
  }

  #placeOf(id: AttributeId): number {
    return this.#serials[id] === 0 ? unknown(id) : this.#places[id]!;
  }

  marksOf(id: AttributeId): number {
    return this.marks[id]!;
  }

  serial(id: AttributeId): number {
    return this.#serials[id]!;
  }

  retain(id: AttributeId): void {
    this.#references[id]!++;
  }

  release(id: AttributeId): void {
    const left = --this.#references[id]!;
    if (left === 0) this.#lookAtLater(id);
    else if (left < 0) throw new RangeError(`attribute set ${id} was released more often than retained`);
  }

  #lookAtLater(id: AttributeId): void {
    if (this.#idle.add(id) && this.#idle.size === 1) this.#clock.soon(this.#collect);
  }

  /** Made once: a closure for each turn would cost every call of `#lookAtLater`. */
  readonly #collect = (): void => {
    if (this.#closed) return;
    this.#turnSeconds = 0;
    this.#collectSome();
    if (this.#idle.size > 0) this.#clock.soon(this.#collect);
  };

  #collectSome(): void {
    const idle = this.#idle;
    let id = idle.next(this.#collectFrom);
    if (id === 0) id = idle.next(1);
    for (let looked = 0; id !== 0 && looked < COLLECTED_PER_TURN; looked++) {
      idle.delete(id);
      if (this.#references[id] === 0) this.#remove(id);
      id = idle.next(id + 1);
    }
    this.#collectFrom = Math.max(1, id);
  }

  #remove(id: AttributeId): void {
    this.#index.remove(this.#hashes[id]!, id);
    this.#slab.free(this.#places[id]!, this.#lengths[id]!);
    this.#serials[id] = 0;
    this.#decoders.forget(id);
    this.judged.forget(id);
    this.#places[id] = this.#free;
    this.#free = id;
    this.#size--;
    if (this.#latest === id) this.#latest = 0;
  }

  close(): void {
    this.#closed = true;
  }
}

function unknown(id: AttributeId): never {
  throw new RangeError(`attribute set ${id} does not exist: its id was kept beyond a turn without retain()`);
}
