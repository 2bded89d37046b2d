import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { loadNative } from "../../native/index.ts";
import { leftovers, whyNoNamespaces } from "./namespaces.ts";

/** Why no lab with real routers can be made here. */
export function whyNoRouters(): string | undefined {
  const reason = whyNoNamespaces();
  if (reason !== undefined) return reason;
  const { usable, reason: why } = loadNative().bpf.probe();
  return usable ? undefined : `skipped: BPF cannot be used (${why})`;
}

/** The file `run.ts` of a lab. */
export const runOf = (lab: string): string => path.join(import.meta.dirname, "../../lab", lab, "run.ts");

/** Runs a lab's story to its end under the name `name`: all was as it should be, and nothing is left. Gives what was seen. Where `signal` says that it takes too long the lab is told to end. */
export async function toldStory<Facts extends object>(
  lab: string,
  name: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<Facts> {
  const child = spawn(process.execPath, [runOf(lab), "--json", "--name", name, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  child.on("error", () => {}); // that it was told to end
  const closed = once(child, "close");
  const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await closed;
  assert.notEqual(printed, "", said);
  const { ok, failure, ...facts } = JSON.parse(printed) as { ok: boolean; failure?: string } & Facts;
  assert.deepEqual({ ok, failure, code }, { ok: true, failure: undefined, code: 0 }, said);
  assert.deepEqual(leftovers(name), []);
  return facts as unknown as Facts;
}
