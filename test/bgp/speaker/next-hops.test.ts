import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatIpv4,
  formatIpv6,
  fromHex,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  seconds,
  toHex,
} from "../../../src/base/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { interfaceSubnets, linkAddresses } from "../../../src/bgp/speaker/interface-subnets.ts";
import { IPV6_UNICAST, mappedIpv4 } from "../../../src/bgp/wire/index.ts";
import { advertisedRows, type ExchangeSources } from "../../../src/daemon/exchanged-rows.ts";
import type { UnicastFamily } from "../../../src/rib/index.ts";
import { setSample } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const FAMILIES = [{ family: "ipv6-unicast" }, { family: "ipv4-unicast" }] as const;
const LINK = [parseIpv6Prefix("2001:db8::/64")!, parseIpv6Prefix("::ffff:192.0.2.0/120")!];
const octets4 = (text: string): Uint8Array => mappedIpv4(v4(text));

function v4(text: string): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, parseIpv4(text)!);
  return octets;
}

/** Prefix number `n` with a next hop. */
function tell(router: Router, n: number, nextHop: string): void {
  const isV6 = nextHop.includes(":");
  const {
    localPref: _,
    semantic: _s,
    ...set
  } = setSample({
    nextHop: isV6 ? parseIpv6(nextHop)! : octets4(nextHop),
  });
  const prefix = isV6
    ? ({ family: "ipv6-unicast", address: parseIpv6(`2a00::${n}:0`)!, length: 112 } as const)
    : ({ family: "ipv4-unicast", address: Uint8Array.of(10, 0, n, 0), length: 24 } as const);
  router.speaker.originateUnicast(prefix, set);
}

/** `number: next hop` of what was learnt. */
function heard(router: Router, family: UnicastFamily): string[] {
  return [...router.rib.unicast(family).rowsOf({})]
    .filter(({ peer }) => peer !== 0)
    .map(({ address, nextHop }) => {
      const isV4 = nextHop[0] === 0;
      const number = family === "ipv4-unicast" ? address[2] : address[13];
      return `${number}: ${isV4 ? formatIpv4(new DataView(nextHop.buffer, nextHop.byteOffset).getUint32(12)) : formatIpv6(nextHop)}`;
    })
    .sort();
}

const speaker = { acceptExternal: true };
const common = { port: 179, passive: false, holdTime: seconds(9), connectRetry: seconds(2), families: FAMILIES };

/** A of AS 65000 and B of AS 65001 on one link. */
async function pair(scene: Scene, a: Partial<PeerOptions> = {}, b: Partial<PeerOptions> = {}) {
  scene.network.subnets = LINK;
  const toB: PeerOptions = { ...common, address: B, remoteAs: 65001, updateSource: A, ...a };
  const one = await scene.router({ address: A, identifier: "10.0.0.1", peers: [toB], speaker });
  const other = await scene.router({
    ...{ address: B, identifier: "10.0.0.2", localAs: 65001, speaker },
    peers: [{ ...common, address: A, remoteAs: 65000, ...b }],
  });
  return { a: one, b: other, toB };
}

