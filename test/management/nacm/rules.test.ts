import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { YangContext } from "../../../native/api.ts";
import { loadNative } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { Path, Verdict } from "../../../src/management/datastore/index.ts";
import {
  AccessBook,
  type AccessSchema,
  accessSchema,
  type NacmConfiguration,
} from "../../../src/management/nacm/index.ts";
import { readRulePath } from "../../../src/management/nacm/rule-path.ts";
import { bindNacm } from "../../../src/management/yang/nacm-binding.ts";
import { openSchema } from "../../../src/management/yang/schema.ts";

let context: YangContext;
let schema: AccessSchema;
before(async () => {
  context = await openSchema(loadNative().yang);
  schema = accessSchema(await context.schema());
});
after(() => context[Symbol.asyncDispose]());

const AGENTS = "/semrd-router:router/semrd-agent:agents/agent";
const session = (user: string) => ({ id: 1, user, protocol: "netconf", source: "test" }) as const;

function book(rules: readonly object[], defaults: object = {}): AccessBook {
  const instance = {
    ...{ "enable-nacm": true, "read-default": "permit", "write-default": "deny", "exec-default": "permit" },
    "enable-external-groups": true,
    ...defaults,
    groups: { group: [{ name: "g", "user-name": ["u"] }] },
    "rule-list": [
      {
        name: "l",
        group: ["g"],
        rule: rules.map((rule, i) => ({ name: `${i}`, "module-name": "*", "access-operations": "*", ...rule })),
      },
    ],
  };
  return new AccessBook(schema, bindNacm(instance as never, schema), systemClock);
}

describe("the path of a rule (RFC 8341 §3.5.2, node-instance-identifier)", () => {
  const TAKEN: readonly (readonly [string, unknown])[] = [
    ["/", []],
    [AGENTS, [{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }, { name: "semrd-agent:agent" }]],
    [
      '/semrd-router:router/semrd-taxonomy:taxonomy/semrd-taxonomy:capability[semrd-taxonomy:major-version = "1"]',
      [
        { name: "semrd-router:router" },
        { name: "semrd-taxonomy:taxonomy" },
        { name: "semrd-taxonomy:capability", keys: { "major-version": "1" } },
      ],
    ],
    [
      "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='2001:DB8:0::1']/clear",
      [
        { name: "semrd-router:router" },
        { name: "semrd-bgp:bgp" },
        { name: "semrd-bgp:neighbors" },
        { name: "semrd-bgp:neighbor", keys: { address: "2001:db8::1" } },
        { name: "semrd-bgp:clear" },
      ],
    ],
    [
      `${AGENTS}[starts-with(id, 'spiffe://a/')]`,
      [
        { name: "semrd-router:router" },
        { name: "semrd-agent:agents" },
        { name: "semrd-agent:agent", starts: { id: "spiffe://a/" } },
      ],
    ],
    [
      "/semrd-router:router/semrd-tenant:tenants/tenant/import-target[.='65000:1']",
      [
        { name: "semrd-router:router" },
        { name: "semrd-tenant:tenants" },
        { name: "semrd-tenant:tenant" },
        { name: "semrd-tenant:import-target", value: "65000:1" },
      ],
    ],
  ];
  for (const [text, path] of TAKEN)
    it(`takes ${text}`, () => assert.deepEqual(readRulePath(text, schema), { ok: true, value: path }));

  const REFUSED: readonly (readonly [string, RegExp])[] = [
    ["router", /'\/' and the name of a node/],
    ["/router", /the model has no router there: is semrd-router:router meant\?/],
    ["/semrd-router:router/agents", /is semrd-agent:agents meant\?/],
    ["/semrd-router:router/semrd-agent:agents/agent[tenant='acme']", /tenant is no key of agent/],
    ["/semrd-router:router/semrd-agent:agents/agent[1]", /\[key='value'\]/],
    ["/semrd-router:router//semrd-agent:agents", /character 21/],
    ["/semrd-router:router/*", /the name of a node/],
    [`${AGENTS}[id='a' or 1=1]`, /\[key='value'\]/],
  ];
  for (const [text, wanted] of REFUSED) {
    it(`refuses ${text}`, () => {
      const read = readRulePath(text, schema);
      assert.ok(!read.ok);
      assert.match(read.faults[0]!.message, wanted);
    });
  }

  it("is read or refused whatever stands there, truncated at every octet and with any of them changed", () => {
    const texts = TAKEN.map(([text]) => text);
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(200), fc.string({ maxLength: 3 }), (text, at, put) => {
        for (let end = 0; end <= text.length; end++) readRulePath(text.slice(0, end), schema);
        const read = readRulePath(text.slice(0, at) + put + text.slice(at + 1), schema);
        assert.equal(typeof read.ok, "boolean");
      }),
    );
  });
});

