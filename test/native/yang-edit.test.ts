import assert from "node:assert/strict";
import { test } from "node:test";
import type { YangEditOptions, YangFault } from "../../native/index.ts";
import { faultsOf, garden, gardenOf, json, openGarden } from "./yang-garden.ts";

const BEFORE = {
  name: "home",
  bed: [
    { name: "a", place: 1, depth: 30 },
    { name: "b", place: 2 },
  ],
  path: [{ name: "p1" }, { name: "p2" }, { name: "p3" }],
  tool: ["rake", "spade"],
  tag: ["x"],
};

interface Done {
  readonly name: string;
  readonly see: string;
  readonly edit: string | object;
  readonly options?: YangEditOptions;
  readonly want: object;
}
const DONE: readonly Done[] = [
  {
    name: "merge",
    see: "RFC 6241 §7.2",
    edit: "<bed><name>a</name><kind xmlns:k='urn:semrd:garden-kinds'>k:rose</kind></bed><bed><name>c</name></bed>",
    want: {
      ...BEFORE,
      bed: [
        { name: "a", place: 1, kind: "semrd-garden-kinds:rose", depth: 30 },
        { name: "b", place: 2 },
        { name: "c" },
      ],
    },
  },
  {
    name: "replace of an entry",
    see: "RFC 6241 §7.2",
    edit: '<bed nc:operation="replace"><name>a</name><place>9</place></bed>',
    want: {
      ...BEFORE,
      bed: [
        { name: "a", place: 9 },
        { name: "b", place: 2 },
      ],
    },
  },
  {
    name: "replace as default operation is of all there is",
    see: "RFC 6241 §7.2",
    edit: "<name>other</name>",
    options: { defaultOperation: "replace" },
    want: { name: "other" },
  },
  {
    name: "create, delete without a value, remove of what is not there",
    see: "RFC 6241 §7.2",
    edit:
      '<name nc:operation="delete"/><bed nc:operation="create"><name>c</name></bed>' +
      '<bed nc:operation="remove"><name>zz</name></bed><bed nc:operation="delete"><name>a</name></bed>',
    want: { bed: [{ name: "b", place: 2 }, { name: "c" }], path: BEFORE.path, tool: BEFORE.tool, tag: BEFORE.tag },
  },
  {
    name: "default operation none goes to where the operations are",
    see: "RFC 6241 §7.2",
    edit: '<bed><name>a</name><depth nc:operation="remove"/></bed>',
    options: { defaultOperation: "none" },
    want: {
      ...BEFORE,
      bed: [
        { name: "a", place: 1 },
        { name: "b", place: 2 },
      ],
    },
  },
  {
    name: "a prefix that the client lost is that of the model",
    see: "RFC 7950 §9.10.3",
    edit: "<bed><name>a</name><kind>k:rose</kind></bed>",
    want: {
      ...BEFORE,
      bed: [
        { name: "a", place: 1, kind: "semrd-garden-kinds:rose", depth: 30 },
        { name: "b", place: 2 },
      ],
    },
  },
  {
    name: "insert of list entries",
    see: "RFC 7950 §7.8.6",
    edit:
      '<path yang:insert="first"><name>n1</name></path>' +
      `<path yang:insert="after" yang:key="[g:name='p1']" xmlns:g="urn:semrd:garden"><name>n2</name></path>` +
      `<path yang:insert="before" yang:key="[name='p1']"><name>p3</name></path><path><name>n3</name></path>`,
    want: {
      ...BEFORE,
      path: ["n1", "p3", "p1", "n2", "p2", "n3"].map((name) => ({ name })),
    },
  },
  {
    name: "insert of leaf-list entries",
    see: "RFC 7950 §7.7.9",
    edit:
      '<tool yang:insert="last">rake</tool><tool yang:insert="before" yang:value="spade">hoe</tool>' +
      '<tag nc:operation="delete">x</tag>',
    want: { name: "home", bed: BEFORE.bed, path: BEFORE.path, tool: ["hoe", "spade", "rake"] },
  },
  {
    name: "JSON with metadata",
    see: "RFC 7952 §5.2",
    edit: {
      "@name": { "ietf-netconf:operation": "delete" },
      bed: [{ name: "a", "@": { "ietf-netconf:operation": "remove" } }],
      path: [{ "@": { "yang:insert": "first" }, name: "p3" }],
      tool: ["spade"],
      "@tool": [{ "yang:insert": "first" }],
    },
    want: {
      bed: [{ name: "b", place: 2 }],
      path: ["p3", "p1", "p2"].map((name) => ({ name })),
      tool: ["spade", "rake"],
      tag: ["x"],
    },
  },
  {
    name: "a value marked as default is not configured",
    see: "RFC 6243 §4.5.2",
    edit:
      '<bed xmlns:wd="urn:ietf:params:xml:ns:netconf:default:1.0"><name>a</name>' +
      '<depth wd:default="true">20</depth></bed>',
    want: {
      ...BEFORE,
      bed: [
        { name: "a", place: 1 },
        { name: "b", place: 2 },
      ],
    },
  },
];
for (const { name, see, edit, options, want } of DONE)
  test(`${name} (${see})`, async (t) => {
    const context = await openGarden(t);
    if (context === undefined) return;
    const before = await gardenOf(context, BEFORE);
    const after =
      typeof edit === "string"
        ? await context.edit(before, garden(edit), "xml", options)
        : await context.edit(before, JSON.stringify({ "semrd-garden:garden": edit }), "json", options);
    assert.deepEqual(await json(context, after), want);
    assert.deepEqual(await json(context, before), BEFORE, "the tree that was edited is as before");
  });

