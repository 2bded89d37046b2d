import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CapabilitySelection, Rib } from "../../src/rib/index.ts";
import { ACME, announce, attributeSet, GLOBEX, kept, ribPeer, siteKey, target, world } from "./world.ts";

/** Tenant and origins of every destination that was told. */
function told(rib: Rib): string[] {
  const seen: CapabilitySelection[] = [];
  rib.capability.drainDestinations((selection) => seen.push(kept(selection)), 100_000);
  return seen.map(({ tenantIndex, group }) => `${tenantIndex}: ${group.map(({ originId }) => originId & 0xff)}`).sort();
}

const of = (number: number) => attributeSet({ extendedCommunities: [target(number)] });

describe("tenants of a RIB that runs", () => {
  it("a new one gets the routes that were there before it; one that goes gives them up", () => {
    const { rib, clock } = world({ tenants: [ACME] });
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, of(1), siteKey(1, 2));
    announce(rib, peer, of(2), siteKey(1, 3, 2));
    clock.settle();
    assert.deepEqual(told(rib), ["1: 2"]);
    rib.setTenants([ACME, GLOBEX]);
    clock.settle();
    assert.deepEqual(told(rib), ["2: 3"]);
    rib.setTenants([GLOBEX]);
    clock.settle();
    assert.deepEqual(told(rib), ["1: "]);
    assert.equal(rib.capability.routes, 2);
  });

  it("other import targets move routes, and touch no others", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    for (const [number, origin] of [
      [1, 2],
      [2, 3],
      [22, 4],
    ] as const)
      announce(rib, peer, of(number), siteKey(number, origin));
    clock.settle();
    assert.deepEqual(told(rib), ["1: 2", "2: 3", "2: 4"]);
    rib.setTenants([
      { ...ACME, importTargets: [target(1), target(22)] },
      { ...GLOBEX, importTargets: [target(2)] },
    ]);
    clock.settle();
    assert.deepEqual(told(rib), ["1: 4", "2: "]);
  });

  it("many sets are judged in slices; a change in the middle begins anew", () => {
    const { rib, clock } = world({ tenants: [ACME] });
    const peer = rib.openPeer(ribPeer(2));
    for (let i = 0; i < 1000; i++)
      announce(rib, peer, attributeSet({ extendedCommunities: [target(2)], multiExitDisc: i }), siteKey(i, 2));
    clock.settle();
    told(rib);
    rib.setTenants([GLOBEX]);
    rib.setTenants([ACME, { ...GLOBEX, index: 9 }]);
    clock.settle();
    const seen = told(rib);
    assert.equal(seen.filter((one) => one === "9: 2").length, 1000);
    assert.ok(seen.every((one) => one === "9: 2" || one === "2: ")); // those of the first slice may have moved twice
  });
});
