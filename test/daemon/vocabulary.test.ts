import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { capabilityId, milliseconds } from "../../src/base/index.ts";
import { type Current, indexes, namesOf, taxonomyOf } from "../../src/daemon/live/current.ts";
import { vocabularyProviders } from "../../src/daemon/live/vocabulary.ts";
import { policyBook } from "../../src/daemon/policy.ts";
import type { DataplaneDriver } from "../../src/dataplane/index.ts";
import { Directory } from "../../src/directory/index.ts";
import { Compiler, type Operation } from "../../src/forwarding/index.ts";
import { answered, type Provider, parseConfiguration, type RouterChange } from "../../src/management/index.ts";
import { carryOut } from "../../src/management/transaction/carry-out.ts";
import { ALL_FILES, R2 } from "../management/documents.ts";
import { announce, attributeSet, capabilityNumber, ribPeer, siteKey, target, world } from "../rib/world.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

type Json = Record<string, unknown>;

async function configured(change: (router: Record<string, Json>) => void) {
  const document = JSON.parse(R2);
  change(document["semrd-router:router"]);
  return parseConfiguration(JSON.stringify(document), "/etc/semrd", { files: ALL_FILES });
}

const BEFORE = await configured(() => {});
const AFTER = await configured((router) => {
  const { tenant } = router["semrd-tenant:tenants"] as { tenant: Json[] };
  const targets = { "import-target": ["65000:2"], "export-target": ["65000:2"] };
  tenant.push({ name: "globex", index: 2, "route-distinguisher": "0:65000:2", ...targets });
  const { capability } = router["semrd-taxonomy:taxonomy"] as { capability: Json[] };
  capability.push({ name: "/text/translate", "major-version": 1 });
});

const SPREAD = await configured((router) => {
  const { capability } = router["semrd-taxonomy:taxonomy"] as { capability: Json[] };
  capability.push({ name: "/text/translate", "major-version": 1, protocol: "udp", affinity: "address" });
});

async function scene(driver: Pick<DataplaneDriver, "name" | "cannot"> = { name: "memory", cannot: new Map() }) {
  const { rib, clock } = world({ tenants: BEFORE.tenants });
  const operations: Operation[] = [];
  const parts = { clock, log: new ListLog(), metrics: new TallyMetrics() };
  const { domain, site, dataplane, tenants, taxonomy } = BEFORE;
  const compiler = new Compiler(
    {
      ...{ domain: domain.prefix, locator: site.locator, selector: site.selector, hashSeed: dataplane.hashSeed },
      ...{ tenants: indexes(tenants), familyCodes: taxonomy.familyCodes },
      ...{ transitionHold: milliseconds(1000), quarantine: milliseconds(1000) },
      limits: { capabilities: 1024, groups: 100, nextHops: 100 },
    },
    { ...parts, random: new SeededRandom(1), sink: { apply: (wanted) => void operations.push(...wanted) } },
  );
  const known = await taxonomyOf(BEFORE, clock);
  const current: Current = {
    configuration: BEFORE,
    taxonomy: known,
    names: namesOf(BEFORE, known),
    policies: policyBook(BEFORE),
  };
  const said: string[][] = [];
  const origination = {
    change: ({ tenants: named }: { tenants: readonly { name: string }[] }) =>
      void said.push(named.map(({ name }) => name)),
  };
  const told: unknown[] = [];
  const { coming, going } = vocabularyProviders({
    ...{ current, rib, compiler, brownfield: undefined },
    directory: new Directory({ perAgent: 4, perTenant: 10 }, parts),
    origination: origination as never,
    speaker: { importTargets() {} },
    taxonomyChanged: (taxonomy) => void told.push(taxonomy),
    edgeChanged: () => undefined,
    edgeRefusal: () => undefined,
    driver: driver as DataplaneDriver,
    clock,
  });
  // A route of the tenant that is to come has been there all the time.
  announce(rib, rib.openPeer(ribPeer(2)), attributeSet({ extendedCommunities: [target(2)] }), siteKey(1, 3, 2));
  const globex = (): number => {
    clock.settle();
    return rib.capability.select(2, capabilityNumber(1)).group.length;
  };
  return { current, known, coming, going, said, told, globex, operations, clock };
}

const change = (before: typeof BEFORE, after: typeof AFTER): RouterChange => ({
  ...{ before, after, intended: after, changes: [] },
  sections: new Set<string>(),
  agents: { put: [], removed: [] },
});

const failing: Provider<RouterChange> = {
  name: "one that fails",
  plan: () => answered([]),
  prepare: () =>
    answered({
      apply() {
        throw new Error("no");
      },
      revert() {},
    }),
};

const log = new ListLog();

describe("tenants and taxonomy of a router that runs", () => {
  it("come: routes that were there are imported, addresses are in the tables; and go again", async () => {
    const { current, coming, going, said, told, globex, operations } = await scene();
    assert.equal(globex(), 0);
    const before = operations.length;
    assert.ok((await carryOut([coming, going], change(BEFORE, AFTER), async () => {}, log)).ok);
    assert.equal(globex(), 1);
    assert.deepEqual([...current.taxonomy.tenants.keys()], ["acme", "globex"]);
    assert.equal(current.names.tenant(2), "globex");
    assert.ok(current.names.capability(capabilityId("/text/translate" as never, 1)));
    assert.equal(told.at(-1), current.taxonomy);
    assert.ok(operations.slice(before).some(({ type }) => type === "set-capability"));
    const there = operations.length;
    assert.ok((await carryOut([coming, going], change(AFTER, BEFORE), async () => {}, log)).ok);
    assert.equal(globex(), 0);
    assert.ok(operations.slice(there).some(({ type }) => type === "remove-capability"));
    // Until its agents have gone, the tenant that goes is still known to those who withdraw its routes.
    assert.deepEqual(said.slice(-2), [["acme", "globex"], ["acme"]]);
  });

  it("datagrams stay together by addresses from the commit on, where the data plane can", async () => {
    const able = await scene();
    assert.ok((await carryOut([able.coming, able.going], change(BEFORE, SPREAD), async () => {}, log)).ok);
    able.clock.settle();
    const said = able.operations.flatMap((one) => (one.type === "set-capability" ? (one.entry.affinity ?? []) : []));
    assert.deepEqual(said, ["address"]);

    const cannot = new Map([["address-affinity", "no table for that"]] as const);
    const unable = await scene({ name: "ovs", cannot });
    const done = await carryOut([unable.coming, unable.going], change(BEFORE, SPREAD), async () => {}, log);
    assert.match(
      JSON.stringify(done),
      /affinity-not-possible.*the ovs data plane cannot carry it out: no table for that/,
    );
  });

  it("another part fails behind them: everybody goes by what was", async () => {
    for (const providers of [
      (one: Provider<RouterChange>, other: Provider<RouterChange>) => [one, failing, other],
      (one: Provider<RouterChange>, other: Provider<RouterChange>) => [one, other, failing],
    ]) {
      const { current, known, coming, going, said, told, globex } = await scene();
      const done = await carryOut(providers(coming, going), change(BEFORE, AFTER), async () => {}, log);
      assert.equal(done.ok, false);
      assert.equal(globex(), 0);
      assert.equal(current.taxonomy, known);
      assert.equal(current.names.tenant(2), undefined);
      assert.equal(told.at(-1), known);
      assert.deepEqual(said.at(-1), ["acme"]);
    }
  });
});
