import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { acceptAll, type RoutePolicy } from "../../../src/bgp/policy/index.ts";
import { ownOpen } from "../../../src/bgp/session/index.ts";
import { type AttemptChange, planAttempt } from "../../../src/bgp/speaker/attempt-change.ts";
import { type PeerOptions, planPeerChange, planPeers, SpeakerError } from "../../../src/bgp/speaker/index.ts";
import { encodeKeepalive, encodeOpen } from "../../../src/bgp/wire/index.ts";
import { settingsSample } from "../session/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const OPTIONS: PeerOptions = {
  address: B,
  port: 179,
  remoteAs: 65000,
  passive: false,
  holdTime: seconds(9),
  connectRetry: seconds(2),
  updateSource: A,
};
const rejectAll: RoutePolicy = () => ({ verdict: "reject", reason: "test" });

describe("the plan of a change", () => {
  const CASES: readonly [string, Partial<PeerOptions>, "nothing" | "live" | "reset", RegExp?][] = [
    ["nothing", {}, "nothing"],
    ["the same families, spelt out", { families: [{ family: "capability" }] }, "live"],
    ["description", { description: "x" }, "live", /only shown/],
    ["hold time", { holdTime: undefined }, "live", /next session/],
    ["import policy", { importPolicy: acceptAll }, "live", /asked for its routes again/],
    ["export policy", { exportPolicy: acceptAll }, "live", /judged again/],
    ["password", { password: "secret" }, "reset", /connection/],
    ["hops", { multihop: 2 }, "live"],
    ["TTL security", { ttlSecurityHops: 1 }, "live", /unless the neighbour follows/],
    ["TTL security without timers", { ttlSecurityHops: 1, holdTime: undefined }, "reset", /another way/],
    ["port", { port: 1179 }, "live", /next connection/],
    ["local address", { updateSource: C }, "reset", /another way/],
    ["extended messages", { extendedMessages: false }, "live", /next session/],
    ["enhanced route refresh", { enhancedRouteRefresh: false }, "live", /next session/],
    ["a family that is only offered", { alsoOffer: [{ afi: 1, safi: 1 }] }, "live", /next session/],
    ["a role", { role: { local: "peer" } }, "reset", /OPEN/],
    ["a client of the reflector", { reflectorClient: true }, "reset", /reflected/],
    ["AS", { remoteAs: 65001, description: "y" }, "reset", /another neighbour/],
    ["families", { families: [{ family: "ipv6-unicast" }] }, "reset"],
    ["shut down", { enabled: false }, "reset", /shut down/],
  ];
  for (const [name, change, effect, text] of CASES) {
    it(name, () => {
      const plan = planPeerChange(OPTIONS, { ...OPTIONS, ...change });
      assert.equal(plan.effect, effect);
      assert.deepEqual(
        plan.reasons.map(({ option }) => option).sort(),
        effect === "nothing" ? [] : Object.keys(change).sort(),
      );
      if (text !== undefined) assert.match(plan.reasons[0]!.text, text);
    });
  }

  it("of a role: what it guards is live, who it is said to is agreed on anew, another one resets", () => {
    const role = { local: "provider" } as const;
    const change = (after: PeerOptions["role"]) =>
      planPeerChange({ ...OPTIONS, role }, after === undefined ? OPTIONS : { ...OPTIONS, role: after });
    assert.equal(change({ ...role, strict: false }).reasons[0]!.text, "agreed on with the next session");
    assert.equal(change({ ...role, strict: true }).effect, "live");
    assert.match(change({ ...role, strict: true, capabilityRoutes: true }).reasons[0]!.text, /asked .* judged again/);
    assert.deepEqual([change({ local: "customer" }).effect, change(undefined).effect], ["reset", "reset"]);
  });

  it("of families: another order is no other set", () => {
    const [first, second] = [{ family: "capability" }, { family: "ipv6-unicast", addPath: { receive: true } }] as const;
    const before = { ...OPTIONS, families: [first, second] };
    assert.equal(planPeerChange(before, { ...OPTIONS, families: [second, first] }).effect, "live");
    const without = { ...OPTIONS, families: [first, { family: "ipv6-unicast" }] } as const;
    assert.equal(planPeerChange(before, without).effect, "reset");
  });

  it("limits of a family hold at once; what is shut down has nothing to reset", () => {
    const families = (maximumRoutes: number): PeerOptions => ({
      ...OPTIONS,
      families: [{ family: "capability", maximumRoutes }],
    });
    assert.equal(planPeerChange(families(5), families(6)).effect, "live");
    const down = { ...OPTIONS, enabled: false };
    assert.equal(planPeerChange(down, { ...down, remoteAs: 1 }).effect, "live");
    assert.equal(planPeerChange(down, OPTIONS).effect, "live");
    assert.throws(() => planPeerChange(OPTIONS, { ...OPTIONS, address: C }), RangeError);
  });

  it("of a list: who goes, who changes, who comes; other spellings of an address are no change", () => {
    const at = (address: string, more: Partial<PeerOptions> = {}): PeerOptions => ({ ...OPTIONS, address, ...more });
    const changes = planPeers(
      [at(A), at(B), at("2001:0db8::000c")],
      [at(B, { passive: true }), at(C), at("192.0.2.1")],
    );
    assert.deepEqual(
      changes.map((step) => [step.type, step.type === "remove" ? step.address : step.peer.address]),
      [
        ["remove", A],
        ["change", B],
        ["add", "192.0.2.1"],
      ],
    );
  });
});

