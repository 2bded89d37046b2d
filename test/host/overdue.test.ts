import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, describe, it } from "node:test";

const RUN_TESTS = path.join(import.meta.dirname, "../../tools/run-tests.mjs");
const folder = mkdtempSync(path.join(tmpdir(), "st-overdue-"));
after(() => rmSync(folder, { recursive: true }));

/** A file whose test fails by its own limit, and leaves a process that holds it. */
const HELD = `
  import { spawn } from "node:child_process";
  import { writeFileSync } from "node:fs";
  import { it } from "node:test";
  it("waits for a lab", { timeout: 200 }, async () => {
    const child = spawn("sh", ["-c", "trap 'echo cleaned > $0.cleaned; exit' TERM; echo $$ > $0.pid; while :; do sleep 0.1; done", process.argv[1]], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.on("close", resolve));
  });
`;
/** A file that turns for ever, with a process that hears nothing. */
const SPINNING = `
  import { spawn } from "node:child_process";
  spawn("sh", ["-c", "trap '' TERM; echo $$ > $0.pid; while :; do sleep 0.1; done", process.argv[1]], { stdio: "ignore" });
  setTimeout(() => { for (;;); }, 100);
`;

/** What has ended, and is still to be heard of by its parent, is not alive. */
const isAlive = (file: string): boolean => {
  const pid = readFileSync(`${file}.pid`, "utf8").trim();
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (cause) {
    if (["ENOENT", "ESRCH"].includes((cause as NodeJS.ErrnoException).code!)) return false;
    throw cause;
  }
};

async function runFiles(files: Readonly<Record<string, string>>, fileMs = 4_000) {
  const paths = Object.entries(files).map(([name, source]) => {
    const file = path.join(folder, name);
    writeFileSync(file, source);
    return file;
  });
  const child = spawn(process.execPath, [RUN_TESTS, "2", "60000", `${fileMs}`, ...paths, "--"], {
    // Without it a runner below a runner is told that it is one of its files.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, OVERDUE_GRACE_MS: "1000" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await closed)[0], printed, said, paths };
}

/** A test that fails, and then cannot clean up. */
const TWICE = `
  import { it } from "node:test";
  it("goes wrong twice", async () => {
    await using _pins = { async [Symbol.asyncDispose]() { throw new Error("the pins cannot be removed"); } };
    throw new Error("the prefix did not come");
  });
`;

it("of a test that failed, and then could not clean up, both are told", { timeout: 60_000 }, async () => {
  const { code, printed } = await runFiles({ "twice.test.mjs": TWICE }, 30_000);
  assert.equal(code, 1, printed);
  assert.match(
    printed,
    /✖ goes wrong twice\n\s*Error: the prefix did not come\n[\s\S]*and then: Error: the pins cannot be removed/,
  );
  assert.match(
    printed,
    /failed\n.*twice\n\s*the prefix did not come\n(?:\s*at .*\n)?\s*and then: the pins cannot be removed\n/,
  );
});

describe("a test file that does not end", () => {
  it("is ended, with what it began, and the others are told", { timeout: 60_000 }, async () => {
    const files = {
      "held.test.mjs": HELD,
      "good.test.mjs": 'import { it } from "node:test"; it("is good", () => {});',
      "spinning.test.mjs": SPINNING,
    };
    const { code, printed, said, paths } = await runFiles(files);
    const [held, , spinning] = paths as [string, string, string];
    assert.equal(code, 1, printed);
    assert.match(printed, /waits for a lab\n\s+test timed out after 200ms/);
    assert.match(printed, /✔ .*good\.test\.mjs/);
    assert.match(printed, /✖ .*spinning\.test\.mjs/);
    for (const [file, name] of [
      [held, "held"],
      [spinning, "spinning"],
    ] as const) {
      const note = new RegExp(`ended after 4 s: .*${name}\\.test\\.mjs\n\\s*it had running:\n\\s+sh -c`);
      assert.match(said, note);
      assert.match(printed, note);
      assert.equal(isAlive(file), false, `${name}: what it began is there`);
    }
    assert.equal(readFileSync(`${held}.cleaned`, "utf8"), "cleaned\n");
    assert.match(printed, /\ntests: 1 passed, 2 failed, 0 skipped\n$/);
  });
});