describe("next hops to a neighbour of another AS (RFC 4271 §5.1.3)", () => {
  it("this router; others on the link where that is asked for, never the neighbour itself; all where nothing is changed", async (t) => {
    const scene = new Scene(t);
    const { a, b, toB } = await pair(scene, {}, { checkNextHop: false });
    tell(a, 1, "2001:db8::77");
    tell(a, 2, "2001:db8:0:1::77");
    tell(a, 3, B);
    scene.quiet(a, b);
    assert.deepEqual(heard(b, "ipv6-unicast"), [`1: ${A}`, `2: ${A}`, `3: ${A}`]);

    const change = (options: Partial<PeerOptions>): void => {
      assert.equal(a.speaker.changePeer({ ...toB, ...options }).effect, "live");
      scene.clock.advance(200);
    };
    change({ thirdPartyNextHop: true });
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", `2: ${A}`, `3: ${A}`]);
    change({ nextHopUnchanged: true });
    // B refuses itself as a next hop, as it has to.
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", "2: 2001:db8:0:1::77"]);
    assert.equal(b.metrics.sum("semrd_bgp_refused_routes_total", { reason: "next-hop-self" }), 1);
    change({});
    assert.deepEqual(heard(b, "ipv6-unicast"), [`1: ${A}`, `2: ${A}`, `3: ${A}`]);
    assert.equal(a.peer().flaps, 0);
  });

  it("others on the link as it is now, on the session that stands", async (t) => {
    const scene = new Scene(t);
    const { a, b } = await pair(scene, { thirdPartyNextHop: true }, { checkNextHop: false });
    tell(a, 1, "2001:db8::77");
    tell(a, 2, "2001:db8:0:1::77");
    scene.quiet(a, b);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", `2: ${A}`]);
    scene.network.subnets = [...LINK, parseIpv6Prefix("2001:db8:0:1::/64")!];
    scene.clock.advance(2000);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", "2: 2001:db8:0:1::77"]);
    scene.network.subnets = LINK;
    scene.clock.advance(2000);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", `2: ${A}`]);
    assert.deepEqual([a.peer().flaps, b.peer().flaps], [0, 0]);
  });

  it("nobody on the link for a neighbour that is not on it, or several hops away", async (t) => {
    for (const [subnets, options] of [
      [[parseIpv6Prefix("2001:db8:9::/64")!], {}],
      [LINK, { multihop: 2 }],
      [LINK, { ttlSecurityHops: 2 }],
      [[], {}],
    ] as const) {
      const scene = new Scene(t);
      const { a, b } = await pair(scene, { thirdPartyNextHop: true, ...options }, { checkNextHop: false });
      scene.network.subnets = subnets;
      tell(a, 1, "2001:db8::77");
      tell(a, 2, "2001:db8:9::77");
      scene.quiet(a, b);
      assert.deepEqual(heard(b, "ipv6-unicast"), [`1: ${A}`, `2: ${A}`]);
      await scene.close();
    }
  });

  it("two neighbours on one link: each is told of the other, neither of itself", async (t) => {
    const scene = new Scene(t);
    scene.network.subnets = LINK;
    const peers = [
      { ...common, address: B, remoteAs: 65001, thirdPartyNextHop: true },
      { ...common, address: C, remoteAs: 65002, thirdPartyNextHop: true },
    ];
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers, speaker });
    const to = [{ ...common, address: A, remoteAs: 65000 }];
    const b = await scene.router({ address: B, identifier: "10.0.0.2", localAs: 65001, peers: to, speaker });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", localAs: 65002, peers: to, speaker });
    // What B announces has its own address, and B's route of C's network that of C.
    tell(b, 1, B);
    tell(c, 2, C);
    scene.quiet(a, b, c);
    assert.deepEqual([heard(c, "ipv6-unicast"), heard(b, "ipv6-unicast")], [[`1: ${B}`], [`2: ${C}`]]);
  });
});

