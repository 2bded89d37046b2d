import assert from "node:assert/strict";
import { it } from "node:test";
import type { OperatorsFacts } from "../../lab/operators/story.ts";
import { TOOLS } from "../../lab/operators/tools.ts";
import { toldStory, whyNoRouters } from "./story-run.ts";

const SLOW = "Ansible";

it("the same change by each of the operators' tools routes the same capability", async (t) => {
  const reason = whyNoRouters();
  if (reason !== undefined) return t.skip(reason);
  const name = `st-operators-${process.pid}`;
  // Each run of ansible takes seconds, and the lab makes eight.
  const without = process.env.SEMRD_PEERS === "1" ? [] : ["--without", SLOW];
  const seen = await toldStory<OperatorsFacts>("operators", name, without, t.signal);
  for (const { tool, mistakes } of seen.turns) for (const line of mistakes) t.diagnostic(`${tool}: ${line}`);
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
