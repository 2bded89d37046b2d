import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { answered, ended, firstLine, killed } from "./child.ts";

function shell(t: TestContext, line: string): ChildProcess {
  const child = spawn("sh", ["-c", line], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

function node(t: TestContext, script: string): ChildProcess {
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

describe("a process of a test", { timeout: 30_000 }, () => {
  it("has ended also where nobody was looking", async (t) => {
    for (const [line, how] of [
      ["exit 3", 3],
      ["kill -9 $$", "SIGKILL"],
    ] as const) {
      const child = shell(t, line);
      await once(child, "close");
      assert.equal(await ended(child), how);
      await killed(child);
      assert.equal(await ended(child), how);
    }
    const child = shell(t, "exec sleep 100");
    await killed(child, "SIGTERM");
    assert.equal(await ended(child), "SIGTERM");
  });

  it("says its first line, in whatever parts, or why there is none", async (t) => {
    const talker = shell(t, "printf rea; sleep 0.1; printf 'dy\\nmore'; exec sleep 100");
    assert.equal(await firstLine(talker), "ready");
    await killed(talker);
    await assert.rejects(
      firstLine(shell(t, "printf half; exit 7")),
      /^Error: sh -c .* ended with 7 before .*: "half"$/,
    );
    await assert.rejects(firstLine(spawn("/no/such/program")), /ENOENT/);
  });

  it("answers what it is asked, or has ended", async (t) => {
    const child = node(
      t,
      'process.on("message", (n) => n < 3 ? process.send(n + 1) : process.exit(4)); process.send("ready");',
    );
    assert.equal(await answered(child), "ready");
    assert.equal(await answered(child, () => child.send(1)), 2);
    await assert.rejects(
      answered(child, () => child.send(3)),
      /ended with 4 instead of an answer/,
    );
  });
});
