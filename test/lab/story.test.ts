import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { describe, it } from "node:test";
import type { SeenStep } from "../../lab/quickstart/story/index.ts";
import { loadNative } from "../../native/index.ts";
import { leftovers, whyNoNamespaces } from "./namespaces.ts";
import { followRunBook } from "./run-book.ts";

const RUN = path.join(import.meta.dirname, "../../lab/quickstart/run.ts");
const LAB = "st-lab-story";
const KEPT = "st-lab-kept";

async function whyNoStory(): Promise<string | undefined> {
  const reason = whyNoNamespaces();
  if (reason !== undefined) return reason;
  const { usable, reason: why } = loadNative().bpf.probe();
  return usable ? undefined : `skipped: BPF cannot be used (${why})`;
}

// Killing routers and links is left to `npm start -- --once`, which tells all of it.
const STEPS = "1-4,8-10";

const skip = await whyNoStory();

// Side by side: a lab waits for half of its time.
describe("the quickstart", { concurrency: true }, () => {
  it("the quickstart's story, shortened", { skip, timeout: 180_000 }, async () => {
    const child = spawn(process.execPath, [RUN, "--once", "--json", "--name", LAB, "--steps", STEPS], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    const [code] = await once(child, "close");
    assert.notEqual(text, "", said);
    const story = JSON.parse(text) as { ok: boolean; failure?: string; steps: readonly SeenStep[] };
    assert.equal(story.failure, undefined, said);
    assert.deepEqual([code, story.ok, story.steps.map((step) => step.number)], [0, true, [1, 2, 3, 4, 8, 9, 10]]);
    for (const step of story.steps) assert.ok(step.facts.length > 0, `step ${step.number} says nothing`);
    assert.deepEqual(leftovers(LAB), []);
  });

  it("without --once the lab stays, the run book is right about it, and after Ctrl-C nothing is left", {
    skip,
    timeout: 120_000,
  }, async () => {
    const child = spawn(process.execPath, [RUN, "--name", KEPT, "--steps", "1"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    let stopped = false;
    let runBook = 0;
    child.stdout.setEncoding("utf8");
    for await (const part of child.stdout) {
      text += part;
      if (stopped || !text.includes("leaves nothing behind")) continue;
      try {
        runBook = await followRunBook(KEPT);
      } finally {
        stopped = child.kill("SIGINT");
      }
    }
    await (child.exitCode === null ? once(child, "close") : undefined);
    assert.equal(child.exitCode, 0, text);
    assert.ok(runBook > 20, `${runBook} commands`);
    assert.match(text, /the lab is gone\n$/);
    assert.deepEqual(leftovers(KEPT), []);
  });
});
