import { MemberPlaces } from "./member-places.ts";
import { GROUP_SLOTS, type NextHopIndex } from "./plan.ts";
import { newOwners } from "./slot-owners.ts";

/** Somebody who gets slots in proportion to its weight. */
export interface GroupMember {
  readonly nextHop: NextHopIndex;
  /** What it is called in the hash, the same on every router: the originator of a site, a number made of an instance's id. */
  readonly key: number;
  /** At least 1. */
  readonly weight: number;
}

/** The result of starting afresh, while it is compared with another. */
const FRESH = new Uint16Array(GROUP_SLOTS);
/** Which next hop has which place among the members that are looked at now. */
const PLACES = new MemberPlaces();

/**
 * Owners of the slots of a group, given who owned them before (0: nobody). Members are different next hops.
 *
 * Without a past, the result depends on seed and members alone and every count is within one slot of the exact share, so
 * routers of a domain agree. With a past, as few slots as possible change hands: a member that leaves gives up its own
 * slots and nothing else moves, except that a member whose share is a whole slot never stays without one. Where starting
 * afresh would not move more, that is the result, so routers with different pasts come together again (and the groups of
 * capabilities with the same members are one group again).
 */
export function assignSlots(members: readonly GroupMember[], past: Uint16Array, seed: number): Uint16Array {
  const [only] = members;
  const owners = newOwners();
  if (only === undefined) return owners;
  if (members.length === 1) return owners.fill(only.nextHop);
  const claims = claimsOf(members);
  distribute(members, claims, { into: owners, past: undefined }, seed);
  if (past.every((owner) => owner === 0)) return owners;
  const fresh = FRESH;
  fresh.set(owners);
  const kept = owners;
  PLACES.take(members);
  distribute(members, claims, { into: kept, past }, seed);
  let entering = members.length;
  for (let place = 0; place < members.length; place++) entering -= claims.stays[place]!;
  // Rounding may give whoever enters one slot more when starting afresh; that is worth it, moves among the others are not.
  const allowed = moves(past, kept) + (takesOnlyEntering(past, fresh, claims) ? entering : 0);
  if (moves(past, fresh) <= allowed) owners.set(fresh);
  return owners;
}

function moves(from: Uint16Array, to: Uint16Array): number {
  let count = 0;
  for (let slot = 0; slot < GROUP_SLOTS; slot++) if (from[slot] !== 0 && from[slot] !== to[slot]) count++;
  return count;
}

/** Slots that change hands among members go to those alone that had none. */
function takesOnlyEntering(from: Uint16Array, to: Uint16Array, { stays }: Claims): boolean {
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const owner = from[slot]!;
    if (owner !== to[slot] && PLACES.of(owner) >= 0 && stays[PLACES.of(to[slot]!)] === 1) return false;
  }
  return true;
}

/** What members have and ought to have, by place: there may be thousands of them. */
interface Claims {
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
  /** A heap of places: whoever lacks most is first, of equals the lower key, then the lower next hop. */
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

function claimsOf(members: readonly GroupMember[]): Claims {
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

/** @param past `undefined`: nobody had any; else {@link PLACES} is about these members */
function distribute(
  members: readonly GroupMember[],
  claims: Claims,
  { into: owners, past }: { readonly into: Uint16Array; readonly past: Uint16Array | undefined },
  seed: number,
): void {
  owners.fill(0);
  claims.held.fill(0, 0, claims.count);
  claims.passed.fill(0, 0, claims.count);
  if (past !== undefined) keep(members, claims, past, owners, seed);
  // Whoever lacks most takes the free slot that it likes best. Afterwards nobody has more than one slot too many.
  let free = 0;
  for (const owner of owners) if (owner === 0) free++;
  const isFew = members.length <= FEW;
  const need = new Need(members, claims);
  for (; free > 0; free--) {
    const neediest = need.first;
    if (isFew) takeFree(owners, members[neediest]!, claims, neediest, seed);
    else take(owners, members[neediest]!, 0, seed);
    claims.held[neediest]!++;
    need.firstHasMore();
  }
  while (mustHaveMore(claims, need.first)) {
    const neediest = need.first;
    const giver = need.wealthiest;
    take(owners, members[neediest]!, members[giver]!.nextHop, seed);
    claims.held[neediest]!++;
    need.firstHasMore();
    claims.held[giver]!--;
    need.hasLess(giver);
  }
}

/** Members keep the slots that they have, as far as they are due to them. */
function keep(
  members: readonly GroupMember[],
  { share, held, stays }: Claims,
  past: Uint16Array,
  owners: Uint16Array,
  seed: number,
): void {
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const place = PLACES.of(past[slot]!);
    if (place < 0) continue;
    owners[slot] = past[slot]!;
    held[place]!++;
    stays[place] = 1;
  }
  for (const owner of past) {
    const place = PLACES.of(owner);
    if (place < 0) continue;
    while (held[place]! > Math.ceil(share[place]!)) {
      owners[worst(owners, owner, seed, members[place]!.key)] = 0;
      held[place]!--;
    }
  }
}

/** Members in the order of what they lack. */
class Need {
  readonly #members: readonly GroupMember[];
  readonly #claims: Claims;

