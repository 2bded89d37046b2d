import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { loadNative, type YangContext, type YangSchemaNode } from "../../native/index.ts";
import { sameValue } from "../../src/base/index.ts";
import { atRestart } from "../../src/daemon/live/at-restart.ts";
import { laterOf, planNeighbors } from "../../src/daemon/neighbor-plan.ts";
import { policyBook } from "../../src/daemon/policy.ts";
import type { RouterChange, RouterConfiguration } from "../../src/management/index.ts";
import { DEFAULT_CONTROL } from "../../src/management/index.ts";
import { bindRouter } from "../../src/management/yang/binding.ts";
import { openSchema } from "../../src/management/yang/schema.ts";
import { edited } from "../management/documents.ts";
import { ROUTING_POLICY } from "../management/policy-document.ts";
import { symmetricKeys } from "../management/stores.ts";

type Json = { [name: string]: unknown };

/** Where settings of neighbours are: each is looked at on its own. */
const [LONE, MEMBER] = ["fd00:ffff::1", "fd00:ffff::3"];
const bgpOf = (): Json => ({
  ...{ "local-as": 65000, address: "fd00:ffff::2" },
  "neighbor-defaults": { "remote-as": 65009 },
  neighbors: {
    neighbor: [
      { address: LONE, "remote-as": 65009 },
      { address: MEMBER, "peer-group": "g" },
      { address: "fd00:ffff::5" },
    ],
  },
  "peer-groups": { "peer-group": ["g", "h", "r"].map((name) => ({ name, "remote-as": 65009 })) },
  "dynamic-neighbors": {
    range: [{ prefix: "2001:db8::/64", "peer-group": "r" }],
    interface: [{ name: "eth7", "peer-group": "r" }],
  },
});

interface Example {
  /** Of the leaf; `undefined`: it is not there. */
  readonly values: readonly [unknown, unknown];
  /** What has to be beside it: members of the neighbour, the group, or BGP. */
  readonly with?: Json;
}

/** Leaves whose type says too little, by the end of their path. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  "bgp/local-as": { values: [65000, 65001] },
  "bgp/address": { values: ["fd00:ffff::2", "fd00:ffff::22"] },
  "bgp/cluster-id": { values: [undefined, "10.9.9.9"] },
  "bgp/hold-time": { values: [90, 60] },
  "confederation/identifier": { values: [65500, 65501] },
  "confederation/member-as": { values: [[], [65009]], with: { identifier: 65500 } },
  "payload-attribute": { values: [undefined, 220] },
  "remote-as": { values: [65009, 65010] },
  "range/remote-as": { values: [[65009], [65010]] },
  "interface/remote-as": { values: [[65009], [65010]] },
  "hold-time": { values: [undefined, 30] },
  "send-hold-time": { values: [undefined, 600] },
  "local-address": { values: [undefined, "fd00:ffff::23"] },
  "md5-key": { values: [["one"], ["two", "one"]] },
  "tcp-ao-key/symmetric-key": { values: ["one", "two"] },
  "neighbor/peer-group": { values: ["g", "h"], with: { "remote-as": undefined } },
  "range/peer-group": { values: ["r", "h"] },
  "interface/peer-group": { values: ["r", "h"] },
  "import-policy": { values: [[], ["p"]] },
  "export-policy": { values: [[], ["p"]] },
  "cluster-id": { values: [undefined, "10.9.9.8"], with: { "remote-as": 65000, "route-reflector-client": true } },
  "route-reflector-client": { values: [false, true], with: { "remote-as": 65000 } },
  "add-path/send": { values: [undefined, "all"] },
  "warn-at": { values: [50, 60], with: { "maximum-routes": 9 } },
  "restart-after": { values: [50, 60], with: { "maximum-routes": 9 } },
  "role/strict": { values: [false, true], with: { local: "peer" } },
  "role/capability-routes": { values: [false, true], with: { local: "peer" } },
  "bfd/desired-min-tx-ms": { values: [300, 400], with: { enabled: true } },
  "bfd/required-min-rx-ms": { values: [300, 400], with: { enabled: true } },
  "bfd/detect-multiplier": { values: [3, 4], with: { enabled: true } },
  "brownfield/payload": { values: [false, true] },
  "label/namespace": { values: [0, 1] },
};

/** What people call a group, and a group that nobody is in: neither does anything. */
const SHOWN_ONLY = new Set(["peer-groups/peer-group/description", "peer-groups/peer-group/name"]);

