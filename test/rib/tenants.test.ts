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

  it("routes that are handed from tenant to tenant wait where nobody looks at what they left", () => {
    const [most, tenants] = [3000, [1, 2, 3, 4, 5, 6]];
    const owner = (index: number) =>
      tenants.map((each) => {
        return { ...ACME, name: `t${each}`, index: each, importTargets: [target(each === index ? 1 : 100 + each)] };
      });
    const { rib, clock } = world({ maxRoutes: most, tenants: owner(1) });
    const peer = rib.openPeer(ribPeer(2));
    for (let i = 1; i <= most; i++) announce(rib, peer, of(1), siteKey(i, 2));
    const served = new Map<string, number>();
    const drain = (limit: number): number =>
      rib.capability.drainDestinations(({ tenantIndex, capabilityId, group }) => {
        const key = `${tenantIndex} ${Buffer.from(capabilityId).toString("hex")}`;
        if (group.length > 0) served.set(key, tenantIndex);
        else served.delete(key);
      }, limit);
    while (drain(most) > 0);
    assert.equal(served.size, most);
    for (let swap = 1; swap <= 4 * tenants.length; swap++) {
      rib.setTenants(owner(1 + (swap % tenants.length)));
      for (let turn = 0; turn < 4; turn++) clock.advance(swap % 3 === 0 ? 10 : 0);
      drain(10);
    }
    rib.setTenants(owner(4));
    for (let left = 1; left > 0; ) {
      clock.advance(10);
      left = drain(1000);
    }
    assert.deepEqual([served.size, new Set(served.values())], [most, new Set([4])]);
  });
});
