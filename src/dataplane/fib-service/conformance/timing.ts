import { GROUP_SLOTS, type Operation } from "../../../forwarding/index.ts";
import { DEFAULT_WINDOW, type OperationMessage } from "../messages.ts";
import { toMessage } from "../wire.ts";
import { capability, slotsOf, tunnel } from "./examples.ts";
import { demand, type Line } from "./line.ts";
import { demandPlan, emptyTables, tryOperation } from "./plans.ts";
import type { Rig } from "./rig.ts";

/** What was measured, in milliseconds; of single changes the median and the 99th of 100. */
export interface Timing {
  readonly capabilities: number;
  readonly handover: number;
  readonly operationsPerSecond: number;
  readonly read: number;
  readonly single: { readonly median: number; readonly p99: number };
  readonly health: { readonly median: number; readonly p99: number };
}

const GROUPS = 16;
const PIECE = 256;
const SINGLES = 200;

/** A plan with many capabilities: handed over, read back, changed one by one, and removed. */
export async function bigPlan(rig: Rig, entries: number): Promise<Timing> {
  const { line } = await rig.fresh({ maxCapabilities: Math.max(entries, 1024) });
  const tables = emptyTables(line.options);
  const pieces: OperationMessage[][] = [];
  const all = [...planOf(entries)];
  for (let at = 0; at < all.length; at += PIECE) pieces.push(all.slice(at, at + PIECE).map(toMessage));
  for (const operation of all) {
    const why = tryOperation(tables, operation);
    if (why !== undefined) throw new Error(`the example is wrong: ${why}`);
  }

  const handover = await timed(async () => {
    line.beginPlan(rig.newPlanId());
    for (const piece of pieces) {
      await line.room(DEFAULT_WINDOW - PIECE);
      line.operations(piece, 1);
    }
    line.endPlan(1);
    await line.settle();
  });
  for (let sequence = 1; sequence <= line.sequence; sequence++)
    demand(line.refusalOf(sequence) === undefined, `operation ${sequence}: ${line.refusalOf(sequence)?.reason}`);
  let held: readonly OperationMessage[] = [];
  const read = await timed(async () => {
    held = await line.read();
  });
  demandPlan(held, tables, line.options);
  const single = await eachOf(SINGLES, async (i) => {
    line.operations([toMessage(capability(1 + i, i % 2 === 0 ? 0 : 1))], 2 + i);
    await line.settle();
  });
  const health = await eachOf(SINGLES, async (i) => {
    demand((await line.health(1, i % 2)) === "", "the health of a next hop was refused");
  });
  await removeAll(line);
  return {
    ...{ capabilities: entries, handover, read, single, health },
    operationsPerSecond: Math.round((all.length / handover) * 1000),
  };
}

function* planOf(entries: number): Generator<Operation> {
  for (let i = 1; i <= GROUPS; i++) yield tunnel(i, i);
  for (let i = 1; i <= GROUPS; i++) yield slotsOf(i, i, i, 1 + (i % GROUP_SLOTS) > GROUPS ? 1 : i);
  for (let i = 1; i <= entries; i++) yield capability(i, 1 + (i % GROUPS));
}

async function removeAll(line: Line): Promise<void> {
  line.beginPlan(Uint8Array.of(0xff));
  line.endPlan(9_999);
  await line.settle();
  demand((await line.read()).length === 0, "something is left after an empty plan");
}

async function timed(run: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await run();
  return round(performance.now() - begun);
}

async function eachOf(times: number, run: (i: number) => Promise<void>): Promise<{ median: number; p99: number }> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) took.push(await timed(() => run(i)));
  took.sort((a, b) => a - b);
  return { median: took[times >> 1]!, p99: took[Math.floor(times * 0.99)]! };
}

const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