describe("decisions", () => {
  it("the first rule that fits decides, also among cases", () => {
    const access = book([
      { path: `${AGENTS}[id='x:a']`, action: "permit" },
      { path: `${AGENTS}[starts-with(id,'x:')]`, action: "deny" },
      { path: AGENTS, action: "permit" },
    ]).of(session("u"))!;
    const at = (id: string): Path => [
      { name: "semrd-router:router" },
      { name: "semrd-agent:agents" },
      { name: "semrd-agent:agent", keys: { id } },
    ];
    assert.deepEqual(
      ["x:a", "x:b", "y:a"].map((id) => access.mayRead(at(id))),
      [true, false, true],
    );
    assert.deepEqual(
      ["x:a", "x:b", "y:a"].map((id) => access.mayWrite(at(id))),
      [true, false, true],
    );
  });

  it("rules that are the same for somebody leave him the same decisions", () => {
    const control = book([{ action: "permit" }]);
    const before = control.of(session("u"));
    control.replace(configurationOf([{ action: "permit" }]));
    assert.equal(control.of(session("u")), before);
  });

  it("where nothing is hidden and everything may be written, nothing is looked at", () => {
    const access = book([{ action: "permit" }]).of(session("u"))!;
    assert.deepEqual([access.hidden, access.writesAll], [[], true]);
  });

  it("a recovery session, and the router itself, are asked nothing (§3.3.3)", () => {
    const control = book([], { "read-default": "deny" });
    assert.equal(control.of({ ...session("u"), isRecovery: true }), undefined);
    assert.equal(control.of({ ...session("u"), protocol: "system" }), undefined);
    assert.notEqual(control.of(session("root")), undefined);
  });

  it("external groups count where they are to (§3.4.4 step 4)", () => {
    const isIn = (enabled: boolean): boolean =>
      book([{ action: "permit" }], { "enable-external-groups": enabled }).of({ ...session("stranger"), groups: ["g"] })!
        .writesAll;
    assert.deepEqual([isIn(true), isIn(false)], [true, false]);
  });

  it("what a choice takes away is nobody's deletion (§3.2.5)", async () => {
    const choice = [...walk(schema)].find(({ node }) => node.step.name === "ietf-netconf-acm:rpc-name")!;
    const other = siblings(choice.node)[0]!;
    const access = book([{ "access-operations": "create", action: "permit" }]).of(session("u"))!;
    const path = (node: typeof other): Path => [...choice.path.slice(0, -1), node.step];
    const gone = { operation: "delete", path: path(other), old: "x" } as const;
    const made = { operation: "create", path: path(choice.node), value: "y" } as const;
    assert.equal((await access.writing([gone])).ok, false);
    assert.equal((await access.writing([gone, made])).ok, true);
  });
});

describe("restrict of the addon", () => {
  it("keeps what the verdicts of any roles permit, as a walk over the document in JavaScript does", async () => {
    const ids = ["a:1", "a:2", "b:1"];
    const entry = (id: string) => ({
      id,
      tenant: "acme",
      capability: [80, 81].map((port) => ({
        name: "/x/y",
        "major-version": 1,
        address: "fd00::1",
        port,
        weight: 3,
        label: ["eu", "us"],
      })),
    });
    const document = {
      "semrd-router:router": { name: "r1", "semrd-agent:agents": { agent: ids.map(entry) } },
      "ietf-netconf-acm:nacm": { groups: { group: [{ name: "g" }] } },
    };
    const tree = await context.parse(JSON.stringify(document), "json", { validate: false });
    const path = fc.constantFrom(
      ...[
        "",
        "/name",
        "/semrd-agent:agents",
        "/semrd-agent:agents/agent",
        ...ids.map((id) => `/semrd-agent:agents/agent[id='${id}']`),
      ].map((rest) => `/semrd-router:router${rest}`),
      `${AGENTS}[starts-with(id,'a')]/capability[port='80']`,
      `${AGENTS}/capability/weight`,
      `${AGENTS}/capability[port='81']/label`,
      `${AGENTS}[id='b:1']/capability/label[.='eu']`,
      `${AGENTS}/tenant`,
      "/",
    );
    const rule = fc.record({
      path,
      action: fc.constantFrom("permit", "deny"),
      "access-operations": fc.constantFrom("*", "read", "update"),
    });
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(rule, { maxLength: 5 }),
          fc.constantFrom("permit", "deny"),
          async (rules, otherwise) => {
            const access = book(rules, { "read-default": otherwise }).of(session("u"))!;
            const kept = await context.restrict(tree, access.hidden as readonly Verdict[]);
            const text = JSON.parse(await context.print(kept, "json"));
            await kept.dispose();
            assert.deepEqual(plain(text), plain(access.readable([], document)), JSON.stringify(rules));
          },
        ),
        { numRuns: 300 },
      );
    } finally {
      await tree.dispose();
    }
  });
});

/** Without containers that have nothing in them, which are there or not all the same. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, plain(member)] as const);
  const kept = members.filter(
    ([, member]) => typeof member !== "object" || member === null || Object.keys(member).length > 0,
  );
  return Object.fromEntries(kept);
}

const configurationOf = (rules: readonly object[]): NacmConfiguration =>
  bindNacm(
    {
      ...{ "enable-nacm": true, "read-default": "permit", "write-default": "deny", "exec-default": "permit" },
      "enable-external-groups": false,
      groups: {
        group: [
          { name: "g", "user-name": ["u"] },
          { name: "h", "user-name": ["v"] },
        ],
      },
      "rule-list": [
        {
          name: "l",
          group: ["g"],
          rule: rules.map((rule, i) => ({ name: `${i}`, "module-name": "*", "access-operations": "*", ...rule })),
        },
        { name: "m", group: ["h"], rule: [] },
      ],
    } as never,
    schema,
  );

type Node = AccessSchema["top"][number];

function* walk({ top }: AccessSchema): Generator<{ node: Node; path: Path }> {
  const open: { node: Node; path: Path }[] = top.map((node) => ({ node, path: [node.step] }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    for (const child of new Set(next.node.children.values())) {
      const keys = Object.fromEntries(child.keys.map((key) => [key, "k"]));
      open.push({ node: child, path: [...next.path, child.keys.length === 0 ? child.step : { ...child.step, keys }] });
    }
  }
}

/** Of other cases of the same choice. */
function siblings(node: Node): readonly Node[] {
  const [{ choice, name }] = node.cases as [Node["cases"][number]];
  const all = new Set(node.parent?.children.values() ?? []);
  return [...all].filter((one) => one.cases.some((other) => other.choice === choice && other.name !== name));
}
