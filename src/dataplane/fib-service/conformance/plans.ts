import { formatIpv6Prefix, sameValue, toHex } from "../../../base/index.ts";
import type { Operation, PlanSnapshot } from "../../../forwarding/index.ts";
import { DataplaneError } from "../../error.ts";
import { PlanTables } from "../../memory/plan-tables.ts";
import { objectOf } from "../differences.ts";
import type { OperationMessage } from "../messages.ts";
import { fromMessage } from "../wire.ts";
import { demand, type LineOptions } from "./line.ts";

/** What a driver says around the reason: an executor has other words for it. */
const AROUND_A_REASON = /^operation \d+ \([a-z-]+\) cannot be carried out: |; the operations before it are in effect$/g;

export function emptyTables({ domain, maxCapabilities }: LineOptions): PlanTables {
  return new PlanTables(domain, maxCapabilities);
}

/** Carries an operation out where the rules allow it; else why not. */
export function tryOperation(tables: PlanTables, operation: Operation): string | undefined {
  try {
    tables.apply(operation, 0);
    return undefined;
  } catch (cause) {
    if (cause instanceof DataplaneError) return cause.message.replace(AROUND_A_REASON, "");
    throw cause;
  }
}

/** Fails unless what was read is the plan, and its operations are in an order that is allowed. */
export function demandPlan(read: readonly OperationMessage[], wanted: PlanTables, options: LineOptions): void {
  const tables = emptyTables(options);
  const told = new Set<string>();
  for (const [i, message] of read.entries()) {
    const operation = fromMessage(message);
    const why = typeof operation === "string" ? operation : tryOperation(tables, operation);
    if (typeof operation !== "string") {
      const { key, object } = objectOf(operation);
      demand(!told.has(key), `its answer to Read tells ${object} twice`);
      told.add(key);
    }
    demand(why === undefined, `operation ${i} of its answer to Read is not allowed after those before: ${why}`);
  }
  const difference = differenceBetween(wanted.snapshot(0), tables.snapshot(0));
  demand(difference === undefined, `what is in effect, by its answer to Read, is not the plan: ${difference}`);
}

function differenceBetween(wanted: PlanSnapshot, found: PlanSnapshot): string | undefined {
  const [all, held] = [tablesOf(wanted), tablesOf(found)];
  for (const [i, [table, entries]] of all.entries()) {
    const others = held[i]![1];
    for (const [key, value] of entries) {
      if (!others.has(key)) return `${table} ${key} is missing`;
      if (!sameValue(value, others.get(key))) return `${table} ${key} is another`;
    }
    for (const key of others.keys()) if (!entries.has(key)) return `${table} ${key} is there, and should not be`;
  }
  return undefined;
}

/** By what an entry is called. */
function tablesOf(plan: PlanSnapshot): readonly (readonly [string, ReadonlyMap<number | string, unknown>])[] {
  const aggregates = (plan.aggregates ?? []).map((entry) => [formatIpv6Prefix(entry.prefix), entry] as const);
  return [
    ["next hop", plan.nextHops],
    ["group", plan.groups],
    ["policy", plan.policies ?? new Map()],
    ["capability", plan.capabilities],
    ["aggregate", new Map(aggregates)],
    ["node", new Map(plan.nodes.map((node) => [toHex(node.locator), node]))],
  ];
}
