import type { Operation } from "../../../forwarding/index.ts";
import type { Feature } from "../../features.ts";
import type { PlanTables } from "../../memory/plan-tables.ts";
import { toMessage } from "../wire.ts";
import { SMALL } from "./examples.ts";
import { demand, type Line } from "./line.ts";
import { demandPlan, emptyTables, tryOperation } from "./plans.ts";
import type { Rig } from "./rig.ts";

export interface ConformanceCase {
  readonly name: string;
  /** The rule of the protocol's README. */
  readonly rule: number;
  /** An executor that says it cannot is not asked. */
  readonly needs?: Feature;
  run(rig: Rig): Promise<void>;
}

/** Carries operations of ours out, which the rules allow. */
export function applied(line: Line, operations: readonly Operation[], tables = emptyTables(line.options)): PlanTables {
  for (const operation of operations) {
    const why = tryOperation(tables, operation);
    if (why !== undefined) throw new Error(`the example is wrong: ${why}`);
  }
  return tables;
}

/** Says operations to the executor and does not wait. @returns the sequence of the first */
export const say = (line: Line, operations: readonly Operation[], generation: number): number =>
  line.operations(operations.map(toMessage), generation);

export async function demandRead(line: Line, wanted: PlanTables): Promise<void> {
  demandPlan(await line.read(), wanted, line.options);
}

export function demandNoRefusal(line: Line): void {
  for (let sequence = 1; sequence <= line.sequence; sequence++) {
    const refusal = line.refusalOf(sequence);
    demand(
      refusal === undefined,
      `operation ${sequence} (${line.kindOf(sequence)}) is allowed, and was refused: ${refusal?.reason}`,
    );
  }
}

/** A line with the small plan in effect. */
export async function withSmall(rig: Rig): Promise<{ line: Line; tables: PlanTables; planId: Uint8Array }> {
  const { line, planId } = await rig.fresh();
  say(line, SMALL, 1);
  await line.settle();
  demandNoRefusal(line);
  return { line, planId, tables: applied(line, SMALL) };
}