describe("next hops from a neighbour of another AS (RFC 4271 §6.3)", () => {
  it("the neighbour and others on the link are taken, all others are refused and counted", async (t) => {
    const scene = new Scene(t);
    const { a, b } = await pair(scene, { nextHopUnchanged: true });
    tell(a, 1, "2001:db8::77");
    tell(a, 2, "2001:db8:0:1::77");
    tell(a, 3, A);
    scene.quiet(a, b);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", `3: ${A}`]);
    const refused = () => b.metrics.sum("semrd_bgp_refused_routes_total", { reason: "next-hop-off-link" });
    assert.equal(refused(), 1);
    const from: PeerOptions = { ...common, address: A, remoteAs: 65000, updateSource: B };
    assert.equal(b.speaker.changePeer({ ...from, checkNextHop: false }).effect, "live");
    scene.clock.advance(300);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", "2: 2001:db8:0:1::77", `3: ${A}`]);
    b.speaker.changePeer(from);
    scene.clock.advance(300);
    assert.deepEqual([heard(b, "ipv6-unicast").length, refused()], [2, 2]);
    assert.equal(b.peer().flaps, 0);
  });

  it("judged again when the interface gets other addresses, on the session that stands", async (t) => {
    const scene = new Scene(t);
    const { a, b } = await pair(scene, { nextHopUnchanged: true });
    tell(a, 1, "2001:db8::77");
    tell(a, 2, "2001:db8:0:1::77");
    scene.quiet(a, b);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77"]);
    scene.network.subnets = [...LINK, parseIpv6Prefix("2001:db8:0:1::/64")!];
    scene.clock.advance(2000);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77", "2: 2001:db8:0:1::77"]);
    scene.network.subnets = LINK;
    scene.clock.advance(2000);
    assert.deepEqual(heard(b, "ipv6-unicast"), ["1: 2001:db8::77"]);
    assert.deepEqual([a.peer().flaps, b.peer().flaps], [0, 0]);
  });

  it("IPv4 as well, where the link has addresses of IPv4", async (t) => {
    for (const { subnets, want } of [
      { subnets: LINK, want: ["1: 192.0.2.9"] },
      { subnets: LINK.slice(0, 1), want: ["1: 192.0.2.9", "2: 198.51.100.9"] },
    ]) {
      const scene = new Scene(t);
      const { a, b } = await pair(scene, { nextHopUnchanged: true });
      scene.network.subnets = subnets;
      tell(a, 1, "192.0.2.9");
      tell(a, 2, "198.51.100.9");
      scene.quiet(a, b);
      assert.deepEqual(heard(b, "ipv4-unicast"), want);
      await scene.close();
    }
  });

  it("not looked at from inside the AS, from several hops away, and where nobody knows the link", async (t) => {
    for (const { subnets, options, remoteAs } of [
      { subnets: LINK, options: {}, remoteAs: 65000 },
      { subnets: LINK, options: { multihop: 3 }, remoteAs: 65001 },
      { subnets: [], options: {}, remoteAs: 65001 },
    ]) {
      const scene = new Scene(t);
      scene.network.subnets = subnets;
      const one = { ...common, address: B, remoteAs, nextHopUnchanged: true };
      const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [one], speaker });
      const other = { ...common, address: A, remoteAs: 65000, ...options };
      const b = await scene.router({ address: B, identifier: "10.0.0.2", localAs: remoteAs, peers: [other], speaker });
      tell(a, 2, "2001:db8:0:1::77");
      scene.quiet(a, b);
      assert.deepEqual(heard(b, "ipv6-unicast"), ["2: 2001:db8:0:1::77"]);
      await scene.close();
    }
  });
});

describe("next hops that mean something on one link only (RFC 2545)", () => {
  const OWN = parseIpv6("fe80::a")!;
  /** Prefix number `n` with a next hop, of a neighbour. */
  function announcement(n: number, remoteAs: number, nextHop: string): Uint8Array {
    const outside = remoteAs !== 65000;
    const path = outside ? `4002060201${remoteAs.toString(16).padStart(8, "0")}` : "400200" + "40050400000064";
    const prefix = `70${toHex(parseIpv6(`2a00::${n}:0`)!.subarray(0, 14))}`;
    const reach = `00020110${toHex(parseIpv6(nextHop)!)}00${prefix}`;
    const attributes = `800e${(reach.length / 2).toString(16)}${reach}40010100${path}`;
    return fromHex(`0000${(attributes.length / 2).toString(16).padStart(4, "0")}${attributes}`);
  }

  it("this router says its own behind the global one, where the neighbour shares the link (§3)", async (t) => {
    for (const { subnets, options, isTold } of [
      { subnets: LINK, options: {}, isTold: true },
      { subnets: LINK, options: { remoteAs: 65000 }, isTold: true },
      { subnets: LINK, options: { multihop: 2 }, isTold: false },
      { subnets: [], options: {}, isTold: false },
    ]) {
      const scene = new Scene(t);
      scene.network.subnets = subnets;
      scene.network.linkAddresses.set(A, { linkLocal: OWN });
      const toB = { ...common, passive: true, address: B, remoteAs: 65001, nextHopSelf: true, ...options };
      const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [toB], speaker });
      tell(a, 1, C);
      const b = await Puppet.up(scene, [IPV6_UNICAST], { fourOctetAs: toB.remoteAs });
      scene.quiet(a);
      const hop = `${toHex(parseIpv6(A)!)}${isTold ? toHex(OWN) : ""}`;
      assert.match(b.updates[0]!, new RegExp(`^.*0201${isTold ? "20" : "10"}${hop}00`));
      // What `show advertised` says is the same.
      const sources = { ...a, names: undefined, directory: undefined, taxonomy: undefined, clock: scene.clock };
      const [row, ...more] = advertisedRows(sources as unknown as ExchangeSources, B, "ipv6-unicast");
      assert.deepEqual([row!.nextHop, row!.linkLocal, more], [A, isTold ? formatIpv6(OWN) : undefined, []]);
      await scene.close();
    }
  });

  it("are taken from a neighbour on the link, not of this router, and nobody else hears of them (§2)", async (t) => {
    for (const { subnets, remoteAs, want } of [
      { subnets: LINK, remoteAs: 65001, want: ["1: fe80::b"] },
      { subnets: LINK, remoteAs: 65000, want: ["1: fe80::b"] },
      { subnets: [], remoteAs: 65001, want: [] },
    ]) {
      const scene = new Scene(t);
      scene.network.subnets = subnets;
      scene.network.linkAddresses.set(A, { linkLocal: OWN });
      const peers = [
        { ...common, passive: true, address: B, remoteAs, checkNextHop: true },
        { ...common, address: C, remoteAs: 65000, reflectorClient: true },
      ];
      const a = await scene.router({ address: A, identifier: "10.0.0.1", peers, speaker });
      const to = [{ ...common, address: A, remoteAs: 65000 }];
      const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: to, speaker });
      const b = await Puppet.up(scene, [IPV6_UNICAST], { fourOctetAs: remoteAs });
      b.update(announcement(1, remoteAs, "fe80::b"));
      b.update(announcement(2, remoteAs, "fe80::a"));
      scene.quiet(a, c);
      assert.deepEqual(heard(a, "ipv6-unicast"), want);
      const refused = (reason: string): number => a.metrics.sum("semrd_bgp_refused_routes_total", { reason });
      assert.deepEqual([refused("next-hop-self"), refused("martian-next-hop")], want.length > 0 ? [1, 0] : [0, 2]);
      assert.deepEqual(heard(c, "ipv6-unicast"), want.length > 0 ? [`1: ${A}`] : []);
      await scene.close();
    }
  });
});

