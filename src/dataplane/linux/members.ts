import type { GroupIndex, NextHopIndex, PlannedNextHop } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";

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

/** Next hops of a group by weight, those that can have new flows; "here" is shared out among the members of the local group. */
export function membersOf(
  plan: PlanTables,
  group: GroupIndex,
  localGroup: GroupIndex,
  isOpen: (planned: PlannedNextHop) => boolean,
): Map<NextHopIndex, number> {
  const instances = localGroup === 0 ? new Map<NextHopIndex, number>() : membersOf(plan, localGroup, 0, isOpen);
  const all = instances.values().reduce((sum, weight) => sum + weight, 0);
  const { slots, backup } = plan.groupEntry(group)!;
  const shares = new Map<NextHopIndex, number>();
  const add = (index: NextHopIndex, weight: number): void => {
    const planned = plan.plannedNextHop(index);
    if (planned === undefined || !isOpen(planned)) return;
    if (planned.nextHop.kind === "local")
      for (const [instance, share] of instances)
        shares.set(instance, (shares.get(instance) ?? 0) + (weight * share) / all);
    else shares.set(index, (shares.get(index) ?? 0) + weight);
  };
  for (const { current } of slots) add(current, 1);
  if (shares.size === 0) add(backup, 1);
  return inWhole(shares);
}

/** Weights as the kernel takes them: whole numbers up to 256. */
function inWhole(shares: ReadonlyMap<NextHopIndex, number>): Map<NextHopIndex, number> {
  const most = Math.max(...shares.values(), 1);
  const isWhole = shares.values().every((share) => Number.isInteger(share));
  const factor = isWhole && most <= MOST_WEIGHT ? 1 : MOST_WEIGHT / most;
  return new Map(shares.entries().map(([index, share]) => [index, Math.max(1, Math.round(share * factor))]));
}
