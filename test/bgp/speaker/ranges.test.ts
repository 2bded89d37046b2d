import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import { ownOpen } from "../../../src/bgp/session/index.ts";
import { GuestStay } from "../../../src/bgp/speaker/guest-stay.ts";
import type { ListenRange, PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { DEFAULT_DIALECT, encodeOpen } from "../../../src/bgp/wire/index.ts";
import { settingsSample } from "../session/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router, RouterOptions } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const D = "2001:db8::d";

const range = (text: string, more: Partial<ListenRange> = {}): ListenRange => ({
  name: text,
  prefix: parseIpv6Prefix(text)!,
  limit: 10,
  remoteAs: "internal",
  template: { holdTime: seconds(9), connectRetry: seconds(2), families: [{ family: "capability" }] },
  ...more,
});

const HUB = "2001:db8::/64";

async function hub(t: TestContext, ranges: readonly ListenRange[], more: Partial<RouterOptions> = {}) {
  const scene = new Scene(t);
  const speaker = { ranges, acceptExternal: true, ...more.speaker };
  const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [], ...more, speaker });
  const guest = (address: string, identifier: string, localAs = 65000, peer: Partial<PeerOptions> = {}) =>
    scene.router({ address, identifier, localAs, peers: [{ address: A, remoteAs: 65000, ...peer }], speaker });
  return { scene, a, guest };
}

const addresses = (router: Router): string[] => router.speaker.peers().map(({ address }) => address);

/** Of a router of this AS. */
function openOf(fourOctetAs: number): Uint8Array {
  const families = [DEFAULT_DIALECT.family];
  const open = ownOpen(settingsSample({ bgpIdentifier: 0x0a000002, families, gracefulRestart: undefined }));
  return encodeOpen({ ...open, capabilities: { ...open.capabilities, fourOctetAs } });
}

describe("the stay of a neighbour that comes by itself", () => {
  function stay() {
    const is = { there: false, left: 0 };
    return { is, stay: new GuestStay({ isThere: () => is.there, left: () => void is.left++ }) };
  }

  it("does not end before it has come", () => {
    const { is, stay: guest } = stay();
    guest.look();
    assert.deepEqual([is.left, guest.isOver], [0, false]);
  });

  it("ends when nothing of it is there any more, once", () => {
    const { is, stay: guest } = stay();
    guest.came();
    is.there = true;
    guest.look();
    assert.deepEqual([is.left, guest.isOver], [0, false]);
    is.there = false;
    guest.look();
    guest.came();
    guest.look();
    assert.deepEqual([is.left, guest.isOver], [1, true]);
  });

  it("is over for who is told so: looking again says nothing twice", () => {
    const heard: boolean[] = [];
    const guest: GuestStay = new GuestStay({
      isThere: () => false,
      left: () => {
        heard.push(guest.isOver);
        guest.look();
      },
    });
    guest.came();
    guest.look();
    assert.deepEqual(heard, [true]);
  });
});

