import assert from "node:assert/strict";
import type { Case } from "./cases.ts";
import { IPV6_IN_IPV6, ipv6, ROUTING, readIpv6, UDP } from "./frames.ts";
import { AGENT, CAP, LOCATOR, MACS, OTHER, readdressed, segment, THIRD, VNI, WAYPOINTS } from "./world.ts";

/** A segment routing header in front of `packet`. @see RFC 8754 §2 */
export function routed(
  packet: Uint8Array,
  { left = 0, type = 4, next = IPV6_IN_IPV6, segments = [LOCATOR], source = OTHER, lie = 0 } = {},
): Uint8Array {
  const header = Uint8Array.of(next, 2 * segments.length + lie, type, left, segments.length - 1, 0, 0, 0);
  const list = segments.flatMap((address) => [...address]);
  return ipv6({ source, destination: LOCATOR }, ROUTING, Uint8Array.of(...header, ...list, ...packet));
}

/** UDP, VXLAN and Ethernet in front of `packet`. @see RFC 7348 §5 */
export function vxlanned(
  packet: Uint8Array,
  { vni = VNI, port = 4789, flags = 0x08, type = 0x86dd, source = OTHER, lie = 0 } = {},
): Uint8Array {
  const headers = new DataView(new ArrayBuffer(30));
  headers.setUint16(0, 50_000);
  headers.setUint16(2, port);
  headers.setUint16(4, 30 + packet.length + lie);
  headers.setUint8(8, flags);
  headers.setUint32(12, vni << 8);
  headers.setUint16(28, type);
  const octets = Uint8Array.of(...new Uint8Array(headers.buffer), ...packet);
  return ipv6({ source, destination: LOCATOR }, UDP, octets);
}

function oneHopFurther(packet: Uint8Array): Uint8Array {
  const further = packet.slice();
  further[7]! -= 1;
  return further;
}

const toAgent: Case["out"] = (out, packet, hook) => {
  const inner = packet.slice(packet.length - 60);
  assert.deepEqual(out.slice(), readdressed(inner, { destination: [AGENT, 8080] }, hook === "tc" ? 63 : 64));
};
const inner = (sourcePort: number): Uint8Array => segment(CAP.remote, { sourcePort });
const core = { role: "core", action: "dropped" } as const;

