import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const HOOK = fileURLToPath(new URL("../../tools/own-modules.mjs", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "semrd own modules "));
after(() => rmSync(folder, { recursive: true, force: true }));

const tree = path.join(folder, "tree");
const FILES = {
  "package.json": '{ "type": "module" }',
  "src/main.ts": `
    import { once } from "./one/once.ts";
    import again from "../native/again.ts";
    import package_ from "somebody";
    const later = await import("./later.ts");
    console.log(JSON.stringify([once === again, package_, later.url.startsWith("file:///"), later.url === import.meta.resolve("./later.ts")]));`,
  "src/one/once.ts": "export const once: object = {};",
  "src/later.ts": "export const url: string = import.meta.url;",
  "src/broken.ts": 'import "./one/missing.ts";',
  "native/again.ts": 'export { once as default } from "../src/one/once.ts";',
  "node_modules/somebody/package.json": '{ "name": "somebody", "main": "./lib/index.js" }',
  "node_modules/somebody/lib/index.js": 'module.exports = require("./other.js");',
  "node_modules/somebody/lib/other.js": 'module.exports = "theirs";',
};
for (const [name, text] of Object.entries(FILES)) {
  const at = path.join(tree, name);
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(at, text);
}
cpSync(HOOK, path.join(tree, "tools/own-modules.mjs"));
symlinkSync(tree, path.join(folder, "link"));

const run = (root: string, file: string) => {
  const words = ["--import", path.join(root, "tools/own-modules.mjs"), path.join(root, file)];
  return spawnSync(process.execPath, words, { encoding: "utf8", cwd: root, env: {} });
};

describe("modules of ours", () => {
  for (const name of ["tree", "link"])
    it(`are each there once, beside those of packages (${name})`, () => {
      const { stdout, stderr } = run(path.join(folder, name), "src/main.ts");
      assert.equal(stderr, "");
      assert.deepEqual(JSON.parse(stdout), [true, "theirs", true, true]);
    });

  it("one that is not there is named", () => {
    const { status, stderr } = run(tree, "src/broken.ts");
    assert.equal(status, 1);
    assert.match(stderr, /no such file or directory.*\/src\/one\/missing\.ts/);
  });
});
