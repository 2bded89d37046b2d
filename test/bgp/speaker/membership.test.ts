import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import type { PeerFamily } from "../../../src/bgp/speaker/index.ts";
import { Membership } from "../../../src/bgp/speaker/membership.ts";
import { encodeMembership, routeTarget } from "../../../src/bgp/wire/index.ts";
import type { Tenant } from "../../../src/rib/index.ts";
import { attributeSet, batch, intern, target, world } from "../../rib/world.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const D = "2001:db8::d";
const FAMILIES: readonly PeerFamily[] = [{ family: "capability" }, { family: "route-target" }];
const TARGETS = [1, 2, 3].map((n) => routeTarget(65000, n));
const tenant = (n: number): Tenant => ({
  ...{ name: `t${n}`, index: n, routeDistinguisher: Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, n) },
  ...{ importTargets: [TARGETS[n - 1]!], exportTargets: [TARGETS[n - 1]!] },
});

/** Capability n carries route target n. */
const originate = (router: Router, n: number): void =>
  router.originate(n, { extendedCommunities: [TARGETS[(n - 1) % 3]!] });
const imports = (router: Router, ...tenants: number[]): void => {
  router.rib.setTenants(tenants.map(tenant));
  router.speaker.importTargets(tenants.map((n) => TARGETS[n - 1]!));
};

describe("route-target membership between routers (RFC 4684)", () => {
  it("a neighbour gets what it imports and nothing else; a change sends what changes and nothing else", async (t) => {
    const scene = new Scene(t);
    const families = FAMILIES;
    const [a, b] = await scene.pair({ peers: [{ address: B, families }] }, { peers: [{ address: A, families }] });
    for (const n of [1, 2, 3, 4]) originate(a, n);
    imports(a, 1);
    imports(b, 1);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1", "4"]);
    assert.ok(a.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "not-a-member" }) >= 2);

    const before = a.peer().updatesSent;
    imports(b, 1, 2);
    scene.clock.advance(1000);
    assert.deepEqual(b.known(a), ["1", "2", "4"]);
    assert.equal(a.peer().updatesSent, before + 1, "one route in one UPDATE");

    imports(b, 2);
    scene.clock.advance(1000);
    assert.deepEqual(b.known(a), ["2"]);
    assert.equal(a.peer().updatesSent, before + 2, "two withdrawals in one UPDATE");
    imports(b);
    scene.clock.advance(1000);
    assert.deepEqual(b.known(a), []);
    originate(a, 5);
    scene.clock.advance(1000);
    assert.equal(a.peer().updatesSent, before + 3);
  });

  it("a reflector takes all from its clients and gives each what it imports", async (t) => {
    const scene = new Scene(t);
    const clients = [B, C, D].map((address) => ({ address, reflectorClient: true, families: FAMILIES }));
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: clients });
    const client = (address: string, n: number) =>
      scene.router({ address, identifier: `10.0.0.${n}`, peers: [{ address: A, families: FAMILIES }] });
    const [b, c, d] = [await client(B, 2), await client(C, 3), await client(D, 4)];
    imports(a);
    imports(b, 1);
    imports(c, 1, 2);
    imports(d, 3);
    for (const n of [1, 2, 3]) originate(b, n);
    scene.quiet(a, b, c, d);
    assert.deepEqual(a.known(b), ["1", "2", "3"]);
    assert.deepEqual(c.known(b), ["1", "2"]);
    assert.deepEqual(d.known(b), ["3"]);
    // A client hears the default membership alone, and the reflector one for each that a client has.
    assert.equal(b.peer().perFamily.find(({ family }) => family === "route-target")?.routesReceived, 1);
    imports(d, 1);
    scene.clock.advance(1000);
    assert.deepEqual(d.known(b), ["1"]);
  });

  it("two reflectors tell each other what their clients want, and send each other no more (§3.2)", async (t) => {
    const scene = new Scene(t);
    const reflector = (address: string, n: number, other: string, client: string) =>
      scene.router({
        ...{ address, identifier: `10.0.0.${n}` },
        peers: [
          { address: other, families: FAMILIES },
          { address: client, reflectorClient: true, families: FAMILIES },
        ],
      });
    const [a, b] = [await reflector(A, 1, B, C), await reflector(B, 2, A, D)];
    const client = (address: string, n: number, own: string) =>
      scene.router({ address, identifier: `10.0.0.${n}`, peers: [{ address: own, families: FAMILIES }] });
    const [c, d] = [await client(C, 3, A), await client(D, 4, B)];
    for (const router of [a, b]) imports(router);
    imports(c, 1, 3);
    imports(d, 2);
    for (const n of [1, 2, 3]) originate(d, n);
    scene.quiet(a, b, c, d);
    assert.deepEqual(b.known(d), ["1", "2", "3"], "a client sends all it has");
    assert.deepEqual(a.known(d), ["1", "3"], "the other reflector gets what its client wants");
    assert.deepEqual(c.known(d), ["1", "3"]);
    imports(c, 2);
    scene.clock.advance(2000);
    assert.deepEqual([a.known(d), c.known(d)], [["2"], ["2"]]);
  });

  for (const [low, high] of [
    [C, D],
    [D, C],
  ]) {
    it(`a client's membership is told to the other reflector although that one has the same from its own (§3.2): ${low}`, async (t) => {
      const scene = new Scene(t);
      const reflector = (address: string, n: number, other: string, client: string) =>
        scene.router({
          ...{ address, identifier: `10.0.0.${n}` },
          peers: [
            { address: other, families: FAMILIES },
            { address: client, reflectorClient: true, families: FAMILIES },
          ],
        });
      const [a, b] = [await reflector(A, 1, B, C), await reflector(B, 2, A, D)];
      const client = (address: string, own: string) =>
        scene.router({
          ...{ address, identifier: address === low ? "10.0.0.3" : "10.0.0.200" },
          peers: [{ address: own, families: FAMILIES }],
        });
      const [c, d] = [await client(C, A), await client(D, B)];
      assert.notEqual(low, high);
      for (const router of [a, b]) imports(router);
      for (const router of [c, d]) {
        imports(router, 1);
        originate(router, 1);
      }
      scene.quiet(a, b, c, d);
      scene.clock.advance(2000);
      assert.deepEqual([c.known(d), d.known(c)], [["1"], ["1"]]);
    });
  }

  it("what is wanted crosses the border of an AS from hop to hop, and the routes come back along it", async (t) => {
    const scene = new Scene(t);
    const external = { speaker: { acceptExternal: true } };
    const a = await scene.router({
      ...{ address: A, identifier: "10.0.0.1", localAs: 65001, ...external },
      peers: [{ address: B, remoteAs: 65002, families: FAMILIES }],
    });
    const b = await scene.router({
      ...{ address: B, identifier: "10.0.0.2", localAs: 65002, ...external },
      peers: [
        { address: A, remoteAs: 65001, families: FAMILIES },
        { address: C, remoteAs: 65003, families: FAMILIES },
      ],
    });
    const c = await scene.router({
      ...{ address: C, identifier: "10.0.0.3", localAs: 65003, ...external },
      peers: [{ address: B, remoteAs: 65002, families: FAMILIES }],
    });
    imports(a);
    imports(b);
    imports(c, 2);
    for (const n of [1, 2, 3]) originate(a, n);
    scene.quiet(a, b, c);
    assert.deepEqual(b.known(a), ["2"], "b imports nothing itself and passes on what c wants");
    assert.deepEqual(c.known(a), ["2"]);
  });

  it("without it on both sides everything is sent, as before", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [{ address: B, families: FAMILIES }] }, { peers: [{ address: A }] });
    for (const n of [1, 2, 3]) originate(a, n);
    imports(a, 1);
    imports(b, 1);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1", "2", "3"]);
  });

  it("End-of-RIB of capabilities waits until the neighbour has said what it wants (§6)", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair(
      { peers: [{ address: B, families: FAMILIES }] },
      {
        peers: [{ address: A, families: FAMILIES }],
        speaker: { start: { restarted: true, forwardingPreserved: true } },
      },
    );
    originate(a, 1);
    imports(a, 1);
    scene.established(a, b);
    scene.clock.advance(500);
    const ends = (): boolean | undefined =>
      a.peer().perFamily.find(({ family }) => family === "capability")?.endOfRibSent;
    const before = ends();
    imports(b, 1);
    b.speaker.localStateConverged();
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    assert.equal(before, false);
    assert.equal(ends(), true);
  });
});

