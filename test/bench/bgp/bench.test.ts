import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, "main.ts");

async function missing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "skipped: network namespaces need root";
  if (!existsSync("/usr/bin/cc")) return "skipped: no C compiler (apt-get install gcc)";
  try {
    await run("unshare", ["--net", "--mount", "true"]);
    return undefined;
  } catch {
    return "skipped: namespaces cannot be made here";
  }
}

describe("bench of BGP", () => {
  it("loads semrd with a thousand routes that have attributes of their own, and every one of them arrives", async (t) => {
    const reason = await missing();
    if (reason !== undefined) return t.skip(reason);
    const words = [MAIN, "--routes", "1000", "--only", "semrd", "--scenario", "own", "--json"];
    const { stdout } = await run(process.execPath, words, { timeout: 120_000 });
    const { figures, noFigures } = JSON.parse(stdout) as {
      readonly figures: readonly { readonly name: string; readonly semrd?: number }[];
      readonly noFigures: readonly string[];
    };
    assert.deepEqual(noFigures, []);
    assert.ok(figures.some(({ name, semrd }) => name.startsWith("own attributes") && semrd !== undefined));
  });

  it("says what it can do", async () => {
    const { stdout } = await run(process.execPath, [MAIN, "--help"]);
    for (const option of ["--quick", "--routes", "--json"]) assert.match(stdout, new RegExp(option));
  });
});
