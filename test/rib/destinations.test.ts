import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../src/base/index.ts";
import type { CapabilitySelection, Rib } from "../../src/rib/index.ts";
import {
  announce,
  attributeSet,
  capabilityNumber,
  EPOCH,
  kept,
  ribPeer,
  siteKey,
  target,
  withdraw,
  world,
} from "./world.ts";

function drain(rib: Rib, limit = 1000): CapabilitySelection[] {
  const visited: CapabilitySelection[] = [];
  rib.capability.drainDestinations((selection) => visited.push(kept(selection)), limit);
  return visited;
}

const origins = (selection: CapabilitySelection | undefined): number[] =>
  (selection?.group ?? []).map(({ originId }) => originId & 0xff);

const lease = (validUntil: number, sequence = 1n) => ({
  sequence,
  validUntil: seconds(EPOCH + validUntil),
  renew: seconds(1),
});

describe("changed destinations", () => {
  it("are told once a quiet period, drained in slices, each once", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    let woken = 0;
    rib.capability.onDestinationsChanged = () => woken++;
    for (const number of [1, 2, 3, 1, 2]) announce(rib, peer, attributeSet({ localPref: number }), siteKey(number, 2));
    announce(rib, peer, attributeSet(), siteKey(1, 3));
    clock.settle();
    assert.equal(woken, 1);
    assert.equal(drain(rib, 2).length, 2);
    assert.equal(drain(rib, 2).length, 1);
    assert.deepEqual(drain(rib), []);
    withdraw(rib, peer, siteKey(2, 2));
    clock.settle();
    assert.equal(woken, 2);
    const [gone] = drain(rib);
    assert.deepEqual(gone?.capabilityId, capabilityNumber(2));
    assert.deepEqual(gone?.group, []);
    assert.equal([...rib.capability.destinations()].length, 2);
  });

  it("move with the route targets, and what no tenant imports changes nothing", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet({ extendedCommunities: [target(99)] }), siteKey(1, 2));
    assert.deepEqual(drain(rib), []);
    announce(rib, peer, attributeSet({ extendedCommunities: [target(1)] }), siteKey(1, 2));
    assert.deepEqual(
      drain(rib).map((s) => [s.tenantIndex, origins(s)]),
      [[1, [2]]],
    );
    announce(rib, peer, attributeSet({ extendedCommunities: [target(2)] }), siteKey(1, 2));
    assert.deepEqual(
      drain(rib)
        .map((s) => [s.tenantIndex, origins(s)])
        .sort(),
      [
        [1, []],
        [2, [2]],
      ],
    );
  });

  it("do not include agents, which are seen as what they are (DESIGN 4.1)", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    const other = siteKey(1, 2);
    other[0] = 4;
    announce(rib, peer, attributeSet(), other);
    assert.equal(rib.capability.routes, 1);
    assert.deepEqual(drain(rib), []);
    assert.deepEqual(
      Array.from(rib.capability.routesOf({}), ({ subject }) => subject.type),
      ["agent"],
    );
    assert.deepEqual([...rib.capability.destinations()], []);
  });

  it("refuse more routes when nobody looks at them any more", () => {
    const { rib, clock } = world({ maxRoutes: 4 });
    const peer = rib.openPeer(ribPeer(2));
    assert.deepEqual(drain(rib), []);
    for (let number = 1; number <= 8; number++) {
      announce(rib, peer, attributeSet(), siteKey(number, 2));
      clock.settle(); // what goes on the turn that it came is nothing to look at
      withdraw(rib, peer, siteKey(number, 2));
    }
    assert.throws(() => announce(rib, peer, attributeSet(), siteKey(9, 2)), /wait for the forwarding compiler/);
    assert.equal(drain(rib).length, 8);
    announce(rib, peer, attributeSet(), siteKey(9, 2));
  });
});

describe("destinations that nobody has asked for", () => {
  it("are not kept when they are gone; who asks first hears of all that there are", () => {
    const { rib, clock } = world({ maxRoutes: 4 });
    const peer = rib.openPeer(ribPeer(2));
    for (let number = 1; number <= 20; number++) {
      announce(rib, peer, attributeSet(), siteKey(number, 2), siteKey(number, 3));
      clock.settle();
      withdraw(rib, peer, siteKey(number, 2), siteKey(number, 3));
      clock.settle();
    }
    announce(rib, peer, attributeSet(), siteKey(21, 2), siteKey(22, 2), siteKey(22, 3));
    announce(rib, peer, attributeSet({ extendedCommunities: [target(99)] }), siteKey(23, 2));
    clock.settle();
    assert.deepEqual(drain(rib).map(origins).sort(), [[2], [2, 3]]);
    assert.deepEqual(drain(rib), []);
  });
});