  constructor(members: readonly GroupMember[], claims: Claims) {
    this.#members = members;
    this.#claims = claims;
    const { heap, count } = claims;
    for (let place = 0; place < count; place++) heap[place] = place;
    for (let at = (count >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** Who lacks most. */
  get first(): number {
    return this.#claims.heap[0]!;
  }

  firstHasMore(): void {
    this.#sink(0);
  }

  hasLess(place: number): void {
    const { heap } = this.#claims;
    for (let at = heap.indexOf(place); at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(place, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      heap[parent] = place;
      at = parent;
    }
  }

  /** Who has most beyond its share. */
  get wealthiest(): number {
    const { share, held, count } = this.#claims;
    let most = 0;
    for (let place = 1; place < count; place++) {
      const more = held[place]! - share[place]! - (held[most]! - share[most]!);
      if (more > 0 || (more === 0 && this.#comesFirst(place, most))) most = place;
    }
    return most;
  }

  #sink(from: number): void {
    const { heap, count } = this.#claims;
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

  #isBefore(a: number, b: number): boolean {
    const { share, held } = this.#claims;
    const [lacksA, lacksB] = [share[a]! - held[a]!, share[b]! - held[b]!];
    return lacksA > lacksB || (lacksA === lacksB && this.#comesFirst(a, b));
  }

  #comesFirst(a: number, b: number): boolean {
    const [one, other] = [this.#members[a]!, this.#members[b]!];
    return one.key < other.key || (one.key === other.key && one.nextHop < other.nextHop);
  }
}

/** Few members take many slots each, so that it pays to know the order; many take hardly more than one. */
const FEW = 16;

/** In the order of liking no slot is looked at twice: here they only ever become taken. */
function takeFree(owners: Uint16Array, member: GroupMember, claims: Claims, place: number, seed: number): void {
  const { likings, passed } = claims;
  likings[place] ??= keptLiking(seed, member.key);
  const order = likings[place];
  let at = passed[place]!;
  while (owners[order[at]!] !== 0) at++;
  owners[order[at]!] = member.nextHop;
  passed[place] = at;
}

function take(owners: Uint16Array, { nextHop, key }: GroupMember, from: NextHopIndex, seed: number): void {
  owners[best(owners, from, seed, key)] = nextHop;
}

/** Among the slots of `owner`, which has some, the one that a member likes most; of equals the first. */
function best(owners: Uint16Array, owner: NextHopIndex, seed: number, key: number): number {
  let found = -1;
  let lowest = Number.POSITIVE_INFINITY;
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    if (owners[slot] !== owner) continue;
    const rated = score(seed, key, slot);
    if (rated >= lowest) continue;
    found = slot;
    lowest = rated;
  }
  return found;
}

function mustHaveMore({ share, held, stays }: Claims, place: number): boolean {
  return share[place]! - held[place]! >= (stays[place] === 1 ? 2 : 1);
}

/** Among the slots of `owner`, which has some, the one that it likes least; of equals the first. */
function worst(owners: Uint16Array, owner: NextHopIndex, seed: number, key: number): number {
  let found = -1;
  let highest = -1;
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    if (owners[slot] !== owner) continue;
    const rated = score(seed, key, slot);
    if (rated <= highest) continue;
    found = slot;
    highest = rated;
  }
  return found;
}

/** Slots, the one that a member likes most first. */
type Liking = Uint8Array;

/** Members whose liking is kept: as many as there are routers in a large domain. */
const MOST_KEPT = 4096;
const KEPT = new Map<number, Liking>();
let keptSeed = 0;

/** The liking of the latest members is kept, for one seed. */
function keptLiking(seed: number, key: number): Liking {
  if (seed !== keptSeed) {
    KEPT.clear();
    keptSeed = seed;
  }
  const known = KEPT.get(key);
  if (known !== undefined) return known;
  if (KEPT.size >= MOST_KEPT) KEPT.clear();
  const scores = Uint32Array.from({ length: GROUP_SLOTS }, (_, slot) => score(seed, key, slot));
  const order = Uint8Array.from({ length: GROUP_SLOTS }, (_, slot) => slot);
  order.sort((a, b) => scores[a]! - scores[b]! || a - b);
  KEPT.set(key, order);
  return order;
}

/** How much a member likes a slot, lower is more; uniform over 32 bits. @see Thaler and Ravishankar, rendezvous hashing */
function score(seed: number, key: number, slot: number): number {
  let h = Math.imul(seed ^ Math.imul(key, 0x9e3779b1) ^ Math.imul(slot + 1, 0x85ebca6b), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
