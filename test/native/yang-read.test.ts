import assert from "node:assert/strict";
import { test } from "node:test";
import type { YangChange, YangFault } from "../../native/index.ts";
import { faultsOf, garden, gardenOf, json, openGarden } from "./yang-garden.ts";

const G = "/semrd-garden:garden";
const top = { name: "semrd-garden:garden" };

interface Invalid {
  readonly name: string;
  readonly garden: object;
  readonly want: readonly Partial<YangFault>[];
}
const INVALID: readonly Invalid[] = [
  {
    name: "a leafref without target",
    garden: { bed: [{ name: "a", beside: "z" }] },
    want: [{ errorTag: "data-missing", appTag: "instance-required", path: `${G}/bed[name='a']/beside` }],
  },
  {
    name: "must, with the model's words",
    garden: { bed: [{ name: "a", depth: 60 }] },
    want: [
      {
        errorTag: "operation-failed",
        appTag: "deep-bed",
        path: `${G}/bed[name='a']/depth`,
        message: "a deep bed says what grows there",
      },
    ],
  },
  {
    name: "faults of several subtrees, but none that only follows",
    garden: {
      bed: [
        { name: "a", depth: 60, beside: "z" },
        { name: "b", beside: "a" },
        { name: "c", place: 1 },
        { name: "d", place: 1 },
        { name: "e", beside: "y" },
      ],
      tag: ["1", "2", "3", "4"],
      pond: {},
    },
    want: [
      { errorTag: "data-missing", path: `${G}/bed[name='a']/beside` },
      { errorTag: "data-missing", path: `${G}/bed[name='e']/beside` },
      { errorTag: "operation-failed", appTag: "data-not-unique" },
      { errorTag: "operation-failed", appTag: "too-many-elements" },
      { errorTag: "operation-failed", path: `${G}/bed[name='a']/depth` },
      { errorTag: "data-missing", path: `${G}/pond/fish`, badElement: "fish" },
    ],
  },
  {
    name: "when that does not hold",
    garden: { lamp: "on" },
    want: [{ errorTag: "unknown-element", path: `${G}/lamp` }],
  },
];
for (const { name, garden: value, want } of INVALID)
  test(`refused by validation: ${name}`, async (t) => {
    const context = await openGarden(t);
    if (context === undefined) return;
    const tree = await gardenOf(context, value);
    const faults = await faultsOf(context.validate(tree));
    const key = (fault: Partial<YangFault>) => `${fault.path ?? ""} ${fault.errorTag} ${fault.appTag ?? ""}`;
    const told = faults.map((fault) => key(fault)).toSorted();
    assert.equal(faults.length, want.length, told.join("\n"));
    for (const wanted of want)
      assert.ok(
        faults.some((fault) =>
          Object.entries(wanted).every(([name, value]) => fault[name as keyof YangFault] === value),
        ),
        `${key(wanted)} is not among\n${told.join("\n")}`,
      );
    assert.equal(await context.treeCount(), 1);
  });

test("defaults come with validation, in the four ways of RFC 6243", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await context.validate(await gardenOf(context, { bed: [{ name: "a", depth: 20 }] }));
  const bed = async (defaults: "explicit" | "trim" | "report-all") =>
    JSON.parse(await context.print(tree, "json", { defaults }))["semrd-garden:garden"];
  assert.deepEqual(await bed("explicit"), { bed: [{ name: "a", depth: 20 }] });
  assert.deepEqual(await bed("trim"), { bed: [{ name: "a" }] });
  assert.deepEqual(await bed("report-all"), { fenced: false, bed: [{ name: "a", depth: 20 }] });
  const tagged = await context.print(await context.validate(await gardenOf(context, { name: "x" })), "xml", {
    defaults: "report-all-tagged",
  });
  assert.match(tagged, /<fenced [^>]*default="true"[^>]*>false<\/fenced>/);
  const octets = await context.printOctets(tree, "json");
  assert.equal(new TextDecoder().decode(octets), await context.print(tree, "json"));
});

test("a node whose condition went away goes with it (RFC 7950 §8.2)", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const lit = await context.validate(await gardenOf(context, { fenced: true, lamp: "on" }));
  const dark = await context.validate(await context.edit(lit, garden("<fenced>false</fenced>"), "xml"));
  assert.deepEqual(await json(context, dark), { fenced: false });
});