describe("a site that is alone", () => {
  const moved = attributeSet({ extendedCommunities: [target(2)] });
  const said = (selections: readonly CapabilitySelection[]): string[] =>
    selections.map((s) => `${s.tenantIndex}: ${origins(s).sort()}`).sort();

  it("gets company and loses it, and each change is told once", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    assert.deepEqual(drain(rib), []);
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    announce(rib, peer, attributeSet(), siteKey(1, 3));
    assert.deepEqual(said(drain(rib)), ["1: 2,3"]);
    withdraw(rib, peer, siteKey(1, 2));
    clock.settle();
    assert.deepEqual(said(drain(rib)), ["1: 3"]);
    assert.deepEqual(said([rib.capability.select(1, capabilityNumber(1))]), ["1: 3"]);
    assert.deepEqual(
      Array.from(rib.capability.destinations(), ({ routes }) => routes),
      [1],
    );
    withdraw(rib, peer, siteKey(1, 3));
    clock.settle();
    assert.deepEqual(said(drain(rib)), ["1: "]);
    announce(rib, peer, attributeSet(), siteKey(1, 4));
    assert.deepEqual(said(drain(rib)), ["1: 4"]);
    assert.equal(rib.capability.routes, 1);
  });

  it("goes and comes back before anybody looks: its destination is told once", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    assert.deepEqual(drain(rib), []);
    for (const limit of [1, 1000]) {
      for (let i = 0; i < 3; i++) {
        announce(rib, peer, attributeSet({ localPref: limit + i }), siteKey(1, 2), siteKey(2, 2));
        clock.settle();
        withdraw(rib, peer, siteKey(1, 2));
        clock.settle();
      }
      announce(rib, peer, attributeSet(), siteKey(1, 2));
      const seen: CapabilitySelection[] = [];
      while (rib.capability.drainDestinations((selection) => seen.push(kept(selection)), limit) > 0);
      assert.deepEqual(said(seen), ["1: 2", "1: 2"], `${limit} at a time`);
    }
  });

  it("gets company of another tenant, whose destination is another one", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    assert.deepEqual(drain(rib), []);
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    announce(rib, peer, moved, siteKey(1, 3));
    assert.deepEqual(said(drain(rib)), ["1: 2", "2: 3"]);
    announce(rib, peer, moved, siteKey(1, 2));
    assert.deepEqual(said(drain(rib)), ["1: ", "2: 2,3"]);
    const rows = [...rib.capability.routesOf({ tenantIndex: 2, capabilityId: capabilityNumber(1) })];
    assert.deepEqual(rows.map(({ originId }) => originId & 255).sort(), [2, 3]);
  });

  it("moves to another tenant, and both destinations are told", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    assert.deepEqual(said(drain(rib)), ["1: 2"]);
    announce(rib, peer, moved, siteKey(1, 2));
    assert.deepEqual(said(drain(rib)), ["1: ", "2: 2"]);
    announce(rib, peer, moved, siteKey(1, 2));
    assert.deepEqual(said(drain(rib)), []);
  });

  it("that has lost its path, and is still to be told to a neighbour, gets company", () => {
    const { rib, clock } = world();
    const [peer, listener] = [rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3, "external"))];
    const output = rib.capability.openOutput(listener);
    const told: string[] = [];
    const visitor = {
      admit: () => true,
      announce: (_: number, key: Uint8Array, start: number) => told.push(`+${key[start + 29]}`) > 0,
      withdraw: (key: Uint8Array, start: number) => told.push(`-${key[start + 29]}`) > 0,
    };
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    assert.equal(output.drain(visitor, 10), 0);
    withdraw(rib, peer, siteKey(1, 2));
    announce(rib, peer, attributeSet(), siteKey(1, 3));
    assert.deepEqual(said(drain(rib)), ["1: 3"]);
    assert.equal(output.drain(visitor, 10), 0);
    clock.settle();
    assert.deepEqual(told, ["+2", "-2", "+3"]);
    assert.equal(rib.capability.routes, 1);
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    assert.deepEqual(said(drain(rib)), ["1: 2,3"]);
  });
});

