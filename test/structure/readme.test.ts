import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkConfiguration } from "../../src/management/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(path.join(ROOT, "README.md"), "utf8");

it("the example configuration of the README is valid", async () => {
  const [, text] = /<!-- example-configuration -->\n```json\n([\s\S]*?)\n```/.exec(README) ?? [];
  assert.ok(text, "no example between the marks");
  const { valid, faults } = await checkConfiguration({ text, folder: ROOT });
  assert.deepEqual([valid, faults], [true, []]);
});

it("every file that the README links to is there", () => {
  const links = Array.from(README.matchAll(/\]\(([^)#:]+)\)/g), ([, target]) => target!);
  assert.ok(links.length > 3);
  assert.deepEqual(
    links.filter((target) => !existsSync(path.join(ROOT, target))),
    [],
  );
});

it("every option of our own programs that the README shows exists", () => {
  const shown = new Set(Array.from(README.matchAll(/(?<= )--[a-z][a-z-]*/g), ([option]) => option));
  const sources = [
    "src/main.ts",
    "src/cli/program.ts",
    "src/cli/agent-command.ts",
    "src/cli/config-command.ts",
    "lab/quickstart/run.ts",
  ]
    .map((file) => readFileSync(path.join(ROOT, file), "utf8"))
    .join("\n");
  const foreign = new Set(["--cacert"]);
  assert.deepEqual(
    [...shown].filter((option) => !foreign.has(option) && !sources.includes(option)),
    [],
  );
});
