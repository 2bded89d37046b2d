/** A router's data plane alone: applies what it is told on its standard input, says what it did, and never ends by itself. */
import { createInterface } from "node:readline";
import { loadNative } from "../../../native/index.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { OBJECT_PATH } from "./isolated.ts";

/** Uint8Array members travel as `{ octets: number[] }`. */
const revive = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "octets" in value ? Uint8Array.from(value.octets as number[]) : value;

const dataplane = await startKernelDataplane(OPTIONS, { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH });
process.stdout.write(`started adopted=${dataplane.adopted}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { operations, generation } = JSON.parse(line, revive) as { operations: Operation[]; generation: number };
  dataplane.apply(operations, generation);
  process.stdout.write(`applied ${generation}\n`);
}