async function pair(t: TestContext): Promise<readonly [Scene, Router, Router, PeerOptions]> {
  const scene = new Scene(t);
  const [a, b] = await scene.pair({ peers: [OPTIONS] });
  scene.quiet(a, b);
  return [scene, a, b, OPTIONS];
}

describe("the plan of a change while there is no session", () => {
  /** What it means while this router waits, and when it has said an OPEN. */
  const CASES: readonly [string, Partial<PeerOptions>, AttemptChange, AttemptChange][] = [
    ["nothing", {}, "nothing", "nothing"],
    ["description", { description: "x" }, "nothing", "nothing"],
    ["who connects", { passive: true }, "try-again", "nothing"],
    ["the time between attempts", { connectRetry: seconds(5) }, "try-again", "nothing"],
    ["port", { port: 1179 }, "try-again", "nothing"],
    ["hops", { multihop: 2 }, "try-again", "nothing"],
    ["TTL security", { ttlSecurityHops: 1 }, "try-again", "nothing"],
    ["room for more routes", { maximumRoutes: 10 }, "try-again", "nothing"],
    ["hold time", { holdTime: seconds(30) }, "nothing", "negotiate-again"],
    ["extended messages", { extendedMessages: false }, "nothing", "negotiate-again"],
    ["a family that is only offered", { alsoOffer: [{ afi: 1, safi: 1 }] }, "try-again", "negotiate-again"],
    ["families", { families: [{ family: "ipv6-unicast" }] }, "try-again", "negotiate-again"],
  ];
  for (const [name, change, waiting, opened] of CASES) {
    it(`${name}: ${waiting}, and ${opened} once an OPEN is said`, () => {
      const after = { ...OPTIONS, ...change };
      assert.equal(planAttempt(OPTIONS, after, { isWaiting: true }), waiting);
      assert.equal(planAttempt(OPTIONS, after, { isWaiting: false }), opened);
    });
  }
});

