import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadNative, type YangFault } from "../../native/index.ts";
import { faultsOf, gardenOf, openGarden } from "./yang-garden.ts";

const rpc = (content: string, attributes = 'message-id="7"'): string =>
  `<nc:rpc xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" ${attributes}>${content}</nc:rpc>`;

test("an rpc with identity, anyxml in a container, and attributes to be sent back", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const request = await context.parseRequest(
    rpc(
      '<sow xmlns="urn:semrd:garden"><seed xmlns:r="urn:semrd:garden-kinds">r:rose</seed>' +
        '<into><plan x:a="1"><x:row/></plan></into></sow>',
      'message-id="7" xmlns:x="urn:x" x:trace="t"',
    ),
  );
  assert.deepEqual(request, {
    kind: "rpc",
    module: "semrd-garden",
    name: "sow",
    target: [],
    input: { seed: "semrd-garden-kinds:rose", into: {} },
    documents: {
      "into/plan": {
        xml: '<plan xmlns="urn:semrd:garden" xmlns:x="urn:x" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" x:a="1"><x:row/></plan>',
        attributes: {
          "x:a": "1",
          xmlns: "urn:semrd:garden",
          "xmlns:x": "urn:x",
          "xmlns:nc": "urn:ietf:params:xml:ns:netconf:base:1.0",
        },
      },
    },
    attributes: {
      "xmlns:nc": "urn:ietf:params:xml:ns:netconf:base:1.0",
      "message-id": "7",
      "xmlns:x": "urn:x",
      "x:trace": "t",
    },
  });
});

const ACTION = (bed: string, content: string) =>
  `<action xmlns="urn:ietf:params:xml:ns:yang:1"><garden xmlns="urn:semrd:garden"><bed><name>${bed}</name>${content}</bed></garden></action>`;

test("an action on what is there (RFC 7950 §7.15.2)", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const data = await gardenOf(context, { bed: [{ name: "a" }] });
  const request = await context.parseRequest(rpc(ACTION("a", "<water><litres>3</litres></water>")), data);
  assert.equal(request.kind, "action");
  assert.deepEqual(request.target, [{ name: "semrd-garden:garden" }, { name: "bed", keys: { name: "a" } }]);
  assert.deepEqual(request.input, { litres: 3, from: "well" });
  assert.deepEqual(await context.checkInput(request.target, "water", { litres: 1 }, data), { litres: 1, from: "well" });
  assert.equal(
    await context.printOutput(request.target, "water", { left: 5 }, "xml"),
    '<left xmlns="urn:semrd:garden">5</left>',
  );
  const [fault] = await faultsOf(context.parseRequest(rpc(ACTION("z", "<water><litres>3</litres></water>")), data));
  assert.equal(fault!.errorTag, "data-missing");
  assert.equal(fault!.path, "/semrd-garden:garden/bed[name='z']");
});

const REFUSED: readonly { readonly name: string; readonly xml: string; readonly want: Partial<YangFault> }[] = [
  { name: "no rpc", xml: "<hello/>", want: { errorTag: "malformed-message", errorType: "rpc" } },
  { name: "not XML", xml: "rpc", want: { errorTag: "malformed-message" } },
  {
    name: "no message-id",
    xml: rpc('<sow xmlns="urn:semrd:garden"/>', ""),
    want: { errorTag: "missing-attribute", errorType: "rpc", badAttribute: "message-id", badElement: "rpc" },
  },
  { name: "no operation", xml: rpc(""), want: { errorTag: "missing-element" } },
  {
    name: "an operation that there is not",
    xml: rpc('<reap xmlns="urn:semrd:garden"/>'),
    want: { errorTag: "operation-not-supported", errorType: "protocol", badElement: "reap" },
  },
  {
    name: "a namespace that there is not",
    xml: rpc('<sow xmlns="urn:nobody"/>'),
    want: { errorTag: "unknown-namespace", badNamespace: "urn:nobody", badElement: "sow" },
  },
  {
    name: "a parameter that is missing",
    xml: rpc('<sow xmlns="urn:semrd:garden"/>'),
    want: { errorTag: "missing-element", errorType: "protocol", badElement: "seed" },
  },
  {
    name: "a parameter that there is not",
    xml: rpc('<sow xmlns="urn:semrd:garden"><soil/></sow>'),
    want: { errorTag: "unknown-element", badElement: "soil" },
  },
  {
    name: "a value that is wrong",
    xml: rpc('<sow xmlns="urn:semrd:garden"><seed>weed</seed></sow>'),
    want: { errorTag: "invalid-value", path: "/semrd-garden:sow/seed" },
  },
  {
    name: "an action without its list key",
    xml: rpc(ACTION("a", "<water/>").replace("<name>a</name>", "")),
    want: { errorTag: "missing-element", badElement: "name" },
  },
  { name: "no action", xml: rpc(ACTION("a", "")), want: { errorTag: "missing-element", badElement: "action" } },
];
for (const { name, xml, want } of REFUSED)
  test(`refused: ${name}`, async (t) => {
    const context = await openGarden(t);
    if (context === undefined) return;
    const [fault] = await faultsOf(context.parseRequest(xml));
    assert.deepEqual(Object.fromEntries(Object.keys(want).map((key) => [key, fault![key as keyof YangFault]])), want);
  });

