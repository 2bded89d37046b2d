import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadNative } from "../../native/index.ts";
import { parseConfiguration } from "../../src/management/index.ts";
import { CONFIGURATION_MODULES, openSchema, searchPaths } from "../../src/management/yang/schema.ts";
import { ALL_FILES } from "./documents.ts";

const FOLDER = fileURLToPath(new URL("../../yang/", import.meta.url));
const MODULES = readdirSync(FOLDER).filter((name) => name.endsWith(".yang"));

describe("the YANG modules", () => {
  it("are all loaded, but for the types and groupings that they share", () => {
    const loaded = [...CONFIGURATION_MODULES, "semrd-types", "semrd-bgp-state"].map((name) => `${name}.yang`);
    assert.deepEqual(loaded.toSorted(), MODULES.toSorted());
  });

  it("compile without a warning under yanglint", async (t) => {
    const args = [
      ...searchPaths().flatMap((folder) => ["-p", folder]),
      ...CONFIGURATION_MODULES.map((name) => `${FOLDER}${name}.yang`),
    ];
    const run = promisify(execFile)("yanglint", args);
    const done = await run.catch((error: NodeJS.ErrnoException & { stderr: string }) => error);
    if ("code" in done && done.code === "ENOENT")
      return t.skip("skipped: yanglint is missing (Debian: libyang2-tools)");
    assert.equal(done.stderr, "");
    assert.ok(!(done instanceof Error), String(done));
  });

  it("load into the router's own context, with the standard modules from libyang", async () => {
    await using context = await openSchema(loadNative().yang);
    const implemented = context.modules.filter((module) => module.implemented).map(({ name }) => name);
    for (const name of CONFIGURATION_MODULES) assert.ok(implemented.includes(name), name);
  });

  it("say where they were looked for when one is missing", async () => {
    const { yang } = loadNative();
    const nowhere = { ...yang, createContext: () => yang.createContext(["/nowhere"], [{ name: "semrd-router" }]) };
    await assert.rejects(openSchema(nowhere), /do not load .*searched: .*\/yang\/.*Reinstall semrd/s);
  });

  for (const name of MODULES) {
    const text = readFileSync(`${FOLDER}${name}`, "utf8");
    it(`${name}: every condition says what is wrong, in words and with a tag (RFC 8407 §4.3)`, () => {
      for (const [statement] of text.matchAll(/\bmust "[^{]*\{[^}]*\}/g)) {
        assert.match(statement, /error-message/, statement);
        assert.match(statement, /error-app-tag/, statement);
      }
    });
    it(`${name}: has what a module must say about itself, and no line over 80 columns (RFC 8407 §4.8)`, () => {
      for (const word of [
        "yang-version 1.1",
        "namespace",
        "organization",
        "contact",
        "description",
        "revision",
        "reference",
      ])
        assert.ok(text.includes(`\n  ${word}`) || text.includes(`\n    ${word}`), word);
      assert.deepEqual(
        text.split("\n").filter((line) => line.length > 80 || /\s$/.test(line)),
        [],
      );
    });
  }

  it("have an example in their README that is valid", async () => {
    const readme = readFileSync(`${FOLDER}README.md`, "utf8");
    const examples = [...readme.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => text!);
    assert.ok(examples.length > 0);
    for (const text of examples) await parseConfiguration(text, "/etc/semrd", { files: ALL_FILES });
  });
});
