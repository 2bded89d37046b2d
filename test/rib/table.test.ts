import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toHex } from "../../src/base/index.ts";
import { createRib, LOCAL_PEER, type OutputVisitor, RibError } from "../../src/rib/index.ts";
import { announce, attributeSet, intern, ribPeer, siteKey, withdraw, world } from "./world.ts";

function recorder(stopAfter = Number.POSITIVE_INFINITY, admit = (): boolean => true) {
  const told: string[] = [];
  const visitor: OutputVisitor = {
    admit,
    announce: (attributes, key, start, length) => {
      if (told.length >= stopAfter) return false;
      told.push(`+${attributes} ${toHex(key.subarray(start, start + length)).slice(20, 28)}`);
      return true;
    },
    withdraw: (key, start, length) => {
      if (told.length >= stopAfter) return false;
      told.push(`- ${toHex(key.subarray(start, start + length)).slice(20, 28)}`);
      return true;
    },
  };
  return { told, visitor };
}

const hex8 = (value: number): string => value.toString(16).padStart(8, "0");

describe("route table", () => {
  it("counts routes and paths, replaces implicitly and withdraws", () => {
    const { rib } = world();
    const a = rib.openPeer(ribPeer(2));
    const b = rib.openPeer(ribPeer(3));
    announce(rib, a, attributeSet(), siteKey(1, 2), siteKey(2, 2));
    announce(rib, b, attributeSet(), siteKey(1, 2));
    announce(rib, a, attributeSet({ localPref: 200 }), siteKey(1, 2));
    assert.deepEqual([rib.capability.routes, rib.capability.paths], [2, 3]);
    assert.deepEqual([rib.capability.pathsOf(a), rib.capability.pathsOf(b)], [2, 1]);
    withdraw(rib, a, siteKey(1, 2), siteKey(9, 9));
    assert.deepEqual([rib.capability.routes, rib.capability.paths], [2, 2]);
    withdraw(rib, b, siteKey(1, 2));
    withdraw(rib, a, siteKey(2, 2));
    assert.deepEqual([rib.capability.routes, rib.capability.paths], [0, 0]);
  });

  it("refuses what goes beyond max-routes and keeps what came before it", () => {
    const { rib } = world({ maxRoutes: 3 });
    const peer = rib.openPeer(ribPeer(2));
    const refused = (error: unknown): boolean => error instanceof RibError && error.code === "rib.route-limit";
    const keys = [1, 2, 3, 4, 5].map((number) => siteKey(number, 2));
    assert.throws(() => announce(rib, peer, attributeSet(), ...keys), refused);
    assert.equal(rib.capability.routes, 3);
    withdraw(rib, peer, siteKey(2, 2));
    announce(rib, peer, attributeSet(), siteKey(7, 2));
    assert.equal(rib.capability.routes, 3);
  });

  it("names the fault when all keys hash alike", () => {
    const { clock, log, metrics } = world();
    const broken = { next: () => 0, fill: (octets: Uint8Array) => void octets.fill(0) };
    const options = { local: ribPeer(1, "local"), tenants: [], maxRoutes: 4096 };
    const rib = createRib(options, { clock, log, metrics, random: broken });
    const keys = Array.from({ length: 300 }, (_, i) => siteKey(i + 1, 2));
    const flooded = (error: unknown): boolean => error instanceof RibError && error.code === "rib.hash-flooded";
    assert.throws(() => announce(rib, LOCAL_PEER, attributeSet(), ...keys), flooded);
    assert.equal(rib.capability.routes, 256);
  });

  it("drops attribute sets that nobody uses, after the turn, and reuses their ids", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet({ localPref: 1 }), siteKey(1, 2));
    const unused = intern(rib, attributeSet({ localPref: 2 }));
    assert.equal(rib.attributes.size, 2);
    assert.equal(rib.attributes.get(unused).localPref, 2);
    clock.settle();
    assert.equal(rib.attributes.size, 1);
    assert.throws(() => rib.attributes.get(unused), RangeError);
    assert.equal(intern(rib, attributeSet({ localPref: 3 })), unused);
    const kept = intern(rib, attributeSet({ localPref: 3 }));
    rib.attributes.retain(kept);
    withdraw(rib, peer, siteKey(1, 2));
    clock.settle();
    assert.equal(rib.attributes.size, 1);
    rib.attributes.release(kept);
    clock.settle();
    assert.equal(rib.attributes.size, 0);
  });

  it("leaves no trace of a set whose decoding fails", () => {
    const { rib } = world();
    const octets = Uint8Array.of(1, 2, 3);
    const fail = (): never => {
      throw new Error("malformed");
    };
    assert.throws(() => rib.attributes.intern(octets, 0, 3, fail), /malformed/);
    assert.equal(rib.attributes.size, 0);
    assert.ok(rib.attributes.intern(octets, 0, 3, () => attributeSet()) > 0);
  });
});

