import { GROUP_SLOTS, type NextHopIndex } from "./plan.ts";
import type { Liking } from "./slot-likings.ts";

/** Somebody who gets slots in proportion to its weight. */
export interface GroupMember {
  readonly nextHop: NextHopIndex;
  /** What it is called in the hash, the same on every router: the originator of a site, a number made of an instance's id. */
  readonly key: number;
  /** At least 1. */
  readonly weight: number;
}

/** Few members take many slots each, so that it pays to know the order of their liking; many take hardly more than one. */
export const FEW = 16;

/** What members have and ought to have, by place: there may be thousands of them. */
export interface Claims {
  readonly count: number;
  /** Exact share of the slots. */
  readonly share: Float64Array;
  readonly held: Int32Array;
  /** 1: it had slots before. */
  readonly stays: Uint8Array;
  /** Made when it is needed: of many members few get a slot. */
  readonly likings: (Liking | undefined)[];
  /** Slots of its liking that are known to be taken. */
  readonly passed: Uint8Array;
  /** Of many, a heap of places: whoever lacks most is first, of equals the lower key, then the lower next hop. */
  readonly heap: Int32Array;
}

/** One at a time, so that nothing is allocated for it; members beyond its count are those of others. */
let scratch = newClaims(64);

function newClaims(room: number): Claims & { count: number } {
  return {
    ...{ count: 0, share: new Float64Array(room), held: new Int32Array(room), stays: new Uint8Array(room) },
    ...{ likings: [], passed: new Uint8Array(room), heap: new Int32Array(room) },
  };
}

export function claimsOf(members: readonly GroupMember[]): Claims {
  const count = members.length;
  if (scratch.share.length < count) scratch = newClaims(2 * count);
  let total = 0;
  for (const { weight } of members) total += weight;
  for (let place = 0; place < count; place++) scratch.share[place] = (GROUP_SLOTS * members[place]!.weight) / total;
  scratch.stays.fill(0, 0, count);
  scratch.likings.length = 0;
  scratch.count = count;
  return scratch;
}

/** Members by what they lack. */
export abstract class Need {
  protected readonly members: readonly GroupMember[];
  protected readonly claims: Claims;

  constructor(members: readonly GroupMember[], claims: Claims) {
    this.members = members;
    this.claims = claims;
  }

  /** Who lacks most; of equals the lower key, then the lower next hop. */
  abstract get first(): number;
  abstract firstHasMore(): void;
  abstract hasLess(place: number): void;

  /** Who has most beyond its share. */
  get wealthiest(): number {
    const { share, held, count } = this.claims;
    let most = 0;
    for (let place = 1; place < count; place++) {
      const more = held[place]! - share[place]! - (held[most]! - share[most]!);
      if (more > 0 || (more === 0 && this.comesFirst(place, most))) most = place;
    }
    return most;
  }

  protected comesFirst(a: number, b: number): boolean {
    const [one, other] = [this.members[a]!, this.members[b]!];
    return one.key < other.key || (one.key === other.key && one.nextHop < other.nextHop);
  }
}

/** Of few members: places in the order in which equals come, and what those lack. One list at a time. */
const ORDER = new Uint8Array(FEW);
const LACKS = new Float64Array(FEW);

/** A look at all of them costs less than to keep them in a heap. */
class NeedOfFew extends Need {
  /** In the order. */
  #first = 0;

  constructor(members: readonly GroupMember[], claims: Claims) {
    super(members, claims);
    for (let place = 0; place < claims.count; place++) {
      let at = place;
      for (; at > 0 && this.comesFirst(place, ORDER[at - 1]!); at--) ORDER[at] = ORDER[at - 1]!;
      ORDER[at] = place;
    }
    for (let at = 0; at < claims.count; at++) this.#look(at);
    this.#find();
  }

  override get first(): number {
    return ORDER[this.#first]!;
  }

  override firstHasMore(): void {
    this.#look(this.#first);
    this.#find();
  }

  override hasLess(place: number): void {
    this.#look(ORDER.indexOf(place));
    this.#find();
  }

  #look(at: number): void {
    const place = ORDER[at]!;
    LACKS[at] = this.claims.share[place]! - this.claims.held[place]!;
  }

  #find(): void {
    const { count } = this.claims;
    let first = 0;
    for (let at = 1; at < count; at++) if (LACKS[at]! > LACKS[first]!) first = at;
    this.#first = first;
  }
}

/** In a heap. */
class NeedOfMany extends Need {
  constructor(members: readonly GroupMember[], claims: Claims) {
    super(members, claims);
    const { heap, count } = claims;
    for (let place = 0; place < count; place++) heap[place] = place;
    for (let at = (count >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  override get first(): number {
    return this.claims.heap[0]!;
  }

  override firstHasMore(): void {
    this.#sink(0);
  }

  override hasLess(place: number): void {
    const { heap } = this.claims;
    for (let at = heap.indexOf(place); at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(place, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      heap[parent] = place;
      at = parent;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const { share, held } = this.claims;
    const [lacksA, lacksB] = [share[a]! - held[a]!, share[b]! - held[b]!];
    return lacksA > lacksB || (lacksA === lacksB && this.comesFirst(a, b));
  }

  #sink(from: number): void {
    const { heap, count } = this.claims;
    const place = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#isBefore(heap[child]!, place)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = place;
  }
}

export function needOf(members: readonly GroupMember[], claims: Claims): Need {
  return members.length <= FEW ? new NeedOfFew(members, claims) : new NeedOfMany(members, claims);
}
