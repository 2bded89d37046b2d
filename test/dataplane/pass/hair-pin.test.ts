import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Verdict } from "../../../src/dataplane/abi.ts";
import { lastLegAddress } from "../../../src/forwarding/index.ts";
import { type Bench, HOOKS, type Hook } from "./bench.ts";
import { ECHO } from "./cases.ts";
import { ethernet, ICMP, IPV6_IN_IPV6, icmp, ipv6, readIpv6 } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import {
  ACTION,
  AGENT,
  address,
  CAP,
  CLIENT,
  datagram,
  HOP,
  LOCATOR,
  makeWorld,
  OTHER,
  readdressed,
  segment,
  TENANT,
  THIRD,
} from "./world.ts";

const wrap = (packet: Uint8Array, source = OTHER) => ipv6({ source, destination: LOCATOR }, IPV6_IN_IPV6, packet);
const lastLeg = (packet: Uint8Array) => wrap(packet, lastLegAddress(OTHER));

/** Sites of `web` and `dns`: this one and THIRD. Of `own`: this one alone. */
const AT = {
  web: address("2001:db8:cab:7:1:cccc:1:0"),
  dns: address("2001:db8:cab:7:1:cccc:2:0"),
  own: address("2001:db8:cab:7:1:cccc:1:1"),
} as const;

async function makeSite(): Promise<Bench> {
  const bench = await makeWorld();
  bench.group(10, [...Array<number>(63).fill(HOP.local), HOP.third], HOP.local);
  bench.capability(AT.web, 10, 3);
  bench.capability(AT.dns, 10, 4);
  bench.capability(AT.own, 2, 3);
  return bench;
}

