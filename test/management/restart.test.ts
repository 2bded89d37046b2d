import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inUseOf } from "../../src/management/configuration/restart.ts";
import { parseConfiguration, type RouterConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, R2 } from "./documents.ts";

type Json = Record<string, unknown>;

/** The example with other members of the router; `at` goes into a section. */
async function configured(change: (router: Record<string, Json>) => void): Promise<RouterConfiguration> {
  const document = JSON.parse(R2);
  change(document["semrd-router:router"]);
  return parseConfiguration(JSON.stringify(document), "/etc/semrd", { files: ALL_FILES });
}

const BEFORE = await configured(() => {});
const after = (intended: RouterConfiguration) => inUseOf(intended, { intended: BEFORE, inUse: BEFORE });

describe("what is in use before the restart", () => {
  it("numbers and names of the router stay; what is live is as intended", async () => {
    const intended = await configured((router) => {
      Object.assign(router, { "router-id": "10.9.9.9", name: "other" });
      const tunnel = [{ locator: "fd00:ffff::9", vni: 7 }];
      Object.assign(router["semrd-dataplane:dataplane"] ?? {}, {
        "tunnel-mtu": 1400,
        tunnels: { tunnel, "clamp-mss": true },
      });
      Object.assign(router["semrd-telemetry:telemetry"] ?? {}, { "log-level": "debug" });
    });
    const inUse = after(intended);
    const { tunnels } = intended.dataplane;
    assert.deepEqual([inUse.routerId, inUse.name], [BEFORE.routerId, BEFORE.name]);
    assert.equal(tunnels[0]!.vni, 7);
    assert.deepEqual(inUse.dataplane, { ...BEFORE.dataplane, clampMss: true, tunnels });
    assert.equal(inUse.telemetry.logLevel, intended.telemetry.logLevel);
    assert.equal(inUseOf({ ...BEFORE, name: "other" }, { intended: BEFORE, inUse: BEFORE }).tenants, BEFORE.tenants);
  });

  it("a tenant keeps its number, and so do the interfaces that have it; its targets change", async () => {
    const intended = await configured((router) => {
      const [tenant] = (router["semrd-tenant:tenants"] as { tenant: Json[] }).tenant;
      Object.assign(tenant!, { index: 77, "import-target": ["65000:9"] });
    });
    const inUse = after(intended);
    assert.equal(inUse.tenants[0]!.index, BEFORE.tenants[0]!.index);
    assert.deepEqual(inUse.tenants[0]!.importTargets, intended.tenants[0]!.importTargets);
    for (const [i, port] of inUse.interfaces.entries())
      assert.equal(port.tenantIndex, BEFORE.interfaces[i]!.tenantIndex);
  });

  it("a family with capabilities keeps its code; a new family has its own", async () => {
    const intended = await configured((router) => {
      const taxonomy = router["semrd-taxonomy:taxonomy"] as { family: Json[] };
      taxonomy.family = [...taxonomy.family.map((one, i) => ({ ...one, code: 900 + i })), { label: "fresh", code: 7 }];
    });
    const { familyCodes } = after(intended).taxonomy;
    for (const { name } of BEFORE.taxonomy.capabilities) {
      const label = name.split("/")[1]!;
      assert.equal(familyCodes.get(label), BEFORE.taxonomy.familyCodes.get(label));
    }
    assert.equal(familyCodes.get("fresh"), 7);
  });

  it("another local AS: neighbours stay what they are to the sessions that run", async () => {
    const intended = await configured((router) => Object.assign(router["semrd-bgp:bgp"]!, { "local-as": 65123 }));
    const inUse = after(intended);
    assert.equal(inUse.bgp!.localAs, BEFORE.bgp!.localAs);
    assert.deepEqual(
      inUse.bgp!.neighbors.map(({ kind, bfd }) => [kind, bfd]),
      BEFORE.bgp!.neighbors.map(({ kind, bfd }) => [kind, bfd]),
    );
  });

  it("a neighbour becomes a brownfield one with the router, also one that is new", async () => {
    const intended = await configured((router) => {
      const { neighbor } = (router["semrd-bgp:bgp"] as { neighbors: { neighbor: Json[] } }).neighbors;
      Object.assign(neighbor[0]!, { "semrd-brownfield:brownfield": {} });
      neighbor.push({ address: "2001:db8::77", "remote-as": 65000, "semrd-brownfield:brownfield": {} });
      neighbor.push({ address: "2001:db8::78", "remote-as": 65000 });
    });
    const { neighbors } = after(intended).bgp!;
    assert.equal(neighbors.length, BEFORE.bgp!.neighbors.length + 1);
    assert.deepEqual(
      [neighbors[0]!.brownfield, neighbors[0]!.families],
      [undefined, BEFORE.bgp!.neighbors[0]!.families],
    );
  });
});
