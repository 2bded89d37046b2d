import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { loadNative, type YangSchemaNode } from "../../../native/index.ts";
import { generateYang, INSTANCE_FOLDER } from "../../../src/management/schema/generate.ts";
import { typesOf } from "../../../src/management/schema/types-of.ts";
import { openSchema } from "../../../src/management/yang/schema.ts";

const ROOT = new URL("../../../", import.meta.url);
const MODULES = new URL("yang/", ROOT);

test("what is generated is that of the modules", async () => {
  const files = await generateYang();
  for (const [file, text] of files)
    assert.equal(readFileSync(new URL(file, ROOT), "utf8"), text, `${file}: run node tools/generate-yang.mjs`);
  const there = readdirSync(new URL(INSTANCE_FOLDER, ROOT)).map((name) => `${INSTANCE_FOLDER}${name}`);
  assert.deepEqual(
    there.filter((file) => !files.has(file)),
    [],
  );
});

/** Is for people: no part of the router acts on it. */
const TOLD_ONLY = new Set(["description"]);

test("every node of the configuration is read by a binding", () => {
  const sourcesIn = (folder: string): string[] =>
    readdirSync(new URL(folder, ROOT))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(new URL(`${folder}${name}`, ROOT), "utf8").replace(/^import .*$/gm, ""));
  // What a binding hands on as it is has its name where the parts take it.
  const readers = ["yang/", "configuration/", "netconf/"].flatMap((folder) => sourcesIn(`src/management/${folder}`));
  const unread: string[] = [];
  let members = 0;
  for (const file of readdirSync(new URL(INSTANCE_FOLDER, ROOT))) {
    const types = readFileSync(new URL(`${INSTANCE_FOLDER}${file}`, ROOT), "utf8");
    for (const [, name = ""] of types.matchAll(/^ {2}readonly "?([\w:-]+)"?\??:/gm)) {
      members++;
      const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
      if (!TOLD_ONLY.has(name) && !readers.some((text) => word.test(text))) unread.push(`${file}: ${name}`);
    }
  }
  assert.ok(members > 250, `only ${members} nodes`);
  assert.deepEqual(unread, []);
});

