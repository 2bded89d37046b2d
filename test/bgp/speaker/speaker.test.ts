import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { octetsEqual, seconds } from "../../../src/base/index.ts";
import { NO_EXPORT } from "../../../src/bgp/policy/index.ts";
import { linkBandwidth } from "../../../src/bgp/wire/index.ts";
import { TARGET } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

describe("two routers of one AS", () => {
  it("both connect at once, one connection stays, routes go both ways", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    a.originate(1);
    b.originate(2);
    scene.quiet(a, b);
    assert.equal(scene.network.open, 1);
    assert.deepEqual([a.known(b), b.known(a)], [["2"], ["1"]]);
    const [row] = b.rows().filter(({ originId }) => originId === a.originId);
    assert.ok(octetsEqual(row!.nextHop, a.nextHop));
    assert.equal(row!.attributes.localPref, 100);
    assert.equal(row!.attributes.semantic?.name, "/vision/ocr");
    assert.equal(row!.tenantIndex, 1);

    a.withdraw(1);
    b.originate(2, {}, { score: 3 });
    b.originate(3);
    scene.clock.advance(100);
    assert.deepEqual([a.known(b), b.known(a)], [["2", "3"], []]);
    assert.equal(a.rows().find(({ key }) => key[25] === 2)?.attributes.semantic?.score, 3);
  });

  it("says what it knows of the session", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [{ address: B, holdTime: seconds(30), description: "site b" }] });
    b.originate(1);
    scene.quiet(a, b);
    const peer = a.peer();
    assert.equal(peer.description, "site b");
    assert.deepEqual([peer.state, peer.kind, peer.bgpIdentifier], ["Established", "internal", b.originId]);
    assert.deepEqual([peer.holdTime, peer.keepaliveTime, peer.families], [9, 3, ["ipv6/251"]]);
    assert.deepEqual(peer.capabilities, {
      fourOctetAs: true,
      routeRefresh: true,
      enhancedRouteRefresh: true,
      extendedMessages: true,
      extendedNextHop: false,
      gracefulRestart: true,
      longLivedGracefulRestart: false,
      restartOverNotification: false,
      unknown: [],
    });
    assert.deepEqual([peer.routesReceived, peer.routesAdvertised, b.peer().routesAdvertised], [1, 0, 1]);
    assert.deepEqual([peer.local?.address, peer.remote?.address], [A, B]);
    assert.deepEqual([peer.establishedTransitions, peer.flaps], [1, 0]);
    assert.ok(peer.gracefulRestart.endOfRibSent && peer.gracefulRestart.endOfRibReceived);
    // OPEN, KEEPALIVE, the route, End-of-RIB, and keepalives since.
    assert.ok(peer.messagesReceived >= 4 && peer.updatesReceived === 2, JSON.stringify(peer));
    const labels = { peer: B };
    assert.equal(a.metrics.sum("semrd_bgp_messages_received_total", labels), peer.messagesReceived);
    assert.equal(a.metrics.sum("semrd_bgp_messages_sent_total", labels), peer.messagesSent);
    assert.equal(a.metrics.sum("semrd_bgp_established_total", labels), 1);
  });

  it("keepalives keep a silent session for hours", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    scene.established(a, b);
    scene.clock.advance(3 * 3_600_000);
    assert.deepEqual([a.peer().state, a.peer().flaps, b.peer().establishedTransitions], ["Established", 0, 1]);
  });

  it("a passive router waits, the other one retries until it is there", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    scene.clock.advance(5_000);
    assert.match(a.peer().lastError?.text ?? "", /cannot connect: ECONNREFUSED/);
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, passive: true }] });
    scene.established(a, b);
    assert.equal(b.peer().local?.port, 179);
  });

  it("different passwords: no connection; the same: a session (RFC 2385)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B, password: "one" }] });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, password: "two" }] });
    scene.clock.advance(60_000);
    assert.notEqual(a.peer().state, "Established");
    await b.speaker.removePeer(A);
    const { description: _, ...options } = { ...b_options, address: A, password: "one", description: "" };
    b.speaker.addPeer(options);
    scene.established(a, b);
  });

  const b_options = {
    port: 179,
    remoteAs: 65000,
    passive: false,
    holdTime: seconds(9),
    connectRetry: seconds(2),
    updateSource: B,
  };

  it("a stranger and a removed neighbour are not talked to", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    scene.established(a, b);
    assert.equal(await a.speaker.removePeer(B), true);
    assert.equal(await a.speaker.removePeer(B), false);
    scene.clock.advance(30_000);
    assert.deepEqual(a.speaker.peers(), []);
    assert.match(b.peer().lastReceived?.text ?? "", /peer deconfigured/);
    assert.ok(a.metrics.sum("semrd_bgp_refused_connections_total") > 0);
  });

  it("clear ends the session, and it comes back", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    assert.equal(a.speaker.clear(B), true);
    assert.equal(a.speaker.clear("2001:db8::99"), false);
    scene.clock.advance(10);
    assert.match(a.peer().lastSent?.text ?? "", /cease: administrative reset/);
    assert.match(b.peer().lastReceived?.text ?? "", /administrative reset/);
    scene.quiet(a, b);
    assert.deepEqual(a.known(b), ["1"]);
    assert.deepEqual([a.peer().flaps, a.peer().establishedTransitions], [1, 2]);
  });

  it("an orderly stop says so, with the operator's text (RFC 9003)", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    await b.speaker.stop({ restart: false, text: "back at ten" });
    scene.clock.advance(10);
    assert.deepEqual(a.known(b), []);
    assert.match(a.peer().lastReceived?.text ?? "", /administrative shutdown \("back at ten"\)/);
  });

  it("route refresh brings everything again (RFC 2918)", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    for (let n = 0; n < 10; n++) b.originate(n);
    scene.quiet(a, b);
    const before = a.peer().updatesReceived;
    assert.equal(a.speaker.refresh(B), true);
    scene.clock.advance(100);
    assert.equal(a.peer().updatesReceived, before + 1);
    assert.equal(a.known(b).length, 10);
    assert.equal(a.speaker.refresh("2001:db8::99"), false);
  });

  it("a large table arrives whole and packed, also for a late neighbour", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [{ address: B }, { address: C }],
    });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    const count = 12_000;
    for (let n = 0; n < count; n++) a.originate(n, {}, { score: n % 11 });
    scene.until("all routes at b", () => b.rib.capability.pathsOf(b.rows()[0]?.peer ?? 1) === count);
    // 11 sets, about 120 routes in a message.
    assert.ok(b.peer().updatesReceived < count / 50, `${b.peer().updatesReceived} messages`);
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }] });
    scene.until("all routes at c", () => c.peer().routesReceived === count);
    assert.equal(a.peer(C).routesAdvertised, count);
  });

  it("a neighbour that does not read costs no memory and gets the last state once", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [{ address: B, holdTime: undefined }] });
    scene.quiet(a, b);
    scene.network.cut(A, B);
    const text = "x".repeat(1500);
    // Each route has a set of its own, so that a megabyte is soon full.
    const label = (n: number, round: number) => ({ labels: [{ text: `${n} ${round} ${text}`, critical: false }] });
    for (let n = 0; n < 1500; n++) a.originate(n, {}, label(n, 0));
    scene.clock.advance(1_000);
    const pending = a.peer().routesPending;
    assert.ok(pending > 100, `${pending} routes are pending`);
    for (let n = 0; n < 1500; n++) a.originate(n, {}, label(n, 1));
    scene.clock.advance(1_000);
    scene.network.heal(A, B);
    scene.until("all routes", () => b.known(a).length === 1500 && a.peer().routesPending === 0);
    scene.clock.advance(100);
    const rounds = b.rows().map(({ attributes }) => attributes.semantic!.labels[0]!.text.split(" ")[1]);
    assert.deepEqual(new Set(rounds), new Set(["1"]));
    assert.ok(b.peer().updatesReceived < 3000, "what changed twice was sent once");
  });
});

