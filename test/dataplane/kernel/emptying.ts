import type { Operation, PlanSnapshot } from "../../../src/forwarding/index.ts";

/** Operations that empty the tables. */
export function emptying(snapshot: PlanSnapshot): Operation[] {
  return [
    ...snapshot.capabilities.values().map(({ address }) => ({ type: "remove-capability", address }) as const),
    ...snapshot.aggregates!.map(({ prefix }) => ({ type: "remove-aggregate", prefix }) as const),
    ...snapshot.groups.keys().map((group) => ({ type: "remove-group", group }) as const),
    ...snapshot.nextHops.keys().map((index) => ({ type: "remove-next-hop", index }) as const),
    ...snapshot.nodes.map(({ locator }) => ({ type: "remove-node", locator }) as const),
    ...snapshot.policies!.keys().map((index) => ({ type: "remove-policy", index }) as const),
  ];
}
