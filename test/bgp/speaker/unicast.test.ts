import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { PeerFamily, PeerOptions } from "../../../src/bgp/speaker/index.ts";
import {
  encodeEndOfRib,
  IPV4_UNICAST,
  IPV6_UNICAST,
  mappedIpv4,
  type UnicastNlri,
} from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, RouteFamily, UnicastFamily } from "../../../src/rib/index.ts";
import { setSample, updateBody } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const ALL: readonly PeerFamily[] = [{ family: "capability" }, { family: "ipv6-unicast" }, { family: "ipv4-unicast" }];

function octetsOf(text: string): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, parseIpv4(text)!);
  return octets;
}

function nlri(text: string): UnicastNlri {
  if (text.includes(":")) return { family: "ipv6-unicast", ...parseIpv6Prefix(text)! };
  const [address, length] = text.split("/") as [string, string];
  return { family: "ipv4-unicast", address: octetsOf(address), length: Number(length) };
}

function nextHopOf(text: string): Uint8Array {
  return text.includes(":") ? parseIpv6(text)! : mappedIpv4(octetsOf(text));
}

function tell(router: Router, prefix: string, changes: Partial<AttributeSet> = {}): void {
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: router.nextHop, ...changes });
  router.speaker.originateUnicast(nlri(prefix), set);
}

/** `2001:db8::/32 via 2001:db8::a`, of all paths or of the best. */
function known(router: Router, family: UnicastFamily): string[] {
  return [...router.rib.unicast(family).rowsOf({})]
    .map(({ address, length, nextHop, peer, best, stale }) => {
      const text = address.length === 16 ? formatIpv6(address) : formatIpv4(new DataView(address.buffer).getUint32(0));
      const mapped = nextHop[10] === 0xff && nextHop[0] === 0;
      const via = mapped ? formatIpv4(new DataView(nextHop.buffer).getUint32(12)) : formatIpv6(nextHop);
      return `${text}/${length} via ${via}${peer === 0 ? " own" : ""}${best ? "" : " not best"}${stale ? " stale" : ""}`;
    })
    .sort();
}

const with_ = (address: string, options: Partial<PeerOptions> = {}) => ({ address, families: ALL, ...options });

const status = (router: Router, family: RouteFamily) =>
  router.peer().perFamily.find((candidate) => candidate.family === family)!;

