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
  it("the name of the router stays; what is live is as intended", async () => {
    const intended = await configured((router) => {
      Object.assign(router, { name: "other" });
      const tunnel = [{ locator: "fd00:ffff::9", vni: 7 }];
      Object.assign(router["semrd-dataplane:dataplane"] ?? {}, {
        "tunnel-mtu": 1400,
        tunnels: { tunnel, "clamp-mss": true },
      });
      Object.assign(router["semrd-telemetry:telemetry"] ?? {}, { "log-level": "debug" });
    });
    const inUse = after(intended);
    const { tunnels } = intended.dataplane;
    assert.equal(inUse.name, BEFORE.name);
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

  it("BGP is as intended, the router ID too; whether there is BGP at all waits", async () => {
    const intended = await configured((router) => {
      Object.assign(router, { "router-id": "10.9.9.9" });
      Object.assign(router["semrd-bgp:bgp"]!, { "local-as": 65123 });
    });
    assert.deepEqual([after(intended).routerId, after(intended).bgp], [intended.routerId, intended.bgp]);
    const without = await configured((router) => delete router["semrd-bgp:bgp"]);
    assert.equal(after(without).bgp, BEFORE.bgp);
    assert.equal(inUseOf(intended, { intended: without, inUse: without }).bgp, undefined);
  });
});
