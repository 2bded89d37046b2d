import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadNative } from "../../native/index.ts";
import { parseConfiguration } from "../../src/management/index.ts";
import { CONFIGURATION_MODULES, openSchema, searchPaths } from "../../src/management/yang/schema.ts";
import { faultsOf } from "../native/yang-garden.ts";
import { ALL_FILES, edited } from "./documents.ts";
import { statementsOf, within } from "./yang-statements.ts";

const FOLDER = fileURLToPath(new URL("../../yang/", import.meta.url));
const MODULES = readdirSync(FOLDER).filter((name) => name.endsWith(".yang"));

/** Statements that have to have a description of their own. */
const DESCRIBED = new Set(
  "module revision container list leaf leaf-list choice anydata rpc action notification grouping typedef identity feature enum bit augment".split(
    " ",
  ),
);
/** What is counted in seconds, octets or so many of them a second, by its name. */
const QUANTITY =
  /(?:^|-)(?:time|timeout|interval|delay|age|hold|period|deadline|latency|jitter|rate|burst|octets|bytes|memory|size-limit)$/;
const NUMBER = /^(?:u?int(?:8|16|32|64)|decimal64|yang:(?:counter|gauge|zero-based-counter)(?:32|64))$/;

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

  it("tell what is wrong with a leaf that everything else needs once, and that others come later", async () => {
    await using context = await openSchema(loadNative().yang);
    for (const [prefix, message] of [
      ["2001:db8::/64", "capability addresses fill a /48: give the domain one"],
      [undefined, 'Mandatory node "prefix" instance does not exist.'],
    ] as const) {
      const text = edited((router) => {
        router.domain.prefix = prefix;
      });
      await using tree = await context.parse(text, "json", { validate: false });
      const faults = await faultsOf(context.validate(tree));
      assert.deepEqual(
        faults.map(({ path, message: said }) => [path, said]),
        [
          ["/semrd-router:router/domain/prefix", message],
          [undefined, "others are looked for once this is right: nothing can be looked at without it"],
        ],
      );
    }
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
    it(`${name}: describes every node, type, operation and value (RFC 8407 §4.14)`, () => {
      const [module] = statementsOf(text);
      const silent = [...within(module!)].filter(
        ({ keyword, inner }) => DESCRIBED.has(keyword) && !inner.some((one) => one.keyword === "description"),
      );
      assert.deepEqual(
        silent.map(({ keyword, argument, line }) => `${line}: ${keyword} ${argument}`),
        [],
      );
      for (const statement of within(module!)) {
        if (statement.keyword !== "must") continue;
        const has = (keyword: string): boolean => statement.inner.some((one) => one.keyword === keyword);
        assert.ok(has("error-message") && has("error-app-tag"), `${statement.line}: must ${statement.argument}`);
      }
    });
    it(`${name}: a quantity of time, data or rate has its unit (RFC 8407 §4.12)`, () => {
      const [module] = statementsOf(text);
      const bare = [...within(module!)].filter(
        ({ keyword, argument, inner }) =>
          keyword === "leaf" &&
          QUANTITY.test(argument) &&
          inner.some((one) => one.keyword === "type" && NUMBER.test(one.argument)) &&
          !inner.some((one) => one.keyword === "units"),
      );
      assert.deepEqual(
        bare.map(({ argument, line }) => `${line}: ${argument}`),
        [],
      );
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