describe("a neighbour that is changed while it runs", () => {
  it("a description is shown, the hold time counts from the next session", async (t) => {
    const [scene, a, b, options] = await pair(t);
    const change = a.speaker.changePeer({ ...options, description: "site b", holdTime: seconds(3) });
    assert.equal(change.effect, "live");
    scene.clock.advance(60_000);
    assert.deepEqual([a.peer().description, a.peer().holdTime, a.peer().flaps], ["site b", 9, 0]);
    a.speaker.clear(B);
    scene.clock.advance(100);
    scene.quiet(a, b);
    assert.equal(a.peer().holdTime, 3);
  });

  it("an import policy asks for the routes again, without a reset", async (t) => {
    const [scene, a, b, options] = await pair(t);
    b.originate(1);
    b.originate(2, {}, { score: 1 });
    scene.clock.advance(100);
    assert.deepEqual(a.known(b), ["1", "2"]);
    const importPolicy: RoutePolicy = (set, peer) =>
      set.semantic?.score === 1 ? rejectAll(set, peer) : { verdict: "replace", attributes: { ...set, localPref: 7 } };
    a.speaker.changePeer({ ...options, importPolicy });
    scene.clock.advance(100);
    assert.deepEqual([a.known(b), a.rows()[0]!.attributes.localPref], [["1"], 7]);
    a.speaker.changePeer(options);
    scene.clock.advance(100);
    assert.deepEqual([a.known(b), a.rows()[0]!.attributes.localPref], [["1", "2"], 100]);
    assert.deepEqual([a.peer().flaps, b.peer().flaps], [0, 0]);
  });

  it("of a neighbour that cannot send again, routes stay and the log says so", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ ...OPTIONS, passive: true }] });
    const puppet = await Puppet.connect(scene);
    const open = ownOpen(settingsSample({ bgpIdentifier: 0x0a000002, gracefulRestart: undefined }));
    const capabilities = { ...open.capabilities, routeRefresh: false };
    puppet.say(encodeOpen({ ...open, capabilities }), encodeKeepalive());
    scene.established(a);
    a.speaker.changePeer({ ...OPTIONS, passive: true, importPolicy: rejectAll });
    assert.ok(a.log.has("bgp.peer.cannot-refresh"));
    assert.equal(a.speaker.clearSoft(B, "in"), "no-route-refresh");
    assert.equal(a.peer().state, "Established");
  });

  it("an export policy withdraws and announces, without a reset", async (t) => {
    const [scene, a, b, options] = await pair(t);
    for (const n of [1, 2, 3]) a.originate(n, {}, { score: n });
    scene.clock.advance(100);
    assert.deepEqual(b.known(a), ["1", "2", "3"]);
    const exportPolicy: RoutePolicy = (set, peer) =>
      set.semantic?.score === 2 ? rejectAll(set, peer) : acceptAll(set, peer);
    a.speaker.changePeer({ ...options, exportPolicy });
    scene.clock.advance(100);
    assert.deepEqual(b.known(a), ["1", "3"]);
    a.speaker.changePeer(options);
    scene.clock.advance(100);
    assert.deepEqual([b.known(a), a.peer().flaps], [["1", "2", "3"], 0]);
  });

  it("a limit holds at once, a larger one ends the rest", async (t) => {
    const [scene, a, b, options] = await pair(t);
    for (let n = 1; n <= 5; n++) b.originate(n);
    scene.clock.advance(100);
    const limited = (maximumRoutes: number): PeerOptions => ({ ...options, maximumRoutes });
    assert.equal(a.speaker.changePeer(limited(4)).effect, "live");
    scene.clock.advance(100);
    assert.match(a.peer().lastSent!.text, /maximum number of prefixes/);
    a.speaker.changePeer(limited(6));
    scene.quiet(a, b);
    assert.deepEqual(a.known(b), ["1", "2", "3", "4", "5"]);
  });

  it("what needs a reset ends the session with Cease, other configuration change, and comes back (RFC 4486 §4)", async (t) => {
    const [scene, a, b, options] = await pair(t);
    b.originate(1);
    scene.clock.advance(100);
    const families = [{ family: "capability" }, { family: "ipv6-unicast" }] as const;
    assert.equal(a.speaker.changePeer({ ...options, families }).effect, "reset");
    assert.equal(b.speaker.changePeer({ ...options, address: A, updateSource: B, families }).effect, "reset");
    scene.clock.advance(50);
    assert.deepEqual(a.known(b), []);
    scene.quiet(a, b);
    assert.deepEqual(a.known(b), ["1"]);
    const peer = a.peer();
    assert.deepEqual([peer.families, peer.establishedTransitions, peer.flaps], [["ipv6/251", "ipv6/unicast"], 2, 1]);
    assert.equal(peer.lastSent?.text, "cease: other configuration change");
    assert.equal(a.speaker.peers().length, 1);
  });

  it("such a reset is a hard one where both keep routes over NOTIFICATIONs: neither end keeps what was said before (RFC 8538 §3)", async (t) => {
    const scene = new Scene(t);
    const gracefulRestart = {
      ...{ restartTime: seconds(30), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
      keepOverNotification: true,
    };
    const speaker = { gracefulRestart };
    const [a, b] = await scene.pair({ peers: [OPTIONS], speaker }, { speaker });
    for (const router of [a, b]) router.originate(1);
    scene.quiet(a, b);
    assert.ok(a.peer().capabilities.restartOverNotification);
    assert.deepEqual([a.known(b), b.known(a)], [["1"], ["1"]]);
    assert.equal(a.speaker.changePeer({ ...OPTIONS, families: [{ family: "ipv6-unicast" }] }).effect, "reset");
    scene.clock.advance(10);
    assert.match(b.peer().lastReceived!.text, /hard reset, cease: other configuration change/);
    assert.deepEqual([a.known(b), b.known(a)], [[], []]);
  });

  it("another AS, another password: both at once", async (t) => {
    const [scene, a, b, options] = await pair(t);
    a.speaker.changePeer({ ...options, password: "x" });
    scene.clock.advance(20_000);
    assert.notEqual(a.peer().state, "Established");
    b.speaker.changePeer({ ...options, address: A, updateSource: B, password: "x" });
    scene.quiet(a, b);
    assert.equal(a.peer().establishedTransitions, 2);
  });

  it("what OPEN messages offer changes without a reset, and is agreed on by the next one", async (t) => {
    const [scene, a, b, options] = await pair(t);
    const offered = () => {
      const { extendedMessages, enhancedRouteRefresh } = a.peer().capabilities;
      return [extendedMessages, enhancedRouteRefresh];
    };
    assert.deepEqual(offered(), [true, true]);
    const other = { ...options, extendedMessages: false, enhancedRouteRefresh: false, port: 180, multihop: 3 };
    assert.equal(a.speaker.changePeer(other).effect, "live");
    assert.equal(a.speaker.changePeer({ ...other, port: 179 }).effect, "live");
    a.originate(1);
    scene.clock.advance(60_000);
    assert.deepEqual([b.known(a), a.peer().establishedTransitions, b.peer().establishedTransitions], [["1"], 1, 1]);
    assert.deepEqual(offered(), [true, true], "as agreed");
    a.speaker.clear(B);
    scene.clock.advance(100);
    scene.quiet(a, b);
    assert.deepEqual(offered(), [false, false]);
  });

  it("an OPEN that has been said is not made another one of: the attempt begins anew", async (t) => {
    const scene = new Scene(t);
    const passive = { ...OPTIONS, passive: true };
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [passive] });
    const puppet = await Puppet.connect(scene);
    scene.until("its OPEN", () => a.peer().state === "OpenSent");
    assert.equal(a.speaker.changePeer({ ...passive, description: "still the same" }).effect, "live");
    assert.equal(a.peer().state, "OpenSent");
    a.speaker.changePeer({ ...passive, extendedMessages: false });
    scene.clock.advance(100);
    assert.equal(a.peer().lastSent?.text, "cease: other configuration change");
    assert.ok(puppet.closed !== undefined);
    scene.clock.advance(2_000);
    const again = await Puppet.connect(scene);
    const open = ownOpen(settingsSample({ bgpIdentifier: 0x0a000002, gracefulRestart: undefined }));
    again.say(encodeOpen(open), encodeKeepalive());
    scene.established(a);
    assert.equal(a.peer().capabilities.extendedMessages, false);
  });

  it("an address that is no neighbour's is refused", async (t) => {
    const [, a, , options] = await pair(t);
    assert.throws(
      () => a.speaker.changePeer({ ...options, address: C }),
      (cause) => cause instanceof SpeakerError && cause.code === "bgp.unknown-peer",
    );
  });

  it("passive no more: the wait ends at once", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ ...OPTIONS, passive: true }] });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, passive: true }] });
    scene.clock.advance(30_000);
    assert.equal(a.peer().state, "Active");
    a.speaker.changePeer(OPTIONS);
    scene.clock.advance(100);
    scene.established(a, b);
  });
});