describe("unicast between two routers of one AS", () => {
  it("three families at once, each on its own", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [with_(B)] }, { peers: [with_(A)] });
    a.originate(1);
    tell(a, "2001:db8:1::/48");
    tell(a, "::/0");
    tell(a, "10.0.0.0/8", { nextHop: nextHopOf("192.0.2.7") });
    tell(a, "10.1.0.0/16");
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    assert.deepEqual(known(b, "ipv6-unicast"), ["2001:db8:1::/48 via 2001:db8:ffff::1", "::/0 via 2001:db8:ffff::1"]);
    // One in the classic fields, one with a next hop of RFC 8950.
    assert.deepEqual(known(b, "ipv4-unicast"), ["10.0.0.0/8 via 192.0.2.7", "10.1.0.0/16 via 2001:db8:ffff::1"]);
    assert.deepEqual(b.peer().families, ["ipv6/251", "ipv6/unicast", "ipv4/unicast"]);
    assert.equal(b.peer().capabilities.extendedNextHop, true);
    assert.deepEqual(
      b.peer().perFamily.map(({ family, agreed, routesReceived, endOfRibReceived }) => ({
        family,
        agreed,
        routesReceived,
        endOfRibReceived,
      })),
      [
        { family: "capability", agreed: true, routesReceived: 1, endOfRibReceived: true },
        { family: "ipv6-unicast", agreed: true, routesReceived: 2, endOfRibReceived: true },
        { family: "ipv4-unicast", agreed: true, routesReceived: 2, endOfRibReceived: true },
      ],
    );
    assert.deepEqual([b.peer().routesReceived, a.peer().routesAdvertised], [5, 5]);
    a.speaker.withdrawUnicast(nlri("::/0"));
    a.speaker.withdrawUnicast(nlri("10.0.0.0/8"));
    scene.clock.advance(100);
    assert.deepEqual([known(b, "ipv6-unicast").length, known(b, "ipv4-unicast").length], [1, 1]);
  });

  it("nothing is said of a family that only one side has", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair(
      { peers: [with_(B)] },
      { peers: [with_(A, { families: [{ family: "ipv6-unicast" }] })] },
    );
    a.originate(1);
    tell(a, "2001:db8:1::/48");
    tell(a, "10.0.0.0/8");
    scene.quiet(a, b);
    assert.deepEqual(a.peer().families, ["ipv6/unicast"]);
    assert.deepEqual([b.known(a), known(b, "ipv6-unicast").length, known(b, "ipv4-unicast").length], [[], 1, 0]);
    assert.equal(b.metrics.sum("semrd_bgp_not_agreed_total"), 0);
    assert.deepEqual([status(a, "capability").agreed, status(a, "ipv6-unicast").agreed], [false, true]);
  });

  it("IPv4 with an IPv6 next hop is kept from a neighbour that does not take it, and counted (RFC 8950 §4)", async (t) => {
    const scene = new Scene(t);
    const families = [{ family: "ipv4-unicast" }] as const;
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [with_(B, { families, passive: true })],
    });
    tell(a, "10.0.0.0/8", { nextHop: nextHopOf("192.0.2.7") });
    tell(a, "11.0.0.0/8");
    const puppet = await Puppet.up(scene, [IPV4_UNICAST], { extendedNextHop: [] });
    scene.clock.advance(200);
    assert.equal(a.peer().state, "Established");
    const updates = puppet.seen.filter((message) => message === "2").length;
    assert.deepEqual([updates, a.peer().routesAdvertised], [2, 1], "one route and End-of-RIB");
    assert.equal(a.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "next-hop-family" }), 1);
  });

  it("the bound of one family ends the session, that of another is its own (RFC 4486 §4)", async (t) => {
    const scene = new Scene(t);
    const families = [{ family: "ipv6-unicast", maximumRoutes: 3 }, { family: "ipv4-unicast" }] as const;
    const [a, b] = await scene.pair({ peers: [with_(B)] }, { peers: [with_(A, { families })] });
    for (let n = 0; n < 10; n++) tell(a, `10.${n}.0.0/16`, { nextHop: nextHopOf("192.0.2.7") });
    for (let n = 0; n < 3; n++) tell(a, `2001:db8:${n}::/48`);
    scene.quiet(a, b);
    tell(a, "2001:db8:3::/48");
    scene.until("the bound", () => b.peer().lastSent !== undefined);
    assert.match(b.peer().lastSent!.text, /maximum number of prefixes/);
    assert.deepEqual([b.peer().lastSent!.code, b.peer().lastSent!.subcode], [6, 1]);
  });

  it("route refresh sends every family again, and asks for every family", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [with_(B)] }, { peers: [with_(A)] });
    tell(a, "2001:db8:1::/48");
    tell(a, "10.0.0.0/8");
    tell(b, "2001:db8:2::/48");
    scene.quiet(a, b);
    const before = [a.peer().updatesSent, b.peer().updatesSent];
    assert.equal(a.speaker.refresh(B), true);
    scene.clock.advance(200);
    assert.deepEqual([a.peer().updatesSent - before[0]!, b.peer().updatesSent - before[1]!], [2, 1]);
  });
});