describe("neighbours that come from a range", () => {
  it("get a session and routes, and are gone with it", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB)]);
    const b = await guest(B, "10.0.0.2");
    const c = await guest(C, "10.0.0.3");
    a.originate(1);
    b.originate(2);
    scene.quiet(b, c);
    assert.deepEqual(addresses(a).sort(), [B, C]);
    const { remoteAs, kind, range: from, holdTime } = a.peer(B);
    assert.deepEqual([remoteAs, kind, from, holdTime], [65000, "internal", HUB, 9]);
    assert.deepEqual([a.known(b), b.known(a)], [["2"], ["1"]]);
    assert.deepEqual(a.speaker.ranges(), [{ name: HUB, neighbors: 2, limit: 10, refused: 0 }]);
    await b.speaker.stop({ restart: false });
    scene.clock.advance(2_000);
    assert.deepEqual([addresses(a), a.known(b)], [[C], []]);
    assert.equal(a.metrics.sum("semrd_bgp_established_total", { peer: HUB }), 2, "counted by the range");
  });

  it("only routers of an AS that may come, others hear so (RFC 4271 §6.2)", async (t) => {
    const { scene, a, guest } = await hub(t, [
      range(HUB, { remoteAs: [65002, 4_200_000_001] }),
      range("2001:db8::8000/113", { remoteAs: "external" }),
    ]);
    const b = await guest(B, "10.0.0.2", 65002);
    const c = await guest(C, "10.0.0.3", 65003);
    const d = await guest("2001:db8::ffff", "10.0.0.4", 65003);
    const e = await guest("2001:db8::fffe", "10.0.0.5", 65000);
    scene.established(b, d);
    scene.clock.advance(2_000);
    assert.deepEqual(
      a.speaker.peers().map(({ address, kind }) => `${address} ${kind}`),
      [`${B} external`, "2001:db8::ffff external"],
    );
    for (const refused of [c, e]) assert.match(refused.peer().lastReceived!.text, /bad peer AS/);
    assert.deepEqual(b.peer().state, "Established");
  });

  it("not more than the limit, and not too often; an address outside is a stranger", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB, { limit: 1 })]);
    const b = await guest(B, "10.0.0.2");
    scene.established(b);
    const c = await guest(C, "10.0.0.3");
    scene.clock.advance(10_000);
    assert.notEqual(c.peer().state, "Established");
    assert.equal(a.speaker.ranges()[0]!.neighbors, 1);
    assert.ok(a.metrics.sum("semrd_bgp_range_refused_total", { range: HUB, reason: "limit" }) > 0);
    assert.equal(a.metrics.sum("semrd_bgp_range_refused_total", { reason: "limit" }), a.speaker.ranges()[0]!.refused);
    const strangers = a.metrics.sum("semrd_bgp_refused_connections_total");
    await guest("2001:db9::1", "10.0.0.9");
    scene.clock.advance(10_000);
    assert.ok(a.metrics.sum("semrd_bgp_refused_connections_total") > strangers);
    // The place of one that goes is free.
    await b.speaker.stop({ restart: false });
    scene.until("c has the place", () => c.peer().state === "Established", 200_000);
  });

  it("whoever comes and says nothing has its place for seconds, not for the four minutes of a configured neighbour", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB, { limit: 2 })]);
    const silent = [await Puppet.connect(scene, A, C), await Puppet.connect(scene, A, D)];
    assert.equal(a.speaker.ranges()[0]!.neighbors, 2);
    const b = await guest(B, "10.0.0.2");
    scene.clock.advance(5_000);
    assert.notEqual(b.peer().state, "Established");
    scene.until("b has a place", () => b.peer().state === "Established", 60_000);
    for (const { seen } of silent)
      assert.ok(
        seen.some((text) => text.startsWith("notify 04")),
        seen.join(),
      ); // RFC 4271 §6.5
  });

  it("one that flaps is slowed down", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB)]);
    const b = await guest(B, "10.0.0.2");
    scene.established(b);
    for (let i = 0; i < 40; i++) {
      b.speaker.clear(A);
      scene.clock.advance(20);
    }
    assert.ok(a.metrics.sum("semrd_bgp_range_refused_total", { reason: "rate" }) > 0);
    assert.ok(a.metrics.sum("semrd_bgp_established_total") <= 8);
  });

  it("routes are kept for a restart, and the neighbour with them, until its time is over (RFC 4724)", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB)]);
    const b = await guest(B, "10.0.0.2");
    b.originate(1);
    scene.quiet(b);
    b.speaker.localStateConverged();
    await b.speaker.stop({ restart: true });
    scene.clock.advance(20_000);
    assert.deepEqual([a.known(b), addresses(a)], [["1 stale"], [B]]);
    assert.equal(a.peer(B).gracefulRestart.helper, "retaining");
    scene.clock.advance(15_000);
    assert.deepEqual([a.known(b), addresses(a), a.speaker.ranges()[0]!.neighbors], [[], [], 0]);
  });

  it("ranges that change: who may stay stays, others hear why", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB), range("2001:db8:1::/64")]);
    const b = await guest(B, "10.0.0.2");
    const c = await guest("2001:db8:1::c", "10.0.0.3");
    scene.established(b, c);
    a.speaker.setRanges([range(HUB, { template: { ...range(HUB).template, description: "guests" } })]);
    scene.clock.advance(100);
    assert.deepEqual([addresses(a), a.peer(B).description, a.peer(B).flaps], [[B], "guests", 0]);
    assert.match(c.peer().lastReceived!.text, /peer deconfigured/);
    const template = { ...range(HUB).template, extendedMessages: false };
    a.speaker.setRanges([range(HUB, { template })]);
    scene.clock.advance(100);
    assert.deepEqual([a.peer(B).flaps, a.peer(B).capabilities.extendedMessages], [0, true], "for the next session");
    const families = [{ family: "capability" }, { family: "ipv6-unicast" }] as const;
    a.speaker.setRanges([range(HUB, { template: { ...template, families } })]);
    scene.clock.advance(100);
    assert.match(b.peer().lastReceived!.text, /other configuration change/);
    scene.established(b);
    assert.deepEqual([a.peer(B).capabilities.extendedMessages, a.peer(B).perFamily.length], [false, 2]);
  });

  it("ranges that change between a connection and its OPEN: those of now say who may come", async (t) => {
    const { scene, a } = await hub(t, [range(HUB, { remoteAs: [65002] })]);
    const early = await Puppet.connect(scene, A, B);
    scene.clock.advance(100);
    a.speaker.setRanges([range(HUB, { remoteAs: [65003] })]);
    early.say(openOf(65002));
    scene.clock.advance(100);
    assert.ok(
      early.seen.some((text) => text.startsWith("notify 0202")),
      early.seen.join(),
    );
    assert.deepEqual([addresses(a), a.speaker.ranges()[0]!.neighbors], [[], 0]);
  });

  it("who stays while ranges change has a place where it would come from now", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB)]);
    const b = await guest(B, "10.0.0.2");
    scene.established(b);
    const places = (): number[] => a.speaker.ranges().map(({ neighbors }) => neighbors);
    a.speaker.setRanges([range(HUB), range("2001:db8::/120", { limit: 1 })]);
    assert.deepEqual([places(), a.peer(B).range, a.peer(B).flaps], [[0, 1], "2001:db8::/120", 0]);
    const c = await guest(C, "10.0.0.3");
    scene.clock.advance(5_000);
    assert.notEqual(c.peer().state, "Established");
    a.speaker.setRanges([range(HUB)]);
    assert.deepEqual([places(), a.peer(B).range, a.peer(B).flaps], [[1], HUB, 0]);
    await b.speaker.stop({ restart: false });
    scene.until("c", () => c.peer().state === "Established", 200_000);
    assert.deepEqual(places(), [1]);
  });

  it("one that is configured now makes place", async (t) => {
    const { scene, a, guest } = await hub(t, [range(HUB)]);
    const b = await guest(B, "10.0.0.2");
    scene.established(b);
    const { template } = range(HUB);
    a.speaker.addPeer({ ...template, address: B, port: 179, remoteAs: 65000, passive: true, description: "known" });
    scene.until("a session of its own", () => a.peer(B)?.state === "Established", 60_000);
    assert.deepEqual([a.speaker.peers().length, a.peer(B).range, a.speaker.ranges()[0]!.neighbors], [1, undefined, 0]);
    assert.equal(await a.speaker.removePeer(D), false);
    const c = await guest(C, "10.0.0.3");
    scene.established(c);
    a.speaker.changePeer({ ...template, address: C, port: 179, remoteAs: 65000, passive: true });
    scene.until("the same by a change", () => a.peer(C)?.state === "Established", 60_000);
    assert.equal(a.peer(C).range, undefined);
  });
});
