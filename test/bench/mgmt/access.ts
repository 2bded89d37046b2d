/**
 * What access control costs a reader of a million routes, and one of a configuration with 10 000 agents:
 * `node test/bench/mgmt/access.ts [rows] [agents]`. Rows are made up; leaves are made of them as gNMI sends them. All of it is of one
 * run, so that the ratios hold on a machine that others use too.
 */
import { loadNative } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { LeafMaker } from "../../../src/management/gnmi/leaves.ts";
import { schemaTree } from "../../../src/management/gnmi/schema-tree.ts";
import {
  type Access,
  AccessBook,
  accessSchema,
  type Path,
  readableRows,
  type StateRow,
} from "../../../src/management/index.ts";
import { bindNacm } from "../../../src/management/yang/nacm-binding.ts";
import { openSchema } from "../../../src/management/yang/schema.ts";

const ROWS = Number(process.argv[2] ?? 1_000_000);
const AGENTS = Number(process.argv[3] ?? 10_000);
const PORTION = 128;

await using context = await openSchema(loadNative().yang);
const nodes = await context.schema();
const schema = accessSchema(nodes);
const root = schemaTree(nodes);
const leaves = new LeafMaker(root);

const PATHS = "/semrd-router:router/semrd-rib:ribs/rib/path";
const others = Array.from({ length: 200 }, (_, i) => ({
  path: `/semrd-router:router/semrd-agent:agents/agent[id='x:${i}']`,
  action: "permit",
}));

const ROLES: readonly (readonly [string, readonly object[] | undefined])[] = [
  ["no access control", undefined],
  ["a user without rules", []],
  ["200 rules about agents", others],
  ["one leaf of each row hidden", [{ path: `${PATHS}/as-path`, action: "deny" }]],
  [
    "200 rules that name routes",
    Array.from({ length: 200 }, (_, i) => ({ path: `${PATHS}[prefix='2001:db8:${i}::/48']`, action: "deny" })),
  ],
  ["no routes at all", [{ path: PATHS, action: "deny" }]],
];

function accessOf(rules: readonly object[] | undefined): Access | undefined {
  if (rules === undefined) return undefined;
  const rule = rules.map((one, i) => ({ name: `${i}`, "module-name": "*", "access-operations": "*", ...one }));
  const instance = {
    ...{ "enable-nacm": true, "read-default": "permit", "write-default": "deny", "exec-default": "permit" },
    "enable-external-groups": true,
    groups: { group: [{ name: "g", "user-name": ["u"] }] },
    "rule-list": [{ name: "l", group: ["g"], rule }],
  };
  return new AccessBook(schema, bindNacm(instance as never, schema), systemClock).of({
    ...{ id: 1, user: "u", protocol: "gnmi", source: "bench" },
  });
}

const row = (i: number): StateRow => ({
  path: [
    { name: "semrd-router:router" },
    { name: "semrd-rib:ribs" },
    { name: "semrd-rib:rib", keys: { name: "ipv6-unicast" } },
    {
      name: "semrd-rib:path",
      keys: { prefix: `2001:db8:${(i & 0xffff).toString(16)}::/48`, peer: "fd00:ffff::2", "path-id": String(i >> 16) },
    },
  ],
  value: {
    "next-hop": "fd00:ffff::2",
    best: true,
    stale: false,
    "local-preference": 100,
    "as-path": "65001 65002",
    community: ["65000:1"],
  },
});
const rows = Array.from({ length: PORTION * 64 }, (_, i) => row(i));
const pattern = ["semrd-router:router", "semrd-rib:ribs"].map((name, i) => ({
  node: i === 0 ? root.byName.get(name)! : root.byName.get("semrd-router:router")!.byName.get(name)!,
  keys: {},
}));

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

let made = 0;
function whole(access: Access | undefined, makesLeaves: boolean): number {
  const began = cpu();
  for (let at = 0; at < ROWS; at += PORTION) {
    const portion = rows.slice(at % rows.length, (at % rows.length) + PORTION);
    for (const one of readableRows(portion, access)) {
      if (makesLeaves) for (const _ of leaves.ofRow(one, pattern, { encoding: "JSON_IETF" })) made++;
    }
  }
  return (cpu() - began) / ROWS;
}

whole(undefined, true);
const plain = whole(undefined, true);
console.log(`${ROWS} routes, as leaves without access control: ${plain.toFixed(0)} ns of CPU each`);
for (const [title, rules] of ROLES) {
  const access = accessOf(rules);
  whole(access, false);
  const own = whole(access, false);
  const all = whole(access, true);
  console.log(
    `${title}: ${own.toFixed(0)} ns a row to look (${((100 * own) / plain).toFixed(1)} %), with leaves ${((100 * all) / plain).toFixed(0)} %`,
  );
}

const agent = (i: number) => ({
  id: `spiffe://example.net/t${i % 10}/agent/a${i}`,
  tenant: "acme",
  capability: [{ name: "/x/y", "major-version": 1, address: "fd00::1", port: 8080, weight: 3 }],
});
const document = {
  "semrd-router:router": {
    name: "r1",
    "semrd-agent:agents": { agent: Array.from({ length: AGENTS }, (_, i) => agent(i)) },
  },
};
await using tree = await context.parse(JSON.stringify(document), "json", { validate: false });
const tenant = accessOf([
  {
    path: "/semrd-router:router/semrd-agent:agents/agent[starts-with(id,'spiffe://example.net/t3/')]",
    action: "permit",
  },
  { path: "/semrd-router:router/semrd-agent:agents/agent", action: "deny" },
])!;
for (const [title, access] of [
  ["a user without rules", accessOf([])!],
  ["one tenant of ten", tenant],
] as const) {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    await (await context.restrict(tree, access.hidden)).dispose();
    times.push(performance.now() - began);
  }
  const changes = Array.from({ length: AGENTS }, (_, i) => {
    const path: Path = [
      { name: "semrd-router:router" },
      { name: "semrd-agent:agents" },
      { name: "semrd-agent:agent", keys: { id: agent(i).id } },
    ];
    return { operation: "create" as const, path, value: agent(i) };
  });
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const watch = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (!isOver) setImmediate(watch);
  };
  setImmediate(watch);
  const began = performance.now();
  await access.writing(access === tenant ? changes.filter((_, i) => i % 10 === 3) : changes.slice(0, 1));
  const judged = performance.now() - began;
  isOver = true;
  console.log(
    `${title}: ${AGENTS} agents restricted in ${Math.min(...times).toFixed(0)} ms on the thread of the model; ` +
      `an edit judged in ${judged.toFixed(1)} ms, longest turn ${longest.toFixed(1)} ms`,
  );
}
console.log(`(${made} leaves)`);
