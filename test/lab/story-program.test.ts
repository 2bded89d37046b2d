import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";

const PROGRAM = path.join(import.meta.dirname, "story-program.ts");
const start = (...options: readonly string[]) =>
  spawn(process.execPath, [PROGRAM, ...options], { stdio: ["ignore", "pipe", "pipe"] });

async function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly said: string }> {
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, "exit")]);
  return { code, said };
}

const skip = process.getuid?.() === 0 ? false : "skipped: not root";

// Whoever stops a story must not have to clean up after it. One that is not stopped ends by itself, with another code.
describe("a story in a lab", { skip, concurrency: true }, () => {
  it("removes its lab when nobody reads any more", async () => {
    const child = start("talk");
    await once(child.stdout, "data");
    child.stdout.destroy();
    assert.deepEqual(await ended(child), { code: 130, said: "removed\n" });
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`removes its lab after ${signal}`, async () => {
      const child = start("wait");
      await once(child.stdout, "data");
      child.kill(signal);
      assert.deepEqual(await ended(child), { code: 130, said: "removed\n" });
    });
  }

  it("that fails is looked into before its lab is removed, and says why in JSON too", async () => {
    const child = start("--json", "fail");
    const printed = text(child.stdout);
    assert.deepEqual(await ended(child), { code: 1, said: "looked into\nremoved\n" });
    assert.deepEqual(JSON.parse(await printed), { ok: false, failure: "the client was not answered", lines: 1 });
  });
});
