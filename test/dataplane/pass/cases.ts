import assert from "node:assert/strict";
import type { Verdict } from "../../../src/dataplane/abi.ts";
import type { Hook } from "./bench.ts";
import { checksumIsRight, FRAGMENT, ICMP, IPV6_IN_IPV6, icmp, ipv6, readIpv6, TCP } from "./frames.ts";
import {
  type ACTION,
  AGENT,
  address,
  CAP,
  CLIENT,
  datagram,
  LOCATOR,
  OTHER,
  readdressed,
  segment,
  TENANT,
  THIRD,
} from "./world.ts";

/** The packet with one octet changed, checksums left alone. */
function patched(packet: Uint8Array, at: number, octet: number): Uint8Array {
  const copy = packet.slice();
  copy[at] = octet;
  return copy;
}

export const ECHO = Uint8Array.of(0, 1, 0, 2, ...Array.from({ length: 33 }, (_, i) => i));
const wrap = (packet: Uint8Array, source = OTHER, destination = LOCATOR) =>
  ipv6({ source, destination }, IPV6_IN_IPV6, packet);

/** An ICMPv6 error about `packet`, taken apart and checked down to the last octet. */
export function assertError(out: Uint8Array, packet: Uint8Array, type: number, code: number, mtu = 0): void {
  const { source, destination, payload, protocol, hopLimit, payloadLength } = readIpv6(out);
  const quote = packet.subarray(0, 1232);
  assert.equal(protocol, ICMP);
  assert.equal(hopLimit, 64);
  assert.equal(payloadLength, payload.length);
  assert.deepEqual([source, destination], [LOCATOR, packet.slice(8, 24)]);
  assert.deepEqual([payload[0], payload[1]], [type, code]);
  assert.equal(new DataView(payload.buffer, payload.byteOffset).getUint32(4), mtu);
  assert.deepEqual(payload.slice(8), quote.slice());
  assert.ok(checksumIsRight(out), "ICMPv6 checksum");
}

/** A RST for `packet`. @see RFC 9293 §3.10.7.1 */
function assertReset(out: Uint8Array, packet: Uint8Array, sequence: number, acknowledgment: number | undefined): void {
  const { source, destination, payload, protocol } = readIpv6(out);
  const view = new DataView(payload.buffer, payload.byteOffset);
  assert.equal(protocol, TCP);
  assert.equal(payload.length, 20);
  assert.deepEqual([source, destination], [packet.slice(24, 40), packet.slice(8, 24)]);
  assert.deepEqual(payload.slice(0, 4), Uint8Array.of(...packet.slice(42, 44), ...packet.slice(40, 42)));
  assert.equal(view.getUint32(4), sequence);
  assert.equal(view.getUint32(8), acknowledgment ?? 0);
  assert.equal(payload[13], acknowledgment === undefined ? 0x04 : 0x14);
  assert.ok(checksumIsRight(out), "TCP checksum");
}

export interface Case {
  readonly name: string;
  readonly packet: Uint8Array;
  readonly verdict: Verdict;
  readonly action: keyof typeof ACTION;
  readonly role?: "core" | "client" | "agent";
  /** On a core port: that of packets without a tunnel. */
  readonly plainTenant?: number;
  /** What the frame must have become; without one it must be as it was. */
  readonly out?: (out: Uint8Array, packet: Uint8Array, hook: Hook) => void;
}

const error = (type: number, code: number) => (out: Uint8Array, packet: Uint8Array) =>
  assertError(out, packet, type, code);
/** `word`: offset in octets, and 1 for more to come. @see RFC 8200 §4.5 */
function fragment(next: number, word: number, destination: Uint8Array = CAP.local): Uint8Array {
  const header = Uint8Array.of(next, 0, word >> 8, word & 0xff, 1, 2, 3, 4);
  return ipv6({ source: CLIENT, destination }, FRAGMENT, Uint8Array.of(...header, ...new Uint8Array(64).fill(9)));
}
const longHeader = Uint8Array.of(2, 4, 5, 0xb4, 1, 1, 4, 2);

