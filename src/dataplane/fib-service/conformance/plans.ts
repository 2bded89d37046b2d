import { sameValue } from "../../../base/index.ts";
import type { PlanSnapshot } from "../../../forwarding/index.ts";
import { DataplaneError } from "../../error.ts";
import { PlanTables } from "../../memory/plan-tables.ts";
import type { OperationMessage } from "../messages.ts";
import { fromMessage } from "../wire.ts";
import { demand, type LineOptions } from "./line.ts";

export function emptyTables({ domain, maxCapabilities }: LineOptions): PlanTables {
  return new PlanTables(domain, maxCapabilities);
}

/** Carries an operation out where the rules allow it; else why not. */
export function tryOperation(tables: PlanTables, message: OperationMessage): string | undefined {
  const operation = fromMessage(message);
  if (typeof operation === "string") return operation;
  try {
    tables.apply(operation, 0);
    return undefined;
  } catch (cause) {
    if (cause instanceof DataplaneError) return cause.message;
    throw cause;
  }
}

/** Fails unless what was read is the plan, and its operations are in an order that is allowed. */
export function demandPlan(read: readonly OperationMessage[], wanted: PlanTables, options: LineOptions): void {
  const tables = emptyTables(options);
  for (const [i, message] of read.entries()) {
    const why = tryOperation(tables, kindOf(message));
    demand(why === undefined, `operation ${i} of what was read is not allowed after those before: ${why}`);
  }
  const difference = differenceBetween(wanted.snapshot(0), tables.snapshot(0));
  demand(difference === undefined, `what is in effect is not the plan: ${difference}`);
}

/** Messages that were made here do not name their kind, as those that were decoded do. */
export function kindOf(message: OperationMessage): OperationMessage {
  if (message.operation !== undefined) return message;
  const [kind] = Object.keys(message) as (OperationMessage["operation"] & string)[];
  if (kind === undefined) return message;
  const hop = message.set_next_hop;
  const target = (["tunnel", "instance", "local"] as const).find((each) => hop?.[each] !== undefined);
  return {
    ...message,
    operation: kind,
    ...(hop === undefined ? {} : { set_next_hop: { ...hop, ...(target === undefined ? {} : { target }) } }),
  };
}

function differenceBetween(wanted: PlanSnapshot, found: PlanSnapshot): string | undefined {
  for (const table of ["nextHops", "groups", "capabilities"] as const) {
    const [a, b] = [wanted[table] as ReadonlyMap<number | string, unknown>, found[table] as typeof wanted.nextHops];
    const others = b as ReadonlyMap<number | string, unknown>;
    for (const [key, value] of a) {
      if (!others.has(key)) return `${key} of ${table} is missing`;
      if (!sameValue(value, others.get(key))) return `${key} of ${table} is another`;
    }
    for (const key of others.keys()) if (!a.has(key)) return `${key} of ${table} is there, and should not be`;
  }
  const text = (nodes: PlanSnapshot["nodes"]): string =>
    nodes
      .map((node) => JSON.stringify(node))
      .toSorted()
      .join();
  return text(wanted.nodes) === text(found.nodes) ? undefined : "the nodes are others";
}
