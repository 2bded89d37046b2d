import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import fc from "fast-check";
import {
  type CapabilityName,
  capabilityAddress,
  capabilityFamily,
  capabilityId,
  formatIpv6,
  milliseconds,
  parseIpv6,
  parseIpv6Prefix,
} from "../../src/base/index.ts";
import { routeTarget } from "../../src/bgp/wire/index.ts";
import { ExecutorHealth } from "../../src/daemon/executor-health.ts";
import { feedCompiler } from "../../src/daemon/feed.ts";
import { Origination } from "../../src/daemon/origination.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { startMemoryDataplane } from "../../src/dataplane/index.ts";
import { Directory } from "../../src/directory/index.ts";
import { type AccessRule, Compiler } from "../../src/forwarding/index.ts";
import { TENANT } from "../bgp/speaker/router.ts";
import { Scene } from "../bgp/speaker/scene.ts";
import { ethernet, tcp } from "../dataplane/memory/frames.ts";
import { SILENT } from "../dataplane/memory/story.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

const NAMES = ["/vision/ocr", "/vision/nl", "/audio/speech"] as readonly string[] as readonly CapabilityName[];
const TENANTS = [
  { ...TENANT, name: "acme", index: 1 },
  {
    ...{ name: "globex", index: 2, routeDistinguisher: Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, 2) },
    ...{ importTargets: [routeTarget(65000, 2)], exportTargets: [routeTarget(65000, 2)] },
  },
];
const DOMAIN = parseIpv6Prefix("fd5e:3d00:1::/48")!;
const CODES = new Map([
  ["vision", 1],
  ["audio", 2],
]);
const CLIENT = parseIpv6("2001:db8:c::1")!;
const AGENTS = 4;
const LEASE = 3_600_000;
const SYN = 0x02;

/** What the property does; agents are numbers, the first half of them acme's. */
type Step =
  | { readonly do: "register"; readonly agent: number; readonly names: readonly CapabilityName[]; readonly at: number }
  | { readonly do: "leave" | "drain" | "lift"; readonly agent: number }
  | { readonly do: "health"; readonly agent: number; readonly state: "up" | "down" }
  | { readonly do: "open"; readonly owner: number; readonly rules: readonly AccessRule[] }
  | { readonly do: "wait"; readonly leases: boolean };

const agentNumber = fc.nat(AGENTS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant("register" as const), agent: agentNumber },
      ...{ names: fc.subarray([...NAMES], { minLength: 1 }), at: fc.nat(2) },
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("leave", "drain", "lift"), agent: agentNumber }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant("health" as const), agent: agentNumber, state: fc.constantFrom("up", "down") },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ do: fc.constant("open" as const), owner: fc.constantFrom(1, 2) },
      rules: fc.array(
        fc.record({
          names: fc.subarray([...NAMES]),
          prefixes: fc.subarray(["/", "/vision"]),
          from: fc.subarray([1, 2]),
        }),
        { maxLength: 2 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), leases: fc.boolean() }) },
);

/** What is known about an agent without asking the router. */
interface Known {
  names: readonly CapabilityName[];
  at: number;
  state: "up" | "down";
  draining: boolean;
  ends: number;
}

const tenantOf = (agent: number) => (agent < AGENTS / 2 ? 1 : 2);
const idOf = (agent: number) => `spiffe://example.net/${TENANTS[tenantOf(agent) - 1]!.name}/agent/a${agent}`;
/** Where an agent answers: it may be at one of three places. */
const endpointOf = (agent: number, at: number, name: CapabilityName) => ({
  ...{ address: parseIpv6(`fd00:a:${agent}::${at + 1}`)!, port: 8000 + NAMES.indexOf(name), protocol: "tcp" as const },
});
const addressOf = (tenantIndex: number, name: CapabilityName) =>
  capabilityAddress({
    ...{ domain: DOMAIN, tenantIndex, familyCode: CODES.get(capabilityFamily(name))! },
    ...{ capabilityId: capabilityId(name, 1), selector: 0 },
  });

/** Scenes are closed by whoever made them here, and their seed decides nothing. */
const SILENT_TEST = { diagnostic() {}, after() {} } as unknown as TestContext;

/** One router as the daemon joins it, with the reference model as its data plane. */
async function start() {
  const scene = new Scene(SILENT_TEST);
  const { clock } = scene;
  const router = await scene.router({
    ...{ address: "2001:db8::1", identifier: "10.0.0.1", peers: [], rib: { tenants: TENANTS } },
  });
  const log = new ListLog();
  const metrics = new TallyMetrics();
  const selections = new SelectionFan();
  const directory = new Directory({ perAgent: 20, perTenant: 100 }, { clock, metrics });
  const own = { routerId: router.originId, localAs: 65000, selector: 1, locator: router.nextHop, taxonomyRevision: 1 };
  const nameOf = () => undefined;
  const { rib, speaker: routes } = router;
  new Origination({ ...own, tenants: TENANTS }, { directory, metrics, log, clock, selections, rib, routes, nameOf });
  const ports = [1, 2].map((tenantIndex) => ({
    ...{ interface: `client${tenantIndex}`, role: "client" as const, tenantIndex, hook: "auto" as const },
  }));
  const sink = startMemoryDataplane(
    {
      ...{ domain: DOMAIN, locator: router.nextHop, ports, pinDirectory: "", hashSeed: 7, tunnelMtu: 1500 },
      maxCapabilities: 1000,
    },
    { log: SILENT },
  );
  const compiler = new Compiler(
    {
      ...{ domain: DOMAIN, locator: router.nextHop, selector: 1, hashSeed: 7, familyCodes: CODES },
      ...{ tenants: new Map(TENANTS.map(({ name, index }) => [name, index])) },
      ...{ transitionHold: milliseconds(30_000), quarantine: milliseconds(60_000) },
      limits: { capabilities: 1000, groups: 1000, nextHops: 1000 },
    },
    { clock, sink, log, metrics, random: new SeededRandom(1) },
  );
  compiler.taxonomy(
    TENANTS.flatMap(({ index }) => NAMES.map((name) => ({ tenantIndex: index, name, majorVersion: 1 }))),
  );
  const health = new ExecutorHealth({ driver: sink, directory, clock, log });
  feedCompiler(compiler, { directory, capability: rib.capability, clock, metrics, selections, health });
  routes.localStateConverged();
  compiler.converged();
  return { scene, clock, directory, compiler, sink };
}