test("what is always there is not optional", () => {
  const leaf = (name: string, more: Partial<YangSchemaNode> = {}): YangSchemaNode => ({
    name,
    module: "m",
    kind: "leaf",
    config: true,
    type: { base: "uint64" },
    ...more,
  });
  const inner = (name: string, children: YangSchemaNode[], more: Partial<YangSchemaNode> = {}): YangSchemaNode => ({
    name,
    module: "m",
    kind: "container",
    config: true,
    children,
    ...more,
  });
  const top = inner("m:top", [
    leaf("count", { defaults: ["1"] }),
    leaf("must-be", { mandatory: true, type: { base: "union", union: [{ base: "uint8" }, { base: "int8" }] } }),
    leaf("sometimes", { defaults: ["1"], when: ["../x"] }),
    inner("empty", [leaf("a")]),
    inner("full", [leaf("a", { defaults: ["1"] })]),
    inner("there", [leaf("a", { defaults: ["1"] })], { presence: true }),
    inner("entry", [leaf("id"), leaf("b")], { kind: "list", keys: ["id"], minElements: 1 }),
    inner("either", [inner("one", [leaf("c", { defaults: ["1"] })], { kind: "case" })], { kind: "choice" }),
    leaf("words", { kind: "leaf-list", type: { base: "enumeration", enums: [{ name: "x" }, { name: "y" }] } }),
    leaf("seen", { config: false, mandatory: true }),
  ]);
  const text = typesOf([top]).get("m")!;
  assert.equal(
    text.slice(0, text.indexOf("}\n")),
    [
      "export interface Top {",
      "  readonly count: string;",
      '  readonly "must-be": number;',
      "  readonly sometimes?: string;",
      "  readonly empty?: Empty;",
      "  readonly full: Full;",
      "  readonly there?: Full;",
      "  readonly entry: readonly Entry[];",
      "  readonly c?: string;",
      '  readonly words?: readonly ("x" | "y")[];',
      "",
    ].join("\n"),
  );
  assert.match(text, /interface Entry \{\n {2}readonly id: string;\n {2}readonly b\?: string;/);
});

test("what is alike is one type, what only has the same name is not, and each module has a text", () => {
  const leaf: YangSchemaNode = { name: "a", module: "m", kind: "leaf", config: true, type: { base: "string" } };
  const inner = (name: string, module: string, children: readonly YangSchemaNode[]): YangSchemaNode => ({
    ...{ name, module, kind: "container", config: true, children },
  });
  const n = (members: readonly string[]) =>
    inner(
      "n:other",
      "n",
      members.map((name) => ({ ...leaf, name, module: "n" })),
    );
  const top = inner("m:top", "m", [
    inner("one", "m", [leaf]),
    inner("two", "m", [leaf, n(["a"])]),
    inner("three", "m", [leaf, n(["b"])]),
    inner("four", "m", [leaf]),
  ]);
  const [m, others] = ["m", "n"].map((module) => typesOf([top]).get(module)!);
  assert.match(m!, /^import type \{ ThreeOther, TwoOther \} from "\.\/n\.ts";\n/);
  assert.match(m!, /readonly one\?: One;[\s\S]*readonly four\?: One;/);
  assert.match(m!, /readonly "n:other"\?: TwoOther;[\s\S]*readonly "n:other"\?: ThreeOther;/);
  assert.deepEqual(
    Array.from(others!.matchAll(/interface (\w+)/g), ([, name]) => name),
    ["TwoOther", "ThreeOther"],
  );
});

test("yangdump reads every module without an error, but for the one over ietf-alarms, which it cannot read itself", (t) => {
  // RFC 8632 has a notification in a list (RFC 7950 §7.16), which yuma's own parser does not know
  const modules = readdirSync(MODULES).filter((file) => file.endsWith(".yang") && file !== "semrd-alarms.yang");
  const search = `--modpath=${fileURLToPath(MODULES)}:/usr/share/yuma/modules`;
  for (const name of modules) {
    const { error, stdout, status } = spawnSync("yangdump", [search, fileURLToPath(new URL(name, MODULES))], {
      encoding: "utf8",
    });
    if (error !== undefined) return t.skip("skipped: there is no yangdump (apt-get install yangdump)");
    assert.match(stdout, /^\*\*\* 0 Errors/m, stdout);
    assert.doesNotMatch(stdout, /error\(|Internal Error/i);
    assert.equal(status, 0);
  }
});

test("a name that begins with /capability/ is refused, and no other, without the modifier of YANG 1.1", () => {
  const text = readFileSync(new URL("semrd-types.yang", MODULES), "utf8");
  const [, statement] = /pattern ('\/\(\[\^c\/[^{]*)\{/.exec(text) ?? [];
  const pattern = new RegExp(`^(?:${Array.from(statement!.matchAll(/'([^']*)'/g), ([, part]) => part).join("")})$`);
  const LABELS = /^(\/[a-z0-9-]+){1,3}$/;
  const near = fc.tuple(fc.nat(10), fc.constantFrom("", "x", "y", "-", "/", "/a", "s/a"));
  const name = fc.oneof(
    near.map(([length, rest]) => `/${"capability".slice(0, length)}${rest}`).filter((one) => LABELS.test(one)),
    fc.stringMatching(LABELS),
  );
  fc.assert(fc.property(name, (one) => assert.equal(pattern.test(one), !one.startsWith("/capability/"), one)));
});

/** RFC 8407 sections 4.14 and 4.18. */
test("every node is described, and every condition says what is wrong", async () => {
  await using context = await openSchema(loadNative().yang);
  const plain: string[] = [];
  const visit = (node: YangSchemaNode, above: string): void => {
    const path = `${above}/${node.name}`;
    const described = node.description !== undefined || ["case", "input", "output"].includes(node.kind);
    if (node.module.startsWith("semrd-") && !described) plain.push(path);
    for (const child of node.children ?? []) visit(child, path);
  };
  for (const node of await context.schema()) visit(node, "");
  assert.deepEqual(plain, []);
  let musts = 0;
  for (const name of readdirSync(MODULES).filter((file) => file.endsWith(".yang"))) {
    const text = readFileSync(new URL(name, MODULES), "utf8");
    for (const [statement, body] of text.matchAll(/\n\s+must\s+(?:"[^"]*"\s*\+?\s*)+(\{[^}]*\}|;)/g)) {
      musts++;
      assert.match(body!, /error-message/, `${name}:${statement}`);
      assert.match(body!, /error-app-tag/, `${name}:${statement}`);
    }
  }
  assert.ok(musts > 10, `only ${musts} conditions were found: the pattern no longer fits the modules`);
});
