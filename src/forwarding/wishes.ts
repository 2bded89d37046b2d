import { type GroupContent, type GroupWish, NO_WISH } from "./group-content.ts";
import type { InstanceMember } from "./instance-book.ts";
import type { NextHop, NextHopIndex } from "./plan.ts";
import type { SiteChoice } from "./site-choice.ts";
import type { GroupMember } from "./slot-claims.ts";

/** Index of a next hop; `undefined` when there is no room for it. */
export type Locate = (nextHop: NextHop) => NextHopIndex | undefined;

/** Who should serve a capability in the domain. */
export function siteWish(choice: SiteChoice, locate: Locate, find: Locate): GroupWish {
  const members: GroupMember[] = [];
  for (const { originId, nextHop, weight } of choice.sites) {
    const index = locate(nextHop);
    if (index !== undefined) members.push({ nextHop: index, key: originId, weight });
  }
  const leaving = new Set<NextHopIndex>();
  const draining = new Set<NextHopIndex>();
  for (const site of choice.leaving) {
    const index = find(site.nextHop);
    if (index === undefined) continue;
    leaving.add(index);
    if (site.draining) draining.add(index);
  }
  const reserve = choice.reserve === undefined ? undefined : locate(choice.reserve);
  return { members, leaving, draining, backup: reserve ?? heaviest(members) };
}

/**
 * Instances that drain get what begins where nobody else can serve it: none here is up, and no other site was preferred to this
 * one. As a site that drains does, and as a service whose last endpoints terminate.
 * @see Kubernetes KEP-1669
 */
export function servesWhileDraining(
  instances: ReadonlyMap<string, InstanceMember>,
  choice: SiteChoice | undefined,
): boolean {
  let drains = false;
  for (const { index, state } of instances.values()) {
    if (index === 0) continue;
    if (state === "up") return false;
    if (state === "draining") drains = true;
  }
  if (!drains) return false;
  return (
    choice === undefined || choice.sites.length === 0 || choice.sites.some(({ nextHop }) => nextHop.kind === "local")
  );
}

/** Who should serve it behind this router. `whileDraining`: those that drain, as nobody else is there. */
export function instanceWish(
  instances: ReadonlyMap<string, InstanceMember>,
  { whileDraining }: { readonly whileDraining: boolean },
): GroupWish {
  if (instances.size === 0) return NO_WISH;
  const members: GroupMember[] = [];
  const draining = new Set<NextHopIndex>();
  for (const { index, state, key, instance } of instances.values()) {
    if (index === 0) continue;
    if (state === "up" || (whileDraining && state === "draining"))
      members.push({ nextHop: index, key, weight: instance.weight });
    else if (state === "draining") draining.add(index);
  }
  return { members, leaving: draining, draining, backup: heaviest(members) };
}

/** Flows that only meet dead owners in their slot and the next ones go to the backup. */
function heaviest(members: readonly GroupMember[]): NextHopIndex {
  let best: GroupMember | undefined;
  for (const member of members)
    if (best === undefined || member.weight > best.weight || (member.weight === best.weight && member.key < best.key))
      best = member;
  return best?.nextHop ?? 0;
}

/**
 * The wish before routes and agents are all back after a restart: owners that the data plane holds stay members unless
 * they are known to be gone. `undefined`: nothing has to change.
 */
export function adoptedWish(
  wish: GroupWish,
  content: GroupContent,
  isGone: (nextHop: NextHopIndex) => boolean,
): GroupWish | undefined {
  const slots = new Map<NextHopIndex, number>();
  for (const owner of content.current) if (owner !== 0) slots.set(owner, (slots.get(owner) ?? 0) + 1);
  const wished = new Set(wish.members.map(({ nextHop }) => nextHop));
  const silent = [...slots].filter(([owner]) => !wished.has(owner) && !wish.leaving.has(owner));
  const kept = silent.filter(([owner]) => !isGone(owner));
  const stays = wish.members.every(({ nextHop }) => slots.has(nextHop));
  const named = [...slots.keys(), ...content.previous];
  if (stays && kept.length === silent.length && !named.some((owner) => isGone(owner) || wish.leaving.has(owner))) {
    return undefined;
  }
  // A slot weighs as much as those of the members whose weight is known.
  const heard = wish.members.filter(({ nextHop }) => slots.has(nextHop));
  const heardSlots = heard.reduce((sum, { nextHop }) => sum + slots.get(nextHop)!, 0);
  const perSlot = heardSlots === 0 ? 1 : heard.reduce((sum, { weight }) => sum + weight, 0) / heardSlots;
  const keptMembers = kept.map(([nextHop, count]) => ({ nextHop, key: nextHop, weight: count * perSlot }));
  const waiting = [...content.previous].filter((owner) => owner !== 0 && !isGone(owner));
  const backup = wish.backup !== 0 ? wish.backup : (keptMembers[0]?.nextHop ?? 0);
  return { ...wish, members: [...wish.members, ...keptMembers], leaving: wish.leaving.union(new Set(waiting)), backup };
}