type Router = Awaited<ReturnType<typeof start>>;

function carryOut({ directory, compiler, clock }: Router, known: (Known | undefined)[], said: Step): void {
  switch (said.do) {
    case "register": {
      const { agent, names, at } = said;
      const offers = names.map((capability) => ({
        ...{ capability, version: { major: 1, minor: 0 }, servicePort: 80, weight: 10, labels: [] },
        endpoint: endpointOf(agent, at, capability),
        check: { type: "tcp", interval: milliseconds(1000), timeout: milliseconds(500), fall: 2, rise: 2 } as const,
      }));
      const before = known[agent];
      const instances = directory.register({
        ...{ agent: idOf(agent), tenant: TENANTS[tenantOf(agent) - 1]!.name, source: "registration", offers },
        lease: milliseconds(LEASE),
      });
      // Whoever registers again at the same place is as healthy as before, one at a new place has to be found healthy.
      const state =
        before !== undefined && before.at === at && before.names.join() === names.join() ? before.state : "up";
      for (const { id } of instances) directory.setHealth(id, state);
      known[agent] = { names, at, state, draining: false, ends: clock.wall() + LEASE };
      break;
    }
    case "leave":
      directory.remove(idOf(said.agent), "deregistered");
      known[said.agent] = undefined;
      break;
    case "drain":
    case "lift": {
      const of = known[said.agent];
      if (of === undefined) break;
      of.draining = said.do === "drain";
      const hold = of.draining ? ({ state: "draining", by: "agent" } as const) : undefined;
      directory.setAdminState(idOf(said.agent), hold);
      break;
    }
    case "health": {
      const of = known[said.agent];
      if (of === undefined) break;
      of.state = said.state;
      for (const { id } of directory.instancesOf(idOf(said.agent))) directory.setHealth(id, said.state);
      break;
    }
    case "open":
      compiler.policies([{ tenantIndex: said.owner, rules: said.rules, capabilities: [] }]);
      break;
    case "wait":
      clock.advance(said.leases ? LEASE + 1000 : 120_000);
  }
}

let ports = 0;

/** Where the packet of a new connection goes: the text of an endpoint, or nowhere. */
function connect({ sink }: Router, from: number, destination: Uint8Array): string | undefined {
  ports = (ports + 1) % 50_000;
  const segment = { sourcePort: 10_000 + ports, destinationPort: 80, flags: SYN };
  const { action, frame } = sink.process(`client${from}`, ethernet(tcp({ source: CLIENT, destination }, segment)));
  if (action !== "forward") return undefined;
  return `${formatIpv6(frame.subarray(38, 54))} ${(frame[56]! << 8) | frame[57]!}`;
}

it("packets reach instances that declared the capability, can be used, and may be called; and all of these (property)", async () => {
  let delivered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      const router = await start();
      const known: (Known | undefined)[] = Array.from({ length: AGENTS }, () => undefined);
      const rules = new Map<number, readonly AccessRule[]>();
      for (const said of steps) {
        carryOut(router, known, said);
        if (said.do === "open") {
          rules.clear(); // the policies of all tenants are said together
          rules.set(said.owner, said.rules);
        }
        router.clock.advance(500);
        for (const [agent, of] of known.entries())
          if (of !== undefined && of.ends <= router.clock.wall()) known[agent] = undefined;
        for (const owner of [1, 2])
          for (const name of NAMES) {
            const declared = known.flatMap((of, agent) =>
              of?.names.includes(name) === true && tenantOf(agent) === owner ? [{ of, agent }] : [],
            );
            // who drains gets no connection that begins, not even where nobody else is left
            const serving = declared.filter(({ of }) => of.state === "up" && !of.draining);
            const eligible = new Set(
              serving.map(({ of, agent }) => {
                const { address, port } = endpointOf(agent, of.at, name);
                return `${formatIpv6(address)} ${port}`;
              }),
            );
            for (const from of [1, 2]) {
              const admitted = from === owner || (rules.get(owner) ?? []).some((rule) => fits(rule, name, from));
              for (let packet = 0; packet < 4; packet++) {
                const got = connect(router, from, addressOf(owner, name));
                const about = `${TENANTS[from - 1]!.name} → ${name} of ${TENANTS[owner - 1]!.name}, after ${said.do}: ${got}`;
                if (!admitted || eligible.size === 0) assert.equal(got, undefined, about);
                else assert.ok(got !== undefined && eligible.has(got), `${about}, not ${[...eligible]}`);
                if (got !== undefined) delivered++;
              }
            }
          }
      }
      await router.scene.close();
    }),
    { numRuns: 40 },
  );
  assert.ok(delivered > 100, `only ${delivered} packets were delivered at all`);
});

const fits = ({ names, prefixes, from }: AccessRule, name: CapabilityName, tenant: number): boolean =>
  from.includes(tenant) &&
  (names.includes(name) ||
    prefixes.some((prefix) => prefix === "/" || name === prefix || name.startsWith(`${prefix}/`)));