describe("unicast across the border", () => {
  const external = (families = ALL): Partial<PeerOptions> => ({ families });

  /** A (65001) - B (65000) - C (65003). */
  async function chain(scene: Scene, middle: Partial<PeerOptions> = {}): Promise<readonly [Router, Router, Router]> {
    const speaker = { acceptExternal: true };
    const to = (address: string, remoteAs: number, more: Partial<PeerOptions> = {}) => ({
      address,
      remoteAs,
      ...external(),
      ...more,
    });
    return [
      await scene.router({ address: A, identifier: "10.0.0.1", localAs: 65001, peers: [to(B, 65000)], speaker }),
      await scene.router({
        address: B,
        identifier: "10.0.0.2",
        peers: [to(A, 65001, middle), to(C, 65003, middle)],
        speaker,
      }),
      await scene.router({
        address: C,
        identifier: "10.0.0.3",
        localAs: 65003,
        peers: [to(B, 65000, { enforceFirstAs: false })],
        speaker,
      }),
    ];
  }

  it("own next hop (this end of the session), own AS in front, no MED of others (RFC 4271 §5.1)", async (t) => {
    const scene = new Scene(t);
    const [a, b, c] = await chain(scene);
    tell(a, "2001:db8:1::/48", { multiExitDisc: 7 });
    tell(a, "10.0.0.0/8", { nextHop: nextHopOf("192.0.2.7") });
    scene.quiet(a, b, c);
    assert.deepEqual(known(b, "ipv6-unicast"), [`2001:db8:1::/48 via ${A}`]);
    assert.deepEqual(known(c, "ipv6-unicast"), [`2001:db8:1::/48 via ${B}`]);
    assert.deepEqual(known(c, "ipv4-unicast"), [`10.0.0.0/8 via ${B}`]);
    const [row] = c.rib.unicast("ipv6-unicast").rowsOf({});
    assert.deepEqual(row!.attributes.asPath, [{ type: "sequence", numbers: [65000, 65001] }]);
    assert.equal(row!.attributes.multiExitDisc, undefined);
  });

  it("a route server leaves next hop, path and MED alone (RFC 7947 §2.2)", async (t) => {
    const scene = new Scene(t);
    const [a, b, c] = await chain(scene, { routeServerClient: true });
    tell(a, "2001:db8:1::/48", { multiExitDisc: 7 });
    scene.quiet(a, b, c);
    assert.deepEqual(known(c, "ipv6-unicast"), [`2001:db8:1::/48 via ${A}`]);
    const [row] = c.rib.unicast("ipv6-unicast").rowsOf({});
    assert.deepEqual(row!.attributes.asPath, [{ type: "sequence", numbers: [65001] }]);
    assert.equal(row!.attributes.multiExitDisc, 7);
  });

  it("the same prefix from two: the shorter path is passed on, and the other when it is gone", async (t) => {
    const scene = new Scene(t);
    const [a, b, c] = await chain(scene);
    tell(a, "2001:db8:1::/48", { asPath: [{ type: "sequence", numbers: [64999] }] });
    tell(c, "2001:db8:1::/48");
    scene.quiet(a, b, c);
    assert.deepEqual(known(b, "ipv6-unicast"), [`2001:db8:1::/48 via ${A} not best`, `2001:db8:1::/48 via ${C}`]);
    assert.deepEqual(known(a, "ipv6-unicast").length, 2);
    c.speaker.withdrawUnicast(nlri("2001:db8:1::/48"));
    scene.clock.advance(200);
    assert.deepEqual(known(c, "ipv6-unicast"), [`2001:db8:1::/48 via ${B}`]);
    assert.deepEqual(known(a, "ipv6-unicast").length, 1);
  });

  it("without a policy nothing crosses it (RFC 8212)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: [{ address: B, remoteAs: 65000, ...external() }],
      speaker: { acceptExternal: true },
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, remoteAs: 65001, ...external() }],
    });
    tell(a, "2001:db8:1::/48");
    tell(b, "2001:db8:2::/48");
    scene.quiet(a, b);
    assert.deepEqual(
      [known(b, "ipv6-unicast"), known(a, "ipv6-unicast").length],
      [["2001:db8:2::/48 via 2001:db8:ffff::2 own"], 1],
    );
    assert.equal(b.metrics.sum("semrd_bgp_refused_routes_total", { reason: "no-policy" }), 1);
  });
});

