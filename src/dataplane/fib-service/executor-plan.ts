import { messageOf } from "../../base/index.ts";
import { PlanTables } from "../memory/plan-tables.ts";
import type { FibServiceOptions } from "./driver.ts";
import type { Session } from "./session.ts";

/** What an executor holds, as tables of ours, or why that is no plan. */
export type ExecutorPlan =
  | { readonly tables: PlanTables; readonly operations: number }
  | { readonly tables: undefined; readonly why: string };

/** Reads it as it comes, a part of it each turn. @throws what `Session.read` does */
export async function readExecutorPlan(
  session: Pick<Session, "read">,
  { domain, maxCapabilities }: Pick<FibServiceOptions, "domain" | "maxCapabilities">,
): Promise<ExecutorPlan> {
  const tables = new PlanTables(domain, maxCapabilities);
  const { nextHops, groups, nodes, policies, aggregates } = tables.sizes;
  const most = maxCapabilities + nextHops + groups + nodes + policies + aggregates;
  let operations = 0;
  let why: string | undefined;
  await session.read(most, (operation) => {
    try {
      if (why === undefined) tables.apply(operation, operations++);
    } catch (cause) {
      why = messageOf(cause);
    }
  });
  return why === undefined ? { tables, operations } : { tables: undefined, why };
}