describe("across the border of an AS", () => {
  const neighbour = (remoteAs: number, address: string) => ({ address, remoteAs });

  it("nothing passes without a policy (RFC 8212)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", localAs: 65001, peers: [neighbour(65002, B)] });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", localAs: 65002, peers: [neighbour(65001, A)] });
    a.originate(1);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), []);
    assert.equal(a.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "no-policy" }), 1);
  });

  it("own AS in front, own next hop, nothing that is meant for inside", async (t) => {
    const scene = new Scene(t);
    const speaker = { acceptExternal: true };
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 4_200_000_001,
      peers: [neighbour(65002, B)],
      speaker,
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65002,
      peers: [neighbour(4_200_000_001, A), neighbour(65002, C)],
      speaker,
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", localAs: 65002, peers: [neighbour(65002, B)] });
    a.originate(1, { localPref: 300, multiExitDisc: 7, extendedCommunities: [TARGET, linkBandwidth(1, 5)] });
    a.originate(2, { communities: [NO_EXPORT] });
    scene.quiet(a, b, c);
    assert.deepEqual([b.known(a), c.known(a)], [["1"], ["1"]]);
    const [atB] = b.rows();
    assert.deepEqual(atB!.attributes.asPath, [{ type: "sequence", numbers: [4_200_000_001] }]);
    assert.deepEqual([atB!.attributes.localPref, atB!.attributes.multiExitDisc], [undefined, 7]);
    assert.deepEqual(atB!.attributes.extendedCommunities, [TARGET]);
    const [atC] = c.rows();
    assert.equal(atC!.attributes.localPref, 100);
    assert.ok(octetsEqual(atC!.nextHop, a.nextHop), "the next hop stays inside the AS");
  });

  it("a path with our own AS is refused, and what it replaced is gone (RFC 4271 §9.1.2)", async (t) => {
    const scene = new Scene(t);
    const speaker = { acceptExternal: true };
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: [neighbour(65002, B)],
      speaker,
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65002,
      peers: [neighbour(65001, A)],
      speaker,
    });
    a.originate(1);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    a.originate(1, { asPath: [{ type: "sequence", numbers: [65002] }] });
    scene.clock.advance(100);
    assert.deepEqual(b.known(a), []);
    assert.equal(b.metrics.sum("semrd_bgp_refused_routes_total", { reason: "as-loop" }), 1);
  });

  it("an import policy replaces and rejects", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [
        {
          address: A,
          importPolicy: (set) =>
            set.semantic?.score === 0
              ? { verdict: "reject", reason: "test" }
              : { verdict: "replace", attributes: { ...set, localPref: 200 } },
        },
      ],
    });
    a.originate(1);
    a.originate(2, {}, { score: 0 });
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    assert.equal(b.rows()[0]!.attributes.localPref, 200);
    assert.equal(b.metrics.sum("semrd_bgp_refused_routes_total", { reason: "test" }), 1);
  });
});

describe("three routers of one AS", () => {
  it("what one says is not told on inside the AS (RFC 4271 §9.2)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }, { address: C }] });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B }] });
    a.originate(1);
    b.originate(2);
    scene.quiet(a, b, c);
    assert.deepEqual([c.known(a), c.known(b)], [[], ["2"]]);
  });

  it("a route of our own that comes back is not taken", async (t) => {
    const scene = new Scene(t);
    const speaker = { acceptExternal: true };
    const peers = (...list: [number, string][]) =>
      list.map(([remoteAs, address]) => ({ address, remoteAs, enforceFirstAs: false }));
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: peers([65002, B]),
      speaker,
    });
    // It has the identifier of a: what it originates looks as if it came from a.
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.1",
      localAs: 65002,
      peers: peers([65001, A]),
      speaker,
    });
    b.originate(1, { nextHop: C_NEXT_HOP });
    scene.quiet(a, b);
    assert.deepEqual(a.rows(), []);
    assert.equal(a.metrics.sum("semrd_bgp_refused_routes_total"), 1);
  });
});

const C_NEXT_HOP = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc);
