import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, milliseconds, parseIpv6 } from "../../src/base/index.ts";
import type { AccessRule } from "../../src/forwarding/index.ts";
import { addressOf, endpointText, NAMES, type Router, SYN, send, startRouter, TENANTS } from "./one-router.ts";

const AGENTS = 4;
const LEASE = 3_600_000;

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

it("packets reach instances that declared the capability, can be used, and may be called; and all of these (property)", async () => {
  let connections = 0;
  let delivered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      const router = await startRouter();
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
            // who drains gets what begins only where nobody else is left
            const usable = declared.filter(({ of }) => of.state === "up");
            const staying = usable.filter(({ of }) => !of.draining);
            const serving = staying.length > 0 ? staying : usable;
            const eligible = new Set(
              serving.map(({ of, agent }) => {
                const { address, port } = endpointOf(agent, of.at, name);
                return endpointText(address, port);
              }),
            );
            for (const from of [1, 2]) {
              const admitted = from === owner || (rules.get(owner) ?? []).some((rule) => fits(rule, name, from));
              for (let packet = 0; packet < 4; packet++) {
                const sourcePort = 1024 + (connections++ % 60_000);
                const got = send(router, { from, destination: addressOf(owner, name), sourcePort, flags: SYN });
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
