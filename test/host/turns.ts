import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestContext } from "node:test";
import type { RouterProcess } from "../daemon/router-process.ts";

const PROBE = new URL("stall-probe.ts", import.meta.url).href;
const PATIENCE = 60_000;
/** Milliseconds of processor time of 99 turns in 100: the bar of any. */
const BAR = 20;
/** Of any turn: the first ones of a kind of request are compiled meanwhile. What was measured is printed. */
const GROSS = 25;

/** What stands before the command of a router whose turns are watched. */
export const PROBED = ["env", `NODE_OPTIONS=--import=${PROBE}`];

/** Since the last time. */
async function stall(router: RouterProcess): Promise<{ longest: number; p99: number }> {
  const { child } = router;
  const from = router.log.length;
  child.kill("SIGUSR2");
  for (;;) {
    const said = router.log.slice(from).match(/\{"event":"test\.stall".*\}/)?.[0];
    if (said !== undefined) return JSON.parse(said);
    await once(child.stdout!, "data", { signal: AbortSignal.timeout(PATIENCE) });
  }
}

/** What `work` did to the turns of the router's event loop. */
export async function watched(t: TestContext, router: RouterProcess, work: () => Promise<void>): Promise<void> {
  await stall(router);
  await work();
  const { longest, p99 } = await stall(router);
  t.diagnostic(`turns of the event loop: longest ${longest.toFixed(1)} ms, 99 % within ${p99.toFixed(1)} ms`);
  assert.ok(p99 <= BAR, `1 % of the turns took more than ${p99} ms`);
  assert.ok(longest <= GROSS, `a turn took ${longest} ms`);
}

/** A router that has everything at once that `send` gives to the kernel. */
export async function stopped({ child }: RouterProcess, send: () => Promise<void> | void): Promise<void> {
  child.kill("SIGSTOP");
  try {
    await send();
  } finally {
    child.kill("SIGCONT");
  }
}
