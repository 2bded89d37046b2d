import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { isReached, percentile, ratioToBar, row, single, tableOf } from "./figures.ts";
import { PARTS, without } from "./parts.ts";
import { BUILD } from "./places.ts";
import { buildPrograms, loadProgram } from "./programs.ts";
import { makeSubject, runOnce } from "./subject.ts";
import { capabilityAddress } from "./world.ts";

/** Why the programs cannot be loaded here, `undefined` when they can. */
function whyNot(): string | undefined {
  try {
    return loadNative().bpf.probe().reason;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

test("the bench's programs load, and a prologue runs what it is given", async (t) => {
  const reason = whyNot();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  await buildPrograms();
  using _ = await loadProgram("frames", { capabilities: 1, flows: 1 });
  for (const hook of ["xdp", "tc"] as const) {
    const answer = hook === "xdp" ? 3 : 0;
    const subject = await makeSubject("smoke", hook, { capabilities: 10, flows: 10 }, `empty_${hook}`, [answer]);
    assert.ok(runOnce(subject, 10) >= 0);
    const other = { ...subject, returns: [77] };
    assert.throws(() => runOnce(other, 10), /returned/);
  }
});

test("the prologue draws the addresses that the tables hold", async (t) => {
  const reason = whyNot();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  await buildPrograms();
  const { prologue } = await makeSubject("smoke", "xdp", { capabilities: 3, flows: 100 }, "empty_xdp", [3]);
  const addresses = Array.from({ length: 3 }, (_, at) => Buffer.from(capabilityAddress(at)).toString("hex"));
  const seen = new Set<string>();
  for (let run = 0; run < 50; run++) {
    const { packet } = loadNative().bpf.testRun(prologue.programs.get("prologue_xdp")!, new Uint8Array(94));
    seen.add(Buffer.from(packet.subarray(38, 54)).toString("hex"));
  }
  assert.deepEqual([...seen].sort(), addresses.sort());
});

test("the parts that are taken out of the pass are there", () => {
  for (const part of PARTS) assert.ok(without(part).size > 0, part.name);
  const edits = [{ file: "choose.h", from: "not a line of the pass", to: "" }];
  assert.throws(() => without({ name: "nothing", edits }), /choose\.h has not exactly one place/);
});

test("the sender of live frames says how it is used", async (t) => {
  const reason = whyNot();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  await buildPrograms();
  assert.throws(() => execFileSync(join(BUILD, "send-frames"), { stdio: "pipe" }), /usage: send-frames/);
  const folder = mkdtempSync(join(tmpdir(), "semr-bench-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const words = [join(folder, "absent"), "lo", "1", "0"];
  assert.throws(() => execFileSync(join(BUILD, "send-frames"), words, { stdio: "pipe" }), /No such file/);
});

test("figures are judged by their bars", () => {
  const slow = row("slow", "ns", [7, 3, 5], { most: 4 });
  assert.deepEqual([slow.figure, slow.least, ratioToBar(slow), isReached(slow)], [5, 3, 1.25, false]);
  assert.equal(isReached(single("fast", "", 3, { least: 2.5 })), true);
  assert.equal(ratioToBar(single("lost", "", 2, { most: 0 })), undefined);
  assert.equal(isReached(single("plain", "", 1)), undefined);
  assert.equal(row("even", "", [1, 2, 3, 10]).figure, 2.5);
  assert.equal(percentile([5, 1, 4, 2, 3], 0.99), 5);
  assert.match(tableOf(new Map([["Part", [slow]]])), /slow +5 +3 +3–7 +ns +≤ 4 +1\.25 +MISSED/);
});
