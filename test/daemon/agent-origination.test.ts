import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { agentIdHash, parseCapabilityName, parseIpv6, toHex } from "../../src/base/index.ts";
import type { CapabilityNlri } from "../../src/bgp/wire/index.ts";
import { Origination } from "../../src/daemon/origination.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { Directory } from "../../src/directory/index.ts";
import { createRib, type Tenant } from "../../src/rib/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const AGENT = "spiffe://example.net/agent/a";
const tenantOf = (name: string, index: number): Tenant => ({
  ...{ name, index, importTargets: [], exportTargets: [] },
  routeDistinguisher: new Uint8Array([0, 0, 0, 0, 0, 0, 0, index]),
});
const [ACME, GLOBEX] = [tenantOf("acme", 1), tenantOf("globex", 2)];

function world() {
  const clock = new VirtualClock();
  const parts = { clock, metrics: new TallyMetrics(), log: new ListLog(), random: new SeededRandom(1) };
  const directory = new Directory({ perAgent: 10, perTenant: 100 }, parts);
  const locator = parseIpv6("fd00:ffff::2")!;
  const own = { routerId: 2, localAs: 65000, locator, selector: 2, taxonomyRevision: 1, tenants: [ACME, GLOBEX] };
  const local = { name: "r2", kind: "local", bgpIdentifier: 2, address: locator, autonomousSystem: 65000 } as const;
  const rib = createRib({ local, tenants: own.tenants, maxRoutes: 64 }, parts);
  /** Tenants' numbers in the routes that are said of the agent. */
  const said = new Set<number>();
  const numberOf = (nlri: { readonly type: string }): number => {
    const { routeDistinguisher, agentId } = nlri as Extract<CapabilityNlri, { readonly type: "agent" }>;
    assert.equal(toHex(agentId), toHex(agentIdHash(AGENT)));
    return routeDistinguisher[7]!;
  };
  const origination = new Origination(own, {
    ...{ ...parts, directory, rib, selections: new SelectionFan(), nameOf: () => undefined },
    routes: {
      originate: (nlri) => void (nlri.type === "agent" && said.add(numberOf(nlri))),
      withdraw: (nlri) => void (nlri.type === "agent" && said.delete(numberOf(nlri))),
    },
  });
  const register = (tenant: string): void => {
    const offer = {
      ...{ capability: parseCapabilityName("/vision/ocr")!, version: { major: 1, minor: 0 }, servicePort: 80 },
      ...{ endpoint: { address: parseIpv6("fd00::10")!, port: 80, protocol: "tcp" as const }, weight: 1, labels: [] },
    };
    directory.register({ agent: AGENT, tenant, source: "command", offers: [offer] });
  };
  return { clock, directory, origination, own, register, said };
}

describe("the route of an agent", () => {
  it("goes with a tenant that goes together with it, before the agent is visited", () => {
    const { clock, directory, origination, own, register, said } = world();
    register("acme");
    assert.deepEqual([...said], [1]);
    const gathering = directory.gather();
    directory.remove(AGENT, "command");
    gathering[Symbol.dispose]();
    origination.change({ ...own, tenants: [GLOBEX] });
    clock.advance(10);
    assert.deepEqual([...said], []);
  });

  it("is of the tenant that it comes back as, and of none else, when it went in the same commit", () => {
    const { clock, directory, origination, own, register, said } = world();
    register("acme");
    const gathering = directory.gather();
    directory.remove(AGENT, "command");
    register("globex");
    gathering[Symbol.dispose]();
    origination.change({ ...own, tenants: [GLOBEX] });
    clock.advance(10);
    assert.deepEqual([...said], [2]);
    directory.remove(AGENT, "command");
    assert.deepEqual([...said], []);
  });
});