describe("stale routes (RFC 4724 §4.2)", () => {
  it("stay in use, are confirmed by an announcement, and only the others are swept", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet(), ...[1, 2, 3, 4].map((number) => siteKey(number, 2)));
    rib.capability.markStale(peer);
    assert.equal(rib.capability.routes, 4);
    assert.deepEqual(
      [...rib.capability.routesOf({})].map(({ stale }) => stale),
      [true, true, true, true],
    );
    announce(rib, peer, attributeSet(), siteKey(2, 2));
    announce(rib, peer, attributeSet({ localPref: 7 }), siteKey(3, 2));
    let turns = 1;
    while (!rib.capability.sweepStale(peer, 1)) turns++;
    assert.ok(turns > 1, "one net a turn");
    assert.equal(rib.capability.routes, 2);
    assert.ok([...rib.capability.routesOf({})].every(({ stale }) => !stale));
    assert.equal(rib.capability.sweepStale(peer, 1), true);
  });

  it("go with the peer, whose number is then given to another one", () => {
    const { rib, clock } = world({ maxPeers: 2 });
    const peer = rib.openPeer(ribPeer(2));
    const other = rib.openPeer(ribPeer(3));
    assert.throws(() => rib.openPeer(ribPeer(4)), RibError);
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    announce(rib, other, attributeSet(), siteKey(1, 2), siteKey(2, 3));
    rib.closePeer(peer);
    clock.settle();
    assert.deepEqual([rib.capability.routes, rib.capability.paths], [2, 2]);
    assert.equal(rib.openPeer(ribPeer(4)), peer);
    assert.deepEqual([...rib.capability.routesOf({ peer })], []);
  });
});

