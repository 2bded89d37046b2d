import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it } from "node:test";
import type { SeenStep } from "../../lab/quickstart/story/index.ts";
import { ended } from "../host/child.ts";
import { leftovers } from "./namespaces.ts";
import { followRunBook } from "./run-book.ts";
import { runOf, toldStory, whyNoRouters } from "./story-run.ts";

const [LAB, KEPT] = [`st-lab-story-${process.pid}`, `st-lab-kept-${process.pid}`];

// Killing routers and links is left to `npm start -- --once`, which tells all of it.
const STEPS = "1-4,8-10";

const skip = whyNoRouters();

// Side by side: a lab waits for half of its time.
describe("the quickstart", { concurrency: true }, () => {
  it("the quickstart's story, shortened", { skip, timeout: 180_000 }, async ({ signal }) => {
    const options = ["--once", "--steps", STEPS];
    const { steps } = await toldStory<{ steps: readonly SeenStep[] }>("quickstart", LAB, options, signal);
    assert.deepEqual(
      steps.map((step) => step.number),
      [1, 2, 3, 4, 8, 9, 10],
    );
    for (const step of steps) assert.ok(step.facts.length > 0, `step ${step.number} says nothing`);
  });

  it("without --once the lab stays, the run book is right about it, and after Ctrl-C nothing is left", {
    skip,
    timeout: 120_000,
  }, async ({ signal }) => {
    // Aborted when it is over by its limit: the lab cleans up at SIGTERM.
    const child = spawn(process.execPath, [runOf("quickstart"), "--name", KEPT, "--steps", "1"], {
      signal,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.on("error", () => {}); // that it was told to end
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
    assert.equal(await ended(child), 0, text);
    assert.ok(runBook > 20, `${runBook} commands`);
    assert.match(text, /the lab is gone\n$/);
    assert.deepEqual(leftovers(KEPT), []);
  });
});