interface Difference {
  readonly name: string;
  readonly before: object;
  readonly after: object;
  readonly want: readonly Partial<YangChange>[];
}
const step = (name: string, key: string) => ({ name, keys: { name: key } });
const DIFFERENCES: readonly Difference[] = [
  { name: "nothing", before: { bed: [{ name: "a" }] }, after: { bed: [{ name: "a" }] }, want: [] },
  {
    name: "leaves, entries, default values",
    before: { name: "x", bed: [{ name: "a", depth: 5 }, { name: "b" }], tag: ["1", "2"], pond: { fish: 1 } },
    after: { name: "y", area: "1.5", bed: [{ name: "a" }, { name: "c", place: 3 }], tag: ["2", "3"], fenced: false },
    want: [
      { operation: "delete", path: [top, step("bed", "b")], old: { name: "b" } },
      { operation: "delete", path: [top, { name: "tag", value: "1" }], old: "1" },
      { operation: "delete", path: [top, { name: "pond" }], old: { fish: 1 } },
      { operation: "change", path: [top, { name: "name" }], old: "x", value: "y" },
      { operation: "create", path: [top, { name: "area" }], value: "1.5" },
      { operation: "create", path: [top, { name: "fenced" }], value: false },
      { operation: "delete", path: [top, step("bed", "a"), { name: "depth" }], old: 5 },
      { operation: "create", path: [top, step("bed", "c")], value: { name: "c", place: 3 } },
      { operation: "create", path: [top, { name: "tag", value: "3" }], value: "3" },
    ],
  },
  {
    name: "order of entries: the fewest moves",
    before: { path: ["1", "2", "3", "4"].map((name) => ({ name })), tool: ["a", "b", "c"] },
    after: { path: ["4", "1", "n", "2", "3"].map((name) => ({ name })), tool: ["b", "c", "a"] },
    want: [
      { operation: "move", path: [top, step("path", "4")] },
      { operation: "create", path: [top, step("path", "n")], value: { name: "n" }, after: step("path", "1") },
      { operation: "move", path: [top, { name: "tool", value: "a" }], after: { name: "tool", value: "c" } },
    ],
  },
];
for (const { name, before, after, want } of DIFFERENCES)
  test(`difference: ${name}`, async (t) => {
    const context = await openGarden(t);
    if (context === undefined) return;
    const old = await context.validate(await gardenOf(context, before));
    const now = await context.validate(await gardenOf(context, after));
    const module = "semrd-garden";
    const changes = await context.diff(old, now);
    assert.deepEqual(
      changes,
      want.map((change) => ({ ...change, module })),
    );
    // Validated or not, what is configured is the same.
    assert.deepEqual(await context.diff(await gardenOf(context, before), now), changes);
    assert.deepEqual(await context.diff(undefined, undefined), []);
  });

const BEDS = {
  name: "home",
  secret: "s",
  bed: [
    { name: "a", place: 1, kind: "semrd-garden-kinds:rose" },
    { name: "b", place: 2 },
    { name: "c'\"", place: 3 },
  ].slice(0, 2),
  path: [{ name: "it's" }, { name: 'a "path"', width: 2 }],
  tag: ["1", "2"],
};

test("nodes by paths, with wildcards", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await gardenOf(context, BEDS);
  const values = async (...steps: { name: string; keys?: Record<string, string>; value?: string }[]) =>
    (await context.select(tree, steps)).map(({ value }) => value);
  assert.deepEqual(await values(top, { name: "bed", keys: { name: "b" } }, { name: "place" }), [2]);
  assert.deepEqual(await values(top, { name: "bed" }, { name: "place" }), [1, 2]);
  assert.deepEqual(await values(top, { name: "bed", keys: { name: "*" } }, { name: "*" }), [
    "a",
    1,
    BEDS.bed[0]!.kind,
    "b",
    2,
  ]);
  assert.deepEqual(await values({ name: "..." }, { name: "semrd-garden:place" }), [1, 2]);
  assert.deepEqual(await values(top, { name: "path", keys: { name: 'a "path"' } }, { name: "width" }), [2]);
  assert.deepEqual(await values(top, { name: "path", keys: { name: "it's" } }), [{ name: "it's" }]);
  assert.deepEqual(await values(top, { name: "tag", value: "2" }), ["2"]);
  assert.deepEqual(await values(top, { name: "pond" }), []);
  assert.deepEqual(await values(), [BEDS]);
  const [match] = await context.select(tree, [top, { name: "bed", keys: { name: "b" } }]);
  assert.deepEqual(match!.path, [top, step("bed", "b")]);
  assert.equal((await faultsOf(values(top, { name: "nothing" })))[0]!.errorTag, "unknown-element");
  assert.equal((await faultsOf(values({ name: "nobody:garden" })))[0]!.errorTag, "unknown-namespace");
  const kept = await context.keep(tree, [
    [top, { name: "bed", keys: { name: "a" } }, { name: "place" }],
    [top, { name: "name" }],
  ]);
  assert.deepEqual(await json(context, kept), { name: "home", bed: [{ name: "a", place: 1 }] });
  const rest = await context.drop(tree, [
    [top, { name: "secret" }],
    [top, { name: "bed", keys: { name: "a" } }],
    [top, { name: "path" }],
  ]);
  assert.deepEqual(await json(context, rest), { name: "home", bed: [BEDS.bed[1]], tag: BEDS.tag });
  const both = await context.merge(kept, await gardenOf(context, { name: "new", bed: [{ name: "z" }] }));
  assert.deepEqual(await json(context, both), { name: "new", bed: [{ name: "a", place: 1 }, { name: "z" }] });
});

