import { GROUP_SLOTS, type NextHopIndex } from "./plan.ts";

/** Somebody who gets slots in proportion to its weight. */
export interface GroupMember {
  readonly nextHop: NextHopIndex;
  /** What it is called in the hash, the same on every router: the originator of a site, a number made of an instance's id. */
  readonly key: number;
  /** At least 1. */
  readonly weight: number;
}

const NOBODY = new Uint16Array(GROUP_SLOTS);

/**
 * Owners of the slots of a group, given who owned them before (0: nobody).
 *
 * Without a past, the result depends on seed and members alone and every count is within one slot of the exact share, so
 * routers of a domain agree. With a past, as few slots as possible change hands: a member that leaves gives up its own
 * slots and nothing else moves, except that a member whose share is a whole slot never stays without one. Where starting
 * afresh would not move more, that is the result, so routers with different pasts come together again (and the groups of
 * capabilities with the same members are one group again).
 */
export function assignSlots(members: readonly GroupMember[], past: Uint16Array, seed: number): Uint16Array {
  const [only] = members;
  if (only === undefined) return new Uint16Array(GROUP_SLOTS);
  if (members.length === 1) return new Uint16Array(GROUP_SLOTS).fill(only.nextHop);
  const fresh = distribute(members, NOBODY, seed);
  if (past.every((owner) => owner === 0)) return fresh;
  const kept = distribute(members, past, seed);
  const owners = new Set(past);
  const entering = new Set(members.map(({ nextHop }) => nextHop).filter((nextHop) => !owners.has(nextHop)));
  // Rounding may give whoever enters one slot more when starting afresh; that is worth it, moves among the others are not.
  const allowed = moves(past, kept) + (takesOnly(entering, past, fresh, members) ? entering.size : 0);
  return moves(past, fresh) <= allowed ? fresh : kept;
}

function moves(from: Uint16Array, to: Uint16Array): number {
  let count = 0;
  for (let slot = 0; slot < GROUP_SLOTS; slot++) if (from[slot] !== 0 && from[slot] !== to[slot]) count++;
  return count;
}

/** Slots that change hands among members go to `takers` alone. */
function takesOnly(
  takers: ReadonlySet<NextHopIndex>,
  from: Uint16Array,
  to: Uint16Array,
  members: readonly GroupMember[],
): boolean {
  const staying = new Set(members.map(({ nextHop }) => nextHop));
  return from.every((owner, slot) => owner === to[slot] || !staying.has(owner) || takers.has(to[slot]!));
}

interface Claim {
  readonly member: GroupMember;
  /** Exact share of the slots. */
  readonly share: number;
  /** Made when it is needed: of many members few get a slot. */
  liking: Liking | undefined;
  /** Slots of its order that are known to be taken. */
  passed: number;
  held: number;
  /** It had no slot before. */
  entering: boolean;
}

function distribute(members: readonly GroupMember[], past: Uint16Array, seed: number): Uint16Array {
  const owners = new Uint16Array(GROUP_SLOTS);
  let total = 0;
  for (const { weight } of members) total += weight;
  const claims = members.map(
    (member): Claim => ({
      member,
      share: (GROUP_SLOTS * member.weight) / total,
      liking: undefined,
      passed: 0,
      held: 0,
      entering: true,
    }),
  );
  claims.sort((a, b) => a.member.key - b.member.key || a.member.nextHop - b.member.nextHop);
  if (past !== NOBODY) keep(claims, past, owners);
  for (const claim of claims) {
    while (claim.held > Math.ceil(claim.share)) {
      owners[worst(owners, claim.member.nextHop, seed, claim.member.key)] = 0;
      claim.held--;
    }
  }
  // Whoever lacks most takes the free slot that it likes best. Afterwards nobody has more than one slot too many.
  let free = GROUP_SLOTS;
  for (const { held } of claims) free -= held;
  const isFew = claims.length <= FEW;
  for (let i = 0; i < free; i++) {
    if (isFew) takeFree(owners, neediest(claims), seed);
    else take(owners, neediest(claims), 0, seed);
  }
  for (let claim = neediest(claims); mustHaveMore(claim); claim = neediest(claims)) {
    const giver = claims.reduce((most, other) => (other.held - other.share > most.held - most.share ? other : most));
    giver.held--;
    take(owners, claim, giver.member.nextHop, seed);
  }
  return owners;
}

/** Members keep the slots that they have. */
function keep(claims: readonly Claim[], past: Uint16Array, owners: Uint16Array): void {
  const byHop = new Map(claims.map((claim) => [claim.member.nextHop, claim]));
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const claim = byHop.get(past[slot]!);
    if (claim === undefined) continue;
    owners[slot] = past[slot]!;
    claim.held++;
    claim.entering = false;
  }
}

/** Few members take many slots each, so that it pays to know the order; many take hardly more than one. */
const FEW = 16;

/** In the order of liking no slot is looked at twice: here they only ever become taken. */
function takeFree(owners: Uint16Array, claim: Claim, seed: number): void {
  const order = likingOf(seed, claim);
  while (owners[order[claim.passed]!] !== 0) claim.passed++;
  owners[order[claim.passed]!] = claim.member.nextHop;
  claim.held++;
}

function take(owners: Uint16Array, claim: Claim, from: NextHopIndex, seed: number): void {
  owners[best(owners, from, seed, claim.member.key)] = claim.member.nextHop;
  claim.held++;
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

/** The first of those that lack most: claims are in order of key. */
function neediest(claims: readonly Claim[]): Claim {
  let most = claims[0]!;
  let lacks = most.share - most.held;
  for (let i = 1; i < claims.length; i++) {
    const claim = claims[i]!;
    if (claim.share - claim.held <= lacks) continue;
    most = claim;
    lacks = claim.share - claim.held;
  }
  return most;
}

function mustHaveMore({ share, held, entering }: Claim): boolean {
  return share - held >= (entering ? 1 : 2);
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

function likingOf(seed: number, claim: Claim): Liking {
  claim.liking ??= keptLiking(seed, claim.member.key);
  return claim.liking;
}

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
