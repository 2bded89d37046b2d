import { type Clock, OctetSlab, type Random } from "../base/index.ts";
import type { AttributeSet } from "./attributes.ts";
import { RibError } from "./fault.ts";
import { BufferView, KeyedHash } from "./keyed-hash.ts";
import { fold, LEADING_STEPS, neighbourAs } from "./net-decision.ts";
import { SegmentedIndex } from "./segmented-index.ts";
import type { AttributeId, AttributeTable, RouteFamily } from "./types.ts";

/** What the capability rules say about a set as such, whatever the time. */
export interface SetPolicy {
  /** 0: no tenant imports it. */
  readonly tenantIndex: number;
  readonly eligible: boolean;
}

/** Nothing but the decision steps of RFC 4271 chooses among unicast routes. */
const UNICAST: SetPolicy = { tenantIndex: 0, eligible: true };
const LARGEST_SET = 0xffff;
/** Later than any lease, but a time: a clock that is set back can make ended leases run again. */
const NEVER = Number.MAX_SAFE_INTEGER;
const COLLECTED_PER_TURN = 8192;

/** The interned sets, with the numbers that comparing paths needs in arrays beside them. */
export class AttributeStore implements AttributeTable {
  /** Largest number of sets, and largest id. */
  readonly limit: number;
  /** Order of the leading decision steps for a path that is not this router's own. */
  readonly rank: Float64Array;
  readonly med: Uint32Array;
  readonly neighbourAs: Uint32Array;
  readonly tenant: Uint16Array;
  /** End of the lease in seconds since the Unix epoch; Infinity where there is none. */
  readonly validUntil: Float64Array;
  readonly expired: Uint8Array;
  /** 1: whether it is eligible has changed, and the nets that use it have not all been looked at since. */
  readonly rejudged: Uint8Array;
  /** Called for a new set with a lease that still runs. */
  onLease: ((validUntil: number) => void) | undefined;

  readonly #policy: (set: AttributeSet) => SetPolicy;
  readonly #clock: Clock;
  readonly #hash: KeyedHash;
  readonly #index = new SegmentedIndex(6);
  readonly #view = new BufferView();
  readonly #references: Int32Array;
  readonly #hashes: Int32Array;
  readonly #sets: (AttributeSet | undefined)[] = [undefined];
  readonly #slab = new OctetSlab();
  readonly #octets: (Uint8Array | undefined)[] = [undefined];
  readonly #policies: (SetPolicy | undefined)[] = [undefined];
  readonly #free: AttributeId[] = [];
  /** Sets that were seen without a reference and are looked at again on a later turn. */
  #idle: AttributeId[] = [];
  readonly #isIdle: Uint8Array;
  #latest: AttributeId = 0;
  #top = 1;
  #closed = false;

  constructor(limit: number, policy: (set: AttributeSet) => SetPolicy, clock: Clock, random: Random) {
    this.limit = limit;
    this.#policy = policy;
    this.#clock = clock;
    this.#hash = new KeyedHash(random, LARGEST_SET);
    const size = limit + 1;
    this.rank = new Float64Array(size);
    this.med = new Uint32Array(size);
    this.neighbourAs = new Uint32Array(size);
    this.tenant = new Uint16Array(size);
    this.validUntil = new Float64Array(size);
    this.expired = new Uint8Array(size);
    this.rejudged = new Uint8Array(size);
    this.#references = new Int32Array(size);
    this.#hashes = new Int32Array(size);
    this.#isIdle = new Uint8Array(size);
  }

  get size(): number {
    return this.#top - 1 - this.#free.length;
  }

  /** Every id is below it. */
  get top(): AttributeId {
    return this.#top;
  }

  intern(
    octets: Uint8Array,
    start: number,
    length: number,
    decode: () => AttributeSet,
    family: RouteFamily = "capability",
  ): AttributeId {
    if (this.#same(this.#latest, octets, start, length)) return this.#latest;
    if (length > LARGEST_SET) throw new RangeError(`${length} octets are more than path attributes can have`);
    const hash = this.#hash.hash(this.#view.over(octets), octets.byteOffset + start, length);
    const slots = this.#index.segment(hash);
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) {
      const id = slots[at + 1]!;
      if (slots[at] !== hash || !this.#same(id, octets, start, length)) continue;
      this.#latest = id;
      return id;
    }
    return this.#add(decode(), this.#slab.copy(octets, start, length), hash, family);
  }

  #same(id: AttributeId, octets: Uint8Array, start: number, length: number): boolean {
    const own = this.#octets[id];
    if (own === undefined || own.length !== length) return false;
    for (let i = 0; i < length; i++) if (own[i] !== octets[start + i]) return false;
    return true;
  }

