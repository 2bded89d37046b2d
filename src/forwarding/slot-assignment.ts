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
  const kept = distribute(members, past, seed);
  const fresh = distribute(members, NOBODY, seed);
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

function distribute(members: readonly GroupMember[], past: Uint16Array, seed: number): Uint16Array {
  const owners = new Uint16Array(GROUP_SLOTS);
  if (members.length === 0) return owners;
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const claims = members
    .map((member) => ({ member, share: (GROUP_SLOTS * member.weight) / total, held: 0, entering: true }))
    .sort((a, b) => a.member.key - b.member.key || a.member.nextHop - b.member.nextHop);
  const byHop = new Map(claims.map((claim) => [claim.member.nextHop, claim]));
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const claim = byHop.get(past[slot]!);
    if (claim === undefined) continue;
    owners[slot] = past[slot]!;
    claim.held++;
    claim.entering = false;
  }
  for (const claim of claims) {
    while (claim.held > Math.ceil(claim.share)) {
      owners[best(owners, claim.member.nextHop, (slot) => -score(seed, claim.member.key, slot))] = 0;
      claim.held--;
    }
  }
  // Whoever lacks most takes the free slot that it likes best. Afterwards nobody has more than one slot too many.
  const free = GROUP_SLOTS - claims.reduce((sum, { held }) => sum + held, 0);
  for (let i = 0; i < free; i++) take(neediest(claims), 0);
  for (let claim = neediest(claims); mustHaveMore(claim); claim = neediest(claims)) {
    const giver = claims.reduce((most, other) => (other.held - other.share > most.held - most.share ? other : most));
    giver.held--;
    take(claim, giver.member.nextHop);
  }
  return owners;

  function take(claim: Claim, from: NextHopIndex): void {
    const { key, nextHop } = claim.member;
    owners[best(owners, from, (slot) => score(seed, key, slot))] = nextHop;
    claim.held++;
  }
}

interface Claim {
  readonly member: GroupMember;
  /** Exact share of the slots. */
  readonly share: number;
  held: number;
  /** It had no slot before. */
  entering: boolean;
}

/** The first of those that lack most: claims are in order of key. */
function neediest(claims: readonly Claim[]): Claim {
  return claims.reduce((most, claim) => (claim.share - claim.held > most.share - most.held ? claim : most));
}

function mustHaveMore({ share, held, entering }: Claim): boolean {
  return share - held >= (entering ? 1 : 2);
}

/** Among the slots of `owner`, the one with the lowest score. */
function best(owners: Uint16Array, owner: NextHopIndex, rate: (slot: number) => number): number {
  let found = -1;
  let lowest = Number.POSITIVE_INFINITY;
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    if (owners[slot] !== owner) continue;
    const rated = rate(slot);
    if (found >= 0 && rated >= lowest) continue;
    found = slot;
    lowest = rated;
  }
  return found;
}

/** How much a member likes a slot, lower is more; uniform over 32 bits. @see Thaler and Ravishankar, rendezvous hashing */
function score(seed: number, key: number, slot: number): number {
  let h = Math.imul(seed ^ Math.imul(key, 0x9e3779b1) ^ Math.imul(slot + 1, 0x85ebca6b), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
