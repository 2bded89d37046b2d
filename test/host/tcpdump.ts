import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { countsIn } from "../../lab/quickstart/story/capture.ts";

const LIMIT_MS = 20_000;

/**
 * Room in the kernel for packets as long as offloading makes them: without a length there are eight places, and what comes while
 * tcpdump waits for a processor is dropped.
 */
export const WHOLE_PACKETS = ["--immediate-mode", "-s", "65535", "-B", "16384"] as const;

/**
 * Resolves when tcpdump has read all that has come: what is still in the kernel when it is told to end is lost. For one without
 * a filter: what comes before a filter is in place is received, and never captured.
 */
export async function untilAllRead(tcpdump: ChildProcess): Promise<void> {
  let said = "";
  const hear = (text: string | Buffer): void => {
    said += text;
  };
  tcpdump.stderr!.on("data", hear);
  try {
    for (const end = performance.now() + LIMIT_MS; performance.now() < end; await delay(20)) {
      assert.ok(tcpdump.exitCode === null && tcpdump.signalCode === null, `tcpdump has ended: ${said}`);
      tcpdump.kill("SIGUSR1");
      if (countsIn(said)?.isAll === true) return;
    }
    assert.fail(`tcpdump has not read all that came within ${LIMIT_MS / 1000} s: ${said}`);
  } finally {
    tcpdump.stderr!.off("data", hear);
  }
}