describe("output of one neighbour", () => {
  it("groups by attribute set, tells a net once, and withdraws only what was told", () => {
    const { rib, clock } = world();
    const from = rib.openPeer(ribPeer(2, "external"));
    const to = rib.openPeer(ribPeer(3));
    const x = attributeSet({ localPref: 1 });
    const y = attributeSet({ localPref: 2 });
    let woken = 0;
    const output = rib.capability.openOutput(to);
    output.onPending = () => woken++;
    announce(rib, from, x, siteKey(1, 2));
    announce(rib, from, y, siteKey(2, 2));
    announce(rib, from, x, siteKey(3, 2), siteKey(4, 2));
    announce(rib, from, y, siteKey(4, 2));
    withdraw(rib, from, siteKey(3, 2));
    clock.settle();
    assert.equal(woken, 1);
    assert.equal(output.pending, 3, "the third was never told, so its end is no news");
    const first = recorder();
    assert.equal(output.drain(first.visitor, 100), 0);
    const [ix, iy] = [intern(rib, x), intern(rib, y)];
    assert.deepEqual(first.told.map((text) => text.slice(0, text.indexOf(" "))).sort(), [`+${ix}`, `+${iy}`, `+${iy}`]);
    assert.equal(new Set(first.told.map((text) => text.slice(0, 2))).size, 2);
    assert.equal(output.advertised, 3);
    withdraw(rib, from, siteKey(1, 2), siteKey(2, 2));
    announce(rib, from, x, siteKey(2, 2));
    clock.settle();
    assert.equal(woken, 2);
    const second = recorder();
    output.drain(second.visitor, 100);
    assert.deepEqual(second.told.sort(), [`+${ix} ${hex8(2)}`, `- ${hex8(1)}`]);
    assert.equal(output.advertised, 2);
    assert.equal(rib.capability.routes, 2);
  });

  it("keeps a net that the visitor refused for the next drain", () => {
    const { rib } = world();
    const from = rib.openPeer(ribPeer(2, "external"));
    const output = rib.capability.openOutput(rib.openPeer(ribPeer(3)));
    announce(rib, from, attributeSet(), ...[1, 2, 3, 4, 5].map((number) => siteKey(number, 2)));
    const stopped = recorder(2);
    assert.equal(output.drain(stopped.visitor, 100), 3);
    const rest = recorder();
    assert.equal(output.drain(rest.visitor, 2), 1);
    assert.equal(output.drain(rest.visitor, 2), 0);
    assert.equal(new Set([...stopped.told, ...rest.told]).size, 5);
  });

  it("tells nobody what he said himself, and internal peers nothing from internal ones (RFC 4271 §9.2)", () => {
    const { rib } = world();
    const [inA, inB] = [rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3))];
    const [exA, exB] = [rib.openPeer(ribPeer(4, "external")), rib.openPeer(ribPeer(5, "external"))];
    const outputs = [inA, inB, exA, exB].map((peer) => rib.capability.openOutput(peer));
    announce(rib, inA, attributeSet(), siteKey(1, 2));
    announce(rib, exA, attributeSet(), siteKey(2, 4));
    announce(rib, LOCAL_PEER, attributeSet(), siteKey(3, 1));
    const told = outputs.map((output) => {
      const { visitor, told } = recorder();
      output.drain(visitor, 100);
      return told.map((text) => Number.parseInt(text.slice(-8), 16)).sort();
    });
    assert.deepEqual(told, [
      [2, 3],
      [2, 3],
      [1, 3],
      [1, 2, 3],
    ]);
  });

  it("withdraws when the best path becomes one that the neighbour must not have", () => {
    const { rib } = world();
    const from = rib.openPeer(ribPeer(2, "external"));
    const to = rib.openPeer(ribPeer(3, "external"));
    const output = rib.capability.openOutput(to);
    announce(rib, from, attributeSet(), siteKey(1, 2));
    output.drain(recorder().visitor, 10);
    announce(rib, to, attributeSet({ localPref: 300 }), siteKey(1, 2));
    const after = recorder();
    output.drain(after.visitor, 10);
    assert.deepEqual(after.told, [`- ${hex8(1)}`]);
  });

  it("asks policy, and withdraws what policy no longer admits", () => {
    const { rib } = world();
    const from = rib.openPeer(ribPeer(2, "external"));
    const output = rib.capability.openOutput(rib.openPeer(ribPeer(3)));
    announce(rib, from, attributeSet(), siteKey(1, 2), siteKey(2, 2));
    output.drain(recorder().visitor, 10);
    output.replay();
    const refused = recorder(10, () => false);
    output.drain(refused.visitor, 10);
    assert.deepEqual(refused.told.sort(), [`- ${hex8(1)}`, `- ${hex8(2)}`]);
    output.drain(refused.visitor, 10);
    assert.equal(refused.told.length, 2);
  });

  it("that is closed does not keep lost nets alive", () => {
    const { rib, clock } = world({ maxRoutes: 2 });
    const from = rib.openPeer(ribPeer(2, "external"));
    const output = rib.capability.openOutput(rib.openPeer(ribPeer(3)));
    announce(rib, from, attributeSet(), siteKey(1, 2), siteKey(2, 2));
    output.drain(recorder().visitor, 10);
    withdraw(rib, from, siteKey(1, 2), siteKey(2, 2));
    assert.throws(() => announce(rib, from, attributeSet(), siteKey(3, 2)), RibError);
    output[Symbol.dispose]();
    clock.settle();
    announce(rib, from, attributeSet(), siteKey(3, 2), siteKey(4, 2));
    assert.equal(rib.capability.routes, 2);
  });
});