test("replies and notifications are written from JSON, and what the model has not is refused", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  assert.equal(
    await context.printOutput([], "semrd-garden:sow", { bed: ["a", "b"] }, "xml"),
    '<bed xmlns="urn:semrd:garden">a</bed><bed xmlns="urn:semrd:garden">b</bed>',
  );
  assert.equal(
    await context.printNotification([], "semrd-garden:rain", { drops: "5" }, "xml"),
    '<rain xmlns="urn:semrd:garden"><drops>5</drops></rain>',
  );
  assert.deepEqual(JSON.parse(await context.printNotification([], "semrd-garden:rain", { drops: "5" }, "json")), {
    "semrd-garden:rain": { drops: "5" },
  });
  for (const [expression, matches] of [
    ["/g:rain[g:drops > 4]", true],
    ["/g:rain[g:drops > 5]", false],
    ["/g:sow", false],
  ] as const) {
    const prefixes = { g: "urn:semrd:garden" };
    assert.equal(
      await context.matchNotification([], "semrd-garden:rain", { drops: "5" }, expression, prefixes),
      matches,
    );
  }
  for (const expression of ["/g:rain[", "count(/g:rain)", "/h:rain"])
    await faultsOf(
      context.matchNotification([], "semrd-garden:rain", { drops: "5" }, expression, { g: "urn:semrd:garden" }),
    );
  for (const content of [{ drops: 5 }, { drips: "5" }])
    await faultsOf(context.printNotification([], "semrd-garden:rain", content, "xml"));
  await faultsOf(context.printOutput([], "semrd-garden:reap", {}, "xml"));
});

test("the schema as it is, with what NACM inherits", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const nodes = await context.schema();
  const garden = nodes.find(({ name }) => name === "semrd-garden:garden")!;
  const child = (name: string) => garden.children!.find((node) => node.name === name)!;
  assert.deepEqual(child("area").type, {
    base: "decimal64",
    fractionDigits: 2,
    range: [
      ["0.5", "10.25"],
      ["20.0", "20.0"],
    ],
  });
  assert.equal(child("area").units, "square metres");
  assert.deepEqual(child("fenced").defaults, ["false"]);
  assert.deepEqual(child("secret").extensions, ["ietf-netconf-acm:default-deny-all"]);
  assert.deepEqual(child("bed").keys, ["name"]);
  assert.deepEqual(child("bed").unique, [["place"]]);
  assert.equal(child("path").orderedBy, "user");
  assert.equal(child("tag").maxElements, 3);
  assert.equal(child("pond").presence, true);
  assert.deepEqual(child("lamp").when, ["../fenced = 'true'"]);
  const bed = child("bed").children!;
  assert.deepEqual(bed.find(({ name }) => name === "kind")!.type, {
    base: "identityref",
    identities: ["semrd-garden-kinds:rose"],
  });
  assert.equal(bed.find(({ name }) => name === "beside")!.type!.target!.base, "string");
  assert.equal(bed.find(({ name }) => name === "state")!.config, false);
  const water = bed.find(({ name }) => name === "water")!;
  assert.deepEqual(
    water.children!.map(({ kind }) => kind),
    ["input", "output"],
  );
  assert.deepEqual(
    nodes.filter(({ module }) => module === "semrd-garden").map(({ kind }) => kind),
    ["container", "rpc", "notification"],
  );
});

test("what get-schema gives is the whole schema: it loads in a fresh context (RFC 6022 §3.1)", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "semrd-closure-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const all = context.modules.flatMap(({ name, revision, submodules }) => [{ name, revision }, ...submodules]);
  for (const { name, revision } of all)
    writeFileSync(
      join(folder, `${name}${revision === "" ? "" : `@${revision}`}.yang`),
      await context.source(name, revision),
    );
  const implemented = context.modules.filter((module) => module.implemented);
  await using fresh = await loadNative().yang.createContext(
    [folder],
    implemented.map(({ name, revision, features }) => ({ name, features, ...(revision === "" ? {} : { revision }) })),
  );
  const byName = (modules: typeof context.modules) => modules.toSorted((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(byName(fresh.modules), byName(context.modules));
  const nodes = async (of: typeof context) => (await of.schema()).toSorted((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(await nodes(fresh), await nodes(context));
});

test("every module has a text, and yang-library says what there is (RFC 8525)", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  for (const { name, revision } of context.modules) assert.match(await context.source(name, revision), /module/);
  assert.equal((await faultsOf(context.source("nobody")))[0]!.errorTag, "invalid-value");
  assert.equal((await faultsOf(context.source("semrd-garden", "1999-01-01")))[0]!.errorTag, "invalid-value");
  const library = JSON.parse(await context.print(await context.library("id-1"), "json"))[
    "ietf-yang-library:yang-library"
  ];
  assert.equal(library["content-id"], "id-1");
  const named = library["module-set"][0].module.map((module: { name: string }) => module.name);
  assert.deepEqual(
    named.toSorted(),
    context.modules
      .filter(({ implemented }) => implemented)
      .map(({ name }) => name)
      .toSorted(),
  );
});
