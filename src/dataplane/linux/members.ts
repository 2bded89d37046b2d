import type { GroupIndex, NextHopIndex, PlannedNextHop } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { BUCKETS } from "./commands.ts";

/** Weights of the kernel's next hops are up to here. */
const MOST_WEIGHT = 256;

/** True when a group may choose this router. */
export function leadsHere(plan: PlanTables, group: GroupIndex): boolean {
  const entry = group === 0 ? undefined : plan.groupEntry(group);
  if (entry === undefined) return false;
  const isHere = (index: NextHopIndex): boolean => {
    const kind = plan.nextHop(index)?.kind;
    return kind === "local" || kind === "instance";
  };
  return isHere(entry.backup) || entry.slots.some(({ current }) => isHere(current));
}

/** What a next hop is to a group: it gets flows, keeps those that it has, or is not there. */
export type Part = "open" | "leaving" | "none";

/**
 * Next hops of a group by weight. "Here" is shared out among the members of the local group. Those that drain are the last, with so
 * little that no bucket is due to them: the kernel takes theirs away once these are idle. Where nobody else is, they go on.
 */
export function membersOf(
  plan: PlanTables,
  group: GroupIndex,
  localGroup: GroupIndex,
  partOf: (planned: PlannedNextHop) => Part,
): Map<NextHopIndex, number> {
  const shares = sharesOf(plan, group, localGroup, partOf);
  const leaving = new Set<NextHopIndex>();
  for (const { current, previous } of plan.groupEntry(group)!.slots)
    for (const index of current === previous ? [current] : [current, previous]) {
      const planned = plan.plannedNextHop(index);
      if (planned !== undefined && planned.nextHop.kind !== "local" && partOf(planned) === "leaving")
        leaving.add(index);
    }
  if (leaving.size === 0) return inWhole(shares);
  if (shares.size === 0) return new Map(Array.from(leaving, (index) => [index, 1]));
  const members = inWhole(shares, { spread: true });
  const sum = members.values().reduce((all, weight) => all + weight, 0);
  // Half a bucket or more would be rounded up to one
  for (const index of [...leaving].slice(0, Math.floor(sum / (2 * BUCKETS)))) members.set(index, 1);
  return members;
}

/** Of those that get flows. */
function sharesOf(
  plan: PlanTables,
  group: GroupIndex,
  localGroup: GroupIndex,
  partOf: (planned: PlannedNextHop) => Part,
): Map<NextHopIndex, number> {
  const instances = localGroup === 0 ? new Map<NextHopIndex, number>() : sharesOf(plan, localGroup, 0, partOf);
  const all = instances.values().reduce((sum, weight) => sum + weight, 0);
  const { slots, backup } = plan.groupEntry(group)!;
  const shares = new Map<NextHopIndex, number>();
  const add = (index: NextHopIndex, weight: number): void => {
    const planned = plan.plannedNextHop(index);
    if (planned === undefined || partOf(planned) !== "open") return;
    if (planned.nextHop.kind === "local")
      for (const [instance, share] of instances)
        shares.set(instance, (shares.get(instance) ?? 0) + (weight * share) / all);
    else shares.set(index, (shares.get(index) ?? 0) + weight);
  };
  for (const { current } of slots) add(current, 1);
  if (shares.size === 0) add(backup, 1);
  return shares;
}

/** Weights as the kernel takes them: whole numbers up to 256. */
function inWhole(shares: ReadonlyMap<NextHopIndex, number>, { spread = false } = {}): Map<NextHopIndex, number> {
  const most = Math.max(...shares.values(), 1);
  const isWhole = shares.values().every((share) => Number.isInteger(share));
  const factor = !spread && isWhole && most <= MOST_WEIGHT ? 1 : MOST_WEIGHT / most;
  return new Map(shares.entries().map(([index, share]) => [index, Math.max(1, Math.round(share * factor))]));
}