test("one case of a choice takes away the other (RFC 7950 §7.9)", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const wall = await gardenOf(context, { stones: 5, mortar: [null] });
  const hedge = await context.edit(wall, garden("<hedge><height>2</height></hedge>"), "xml");
  assert.deepEqual(await json(context, hedge), { hedge: { height: 2 } });
  const [fault] = await faultsOf(
    context.edit(undefined, garden("<stones>1</stones><hedge><height>2</height></hedge>"), "xml"),
  );
  assert.equal(fault!.errorTag, "bad-element");
});

interface Refused {
  readonly name: string;
  readonly edit: string | object;
  readonly options?: YangEditOptions;
  readonly want: readonly Partial<YangFault>[];
}
const G = "/semrd-garden:garden";
const REFUSED: readonly Refused[] = [
  {
    name: "create of what is there",
    edit: '<bed nc:operation="create"><name>a</name></bed>',
    want: [{ errorTag: "data-exists", path: `${G}/bed[name='a']`, badElement: "bed" }],
  },
  {
    name: "an entry twice, whether it was there or not and whatever its operations (RFC 7950 §7.8.2)",
    edit:
      "<bed><name>a</name><place>3</place></bed><bed><name>c</name></bed><bed><name>b</name></bed>" +
      '<bed><name>a</name><place>4</place></bed><bed nc:operation="create"><name>c</name></bed>' +
      '<bed nc:operation="replace"><name>b</name></bed>',
    want: [
      { errorTag: "bad-element", path: `${G}/bed[name='a']`, badElement: "bed", message: "stands there twice" },
      { errorTag: "data-exists", path: `${G}/bed[name='c']` },
      { errorTag: "bad-element", path: `${G}/bed[name='b']` },
    ],
  },
  {
    name: "an entry twice in JSON; one that goes and comes again is none",
    edit: {
      bed: [
        { name: "a", place: 3 },
        { name: "a", place: 4 },
        { "@": { "ietf-netconf:operation": "delete" }, name: "b" },
        { name: "b" },
      ],
    },
    want: [{ errorTag: "bad-element", path: `${G}/bed[name='a']`, line: 1 }],
  },
  {
    name: "delete of what is not there",
    edit: '<bed nc:operation="delete"><name>z</name></bed><lamp nc:operation="delete"/>',
    want: [
      { errorTag: "data-missing", path: `${G}/bed[name='z']` },
      { errorTag: "data-missing", path: `${G}/lamp` },
    ],
  },
  {
    name: "none where there is no such level",
    edit: "<bed><name>z</name></bed>",
    options: { defaultOperation: "none" },
    want: [{ errorTag: "data-missing", path: `${G}/bed[name='z']` }],
  },
  {
    name: "a pattern that a key breaks",
    edit: "<bed><name>A!</name></bed>",
    want: [
      { errorTag: "invalid-value", path: `${G}/bed/name`, appTag: "bad-bed", message: "a bed is named in lower case" },
    ],
  },
  {
    name: "an entry without its key",
    edit: "<bed><place>1</place></bed>",
    want: [{ errorTag: "missing-element", path: `${G}/bed`, badElement: "name" }],
  },
  {
    name: "several faults of independent subtrees",
    edit:
      "<name>HOME</name><area>11</area><bed><name>c</name><place>300</place><nothing/></bed>" +
      '<other xmlns="urn:nobody"/><seen>1</seen>',
    want: [
      { errorTag: "invalid-value", path: `${G}/name`, appTag: "bad-name" },
      { errorTag: "invalid-value", path: `${G}/area` },
      { errorTag: "invalid-value", path: `${G}/bed[name='c']/place` },
      { errorTag: "unknown-element", path: `${G}/bed[name='c']/nothing`, badElement: "nothing" },
      { errorTag: "unknown-namespace", badElement: "other", badNamespace: "urn:nobody" },
      { errorTag: "unknown-element", path: `${G}/seen`, badElement: "seen" },
    ],
  },
  {
    name: "operations and attributes that there are not",
    edit: '<name nc:operation="change">x</name><area nc:colour="red">1</area><lamp operation="delete"/>',
    want: [
      { errorTag: "bad-attribute", badAttribute: "operation", badElement: "name" },
      { errorTag: "unknown-attribute", badAttribute: "colour", badElement: "area" },
      { errorTag: "unknown-attribute", badAttribute: "operation", badElement: "lamp" },
    ],
  },
  {
    name: "places that there are not",
    edit:
      '<path yang:insert="before"><name>n</name></path><bed yang:insert="first"><name>n</name></bed>' +
      `<path yang:insert="after" yang:key="[name='nope']"><name>m</name></path><tool yang:insert="top">x</tool>`,
    want: [
      { errorTag: "missing-attribute", badAttribute: "key" },
      { errorTag: "bad-attribute", badAttribute: "insert" },
      { errorTag: "bad-attribute", badAttribute: "key", appTag: "missing-instance" },
      { errorTag: "bad-attribute", badAttribute: "insert" },
    ],
  },
  {
    name: "a leaf twice, a leaf with elements, a container with text",
    edit: "<name>a</name><name>b</name><area><x/></area><pond>wet</pond>",
    want: [
      { errorTag: "bad-element", path: `${G}/name` },
      { errorTag: "bad-element", path: `${G}/area` },
      { errorTag: "bad-element", path: `${G}/pond` },
    ],
  },
  {
    name: "JSON of another kind than the type's (RFC 7951 §6)",
    edit: { area: 1.5, fenced: "true", bed: { name: "a" }, pond: [], tag: "x", mortar: true, stones: "5" },
    want: [
      { errorTag: "invalid-value", path: `${G}/area`, message: "a string is expected" },
      { errorTag: "invalid-value", path: `${G}/fenced` },
      { errorTag: "bad-element", path: `${G}/bed` },
      { errorTag: "bad-element", path: `${G}/tag` },
      { errorTag: "invalid-value", path: `${G}/mortar` },
      { errorTag: "invalid-value", path: `${G}/stones` },
    ],
  },
  {
    name: "another value than the default, marked as default",
    edit: '<fenced xmlns:wd="urn:ietf:params:xml:ns:netconf:default:1.0" wd:default="true">true</fenced>',
    want: [{ errorTag: "invalid-value", path: `${G}/fenced` }],
  },
];
for (const { name, edit, options, want } of REFUSED)
  test(`refused: ${name}`, async (t) => {
    const context = await openGarden(t);
    if (context === undefined) return;
    const before = await gardenOf(context, BEFORE);
    const faults = await faultsOf(
      typeof edit === "string"
        ? context.edit(before, garden(edit), "xml", options)
        : context.edit(before, JSON.stringify({ "semrd-garden:garden": edit }), "json", options),
    );
    assert.deepEqual(
      faults.map((fault, i) =>
        Object.fromEntries(Object.keys(want[i] ?? fault).map((key) => [key, fault[key as keyof YangFault]])),
      ),
      want,
    );
    assert.deepEqual(await json(context, before), BEFORE);
    assert.equal(await context.treeCount(), 1, "what was refused leaves no tree");
  });

