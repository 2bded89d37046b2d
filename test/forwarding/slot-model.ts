import { GROUP_SLOTS } from "../../src/forwarding/index.ts";
import type { GroupMember } from "../../src/forwarding/slot-claims.ts";

/** What `assignSlots` has to answer, written to be read: sorted lists, and a look at everybody for each slot. */
export function slotsOf(members: readonly GroupMember[], past: readonly number[], seed: number): number[] {
  if (members.length === 0) return new Array<number>(GROUP_SLOTS).fill(0);
  const nobody = new Array<number>(GROUP_SLOTS).fill(0);
  const fresh = distribute(members, nobody, seed);
  if (past.every((owner) => owner === 0)) return fresh;
  const kept = distribute(members, past, seed);
  const staying = members.filter(({ nextHop }) => past.includes(nextHop)).map(({ nextHop }) => nextHop);
  const isMember = (owner: number): boolean => members.some(({ nextHop }) => nextHop === owner);
  const onlyEntering = past.every(
    (owner, slot) => owner === fresh[slot] || !isMember(owner) || !staying.includes(fresh[slot]!),
  );
  const allowed = moves(past, kept) + (onlyEntering ? members.length - staying.length : 0);
  return moves(past, fresh) <= allowed ? fresh : kept;
}

function moves(from: readonly number[], to: readonly number[]): number {
  return from.filter((owner, slot) => owner !== 0 && owner !== to[slot]).length;
}

function distribute(members: readonly GroupMember[], past: readonly number[], seed: number): number[] {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const inOrder = members.toSorted((a, b) => a.key - b.key || a.nextHop - b.nextHop);
  const owners = past.map((owner) => (members.some(({ nextHop }) => nextHop === owner) ? owner : 0));
  const held = ({ nextHop }: GroupMember): number => owners.filter((owner) => owner === nextHop).length;
  const lacks = (member: GroupMember): number => (GROUP_SLOTS * member.weight) / total - held(member);
  const most = (rate: (member: GroupMember) => number): GroupMember =>
    inOrder.reduce((best, member) => (rate(member) > rate(best) ? member : best));
  for (const member of inOrder) {
    while (held(member) > Math.ceil((GROUP_SLOTS * member.weight) / total))
      owners[liked(owners, member.nextHop, seed, member.key).at(-1)!] = 0;
  }
  while (owners.includes(0)) {
    const neediest = most(lacks);
    owners[liked(owners, 0, seed, neediest.key)[0]!] = neediest.nextHop;
  }
  for (;;) {
    const neediest = most(lacks);
    if (lacks(neediest) < (past.includes(neediest.nextHop) ? 2 : 1)) return owners;
    const giver = most((member) => -lacks(member));
    owners[liked(owners, giver.nextHop, seed, neediest.key)[0]!] = neediest.nextHop;
  }
}

/** The slots of `owner`, the one that `key` likes most first; of equals the first one first, at both ends. */
function liked(owners: readonly number[], owner: number, seed: number, key: number): number[] {
  const slots = owners.flatMap((of, slot) => (of === owner ? [slot] : []));
  const sorted = slots.toSorted((a, b) => score(seed, key, a) - score(seed, key, b) || a - b);
  const worst = slots.find((slot) => score(seed, key, slot) === score(seed, key, sorted.at(-1)!))!;
  return [...sorted.filter((slot) => slot !== worst), worst];
}

function score(seed: number, key: number, slot: number): number {
  let h = Math.imul(seed ^ Math.imul(key, 0x9e3779b1) ^ Math.imul(slot + 1, 0x85ebca6b), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