const FILTERS: readonly {
  readonly name: string;
  readonly see: string;
  readonly filter: string;
  readonly want: unknown;
}[] = [
  { name: "nothing", see: "6.4.2", filter: "", want: undefined },
  { name: "namespace", see: "6.2.1", filter: '<garden xmlns="urn:other"/>', want: undefined },
  { name: "any namespace", see: "6.2.1", filter: '<garden xmlns=""><name/></garden>', want: { name: "home" } },
  { name: "attributes", see: "6.2.2", filter: '<garden xmlns="urn:semrd:garden" k="v"/>', want: undefined },
  { name: "containment", see: "6.2.3", filter: '<garden xmlns="urn:semrd:garden"/>', want: BEDS },
  {
    name: "selection",
    see: "6.2.4",
    filter: '<garden xmlns="urn:semrd:garden"><bed><place/></bed></garden>',
    want: { bed: BEDS.bed.map(({ name, place }) => ({ name, place })) },
  },
  {
    name: "content",
    see: "6.2.5",
    filter: '<garden xmlns="urn:semrd:garden"><bed><place> 2 </place></bed></garden>',
    want: { bed: [BEDS.bed[1]] },
  },
  {
    name: "content and selection",
    see: "6.4.5",
    filter: '<garden xmlns="urn:semrd:garden"><bed><name>a</name><place/></bed></garden>',
    want: { bed: [{ name: "a", place: 1 }] },
  },
  {
    name: "content of an identity, whatever its prefix",
    see: "6.2.5",
    filter:
      '<garden xmlns="urn:semrd:garden"><bed><kind xmlns:q="urn:semrd:garden-kinds">q:rose</kind><name/></bed></garden>',
    want: { bed: [{ name: "a", kind: "semrd-garden-kinds:rose" }] },
  },
  {
    name: "all contents must match",
    see: "6.2.5",
    filter: '<garden xmlns="urn:semrd:garden"><bed><name>a</name><place>2</place></bed></garden>',
    want: undefined,
  },
];
for (const { name, see, filter, want } of FILTERS)
  for (const around of [
    filter,
    `<filter xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" type="subtree">${filter}</filter>`,
  ])
    test(`subtree filter: ${name} (RFC 6241 §${see})${around === filter ? "" : ", in <filter>"}`, async (t) => {
      const context = await openGarden(t);
      if (context === undefined) return;
      const tree = await gardenOf(context, BEDS);
      assert.deepEqual(await json(context, await context.filter(tree, around)), want);
    });

test("content is told apart", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const text = JSON.stringify({
    "semrd-garden:garden": {
      name: "home",
      bed: [{ name: "a", place: 1, state: { moisture: 40 } }, { name: "b" }],
      seen: "5",
    },
  });
  const tree = await context.parse(text, "json", { state: true, validate: false });
  const content = async (content: "config" | "nonconfig" | "all") =>
    JSON.parse(await context.print(tree, "json", { content }))["semrd-garden:garden"];
  assert.deepEqual(await content("config"), { name: "home", bed: [{ name: "a", place: 1 }, { name: "b" }] });
  assert.deepEqual(await content("nonconfig"), { bed: [{ name: "a", state: { moisture: 40 } }], seen: "5" });
  assert.deepEqual(await content("all"), JSON.parse(text)["semrd-garden:garden"]);
});

test("XPath, with prefixes for namespaces and modules", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await gardenOf(context, BEDS);
  const found = async (expression: string, prefixes?: Record<string, string>) =>
    json(context, await context.xpath(tree, expression, prefixes));
  assert.deepEqual(await found("/q:garden/q:bed[q:place=2]/q:place", { q: "urn:semrd:garden" }), {
    bed: [{ name: "b", place: 2 }],
  });
  assert.deepEqual(await found("//semrd-garden:tag"), { tag: ["1", "2"] });
  assert.deepEqual(await found("/semrd-garden:garden/child::semrd-garden:name"), { name: "home" });
  for (const [expression, tag] of [
    ["/nobody:garden", "unknown-namespace"],
    ["/semrd-garden:garden[", "invalid-value"],
    ["count(/semrd-garden:garden)", "invalid-value"],
  ] as const)
    assert.equal((await faultsOf(context.xpath(tree, expression)))[0]!.errorTag, tag, expression);
});

test("a handle more on the same data", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await gardenOf(context, BEDS);
  const other = tree.share();
  assert.equal(await context.treeCount(), 1);
  await tree.dispose();
  assert.throws(() => tree.share(), /disposed/);
  assert.deepEqual(await json(context, other), BEDS);
  await other.dispose();
  assert.equal(await context.treeCount(), 0);
});