test("a value that is only there by default can be created, not deleted (RFC 6243 §2.3)", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const valid = await context.validate(await gardenOf(context, { bed: [{ name: "a" }] }));
  const created = await context.edit(
    valid,
    garden(
      '<fenced nc:operation="create">false</fenced><bed><name>a</name><depth nc:operation="create">20</depth></bed>',
    ),
    "xml",
  );
  assert.deepEqual(await json(context, created), { fenced: false, bed: [{ name: "a", depth: 20 }] });
  const faults = await faultsOf(
    context.edit(
      valid,
      garden('<fenced nc:operation="delete"/><bed><name>a</name><depth nc:operation="delete"/></bed>'),
      "xml",
    ),
  );
  assert.deepEqual(
    faults.map(({ errorTag }) => errorTag),
    ["data-missing", "data-missing"],
  );
  const [fault] = await faultsOf(context.edit(created, garden('<fenced nc:operation="create">true</fenced>'), "xml"));
  assert.equal(fault!.errorTag, "data-exists");
});

test("a hundred faults are told, the rest is counted", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const faults = await faultsOf(context.edit(undefined, garden("<nothing/>".repeat(150)), "xml"));
  assert.equal(faults.length, 101);
  assert.match(faults.at(-1)!.message, /50 more/);
});