describe("leases (DESIGN 4.3)", () => {
  it("run again when a clock is set right that was ahead when they came", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    clock.stepWall(10_000_000);
    announce(rib, peer, attributeSet({ semantic: { lease: lease(3600) } }), siteKey(1, 2));
    clock.settle();
    assert.deepEqual(drain(rib).map(origins), [[]]);
    clock.stepWall(-10_000_000);
    clock.advance(60_000);
    assert.deepEqual(drain(rib).map(origins), [[2]]);
    announce(rib, peer, attributeSet({ localPref: 50, semantic: { lease: lease(3600) } }), siteKey(1, 3));
    clock.settle();
    assert.deepEqual(drain(rib).map(origins), [[2]]);
    assert.deepEqual(origins(rib.capability.select(1, capabilityNumber(1))), [2]);
  });

  it("end exactly when they end, and the destination is looked at again", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet({ semantic: { lease: lease(10) } }), siteKey(1, 2));
    announce(rib, peer, attributeSet({ semantic: { lease: lease(20) } }), siteKey(1, 3));
    announce(rib, peer, attributeSet({ semantic: { lease: lease(500) } }), siteKey(2, 2));
    assert.equal(drain(rib).length, 2);
    clock.advance(9_999);
    assert.deepEqual(drain(rib), []);
    clock.advance(1);
    assert.deepEqual(drain(rib).map(origins), [[3]]);
    clock.advance(10_000);
    assert.deepEqual(drain(rib).map(origins), [[]]);
    assert.equal(rib.capability.select(1, capabilityNumber(1)).candidates[0]?.step, "lease");
    announce(rib, peer, attributeSet({ semantic: { lease: lease(600, 2n) } }), siteKey(1, 3));
    assert.deepEqual(drain(rib).map(origins), [[3]]);
  });

  it("that ended on the best path give way to a renewed one from another neighbour", () => {
    const { rib, clock } = world();
    const [a, b] = [rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3))];
    announce(rib, a, attributeSet({ localPref: 200, semantic: { lease: lease(10) } }), siteKey(1, 9));
    announce(rib, b, attributeSet({ localPref: 100, semantic: { lease: lease(900) } }), siteKey(1, 9));
    drain(rib);
    assert.equal(rib.capability.select(1, capabilityNumber(1)).winner?.peer, a);
    clock.advance(10_000);
    assert.deepEqual(drain(rib).map(origins), [[9]]);
    assert.equal(rib.capability.select(1, capabilityNumber(1)).winner?.peer, b);
  });

  it("follow a wall clock that steps", () => {
    const { rib, clock } = world();
    announce(rib, rib.openPeer(ribPeer(2)), attributeSet({ semantic: { lease: lease(3000) } }), siteKey(1, 2));
    drain(rib);
    clock.stepWall(4_000_000);
    clock.advance(60_000);
    assert.deepEqual(drain(rib).map(origins), [[]]);
    clock.stepWall(-4_000_000);
    clock.advance(60_000);
    assert.deepEqual(origins(rib.capability.select(1, capabilityNumber(1))), [2]);
    assert.deepEqual(drain(rib).map(origins), [[2]]);
  });
});

describe("rows", () => {
  it("can be filtered and read while the table changes", () => {
    const { rib } = world();
    const [a, b] = [rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3))];
    for (let number = 1; number <= 20; number++) announce(rib, a, attributeSet(), siteKey(number, 2));
    announce(rib, b, attributeSet(), siteKey(5, 2), siteKey(5, 3));
    const filtered = [...rib.capability.routesOf({ tenantIndex: 1, capabilityId: capabilityNumber(5) })];
    assert.deepEqual(filtered.map(({ originId, peer, best }) => [originId & 255, peer, best]).sort(), [
      [2, a, true],
      [2, b, false],
      [3, b, true],
    ]);
    assert.equal([...rib.capability.routesOf({ peer: b })].length, 2);
    const rows = rib.capability.routesOf({});
    const first = rows.next().value!;
    rib.closePeer(a);
    assert.equal(first.attributes.semantic?.score, 5);
    assert.equal([...rows].length, 2);
    assert.equal(first.since, 1000 * EPOCH);
  });
});