/** One packet for each reason of each verdict, and what must come out. */
export const CASES: readonly Case[] = [
  { name: "not to a capability", packet: segment(THIRD), verdict: "passed", action: "passed" },
  {
    name: "core port, not to the locator",
    role: "core",
    packet: wrap(segment(CAP.local), OTHER, THIRD),
    verdict: "passed",
    action: "passed",
  },
  {
    name: "core port, locator but no tunnel",
    role: "core",
    packet: segment(LOCATOR),
    verdict: "passed",
    action: "passed",
  },
  {
    name: "core port, capability without tunnel",
    role: "core",
    packet: segment(CAP.local),
    verdict: "passed",
    action: "passed",
  },
  {
    name: "core port with a tenant, capability without tunnel",
    role: "core",
    plainTenant: TENANT,
    packet: segment(CAP.remote),
    verdict: "encapsulated",
    action: "sent",
    out: (out) => assert.deepEqual([readIpv6(out).source, readIpv6(out).destination], [LOCATOR, OTHER]),
  },
  {
    name: "core port with a tenant, capability of another tenant without tunnel",
    role: "core",
    plainTenant: TENANT,
    packet: segment(CAP.foreign),
    verdict: "reject-tenant",
    action: "answered",
    out: error(1, 0),
  },
  {
    name: "core port with a tenant, not to the locator",
    role: "core",
    plainTenant: TENANT,
    packet: wrap(segment(CAP.local), OTHER, THIRD),
    verdict: "passed",
    action: "passed",
  },
  { name: "agent's own traffic", role: "agent", packet: segment(THIRD), verdict: "passed", action: "passed" },
  {
    name: "TCP to another site",
    packet: segment(CAP.remote, { trafficClass: 0xb9, flags: "A", payload: new Uint8Array(1000).fill(7), hopLimit: 9 }),
    verdict: "encapsulated",
    action: "sent",
    out(out, packet) {
      const outer = readIpv6(out);
      assert.deepEqual([outer.source, outer.destination], [LOCATOR, OTHER]);
      assert.deepEqual([outer.protocol, outer.hopLimit, outer.trafficClass], [IPV6_IN_IPV6, 64, 0xb9]);
      assert.equal(outer.payloadLength, packet.length);
      const inner = packet.slice();
      inner[7] = 8;
      assert.deepEqual(outer.payload.slice(), inner);
    },
  },
  {
    name: "SYN to an instance here",
    packet: segment(CAP.local, { options: longHeader }),
    verdict: "delivered",
    action: "sent",
    out: (out, packet, hook) =>
      assert.deepEqual(out.slice(), readdressed(packet, { destination: [AGENT, 8080] }, hook === "tc" ? 63 : 64)),
  },
  {
    name: "datagram to an instance here",
    packet: datagram(CAP.localUdp, { payload: Uint8Array.of(1, 2, 3) }),
    verdict: "delivered",
    action: "sent",
    out: (out, packet, hook) =>
      assert.deepEqual(out.slice(), readdressed(packet, { destination: [AGENT, 5353] }, hook === "tc" ? 63 : 64)),
  },
  {
    name: "out of a tunnel: only the local group counts",
    role: "core",
    packet: wrap(segment(CAP.remote, { sourcePort: 41000 })),
    verdict: "delivered",
    action: "sent",
    out: (out, packet, hook) =>
      assert.deepEqual(
        out.slice(),
        readdressed(packet.slice(40), { destination: [AGENT, 8080] }, hook === "tc" ? 63 : 64),
      ),
  },
  {
    name: "echo request",
    packet: icmp({ source: CLIENT, destination: CAP.local }, 128, 0, ECHO),
    verdict: "answered-echo",
    action: "answered",
    out: (out) => assert.deepEqual(out.slice(), icmp({ source: CAP.local, destination: CLIENT }, 129, 0, ECHO)),
  },
  {
    name: "echo request to nobody",
    packet: icmp({ source: CLIENT, destination: CAP.empty }, 128, 0, ECHO),
    verdict: "reject-empty-group",
    action: "answered",
    out: error(1, 3),
  },
  {
    name: "unknown capability",
    packet: segment(CAP.unknown),
    verdict: "reject-no-route",
    action: "answered",
    out: error(1, 0),
  },
  {
    name: "another selector",
    packet: datagram(address("2001:db8:cab:7:1:aaaa:1:1")),
    verdict: "reject-no-route",
    action: "answered",
    out: error(1, 0),
  },
  {
    name: "another tenant's capability",
    packet: segment(CAP.foreign),
    verdict: "reject-tenant",
    action: "answered",
    out: error(1, 0),
  },
  {
    name: "hop limit 1",
    packet: datagram(CAP.localUdp, { hopLimit: 1 }),
    verdict: "reject-hop-limit",
    action: "answered",
    out: error(3, 0),
  },
  {
    name: "hop limit 0",
    packet: segment(CAP.unknown, { hopLimit: 0 }),
    verdict: "reject-hop-limit",
    action: "answered",
    out: error(3, 0),
  },
  {
    name: "SYN to an empty group",
    packet: segment(CAP.empty, { sequence: 77 }),
    verdict: "reject-empty-group",
    action: "answered",
    out: (out, packet) => assertReset(out, packet, 0, 78),
  },
  {
    name: "SYN to a capability without a group",
    packet: segment(CAP.noGroup, { options: longHeader, sequence: 0xffffffff }),
    verdict: "reject-empty-group",
    action: "answered",
    out: (out, packet) => assertReset(out, packet, 0, 0),
  },
  {
    name: "datagram to an empty group",
    packet: datagram(CAP.empty),
    verdict: "reject-empty-group",
    action: "answered",
    out: error(1, 3),
  },
  {
    name: "neither TCP nor UDP nor echo",
    packet: ipv6({ source: CLIENT, destination: CAP.local }, 132, new Uint8Array(30)),
    verdict: "reject-protocol",
    action: "answered",
    out: error(1, 4),
  },
  {
    name: "ICMPv6 that is no echo",
    packet: icmp({ source: CLIENT, destination: CAP.local }, 200, 0, new Uint8Array(4)),
    verdict: "reject-protocol",
    action: "answered",
    out: error(1, 4),
  },
  {
    name: "wrong TCP port",
    packet: segment(CAP.local, { destinationPort: 81, sequence: 5 }),
    verdict: "reject-port",
    action: "answered",
    out: (out, packet) => assertReset(out, packet, 0, 6),
  },
  {
    name: "wrong UDP port",
    packet: datagram(CAP.localUdp, { destinationPort: 54 }),
    verdict: "reject-port",
    action: "answered",
    out: error(1, 4),
  },
  {
    name: "UDP to a TCP service",
    packet: datagram(CAP.local, { destinationPort: 80 }),
    verdict: "reject-port",
    action: "answered",
    out: error(1, 4),
  },
  {
    name: "TCP without state",
    packet: segment(CAP.local, { sourcePort: 999, flags: "AP", acknowledgment: 4242, payload: new Uint8Array(99) }),
    verdict: "reject-lost-state",
    action: "answered",
    out: (out, packet) => assertReset(out, packet, 4242, undefined),
  },
  {
    name: "FIN without ACK and state: acknowledged with its data",
    packet: segment(CAP.local, { sourcePort: 999, flags: "F", sequence: 100, payload: new Uint8Array(11) }),
    verdict: "reject-lost-state",
    action: "answered",
    out: (out, packet) => assertReset(out, packet, 0, 112),
  },
  {
    name: "too big for the tunnel",
    packet: segment(CAP.remote, { flags: "A", payload: new Uint8Array(1401) }),
    verdict: "reject-too-big",
    action: "answered",
    out: (out, packet) => assertError(out, packet, 2, 0, 1460),
  },
  {
    name: "too big for the agent's link",
    packet: segment(CAP.narrow, { payload: new Uint8Array(1341) }),
    verdict: "reject-too-big",
    action: "answered",
    out: (out, packet) => assertError(out, packet, 2, 0, 1400),
  },
  {
    name: "payload that is not there",
    packet: segment(CAP.local, { payload: new Uint8Array(9) }).subarray(0, -1),
    verdict: "drop-truncated",
    action: "dropped",
  },
  {
    name: "TCP header longer than the packet",
    packet: patched(segment(CAP.local), 52, 0xf0),
    verdict: "drop-truncated",
    action: "dropped",
  },
  {
    name: "TCP header shorter than one",
    packet: patched(segment(CAP.local), 52, 0x40),
    verdict: "drop-truncated",
    action: "dropped",
  },
  {
    name: "another version",
    packet: patched(segment(CAP.local), 0, 0x45),
    verdict: "drop-truncated",
    action: "dropped",
  },
  {
    name: "inner packet of another version",
    role: "core",
    packet: wrap(patched(segment(CAP.local), 0, 0x45)),
    verdict: "drop-truncated",
    action: "dropped",
  },
  {
    name: "inner packet longer than the outer one",
    role: "core",
    packet: wrap(segment(CAP.local).subarray(0, -1)),
    verdict: "drop-truncated",
    action: "dropped",
  },
  {
    name: "fragment of something else",
    packet: fragment(132, 1),
    verdict: "drop-fragment",
    action: "dropped",
  },
  {
    name: "later fragment",
    packet: fragment(17, 8 * 100),
    verdict: "drop-fragment",
    action: "dropped",
  },
  {
    name: "first fragment: its sender is told",
    packet: fragment(17, 1),
    verdict: "drop-fragment",
    action: "answered",
    out: error(1, 1),
  },
  {
    name: "first fragment to nowhere: the same",
    packet: fragment(6, 1, CAP.unknown),
    verdict: "drop-fragment",
    action: "answered",
    out: error(1, 1),
  },
  ...["ff02::1", "::", "::1", "fe80::1", "2001:db8:cab:7:1:aaaa:2:0"].map(
    (source): Case => ({
      name: `source ${source}`,
      packet: segment(CAP.local, { source: address(source) }),
      verdict: "drop-source",
      action: "dropped",
    }),
  ),
  {
    name: "tunnel from a stranger",
    role: "core",
    packet: wrap(segment(CAP.local), THIRD),
    verdict: "drop-unknown-node",
    action: "dropped",
  },
  {
    name: "tunnel with something else inside",
    role: "core",
    packet: wrap(segment(AGENT)),
    verdict: "drop-not-capability",
    action: "dropped",
  },
  {
    name: "ICMPv6 error",
    packet: icmp({ source: CLIENT, destination: CAP.unknown }, 1, 4, new Uint8Array(60)),
    verdict: "drop-unanswerable",
    action: "dropped",
  },
  {
    name: "ICMPv6 redirect",
    packet: icmp({ source: CLIENT, destination: CAP.local }, 137, 0, new Uint8Array(40)),
    verdict: "drop-unanswerable",
    action: "dropped",
  },
  {
    name: "RST without state",
    packet: segment(CAP.local, { flags: "R", sourcePort: 999 }),
    verdict: "drop-unanswerable",
    action: "dropped",
  },
  {
    name: "RST to nowhere",
    packet: segment(CAP.unknown, { flags: "R" }),
    verdict: "drop-unanswerable",
    action: "dropped",
  },
];