function defineTests(hook: Hook): void {
  const fromCore = (bench: Bench, packet: Uint8Array) => {
    bench.port(1, "core", 0);
    return bench.run(hook, ethernet(packet));
  };
  const verdict = (bench: Bench, packet: Uint8Array): Verdict => fromCore(bench, packet).verdict;

  it("nobody here: a SYN, a datagram and an echo go to the other site once more, from the deliver-or-reject address", async () => {
    using bench = await makeSite();
    bench.state(HOP.web, "down");
    bench.state(HOP.dns, "down");
    const echo = icmp({ source: CLIENT, destination: AT.web }, 128, 0, ECHO);
    for (const packet of [segment(AT.web), datagram(AT.dns), echo]) {
      const { verdict, action, packet: out } = fromCore(bench, wrap(packet));
      assert.deepEqual([verdict, action], ["hair-pinned", ACTION.sent[hook]]);
      const outer = readIpv6(out);
      assert.deepEqual([outer.source, outer.destination], [lastLegAddress(LOCATOR), THIRD]);
      assert.deepEqual([outer.protocol, outer.hopLimit], [IPV6_IN_IPV6, 64]);
      assert.deepEqual(outer.payload, readdressed(packet, {}, 63));
    }
    const { packets, flows } = bench.counters(HOP.third);
    assert.deepEqual([packets, flows], [3n, 1n]);
  });

  it("segments follow the SYN, and so does an error; those of a connection that died here are reset", async () => {
    using bench = await makeSite();
    const old = (flags: string) => wrap(segment(AT.web, { sourcePort: 41000, flags }));
    assert.equal(verdict(bench, old("S")), "delivered");
    bench.state(HOP.web, "down");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "hair-pinned");
    for (const flags of ["A", "PA", "FA", "R"])
      assert.equal(verdict(bench, wrap(segment(AT.web, { flags }))), "hair-pinned", flags);
    assert.equal(verdict(bench, old("A")), "reject-lost-state");
    const quoted = segment(CLIENT, { source: AT.web, sourcePort: 80, destinationPort: 40000, flags: "A" });
    const tooBig = icmp({ source: OTHER, destination: AT.web }, 2, 0, Uint8Array.of(0, 0, 5, 0, ...quoted));
    const sent = fromCore(bench, wrap(tooBig));
    assert.equal(sent.verdict, "hair-pinned");
    assert.equal(readIpv6(readIpv6(sent.packet).payload).protocol, ICMP);
    bench.state(HOP.third, "down");
    assert.equal(verdict(bench, wrap(segment(AT.web, { flags: "A" }))), "reject-lost-state", "the other site is gone");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "reject-empty-group");
  });

  it("what was tunnelled twice is delivered or rejected", async () => {
    using bench = await makeSite();
    assert.equal(verdict(bench, lastLeg(segment(AT.web, { sourcePort: 41000 }))), "delivered");
    assert.equal(verdict(bench, lastLeg(segment(AT.web, { sourcePort: 41000, flags: "A" }))), "delivered");
    bench.state(HOP.web, "down");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "hair-pinned");
    // the same flow from another site, which has nobody either: no third tunnel, whatever is remembered
    assert.equal(verdict(bench, lastLeg(segment(AT.web, { flags: "A" }))), "reject-lost-state");
    const { verdict: refused, packet: reset } = fromCore(bench, lastLeg(segment(AT.web)));
    assert.equal(refused, "reject-empty-group");
    assert.deepEqual(readIpv6(reset).destination, CLIENT);
    assert.equal(verdict(bench, lastLeg(datagram(AT.dns))), "delivered");
    bench.state(HOP.dns, "down");
    assert.equal(verdict(bench, lastLeg(datagram(AT.dns))), "reject-empty-group");
  });

  it("two empty sites: a packet ends where it came the second time, whichever was first", async () => {
    using bench = await makeSite();
    bench.state(HOP.web, "down");
    const first = fromCore(bench, wrap(segment(AT.web)));
    assert.equal(first.verdict, "hair-pinned");
    const outer = readIpv6(first.packet);
    // as the other site sees it: from our second address, which it knows by our locator
    using other = await makeWorld({ locator: THIRD });
    other.node(LOCATOR);
    other.capability(AT.web, 1, 0);
    other.port(1, "core", 0);
    assert.deepEqual(outer.destination, THIRD);
    assert.equal(other.run(hook, ethernet(first.packet)).verdict, "reject-empty-group");
  });

  it("neither address of an unknown router is accepted, nor a tunnel in the tunnel", async () => {
    using bench = await makeSite();
    const stranger = address("2001:db8:a:77::1");
    assert.equal(verdict(bench, wrap(segment(AT.web), stranger)), "drop-unknown-node");
    assert.equal(verdict(bench, wrap(segment(AT.web), lastLegAddress(stranger))), "drop-unknown-node");
    assert.equal(verdict(bench, lastLeg(wrap(segment(AT.web)))), "drop-not-capability");
    assert.equal(verdict(bench, wrap(lastLeg(segment(AT.web)))), "drop-not-capability");
  });

  it("an instance that is back takes what begins, and datagrams", async () => {
    using bench = await makeSite();
    for (const hop of [HOP.web, HOP.dns]) bench.state(hop, "down");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "hair-pinned");
    assert.equal(verdict(bench, wrap(datagram(AT.dns))), "hair-pinned");
    for (const hop of [HOP.web, HOP.dns]) bench.state(hop, "up");
    assert.equal(verdict(bench, wrap(segment(AT.web, { flags: "A" }))), "hair-pinned", "began elsewhere");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "delivered");
    assert.equal(verdict(bench, wrap(segment(AT.web, { flags: "A" }))), "delivered");
    assert.equal(verdict(bench, wrap(datagram(AT.dns))), "delivered");
  });

  it("instances drain: their flows stay, others go on; of datagrams, too", async () => {
    using bench = await makeSite();
    assert.equal(verdict(bench, wrap(segment(AT.web, { sourcePort: 41000 }))), "delivered");
    assert.equal(verdict(bench, wrap(datagram(AT.dns, { sourcePort: 41000 }))), "delivered");
    for (const hop of [HOP.web, HOP.dns]) bench.state(hop, "draining");
    assert.equal(verdict(bench, wrap(segment(AT.web, { sourcePort: 41000, flags: "A" }))), "delivered");
    assert.equal(verdict(bench, wrap(datagram(AT.dns, { sourcePort: 41000 }))), "delivered");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "hair-pinned");
    assert.equal(verdict(bench, wrap(datagram(AT.dns))), "hair-pinned");
    assert.equal(verdict(bench, lastLeg(datagram(AT.dns))), "reject-empty-group");
  });

  it("a client of this router goes to another site when nobody is here, by an ordinary tunnel", async () => {
    using bench = await makeSite();
    bench.port(1, "client", TENANT);
    const send = (packet: Uint8Array) => bench.run(hook, ethernet(packet));
    assert.equal(send(segment(AT.web, { sourcePort: 41000 })).verdict, "delivered");
    bench.state(HOP.web, "down");
    const sent = send(segment(AT.web));
    assert.equal(sent.verdict, "encapsulated");
    assert.deepEqual([readIpv6(sent.packet).source, readIpv6(sent.packet).destination], [LOCATOR, THIRD]);
    assert.equal(send(segment(AT.web, { flags: "A" })).verdict, "encapsulated");
    assert.equal(send(segment(AT.web, { sourcePort: 41000, flags: "A" })).verdict, "reject-lost-state");
    assert.equal(send(segment(AT.own)).verdict, "reject-empty-group", "a selector means this site");
  });

  it("while a slot is in transition, a datagram that the former owner does not know goes on from there", async () => {
    using bench = await makeSite();
    bench.group(11, [[HOP.third, HOP.local]]);
    const moved = address("2001:db8:cab:7:1:cccc:3:0");
    bench.capability(moved, 11, 4);
    const send = (sourcePort: number) => {
      bench.port(1, "client", TENANT);
      return bench.run(hook, ethernet(datagram(moved, { sourcePort })));
    };
    assert.equal(send(41000).verdict, "delivered");
    bench.state(HOP.dns, "draining");
    assert.equal(send(41000).verdict, "delivered", "the drained instance knows it");
    const sent = send(41001);
    assert.equal(sent.verdict, "encapsulated");
    assert.deepEqual(readIpv6(sent.packet).destination, THIRD);
    assert.equal(verdict(bench, wrap(datagram(moved, { sourcePort: 41002 }))), "hair-pinned");
    assert.equal(verdict(bench, wrap(datagram(moved, { sourcePort: 41000 }))), "delivered");
  });

  it("an instance's answers are none of its business", async () => {
    using bench = await makeSite();
    bench.state(HOP.web, "down");
    assert.equal(verdict(bench, wrap(segment(AT.web))), "hair-pinned");
    bench.port(1, "agent", TENANT);
    const answer = segment(CLIENT, { source: AGENT, sourcePort: 8080, destinationPort: 40000, flags: "SA" });
    assert.equal(bench.run(hook, ethernet(answer)).verdict, "passed");
    assert.equal(verdict(bench, wrap(segment(CAP.local))), "reject-empty-group", "a group of this site alone");
  });
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`hair-pin in ${hook}`, () => defineTests(hook));
});
