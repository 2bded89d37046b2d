import { MemberPlaces } from "./member-places.ts";
import { GROUP_SLOTS, type NextHopIndex } from "./plan.ts";
import { type Claims, claimsOf, FEW, type GroupMember, needOf } from "./slot-claims.ts";
import { keptLiking, score } from "./slot-likings.ts";
import { newOwners } from "./slot-owners.ts";

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
  if (!hasOwners(past)) return owners;
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

function hasOwners(slots: Uint16Array): boolean {
  for (let slot = 0; slot < GROUP_SLOTS; slot++) if (slots[slot] !== 0) return true;
  return false;
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
  const need = needOf(members, claims);
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
