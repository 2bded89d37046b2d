import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { YangContext, YangSchemaNode } from "../../native/api.ts";
import { loadNative } from "../../native/index.ts";
import type { Answer, EditStep, Tree } from "../../src/management/datastore/index.ts";
import { YangModel } from "../../src/management/yang/model.ts";
import { LARGE_LISTS } from "../../src/management/yang/narrowing.ts";
import { openSchema } from "../../src/management/yang/schema.ts";
import { R2 } from "./documents.ts";

let context: YangContext;
let model: YangModel;
before(async () => {
  context = await openSchema(loadNative().yang);
  model = await YangModel.open(context);
});
after(() => context[Symbol.asyncDispose]());

const value = <T>(answer: Answer<T>): T => (answer.ok ? answer.value : assert.fail(JSON.stringify(answer.faults)));
const AGENTS = "/router/agents/agent";
const agent = (name: string): string => `${AGENTS}[id='spiffe://example.net/acme/agent/${name}']`;
const offer = (capability: string): string =>
  JSON.stringify({
    tenant: "acme",
    capability: [{ name: capability, "major-version": 1, address: "fd00:a:21::77", port: 8080 }],
  });

async function started(): Promise<Tree> {
  return value(await model.validate(value(await model.parse(R2, "json"))));
}

describe("a change of few entries of a large list", () => {
  const changes: { name: string; steps: EditStep[] }[] = [
    { name: "a leaf elsewhere", steps: [{ operation: "merge", path: "/router/telemetry/log-level", text: "debug" }] },
    { name: "an entry more", steps: [{ operation: "merge", path: agent("new"), value: offer("/vision/ocr") }] },
    {
      name: "an entry of another capability",
      steps: [
        { operation: "merge", path: agent("new"), value: offer("/vision/ocr") },
        { operation: "remove", path: `${AGENTS}[id='spiffe://example.net/acme/agent/ocr-a']` },
      ],
    },
    { name: "all entries gone", steps: [{ operation: "remove", path: "/router/agents" }] },
    { name: "a section gone", steps: [{ operation: "remove", path: "/router/bgp" }] },
    {
      name: "what the entries look at",
      steps: [{ operation: "merge", path: "/router/taxonomy/revision", text: "9" }],
    },
  ];
  for (const { name, steps } of changes)
    it(`${name}: the same as looking at everything`, async () => {
      const valid = await started();
      const edited = value(await model.editSteps(valid, steps));
      const since = { valid, changes: await model.diff(valid, edited) };
      const [narrow, whole] = [value(await model.validate(edited, since)), value(await model.validate(edited))];
      assert.deepEqual(await model.diff(whole, narrow), []);
      for (const defaults of ["report-all", "trim", "explicit"] as const) {
        const [a, b] = await Promise.all([narrow, whole].map((tree) => model.read(tree, { format: "json", defaults })));
        const [narrowed, all] = [a!, b!].map((read) => sorted(JSON.parse(Buffer.from(value(read)).toString())));
        assert.deepEqual(narrowed, all);
      }
    });

  it("a wrong entry is refused, and so is one whose tenant or capability goes", async () => {
    const valid = await started();
    const wrong: EditStep[][] = [
      [{ operation: "merge", path: agent("new"), value: offer("/vision/nothing") }],
      [{ operation: "merge", path: `${agent("new")}/tenant`, text: "acme" }],
      [{ operation: "remove", path: "/router/tenants/tenant[name='acme']" }],
      [{ operation: "remove", path: "/router/taxonomy/capability" }],
    ];
    for (const steps of wrong) {
      const edited = value(await model.editSteps(valid, steps));
      const since = { valid, changes: await model.diff(valid, edited) };
      const [narrow, whole] = [await model.validate(edited, since), await model.validate(edited)];
      assert.ok(!narrow.ok && !whole.ok, JSON.stringify(steps));
      assert.equal(narrow.faults[0]!.errorTag, whole.faults[0]!.errorTag);
    }
  });

  it("rests on what the model says: entries look at these sections only, and nothing else looks at them", async () => {
    const [list] = LARGE_LISTS;
    const names = list!.path.map(({ name }) => name.slice(name.indexOf(":") + 1));
    const looked: { readonly inside: boolean; readonly text: string }[] = [];
    const walk = (node: YangSchemaNode, above: readonly string[]): void => {
      const here = [...above, node.name.slice(node.name.indexOf(":") + 1)];
      const inside = names.every((name, i) => here[i] === name);
      const { type } = node;
      for (const text of [
        ...(node.must ?? []),
        ...(node.when ?? []),
        ...(type?.path === undefined ? [] : [type.path]),
      ]) {
        looked.push({ inside, text });
      }
      for (const child of node.children ?? []) walk(child, here);
    };
    for (const node of await context.schema()) walk(node, []);
    assert.ok(looked.length > 20);
    const absolute = /\/[\w.-]+:router\/(?:[\w.-]+:)?([\w.-]+)/g;
    for (const { inside, text } of looked) {
      const sections = [...text.matchAll(absolute)].map(([, section]) => section!);
      if (inside)
        assert.ok(
          sections.every((section) => list!.looksAt.includes(section)),
          text,
        );
      else assert.ok(!sections.includes("agents") && !/\bagents\b/.test(text), text);
      // One that climbs out of its entry would be none of these.
      if (inside) assert.ok(!text.includes("../../.."), text);
    }
  });
});

/** Lists and members in another order are the same data, and an empty container without presence is none. */
function sorted(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(sorted).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof data !== "object" || data === null) return data;
  const members = Object.entries(data)
    .map(([name, member]) => [name, sorted(member)] as const)
    .filter(([, member]) => JSON.stringify(member) !== "{}");
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
