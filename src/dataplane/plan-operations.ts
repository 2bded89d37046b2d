import type { Operation, PlanSnapshot } from "../forwarding/index.ts";
import type { PlanTables } from "./memory/plan-tables.ts";

/** The operation that makes what `operation` is about as the tables have it now, whatever it was; `undefined` when it is not there. */
export function wholeOf(tables: PlanTables, operation: Operation): Operation | undefined {
  switch (operation.type) {
    case "set-next-hop":
    case "set-next-hop-state":
    case "set-encapsulation":
    case "remove-next-hop": {
      const planned = tables.plannedNextHop(operation.index);
      return planned && { type: "set-next-hop", index: operation.index, ...planned };
    }
    case "set-slots":
    case "remove-group": {
      const planned = tables.plannedGroup(operation.group);
      return planned && { type: "set-slots", group: operation.group, slots: planned.slots, backup: planned.backup };
    }
    case "set-policy":
    case "remove-policy": {
      const policy = tables.policy(operation.index);
      return policy && { type: "set-policy", index: operation.index, policy };
    }
    case "set-capability":
    case "remove-capability": {
      const entry = tables.capability(
        operation.type === "set-capability" ? operation.entry.address : operation.address,
      );
      return entry && { type: "set-capability", entry };
    }
    case "set-aggregate":
    case "remove-aggregate": {
      const prefix = operation.type === "set-aggregate" ? operation.aggregate.prefix : operation.prefix;
      const aggregate = tables.aggregateAt(prefix);
      return aggregate && { type: "set-aggregate", aggregate };
    }
    case "set-node":
    case "remove-node": {
      const node = tables.node(operation.locator);
      return node && { type: "set-node", ...node };
    }
  }
}

/** Everything in the tables as operations from nothing, in an order that is allowed. Bears changes in between, as the tables' iterators do. */
export function* operationsOf(tables: PlanTables): Generator<Operation> {
  for (const node of tables.nodes()) yield { type: "set-node", ...node };
  for (const [index, planned] of tables.plannedNextHops()) yield { type: "set-next-hop", index, ...planned };
  for (const [group, { slots, backup }] of tables.plannedGroups()) yield { type: "set-slots", group, slots, backup };
  for (const [index, policy] of tables.plannedPolicies()) yield { type: "set-policy", index, policy };
  for (const entry of tables.plannedCapabilities()) yield { type: "set-capability", entry };
  for (const aggregate of tables.plannedAggregates()) yield { type: "set-aggregate", aggregate };
}

/** The same of a snapshot. */
export function* operationsOfSnapshot({
  nodes,
  nextHops,
  groups,
  policies,
  ...rest
}: PlanSnapshot): Generator<Operation> {
  for (const node of nodes) yield { type: "set-node", ...node };
  for (const [index, planned] of nextHops) yield { type: "set-next-hop", index, ...planned };
  for (const [group, { slots, backup }] of groups) yield { type: "set-slots", group, slots, backup };
  for (const [index, policy] of policies ?? []) yield { type: "set-policy", index, policy };
  for (const entry of rest.capabilities.values()) yield { type: "set-capability", entry };
  for (const aggregate of rest.aggregates ?? []) yield { type: "set-aggregate", aggregate };
}
