import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { it } from "node:test";
import type { OperatorsFacts } from "../../lab/operators/story.ts";
import { TOOLS } from "../../lab/operators/tools.ts";
import { loadNative } from "../../native/index.ts";
import { leftovers, whyNoNamespaces } from "./namespaces.ts";

const RUN = path.join(import.meta.dirname, "../../lab/operators/run.ts");

const SLOW = "Ansible";

function whyNot(): string | undefined {
  const reason = whyNoNamespaces();
  if (reason !== undefined) return reason;
  const { usable, reason: why } = loadNative().bpf.probe();
  return usable ? undefined : `skipped: BPF cannot be used (${why})`;
}

it("the same change by each of the operators' tools routes the same capability", async (t) => {
  const reason = whyNot();
  if (reason !== undefined) return t.skip(reason);
  const name = `st-operators-${process.pid}`;
  // Each run of ansible takes seconds, and the lab makes eight.
  const without = process.env.SEMRD_PEERS === "1" ? [] : ["--without", SLOW];
  const child = spawn(process.execPath, [RUN, "--json", "--name", name, ...without], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  const [code] = await once(child, "close");
  const seen = JSON.parse(text) as { ok: boolean; failure?: string } & OperatorsFacts;
  assert.equal(seen.failure, undefined);
  assert.deepEqual([code, seen.ok], [0, true]);
  for (const { tool, mistakes } of seen.turns) for (const line of mistakes) t.diagnostic(`${tool}: ${line}`);
  assert.deepEqual(leftovers(name), []);
  const { semrctl, ncclient, gNMI, yangcli } = Object.fromEntries(seen.turns.map((turn) => [turn.tool, turn]));
  assert.match(semrctl!.mistakes.join("\n"), /with the name nobody[\s\S]*is index meant\?/);
  for (const line of [...(ncclient?.mistakes ?? []), ...(gNMI?.mistakes ?? [])]) assert.doesNotMatch(line, /accepted/);
  if (yangcli !== undefined) assert.match(yangcli.mistakes.join("\n"), /with the name nobody/);
  for (const tool of TOOLS)
    await t.test(tool.name, (one) => {
      if (without.includes(tool.name)) return one.skip(`skipped: slow; node lab/operators/run.ts --tool ${tool.name}`);
      const why = seen.skipped[tool.name];
      if (why !== undefined) return one.skip(`skipped: ${tool.name} is not here (${why})`);
      assert.ok(seen.turns.some((turn) => turn.tool === tool.name && turn.answeredMilliseconds < 20_000));
    });
});