describe("what a neighbour wants", () => {
  const naive = (said: ReadonlySet<string>, wanted: Uint8Array): boolean =>
    [...said].some((key) => {
      const bits = Number.parseInt(key.slice(0, 2), 16);
      const asked = Math.max(0, bits - 32);
      const text = (hex: string): string =>
        [...hex].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
      return text(toHex(wanted)).startsWith(text(key.slice(10)).slice(0, asked));
    });

  it("is what its memberships say, whole ones, beginnings and the default, after any changes", () => {
    const key = fc.oneof(
      fc.integer({ min: 0, max: 3 }).map((n) => encodeMembership(65000 + (n & 1), target(n))),
      fc.constant(Uint8Array.of(0)),
      fc.constant(Uint8Array.of(32, 0, 0, 0xfd, 0xe8)),
      fc.integer({ min: 33, max: 95 }).map((bits) => {
        const whole = encodeMembership(65000, target(2));
        const octets = 1 + ((bits + 7) >> 3);
        const cut = whole.slice(0, octets);
        cut[0] = bits;
        if ((bits & 7) !== 0) cut[octets - 1]! &= 0xff << (8 - (bits & 7));
        return cut;
      }),
    );
    const change = fc.record({ key, gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const { rib } = world();
        const sets = [0, 1, 2, 3].map((n) => intern(rib, attributeSet({ extendedCommunities: [target(n)] })));
        const membership = new Membership(rib.attributes);
        const said = new Set<string>();
        for (const { key: changed, gone } of changes) {
          const before = sets.map((id) => membership.wants(id));
          if (gone) membership.withdrawn(batch(changed));
          else membership.announced(batch(changed));
          if (gone) said.delete(toHex(changed));
          else said.add(toHex(changed));
          const concerns = membership.takeChanges();
          for (const [n, id] of sets.entries()) {
            assert.equal(membership.wants(id), naive(said, target(n)));
            if (membership.wants(id) !== before[n]) assert.ok(concerns(id), "a change is not missed");
          }
        }
        assert.equal(membership.size, said.size);
      }),
      { numRuns: 60 },
    );
  });
});
