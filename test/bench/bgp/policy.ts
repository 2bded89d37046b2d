/**
 * What policy costs: `node test/bench/bgp/policy.ts [sets]`. Prints processor time for each distinct attribute set (the policy
 * itself), for each route of a set that is known (what every further route pays), and for each key where keys are asked.
 * Nothing is asserted.
 */
import process from "node:process";
import { capabilityId, fromHex, parseIpv6 } from "../../../src/base/index.ts";
import {
  type Judgement,
  PolicyBook,
  type PolicyConditions,
  type PolicyPeer,
  type PolicyStatement,
  type RoutePolicy,
} from "../../../src/bgp/policy/index.ts";
import { encodeCapability } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { interval, prefix, statement } from "../../bgp/policy/world.ts";
import { semanticSample, setSample } from "../../bgp/wire/samples.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";

const SETS = Number(process.argv[2] ?? 125_000);
const ROUTES = 8 * SETS;
const random = new SeededRandom(1);
const upTo = (limit: number): number => Math.floor(random.next() * limit);

const PEER: PolicyPeer = {
  address: "2001:db8::2",
  kind: "external",
  remoteAs: 65001,
  family: "ipv6-unicast",
  ownNextHop: parseIpv6("2001:db8::1")!,
};

const sets: AttributeSet[] = Array.from({ length: SETS }, (_, i) =>
  setSample({
    asPath: [{ type: "sequence", numbers: Array.from({ length: 3 + upTo(5) }, () => 64512 + upTo(2000)) }],
    communities: Array.from({ length: upTo(8) }, () => (65000 << 16) + upTo(1000)),
    multiExitDisc: i,
    semantic: semanticSample({ score: upTo(11) }),
  }),
);

const members = <M>(...list: M[]) => ({ members: list });
const marked = (value: number): PolicyConditions => ({
  communities: { option: "any", set: members({ administrator: interval(65000), value: interval(value, value + 9) }) },
});
const through = (as: number): PolicyConditions => ({
  asPath: { option: "any", set: members(["many" as const, interval(as), "many" as const]) },
});

/** What an operator at a border has: leaks and bogons out, customers up, the rest marked. */
const BORDER: readonly PolicyStatement[] = [
  statement({ asPathLength: interval(30, 65535) }, "reject"),
  ...[64600, 64700, 64800, 64900].map((as) => statement(through(as), "reject")),
  ...[100, 200, 300].map((value) => statement(marked(value), "accept", { localPref: value })),
  statement({}, "accept", { communities: { operation: "add", values: [(65000 << 16) + 9999] } }),
];

const POLICIES: Readonly<Record<string, readonly PolicyStatement[]>> = {
  "accept all": [statement({}, "accept")],
  "set local preference": [statement({}, "accept", { localPref: 200 })],
  "a border's nine statements": BORDER,
  "100 statements on communities": Array.from({ length: 100 }, (_, i) =>
    statement(marked(10 * i), "accept", { localPref: i }),
  ),
};

/** Processor time, since machines are shared. */
function nanoseconds(times: number, work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (1000 * (user + system)) / times;
}

function line(what: string, ...figures: readonly (readonly [string, number])[]): void {
  const texts = figures.map(([unit, value]) => `${value.toFixed(0).padStart(7)} ns/${unit}`);
  console.log(`${what.padEnd(40)}${texts.join("  ")}`);
}

/** As a session does it: the answer is kept with the set. */
function perRoute(policy: RoutePolicy): number {
  const known = new WeakMap<AttributeSet, Judgement>();
  for (const set of sets) known.set(set, policy(set, PEER));
  const order = Array.from({ length: ROUTES }, (_, i) => sets[Math.floor(i / 8)]!);
  return nanoseconds(ROUTES, () => {
    for (const set of order) {
      const judgement = known.get(set)!;
      if (judgement.verdict !== "by-key") judgement.hits?.add(1);
    }
  });
}

console.log(`${SETS} attribute sets, ${ROUTES} routes`);
for (const [name, statements] of Object.entries(POLICIES)) {
  const policy = new PolicyBook([{ name: "p", statements }], { localAs: 65000 }).chain(["p"]);
  for (const set of sets.slice(0, 2000)) policy(set, PEER); // compiled by V8
  const perSet = nanoseconds(SETS, () => {
    for (const set of sets) policy(set, PEER);
  });
  line(name, ["set", perSet], ["route", perRoute(policy)]);
}

/** One set, very many keys. */
function perKey(conditions: PolicyConditions, family: PolicyPeer["family"], keys: readonly Uint8Array[]): number {
  const book = new PolicyBook([{ name: "p", statements: [statement(conditions, "reject")] }], { localAs: 65000 });
  const judgement = book.chain(["p"])(setSample(), { ...PEER, family });
  if (judgement.verdict !== "by-key") throw new Error("this policy should ask for keys");
  const ask = (): void => {
    for (const key of keys) judgement.of(key, 0);
  };
  ask();
  return nanoseconds(keys.length, ask);
}

const v6 = (): Uint8Array => Uint8Array.of(48, 0x20, 0x01, 0x0d, 0xb8 + upTo(2), upTo(256), upTo(256));
for (const size of [10, 1000, 100_000]) {
  const list = Array.from({ length: size }, () => {
    const key = v6();
    const address = new Uint8Array(16);
    address.set(key.subarray(1));
    return { ...prefix("::/48"), address };
  });
  const keys = Array.from({ length: 200_000 }, v6);
  line(`prefix set of ${size}`, [
    "key",
    perKey({ prefixes: { option: "any", set: { members: list } } }, "ipv6-unicast", keys),
  ]);
}
for (const size of [10, 1000, 100_000]) {
  const ids = Array.from({ length: size }, (_, i) =>
    capabilityId(`/bench/c${i}` as Parameters<typeof capabilityId>[0], 1),
  );
  const keys = Array.from({ length: 200_000 }, () => {
    const known = upTo(2) === 1;
    const id = known ? ids[upTo(size)]! : random16();
    return encodeCapability({
      type: "site",
      routeDistinguisher: fromHex("0000fde800000001"),
      capabilityId: id,
      originId: 1,
    });
  });
  line(`capability set of ${size}`, [
    "key",
    perKey({ capabilities: { option: "any", set: { ids } } }, "capability", keys),
  ]);
}

function random16(): Uint8Array {
  const octets = new Uint8Array(16);
  random.fill(octets);
  return octets;
}
