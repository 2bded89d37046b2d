import { type Ipv6Address, octetsEqual } from "../../base/index.ts";
import { type Encapsulation, lastLegAddress, type PlannedNode, type TunnelNextHop } from "../../forwarding/index.ts";
import { BEAT, BEAT_PAYLOAD, BEAT_PORT, type Verdict, VXLAN_HEADERS, VXLAN_PORT } from "../abi.ts";
import type { Flow } from "./flow-key.ts";
import type { PassState } from "./outcome.ts";
import { concatenate, IPV6_LENGTH, Ipv6Packet, Protocol, putU16, putU32, UDP_LENGTH, u16, u32 } from "./packet.ts";

const TUNNEL_HOP_LIMIT = 64;
/** Of the tag in the flow label. */
const TAG_SHIFT = 12;
const ETHERTYPE_IPV6 = 0x86dd;
const ROUTING_LENGTH = 8;
/** @see RFC 8754 §2 */
const SEGMENT_ROUTING = 4;
/** Of a header that is taken off: more than this router writes. */
const MOST_SEGMENTS = 16;
/** @see RFC 7348 §5 */
const VXLAN_FLAGS = 0x08000000;
const FIRST_PRIVATE_PORT = 0xc000;

/** The flow label of a tunnel: the tag, and bits of the flow's hash. */
function tunnelLabel({ flowLabel }: Flow, tag: number): number {
  return (tag << TAG_SHIFT) | (flowLabel >>> (20 - TAG_SHIFT));
}

/** The packet on its way to another router. @see RFC 2473 §3; RFC 6438 (flow label); RFC 8986 §5.2; RFC 7348 §5 */
export function intoTunnel(
  packet: Ipv6Packet,
  from: Uint8Array,
  tunnel: TunnelNextHop,
  flow: Flow,
  tag: number,
): Ipv6Packet {
  const { encapsulation, locator } = tunnel;
  const further = furtherHeaders(packet, encapsulation, locator, flow);
  const outer = new Uint8Array(IPV6_LENGTH);
  const trafficClass = u32(packet.octets, 0) & 0x0ff00000;
  putU32(outer, 0, (0x60000000 | trafficClass | tunnelLabel(flow, tag)) >>> 0);
  putU16(outer, 4, further.length + packet.octets.length);
  outer[6] = { none: Protocol.Ipv6, segments: Protocol.Routing, vxlan: Protocol.Udp }[encapsulation?.kind ?? "none"];
  outer[7] = TUNNEL_HOP_LIMIT;
  outer.set(from, 8);
  outer.set(encapsulation?.kind === "segments" ? encapsulation.waypoints[0]! : locator, 24);
  return new Ipv6Packet(concatenate(outer, further, packet.octets));
}

function furtherHeaders(
  packet: Ipv6Packet,
  encapsulation: Encapsulation | undefined,
  locator: Uint8Array,
  { flowLabel }: Flow,
): Uint8Array {
  switch (encapsulation?.kind) {
    case undefined:
      return new Uint8Array();
    case "segments": {
      const { waypoints } = encapsulation;
      const segments = [locator, ...waypoints.slice(1).toReversed()];
      const header = new Uint8Array(ROUTING_LENGTH);
      header.set([Protocol.Ipv6, segments.length * 2, SEGMENT_ROUTING, waypoints.length, segments.length - 1]);
      return concatenate(header, ...segments);
    }
    case "vxlan": {
      const header = new Uint8Array(VXLAN_HEADERS);
      putU16(header, 0, FIRST_PRIVATE_PORT | (flowLabel & 0x3fff));
      putU16(header, 2, VXLAN_PORT);
      putU16(header, 4, VXLAN_HEADERS + packet.octets.length);
      putU32(header, 8, VXLAN_FLAGS);
      putU32(header, 12, encapsulation.vni * 256);
      header.set(encapsulation.destination, 16);
      header.set(encapsulation.source, 22);
      putU16(header, 28, ETHERTYPE_IPV6);
      return header;
    }
  }
}