/** The encapsulations that are no plain IPv6-in-IPv6, one packet for each reason. */
export const TUNNEL_CASES: readonly Case[] = [
  {
    name: "to another site by two waypoints (RFC 8986 §5.2)",
    packet: segment(CAP.segments, { trafficClass: 0xb9, flags: "A", payload: new Uint8Array(100).fill(7) }),
    verdict: "encapsulated",
    action: "sent",
    out(out, packet) {
      const outer = readIpv6(out);
      assert.deepEqual([outer.source, outer.destination], [LOCATOR, WAYPOINTS[0]]);
      assert.deepEqual([outer.protocol, outer.hopLimit, outer.trafficClass], [ROUTING, 64, 0xb9]);
      assert.equal(outer.payloadLength, packet.length + 40);
      // next header, length, type, segments left, last entry, flags, tag; then the router and the last waypoint
      assert.deepEqual([...outer.payload.slice(0, 8)], [IPV6_IN_IPV6, 4, 4, 2, 1, 0, 0, 0]);
      assert.deepEqual([outer.payload.slice(8, 24), outer.payload.slice(24, 40)], [OTHER, WAYPOINTS[1]]);
      assert.deepEqual(outer.payload.slice(40), oneHopFurther(packet));
    },
  },
  {
    name: "to another site in VXLAN (RFC 7348 §5)",
    packet: segment(CAP.vxlan, { flags: "A", payload: new Uint8Array(101).fill(7) }),
    verdict: "encapsulated",
    action: "sent",
    out(out, packet) {
      const outer = readIpv6(out);
      const view = new DataView(outer.payload.buffer, outer.payload.byteOffset);
      assert.deepEqual([outer.source, outer.destination, outer.protocol], [LOCATOR, OTHER, UDP]);
      assert.equal(view.getUint16(0) & 0xc000, 0xc000, "a source port of the private range");
      assert.equal((view.getUint16(0) & 0x3fff) >>> 8, outer.flowLabel & 0x3f, "of the flow's hash, as the label");
      assert.deepEqual([view.getUint16(2), view.getUint16(4), view.getUint16(6)], [4789, packet.length + 30, 0]);
      assert.deepEqual([view.getUint32(8), view.getUint32(12)], [0x08000000, VNI << 8]);
      assert.deepEqual([outer.payload.slice(16, 22), outer.payload.slice(22, 28)], [MACS.destination, MACS.source]);
      assert.equal(view.getUint16(28), 0x86dd);
      assert.deepEqual(outer.payload.slice(30), oneHopFurther(packet));
    },
  },
  ...(
    [
      ["segments", 1380, 1420],
      ["vxlan", 1390, 1430],
    ] as const
  ).flatMap(([way, fits, mtu]): Case[] => [
    {
      name: `the largest that fits (${way})`,
      packet: segment(CAP[way], { flags: "A", payload: new Uint8Array(fits - 20) }),
      verdict: "encapsulated",
      action: "sent",
      out: (out) => assert.equal(out.length, 1500),
    },
    {
      name: `one octet too big (${way})`,
      packet: segment(CAP[way], { flags: "A", payload: new Uint8Array(fits - 19) }),
      verdict: "reject-too-big",
      action: "answered",
      out: (out) => assert.equal(new DataView(out.buffer, out.byteOffset).getUint32(44), mtu),
    },
  ]),
  {
    name: "behind a routing header that ends here",
    role: "core",
    packet: routed(inner(42001)),
    verdict: "delivered",
    action: "sent",
    out: toAgent,
  },
  {
    name: "behind a routing header of 16 segments",
    role: "core",
    packet: routed(inner(42002), { segments: Array.from({ length: 16 }, () => LOCATOR) }),
    verdict: "delivered",
    action: "sent",
    out: toAgent,
  },
  { name: "segments left", ...core, packet: routed(inner(1), { left: 1 }), verdict: "drop-segments" },
  {
    name: "more segments than anybody writes",
    ...core,
    packet: routed(inner(1), { segments: Array.from({ length: 17 }, () => LOCATOR) }),
    verdict: "drop-segments",
  },
  {
    name: "routing header of a stranger",
    ...core,
    packet: routed(inner(1), { source: THIRD }),
    verdict: "drop-unknown-node",
  },
  {
    name: "routing header longer than the packet",
    ...core,
    packet: routed(inner(1), { lie: 40 }),
    verdict: "drop-truncated",
  },
  {
    name: "routing header over the inner one",
    ...core,
    packet: routed(inner(1), { lie: 1 }),
    verdict: "drop-truncated",
  },
  {
    name: "half a routing header",
    ...core,
    packet: routed(new Uint8Array(), { segments: [] }).subarray(0, 44),
    verdict: "drop-truncated",
  },
  {
    name: "routing header of another type",
    ...core,
    action: "passed",
    packet: routed(inner(1), { type: 2 }),
    verdict: "passed",
  },
  {
    name: "no IPv6 behind the routing header",
    ...core,
    action: "passed",
    packet: routed(inner(1), { next: 6 }),
    verdict: "passed",
  },
  {
    name: "out of VXLAN",
    role: "core",
    packet: vxlanned(inner(42003)),
    verdict: "delivered",
    action: "sent",
    out: toAgent,
  },
  { name: "VXLAN of another network", ...core, packet: vxlanned(inner(1), { vni: VNI + 1 }), verdict: "drop-vni" },
  { name: "VXLAN without a network", ...core, packet: vxlanned(inner(1), { flags: 0x40 }), verdict: "drop-vni" },
  {
    name: "VXLAN of a stranger",
    ...core,
    action: "passed",
    packet: vxlanned(inner(1), { source: THIRD }),
    verdict: "passed",
  },
  {
    name: "another UDP port",
    ...core,
    action: "passed",
    packet: vxlanned(inner(1), { port: 4790 }),
    verdict: "passed",
  },
  {
    name: "VXLAN with something else inside",
    ...core,
    packet: vxlanned(inner(1), { type: 0x0806 }),
    verdict: "drop-not-capability",
  },
  { name: "VXLAN that says to be longer", ...core, packet: vxlanned(inner(1), { lie: 1 }), verdict: "drop-truncated" },
  {
    name: "VXLAN that says to be shorter than itself",
    ...core,
    packet: vxlanned(inner(1), { lie: -61 }),
    verdict: "drop-truncated",
  },
  { name: "nothing in VXLAN", ...core, packet: vxlanned(new Uint8Array()), verdict: "drop-truncated" },
];