describe("a neighbour that is shut down", () => {
  it("hears why, is neither tried nor accepted, and comes back when enabled (RFC 9003)", async (t) => {
    const [scene, a, b] = await pair(t);
    b.originate(1);
    scene.clock.advance(100);
    assert.equal(a.speaker.disable(B, "maintenance"), true);
    scene.clock.advance(100);
    assert.match(b.peer().lastReceived!.text, /administrative shutdown \("maintenance"\)/);
    assert.deepEqual([a.known(b), a.peer().enabled], [[], false]);
    scene.clock.advance(120_000);
    assert.deepEqual([a.peer().state, a.peer().establishedTransitions], ["Idle", 1]);
    assert.equal(a.speaker.clear(B), true);
    scene.clock.advance(1_000);
    assert.equal(a.peer().state, "Idle", "clear is no way around it");
    assert.equal(a.speaker.enable(B), true);
    scene.until("back", () => a.peer().state === "Established", 200_000);
    scene.clock.advance(1_000);
    assert.deepEqual([a.known(b), a.peer().enabled], [["1"], true]);
    assert.deepEqual([a.speaker.disable(C), a.speaker.enable(C)], [false, false]);
  });

  it("a neighbour that is removed hears the operator's text, which only a shutdown can carry (RFC 9003 §2)", async (t) => {
    const [scene, a, b] = await pair(t);
    const removed = a.speaker.removePeer(B, "gone for good");
    scene.clock.advance(100);
    assert.equal(await removed, true);
    assert.match(b.peer().lastReceived!.text, /administrative shutdown \("gone for good"\)/);
  });

  it("soft resets: in asks, out tells", async (t) => {
    const [scene, a, b] = await pair(t);
    a.originate(1);
    b.originate(2);
    scene.clock.advance(100);
    const before = [a.peer().updatesReceived, b.peer().updatesReceived];
    assert.equal(a.speaker.clearSoft(B, "in"), "done");
    scene.clock.advance(100);
    assert.deepEqual([a.peer().updatesReceived, b.peer().updatesReceived], [before[0]! + 1, before[1]!]);
    assert.equal(a.speaker.clearSoft(B, "out"), "done");
    scene.clock.advance(100);
    assert.deepEqual([a.peer().updatesReceived, b.peer().updatesReceived], [before[0]! + 1, before[1]! + 1]);
    assert.equal(a.speaker.clearSoft(C, "in"), "unknown-peer");
    await b.speaker.stop({ restart: false });
    scene.clock.advance(100);
    assert.equal(a.speaker.clearSoft(B, "out"), "no-session");
  });
});
