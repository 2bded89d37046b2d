import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openAddon, requirePassObject } from "../../native/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ADDON = join(ROOT, "build/semrd.node");
const where = mkdtempSync(join(tmpdir(), "semrd-made-from-"));
after(() => rmSync(where, { recursive: true }));

/** A copy of a folder of sources, so that it can be changed. */
function sourcesOf(name: string): string {
  const folder = join(where, `${name}-${Math.random().toString(36).slice(2)}`);
  cpSync(join(ROOT, name), folder, { recursive: true });
  return folder;
}

test("the addon is taken with the sources that it was built from, and without any", () => {
  assert.equal(typeof openAddon(ADDON, sourcesOf("native")).yang, "object");
  const installed = join(where, "installed");
  mkdirSync(installed);
  writeFileSync(join(installed, "index.js"), "");
  assert.equal(typeof openAddon(ADDON, installed).yang, "object");
  assert.equal(typeof openAddon(ADDON, join(where, "absent")).yang, "object");
});

for (const [what, change] of [
  ["a changed source", (folder: string) => appendFileSync(join(folder, "yang_diff.cc"), "\n")],
  ["a changed header", (folder: string) => appendFileSync(join(folder, "failure.h"), "\n")],
  ["a further source", (folder: string) => writeFileSync(join(folder, "new.cc"), "")],
  ["a source less", (folder: string) => rmSync(join(folder, "utf8.h"))],
] as const)
  test(`the addon is refused beside ${what}`, () => {
    const folder = sourcesOf("native");
    change(folder);
    assert.throws(() => openAddon(ADDON, folder), {
      code: "build.stale",
      message: `the addon was built from other sources than those in ${folder} (${ADDON}): run npm run setup`,
    });
  });

test("an addon that is missing or is none says so", () => {
  assert.throws(() => openAddon(join(where, "absent.node"), where), {
    code: "build.missing",
    message: /npm run setup/,
  });
  const none = join(where, "none.node");
  writeFileSync(none, "no object");
  assert.throws(() => openAddon(none, where), { code: "build.unloadable", message: /npm run setup/ });
});

test("the compiled pass is held against its sources as well", () => {
  const object = join(where, "semr.bpf.o");
  for (const name of ["semr.bpf.o", "semr.bpf.o.sources"])
    cpSync(join(ROOT, "build/dataplane", name), join(where, name));
  const folder = sourcesOf("dataplane");
  requirePassObject(object, folder);
  requirePassObject(object, join(where, "absent"));
  appendFileSync(join(folder, "abi.h"), "\n");
  assert.throws(() => requirePassObject(object, folder), { code: "build.stale", message: /run npm run setup$/ });
  rmSync(`${object}.sources`);
  requirePassObject(object, folder); // somebody's own
  rmSync(object);
  assert.throws(() => requirePassObject(object, folder), { code: "build.missing", message: /run npm run setup$/ });
});

test("the router says what to run, and where, instead of answering with another model", () => {
  const root = join(where, "pulled");
  mkdirSync(root);
  for (const name of ["src", "build", "node_modules", "yang", "package.json"])
    symlinkSync(join(ROOT, name), join(root, name));
  cpSync(join(ROOT, "native"), join(root, "native"), { recursive: true });
  appendFileSync(join(root, "native/yang_diff.cc"), "\n");
  writeFileSync(join(root, "semrd.json"), "{}");
  const flags = ["--preserve-symlinks", "--preserve-symlinks-main"];
  const { status, stderr } = spawnSync(
    process.execPath,
    [...flags, join(root, "src/main.ts"), "--check", "--config", join(root, "semrd.json")],
    { encoding: "utf8" },
  );
  assert.match(
    stderr,
    /^semrd: build\.stale: the addon was built from other sources than those in .*: run npm run setup\n$/,
  );
  assert.equal(status, 69);
});
