import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { RoutePolicy } from "../../../src/bgp/policy/index.ts";
import type { RoleOptions } from "../../../src/bgp/speaker/index.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const EXTERNAL = { acceptExternal: true };

/** a – b – c, each an AS of its own; what b is to a and to c. */
async function chain(
  t: TestContext,
  roles: {
    readonly aToB: RoleOptions["local"];
    readonly bToA: RoleOptions["local"];
    readonly bToC: RoleOptions["local"];
    readonly cToB: RoleOptions["local"];
    readonly capabilityRoutes: boolean;
  },
) {
  const scene = new Scene(t);
  const { capabilityRoutes } = roles;
  const role = (local: RoleOptions["local"]) => ({ role: { local, capabilityRoutes } });
  const speaker = EXTERNAL;
  const a = await scene.router({
    address: A,
    identifier: "10.0.0.1",
    localAs: 65001,
    speaker,
    peers: [{ address: B, remoteAs: 65002, ...role(roles.aToB) }],
  });
  const b = await scene.router({
    address: B,
    identifier: "10.0.0.2",
    localAs: 65002,
    speaker,
    peers: [
      { address: A, remoteAs: 65001, ...role(roles.bToA) },
      { address: C, remoteAs: 65003, ...role(roles.bToC) },
    ],
  });
  const c = await scene.router({
    address: C,
    identifier: "10.0.0.3",
    localAs: 65003,
    speaker,
    peers: [{ address: B, remoteAs: 65002, ...role(roles.cToB) }],
  });
  a.originate(1);
  b.originate(2);
  scene.quiet(a, b, c);
  return { scene, a, b, c };
}

const mark = (router: Router, origin: Router): number | undefined =>
  router.rows().find(({ originId }) => originId === origin.originId)?.attributes.onlyToCustomer;

describe("roles between routers (RFC 9234)", () => {
  it("from a provider to a customer only: what came from above does not go up again", async (t) => {
    const up = { aToB: "provider", bToA: "customer", bToC: "customer", cToB: "provider" } as const;
    const { a, b, c } = await chain(t, { ...up, capabilityRoutes: true });
    assert.deepEqual([b.known(a), c.known(a), c.known(b)], [["1"], [], ["2"]]);
    assert.equal(mark(b, a), 65001, "a, the provider, has marked it");
    assert.equal(mark(c, b), undefined);
    assert.deepEqual(
      [b.peer(A).role, c.peer().role],
      [
        { local: "customer", peerSaid: true },
        { local: "provider", peerSaid: true },
      ],
    );
    assert.ok(b.metrics.sum("semrd_bgp_withheld_routes_total", { peer: C, reason: "only-to-customer" }) > 0);
  });

  it("to a customer it goes on, with the mark of who sent it down first", async (t) => {
    const down = { aToB: "provider", bToA: "customer", bToC: "provider", cToB: "customer" } as const;
    const { a, b, c } = await chain(t, { ...down, capabilityRoutes: true });
    assert.deepEqual([c.known(a), c.known(b)], [["1"], ["2"]]);
    assert.deepEqual([mark(c, a), mark(c, b)], [65001, 65002]);
  });

  it("a marked route from a customer is a leak and is not taken", async (t) => {
    const down = { aToB: "customer", bToA: "provider", bToC: "provider", cToB: "customer" } as const;
    const { scene, a, b } = await chain(t, { ...down, capabilityRoutes: true });
    assert.deepEqual(b.known(a), ["1"]);
    // a would not send it: the mark comes with a policy, as from a router that knows nothing of roles.
    await a.speaker.removePeer(B);
    const marking: RoutePolicy = (attributes) => ({
      verdict: "replace",
      attributes: { ...attributes, onlyToCustomer: 64999 },
    });
    a.speaker.addPeer({
      address: B,
      port: 179,
      remoteAs: 65002,
      passive: false,
      holdTime: seconds(9),
      connectRetry: seconds(2),
      updateSource: A,
      exportPolicy: marking,
    });
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), []);
    assert.ok(b.metrics.sum("semrd_bgp_refused_routes_total", { peer: A, reason: "route-leak" }) > 0);
  });

  it("capability routes are left alone unless asked for (§5)", async (t) => {
    const up = { aToB: "provider", bToA: "customer", bToC: "customer", cToB: "provider" } as const;
    const { a, b, c } = await chain(t, { ...up, capabilityRoutes: false });
    assert.deepEqual([c.known(a), mark(b, a)], [["1"], undefined]);
  });

  it("roles that do not match: no session, and both operators see why", async (t) => {
    const scene = new Scene(t);
    const role = { role: { local: "provider" } } as const;
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: [{ address: B, remoteAs: 65002, ...role }],
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65002,
      peers: [{ address: A, remoteAs: 65001, ...role }],
    });
    scene.clock.advance(10_000);
    const texts = [a, b].flatMap((router) => [router.peer().lastSent?.text, router.peer().lastReceived?.text]);
    assert.ok(texts.includes("OPEN error: role mismatch, it is provider"), `${texts}`);
    assert.equal(a.peer().establishedTransitions, 0);
  });
});