  #add(set: AttributeSet, octets: Uint8Array, hash: number, family: RouteFamily): AttributeId {
    if (this.size >= this.limit) {
      const advice = `${this.limit} distinct attribute sets are in use: raise the limit, or find the peer that makes every route different`;
      throw new RibError({ code: "rib.attribute-limit", limit: this.limit }, advice);
    }
    const reused = this.#free.at(-1);
    const id = reused ?? this.#top;
    this.#index.insert(hash, id);
    if (reused === undefined) this.#top++;
    else this.#free.pop();
    const isCapability = family === "capability";
    const policy = isCapability ? this.#policy(set) : UNICAST;
    this.#sets[id] = set;
    this.#octets[id] = octets;
    this.#policies[id] = policy;
    this.#hashes[id] = hash;
    this.#references[id] = 0;
    this.med[id] = set.multiExitDisc ?? 0;
    this.neighbourAs[id] = neighbourAs(set);
    this.tenant[id] = policy.tenantIndex;
    const lease = isCapability ? set.semantic?.lease : undefined;
    this.validUntil[id] = lease?.validUntil ?? Number.POSITIVE_INFINITY;
    this.#judge(id, this.#clock.wall() / 1000);
    if (this.expired[id] === 0 && this.validUntil[id] !== Number.POSITIVE_INFINITY)
      this.onLease?.(this.validUntil[id]!);
    this.#latest = id;
    this.#lookAtLater(id);
    return id;
  }

  /** Looks at every lease with the time of now; true when one ended (or began again, the clock having been set back). */
  judgeLeases(nowSeconds: number): boolean {
    let changed = false;
    for (let id = 1; id < this.#top; id++) {
      if (this.validUntil[id]! <= nowSeconds === (this.expired[id] === 1)) continue;
      this.#judge(id, nowSeconds);
      this.rejudged[id] = 1;
      changed = true;
    }
    return changed;
  }

  /** When the next running lease ends, in seconds; Infinity when there is no lease, `NEVER` when all of them have ended. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let id = 1; id < this.#top; id++) {
      if (this.validUntil[id] === Number.POSITIVE_INFINITY) continue;
      next = Math.min(next, this.expired[id] === 0 ? this.validUntil[id]! : NEVER);
    }
    return next;
  }

  #judge(id: AttributeId, nowSeconds: number): void {
    const set = this.get(id);
    const expired = this.validUntil[id]! <= nowSeconds;
    const eligible = this.#policies[id]!.eligible && !expired;
    this.expired[id] = expired ? 1 : 0;
    this.rank[id] = fold(LEADING_STEPS, {
      set,
      eligible,
      kind: "internal",
      stale: false,
      bgpIdentifier: 0,
      addressOrder: 0,
    });
  }

  eligible(id: AttributeId): boolean {
    return this.#policies[id]?.eligible === true && this.expired[id] === 0;
  }

  get(id: AttributeId): AttributeSet {
    return this.#sets[id] ?? unknown(id);
  }

  octets(id: AttributeId): Uint8Array {
    return this.#octets[id] ?? unknown(id);
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
    if (this.#isIdle[id] === 1) return;
    this.#isIdle[id] = 1;
    this.#idle.push(id);
    if (this.#idle.length === 1) this.#clock.soon(() => this.#collect());
  }

  #collect(): void {
    if (this.#closed) return;
    const due = this.#idle.splice(-COLLECTED_PER_TURN);
    for (const id of due) {
      this.#isIdle[id] = 0;
      if (this.#references[id] === 0) this.#remove(id);
    }
    if (this.#idle.length > 0) this.#clock.soon(() => this.#collect());
  }

  #remove(id: AttributeId): void {
    this.#index.remove(this.#hashes[id]!, id);
    this.#sets[id] = undefined;
    this.#octets[id] = undefined;
    this.#policies[id] = undefined;
    this.validUntil[id] = Number.POSITIVE_INFINITY;
    this.expired[id] = 0;
    this.#free.push(id);
    if (this.#latest === id) this.#latest = 0;
  }

  close(): void {
    this.#closed = true;
  }
}

function unknown(id: AttributeId): never {
  throw new RangeError(`attribute set ${id} does not exist: its id was kept beyond a turn without retain()`);
}
