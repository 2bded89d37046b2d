import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Operation } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { noteOf, operationOf } from "../plan-note.ts";
import { operationsOf } from "../plan-operations.ts";

/** What the kernel's tables were made for: another machine's, boot's or namespace's are not these. */
export interface PlanHeader {
  readonly layout: number;
  readonly domain: string;
  readonly locator: string;
  readonly boot: string;
  readonly namespace: string;
  readonly generation: number;
}

const LINES_AT_ONCE = 256;

export const hereAndNow = (): Pick<PlanHeader, "boot" | "namespace"> => ({
  boot: readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(),
  namespace: readlinkSync("/proc/self/ns/net"),
});

/** The plan that was written last for the same header; `undefined` when there is none. */
export function readPlan(
  path: string,
  wanted: Omit<PlanHeader, "generation">,
): { readonly generation: number; readonly operations: readonly Operation[] } | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
  const [first = "", ...lines] = text.trimEnd().split("\n");
  let header: Partial<PlanHeader>;
  try {
    header = JSON.parse(first) as Partial<PlanHeader>;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
  const { generation, ...made } = header;
  if (typeof generation !== "number" || JSON.stringify(made) !== JSON.stringify(wanted)) return undefined;
  const operations: Operation[] = [];
  const encoder = new TextEncoder();
  for (const line of lines) {
    const operation = operationOf(encoder.encode(line));
    if (operation === undefined) return undefined;
    operations.push(operation);
  }
  return { generation, operations };
}

/** Writes the plan, a few lines a turn, and puts it in the place of the one before. */
export async function writePlan(path: string, header: PlanHeader, plan: PlanTables): Promise<void> {
  const { generation, ...made } = header;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    let lines = [JSON.stringify({ ...made, generation })];
    const decoder = new TextDecoder();
    for (const operation of operationsOf(plan)) {
      lines.push(decoder.decode(noteOf(operation)));
      if (lines.length < LINES_AT_ONCE) continue;
      await file.write(`${lines.join("\n")}\n`);
      lines = [];
    }
    await file.write(`${lines.join("\n")}\n`);
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

export const removePlan = (path: string): Promise<void> => rm(path, { force: true });