describe("what is on the link of an interface", () => {
  const interfaces = {
    lo: [
      { address: "127.0.0.1", cidr: "127.0.0.1/8" },
      { address: "::1", cidr: "::1/128" },
    ],
    eth1: [{ address: "fe80::1", cidr: "fe80::1/64", scopeid: 7 }],
    eth0: [
      { address: "192.0.2.130", cidr: "192.0.2.130/25" },
      { address: "2001:db8::a", cidr: "2001:db8::a/63", scopeid: 0 },
      { address: "fe80::1", cidr: "fe80::1/64", scopeid: 6 },
      { address: "2001:db8:5::1", cidr: null },
    ],
  };
  for (const { local, want } of [
    { local: "2001:db8::a", want: ["::ffff:192.0.2.128/121", "2001:db8::/63"] },
    { local: "2001:0db8::000a", want: ["::ffff:192.0.2.128/121", "2001:db8::/63"] },
    { local: "192.0.2.130", want: ["::ffff:192.0.2.128/121", "2001:db8::/63"] },
    { local: "2001:db8::b", want: [] },
    { local: "fe80::1%eth0", want: ["::ffff:192.0.2.128/121", "2001:db8::/63"] },
    { local: "fe80::1%eth1", want: [] },
    { local: "fe80::1%eth2", want: [] },
    { local: "::1", want: ["::ffff:127.0.0.0/104", "::1/128"] },
  ])
    it(`${local}: ${want.join(", ") || "nothing"}`, () => {
      const found = interfaceSubnets(interfaces, local);
      assert.deepEqual(
        found.map(({ address, length }) => `${formatIpv6(address)}/${length}`),
        want.map((text) => {
          const { address, length } = parseIpv6Prefix(text)!;
          return `${formatIpv6(address)}/${length}`;
        }),
      );
    });

  it("an interface is known by one address elsewhere, and by one on its link", () => {
    const known = (local: string): string[] =>
      Object.entries(linkAddresses(interfaces, local)).map(([kind, value]) =>
        typeof value === "number" ? `${kind} ${value}` : `${kind} ${formatIpv6(value)}`,
      );
    assert.deepEqual(known("2001:db8::a"), ["global 2001:db8::a", "linkLocal fe80::1", "index 6"]);
    assert.deepEqual(known("fe80::1%eth0"), ["global 2001:db8::a", "linkLocal fe80::1", "index 6"]);
    assert.deepEqual(known("fe80::1%eth1"), ["linkLocal fe80::1", "index 7"]);
    assert.deepEqual(known("127.0.0.1"), []);
    assert.deepEqual(known("fe80::9"), []);
  });
});