/** An entry of each list, or what is beside a leaf of it. */
const ENTRIES: Readonly<Record<string, Json>> = {
  family: { name: "ipv6-unicast" },
  "tcp-ao-key": { "send-id": 1, "receive-id": 1, "symmetric-key": "one" },
  label: { name: "eu", bit: 1 },
};

let schema: YangContext;
before(async () => {
  schema = await openSchema(loadNative().yang);
});
after(() => schema[Symbol.asyncDispose]());

it("every leaf below bgp is applied to a router that runs, or a commit says when it will be", async (t) => {
  const router = await find("semrd-router:router");
  const bgp = router.children!.find(({ name }) => name === "semrd-bgp:bgp")!;
  const leaves = [...leavesOf(bgp, ["bgp"])].filter(({ path }) => !SHOWN_ONLY.has(path.slice(1).join("/")));
  const wrong: string[] = [];
  const answers = new Map<string, number>();
  for (const leaf of leaves) {
    const found = await judged(leaf);
    if (typeof found === "string") answers.set(found, (answers.get(found) ?? 0) + 1);
    else wrong.push(`${leaf.path.join("/")}: ${found.problem}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(leaves.length > 150, `only ${leaves.length} leaves were looked at`);
  t.diagnostic([...answers].map(([what, count]) => `${count} ${what}`).join(", "));
});

async function find(name: string): Promise<YangSchemaNode> {
  return (await schema.schema()).find((node) => node.name === name)!;
}

interface Leaf {
  readonly path: readonly string[];
  readonly node: YangSchemaNode;
  readonly isKey: boolean;
}

const bare = (name: string): string => name.slice(name.indexOf(":") + 1);

function* leavesOf(node: YangSchemaNode, path: readonly string[]): Iterable<Leaf> {
  for (const child of node.children ?? []) {
    if (!child.config) continue;
    const here = [...path, child.name];
    if (child.kind === "leaf" || child.kind === "leaf-list") {
      yield { path: here, node: child, isKey: node.keys?.includes(child.name) === true };
    } else yield* leavesOf(child, here);
  }
}

/** What two configurations that differ in this leaf alone come to. */
async function judged(leaf: Leaf): Promise<string | { readonly problem: string }> {
  const [old, next] = [documentOf(leaf, 0), documentOf(leaf, 1)];
  let change: RouterChange;
  try {
    const [was, becomes] = [await bound(old), await bound(next)];
    change = { before: was, after: becomes, intended: becomes } as RouterChange;
  } catch (cause) {
    return { problem: `give an example for it in this test: ${(cause as Error).message}` };
  }
  const path = [{ name: "semrd-router:router" }, ...leaf.path.map((name) => ({ name }))];
  const waiting = await atRestart.plan({
    ...change,
    sections: new Set(["bgp"]),
    changes: [{ path, operation: "replace" }],
  } as never);
  if (!waiting.ok) return "refused";
  if (waiting.value.length > 0) return "at the next start";
  return effectOf(change) ?? { problem: "a change of it does nothing" };
}

function effectOf({ before: was, after: becomes }: RouterChange): string | undefined {
  const policies = policyBook(was);
  for (const { importPolicy, exportPolicy } of [...was.bgp!.neighbors, ...was.bgp!.ranges]) {
    for (const names of [importPolicy, exportPolicy]) if (names.length > 0) policies.chain(names);
  }
  const plan = planNeighbors(was, becomes, policies);
  if (laterOf(plan).length > 0) return "from the next session on";
  if (plan.common !== undefined || plan.peers.length + plan.watch.length + plan.unwatch.length > 0) return "live";
  if (plan.ranges !== undefined || was.bgp!.gracefulShutdown !== becomes.bgp!.gracefulShutdown) return "live";
  return sameValue(was.bgp!.brownfield, becomes.bgp!.brownfield) ? undefined : "live";
}

async function bound(document: string): Promise<RouterConfiguration> {
  const tree = await schema.parse(document, "json", { validate: true });
  try {
    const whole = JSON.parse(await schema.print(tree, "json", { defaults: "report-all" }));
    const beside = { nacm: {} as never, alarms: DEFAULT_CONTROL };
    return { ...bindRouter(whole["semrd-router:router"], "/etc/semrd", beside), agents: [] };
  } finally {
    await tree.dispose();
  }
}

function documentOf(leaf: Leaf, which: 0 | 1): string {
  return edited((router) => {
    const bgp = bgpOf();
    delete router.bgp;
    router["semrd-bgp:bgp"] = bgp;
    Object.assign(router["semrd-keystore:keystore"], symmetricKeys({ one: "one", two: "two" }));
    const policy = {
      name: "p",
      statements: { statement: [{ name: "s", actions: { "policy-result": "accept-route" } }] },
    };
    delete router["routing-policy"];
    const { "defined-sets": sets } = structuredClone(ROUTING_POLICY);
    router["semrd-policy:routing-policy"] = {
      "defined-sets": sets,
      "policy-definitions": { "policy-definition": [policy] },
    };
    place(bgp, leaf, which);
  });
}

/** Puts the leaf where it belongs, with what has to be around it. */
function place(bgp: Json, { path, node, isKey }: Leaf, which: 0 | 1): void {
  const names = path.slice(1);
  const tail = (count: number): string => path.map(bare).slice(-count).join("/");
  const example = EXAMPLES[tail(2)] ?? EXAMPLES[tail(1)] ?? { values: valuesOf(node) };
  if (names.includes("semrd-brownfield:brownfield") && tail(1) === "payload") {
    bgp["semrd-brownfield:brownfield"] = { "payload-attribute": 220 };
  }
  let here = bgp;
  for (const [i, name] of names.slice(0, -1).entries()) {
    const inner = here[name] as Json | Json[] | undefined;
    const isLast = i === names.length - 2;
    if (isLast && isKey) {
      // The entry itself comes.
      const entries = (inner ?? []) as Json[];
      here[name] = which === 0 ? entries : [...entries, newEntry(name)];
      return;
    }
    const entry = ENTRIES[name];
    if (Array.isArray(inner)) here = inner[0]!;
    else if (entry !== undefined) {
      const made = { ...entry };
      here[name] = [made];
      here = made;
    } else {
      here[name] = inner ?? {};
      here = here[name] as Json;
    }
  }
  Object.assign(here, example.with);
  for (const [name, value] of Object.entries(example.with ?? {})) if (value === undefined) delete here[name];
  const [value, name] = [example.values[which], names.at(-1)!];
  if (value !== undefined) here[name] = value;
}

function newEntry(list: string): Json {
  const known: Readonly<Record<string, Json>> = {
    neighbor: { address: "fd00:ffff::9", "remote-as": 65009 },
    "peer-group": { name: "new" },
    range: { prefix: "2001:db8:9::/64", "peer-group": "g" },
    interface: { name: "eth9", "peer-group": "g" },
    ...ENTRIES,
  };
  return known[list]!;
}

function valuesOf({ kind, type }: YangSchemaNode): readonly [unknown, unknown] {
  switch (type?.base) {
    case "boolean":
      return [false, true];
    case "enumeration":
      return [type.enums![0]!.name, type.enums![1]!.name];
    case "string":
      return ["one", "two"];
    default: {
      const [least, most] = (type?.range?.at(-1) ?? ["0", "255"]).map(Number) as [number, number];
      const start = Math.min(Math.max(least, 10), most - 1);
      return kind === "leaf-list" ? [[start], [start + 1]] : [start, start + 1];
    }
  }
}
