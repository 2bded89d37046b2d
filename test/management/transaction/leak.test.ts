import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { loadNative, type YangContext } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { openRouterManagement } from "../../../src/management/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { ListLog } from "../../sim/tally-metrics.ts";
import { MemoryFiles } from "./world.ts";

/** Of a session that edits, is refused, commits, reads, goes back and ends; the bar is 10 000, which takes minutes. */
const CYCLES = Number(process.env.SEMRD_LEAK_CYCLES ?? 120);
const WARM = 40;
const NAME = "/router/telemetry/log-level";

test(`${CYCLES} sessions that edit, commit, read and go back leave no tree behind, and memory where it was`, async (t) => {
  const document = await readFile(new URL("../examples/r1.json", import.meta.url), "utf8");
  const router = JSON.parse(document);
  delete router["semrd-router:router"]["semrd-registration:registration"];
  const text = JSON.stringify(router);
  const { yang } = loadNative();
  let context: YangContext | undefined;
  const createContext: typeof yang.createContext = async (...given) => {
    context = await yang.createContext(...given);
    return context;
  };
  const log = new ListLog();
  await using management = await openRouterManagement({
    startup: { path: "r1.json", read: async () => ({ text, digest: "1" }), write: async () => "1" },
    ...{ folder: "/nowhere", commits: new MemoryFiles(), clock: systemClock, random: new SeededRandom(1), log },
    yang: { ...yang, createContext },
  });
  const { engine } = management;
  engine.attach([]);
  /** Without what V8 has set aside, which it gives back when it likes. */
  const native = (): number => {
    const { rss, heapTotal, arrayBuffers } = process.memoryUsage();
    return (rss - heapTotal - arrayBuffers) / 1e6;
  };
  const agent = (n: number): string =>
    JSON.stringify({
      "semrd-router:router": {
        "semrd-agent:agents": {
          agent: [
            {
              id: `spiffe://example.net/acme/agent/l${n}`,
              tenant: "acme",
              capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::7", port: 1 + (n % 60_000) }],
            },
          ],
        },
      },
    });
  const cycle = async (n: number): Promise<void> => {
    const session = engine.openSession({ user: "leak", protocol: "netconf", source: "test", isRecovery: true });
    const edited = await engine.edit(session, "candidate", agent(n % 7), { format: "json" });
    assert.ok(edited.ok, JSON.stringify(edited));
    assert.ok((await engine.editSteps(session, "candidate", [{ operation: "merge", path: NAME, text: "debug" }])).ok);
    assert.ok(!(await engine.editSteps(session, "candidate", [{ operation: "merge", path: NAME, text: "?" }])).ok);
    const invalid = agent(0).replace('"tenant":"acme"', '"tenant":"nobody"');
    assert.ok((await engine.edit(session, "private-candidate", invalid, { format: "json" })).ok);
    assert.ok(!(await engine.commit(session, {}, "private-candidate")).ok);
    const done = await engine.commit(session, {}, "candidate");
    assert.ok(done.ok, JSON.stringify(done));
    assert.ok((await engine.get(session, "running", { format: "xml", select: { paths: ["/router/name"] } })).ok);
    assert.ok((await engine.compare(session, "running", "private-candidate")).ok);
    assert.ok((await engine.rollback(session, 1)).ok);
    if (n % 3 === 0) assert.ok((await engine.commit(session, {}, "candidate")).ok);
    await engine.closeSession(session);
    const last = engine.openSession({ user: "leak", protocol: "netconf", source: "test", isRecovery: true });
    await engine.discard(last, "candidate");
    await engine.transact(last, [{ operation: "remove", path: "/router/semrd-agent:agents" }]);
    await engine.closeSession(last);
  };
  for (let n = 0; n < WARM; n++) await cycle(n);
  const trees = await context!.treeCount();
  const memory = [native()];
  for (let n = 0; n < CYCLES; n++) {
    await cycle(n);
    if ((n + 1) % Math.ceil(CYCLES / 4) === 0) memory.push(native());
  }
  t.diagnostic(
    `${trees} trees before and ${await context!.treeCount()} after; MB: ${memory.map(Math.round).join(", ")}`,
  );
  assert.equal(await context!.treeCount(), trees);
  // It has grown to what it needs by the middle of the run.
  assert.ok(memory.at(-1)! - memory[2]! < 30, `${memory[2]} MB grew to ${memory.at(-1)} MB`);
});