describe("graceful restart of unicast families (RFC 4724)", () => {
  it("routes of a killed router stay in every family, and go in each with its End-of-RIB", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [with_(B)] }, { peers: [with_(A)] });
    a.originate(1);
    for (const prefix of ["2001:db8:1::/48", "2001:db8:2::/48", "10.0.0.0/8", "11.0.0.0/8"]) tell(a, prefix);
    scene.quiet(a, b);
    scene.kill(a, A);
    scene.until("stale", () => b.peer().gracefulRestart.helper === "retaining");
    scene.clock.advance(100);
    assert.deepEqual(known(b, "ipv6-unicast").filter((row) => row.endsWith("stale")).length, 2);
    assert.deepEqual(known(b, "ipv4-unicast").filter((row) => row.endsWith("stale")).length, 2);

    const start = { restarted: true, forwardingPreserved: true };
    const again = await scene.router({ address: A, identifier: "10.0.0.1", peers: [with_(B)], speaker: { start } });
    again.originate(1);
    tell(again, "2001:db8:1::/48");
    tell(again, "10.0.0.0/8");
    scene.established(again, b);
    scene.clock.advance(200);
    assert.deepEqual(known(b, "ipv6-unicast").length, 2, "before End-of-RIB");
    again.speaker.localStateConverged();
    scene.quiet(again, b);
    assert.deepEqual(known(b, "ipv6-unicast"), ["2001:db8:1::/48 via 2001:db8:ffff::1"]);
    assert.deepEqual(known(b, "ipv4-unicast"), ["10.0.0.0/8 via 2001:db8:ffff::1"]);
    assert.deepEqual(b.known(again), ["1"]);
  });

  it("a restart that lost the data plane says F for prefixes, which it never forwarded, and not for capabilities", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [with_(B)] }, { peers: [with_(A)] });
    a.originate(1);
    tell(a, "2001:db8:1::/48");
    scene.quiet(a, b);
    scene.kill(a, A);
    scene.until("stale", () => b.peer().gracefulRestart.helper === "retaining");
    const start = { restarted: true, forwardingPreserved: false };
    const again = await scene.router({ address: A, identifier: "10.0.0.1", peers: [with_(B)], speaker: { start } });
    scene.established(again, b);
    scene.clock.advance(100);
    assert.deepEqual(known(b, "ipv6-unicast"), ["2001:db8:1::/48 via 2001:db8:ffff::1 stale"]);
    assert.equal(b.rows().length, 0);
  });

  it("a restarted router waits for End-of-RIB of every family before it says its own", async (t) => {
    const scene = new Scene(t);
    const start = { restarted: true, forwardingPreserved: true };
    const families = [{ family: "ipv6-unicast" }, { family: "ipv4-unicast" }] as const;
    const peers = [with_(B, { families, passive: true })];
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers, speaker: { start } });
    a.speaker.localStateConverged();
    const gracefulRestart = { restarted: false, notification: false, restartTime: seconds(30), families: [] };
    const puppet = await Puppet.up(scene, [IPV6_UNICAST, IPV4_UNICAST], { gracefulRestart });
    puppet.say(encodeEndOfRib(IPV6_UNICAST));
    scene.clock.advance(200);
    assert.deepEqual([a.speaker.deferral.waiting, a.peer().gracefulRestart.endOfRibSent], [[B], false]);
    assert.deepEqual(
      [status(a, "ipv6-unicast").endOfRibReceived, status(a, "ipv4-unicast").endOfRibReceived],
      [true, false],
    );
    puppet.say(encodeEndOfRib(IPV4_UNICAST));
    scene.clock.advance(200);
    assert.deepEqual([a.speaker.deferral.state, a.peer().gracefulRestart.endOfRibSent], ["done", true]);
  });
});

describe("a neighbour that breaks one family", () => {
  it("loses that one only, and the session stays (RFC 4760 §7)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [with_(B, { passive: true })] });
    const puppet = await Puppet.up(scene, [IPV6_UNICAST, IPV4_UNICAST]);
    const nextHop = "20010db8000000000000000000000001";
    const rest = "40010100 400200 40050400000064";
    const six = (prefix: string) => updateBody(`800e1a 00020110${nextHop}00 ${prefix}${rest}`);
    const four = (prefix: string) => updateBody(`${rest} 400304c0000201`, "", prefix);
    puppet.update(six("2020010db8"));
    puppet.update(four("080a"));
    scene.clock.advance(50);
    assert.deepEqual([known(a, "ipv6-unicast").length, known(a, "ipv4-unicast").length], [1, 1]);
    puppet.update(six("8120010db8")); // 129 bits
    scene.clock.advance(50);
    assert.deepEqual([a.peer().state, a.peer().flaps], ["Established", 0]);
    assert.deepEqual([known(a, "ipv6-unicast").length, known(a, "ipv4-unicast").length], [0, 1]);
    assert.deepEqual([status(a, "ipv6-unicast").disabled, status(a, "ipv4-unicast").disabled], [true, false]);
    puppet.update(six("2020010db8"));
    puppet.update(four("080b"));
    scene.clock.advance(50);
    assert.deepEqual([known(a, "ipv6-unicast").length, known(a, "ipv4-unicast").length], [0, 2]);
    // The classic field cannot be given up alone: there a prefix that is too long ends the session.
    puppet.update(four("210a00000000"));
    scene.clock.advance(50);
    assert.deepEqual(puppet.seen.at(-1), "notify 030a");
  });
});