/** The router that sent an encapsulated packet. From its "deliver or reject" address: a packet on its last leg. */
export function nodeOf(
  { plan }: PassState,
  source: Ipv6Address,
): { readonly node: PlannedNode; readonly lastLeg: boolean } | undefined {
  const sender = plan.node(source);
  const node = sender ?? plan.node(lastLegAddress(source));
  return node && { node, lastLeg: sender === undefined };
}

/** The octets of the inner packet, "passed" when this is no tunnel's, else why it is dropped. `found` begins with `outer`. */
export function outOfTunnel(
  state: PassState,
  outer: Ipv6Packet,
  found: Uint8Array,
): Uint8Array | Extract<Verdict, "passed" | "heartbeat" | `drop-${string}`> {
  if (!octetsEqual(outer.destination, state.locator)) return "passed";
  const isWhole = outer.payloadLength <= outer.payload.length;
  const node = nodeOf(state, outer.source)?.node;
  switch (outer.nextHeader) {
    case Protocol.Ipv6: {
      if (!isWhole) return "drop-truncated";
      return node === undefined ? "drop-unknown-node" : inside(outer, found, 0);
    }
    case Protocol.Routing: {
      const header = outer.payload;
      if (header.length < ROUTING_LENGTH) return "drop-truncated";
      if (header[2] !== SEGMENT_ROUTING || header[0] !== Protocol.Ipv6) return "passed";
      const length = ROUTING_LENGTH + header[1]! * 8;
      if (!isWhole || outer.payloadLength < length) return "drop-truncated";
      if (node === undefined) return "drop-unknown-node";
      if (header[3] !== 0 || length > ROUTING_LENGTH + 16 * MOST_SEGMENTS) return "drop-segments";
      return inside(outer, found, length);
    }
    case Protocol.Udp: {
      const header = outer.payload;
      if (header.length >= VXLAN_HEADERS && u16(header, 2) === BEAT_PORT) return heartbeat(state, outer);
      if (header.length < VXLAN_HEADERS || u16(header, 2) !== VXLAN_PORT || node?.vni === undefined) return "passed";
      const length = u16(header, 4);
      if (!isWhole || length < VXLAN_HEADERS || length > outer.payloadLength) return "drop-truncated";
      const flags = u32(header, UDP_LENGTH);
      if (Math.floor(flags / VXLAN_FLAGS) % 2 === 0 || Math.floor(u32(header, 12) / 256) !== node.vni)
        return "drop-vni";
      return u16(header, 28) === ETHERTYPE_IPV6 ? inside(outer, found, VXLAN_HEADERS) : "drop-not-capability";
    }
    default:
      return "passed";
  }
}

/** What follows from it takes time, which stands still in the model. */
function heartbeat(state: PassState, outer: Ipv6Packet): "passed" | "heartbeat" | "drop-unknown-node" {
  const whole = UDP_LENGTH + BEAT_PAYLOAD.size;
  if (outer.payload.length < whole || outer.payloadLength < whole) return "passed";
  const { magic, version } = BEAT_PAYLOAD.offsets;
  const payload = outer.payload.subarray(UDP_LENGTH);
  if (u32(payload, magic) !== BEAT.magic || payload[version] !== BEAT.version) return "passed";
  return nodeOf(state, outer.source)?.lastLeg === false ? "heartbeat" : "drop-unknown-node";
}

/** What is behind `further` octets of headers, if there is room for an IPv6 header. */
function inside(outer: Ipv6Packet, found: Uint8Array, further: number): Uint8Array | "drop-truncated" {
  const inner = found.subarray(IPV6_LENGTH + further);
  const hasHeader = outer.payloadLength >= further + IPV6_LENGTH && inner.length >= IPV6_LENGTH && inner[0]! >> 4 === 6;
  return hasHeader ? inner : "drop-truncated";
}
