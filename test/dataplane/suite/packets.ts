import assert from "node:assert/strict";
import { formatIpv6, toHex } from "../../../src/base/index.ts";
import { checksumOf } from "../../../src/dataplane/memory/checksum.ts";
import { IPV6_LENGTH, Ipv6Packet, Protocol, TcpFlag, u16 } from "../../../src/dataplane/memory/packet.ts";
import type { NextHopIndex, Operation } from "../../../src/forwarding/index.ts";
import { address, ipv6, tcp, udp } from "../memory/frames.ts";
import { CAPABILITY, CLIENT } from "../memory/story.ts";
import type { Arrival, TunnelKind, World } from "./world.ts";

/** Locators of three other routers, as next hops 11, 12 and 13. */
export const SITES = [address("2001:db8:f::2"), address("2001:db8:f::3"), address("2001:db8:f::4")] as const;
export const [A, B, C] = [11, 12, 13] as const;

/** The tunnels to {@link SITES}. */
export const TUNNELS: readonly Operation[] = SITES.map((locator, i) => ({
  type: "set-next-hop",
  index: A + i,
  nextHop: { kind: "tunnel", locator },
  state: "up",
}));

/** `current` of slots 0, 1, …; the last one owns the rest. `previous`: that of each, else the same. */
export function slotsOf(
  group: number,
  owners: readonly NextHopIndex[],
  { previous, backup = 0 }: { readonly previous?: readonly NextHopIndex[]; readonly backup?: NextHopIndex } = {},
): Operation {
  const slots = Array.from({ length: 64 }, (_, slot) => {
    const current = owners[slot % owners.length]!;
    return { slot, current, previous: previous?.[slot % previous.length] ?? current };
  });
  return { type: "set-slots", group, slots, backup };
}

export function leadsTo(group: number, { to = CAPABILITY, localGroup = 0 } = {}): Operation {
  return { type: "set-capability", entry: { address: to, group, localGroup } };
}

export interface FlowPacket {
  readonly port: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
  readonly to?: Uint8Array;
  readonly toPort?: number;
  readonly from?: Uint8Array;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
}

const ENDS = ({ from = CLIENT, to = CAPABILITY, hopLimit = 64, trafficClass = 0 }: FlowPacket) => ({
  source: from,
  destination: to,
  hopLimit,
  trafficClass,
});

/** A TCP segment of the client's flow from `port`: a SYN unless `flags` says else. */
export function segment(packet: FlowPacket): Uint8Array {
  const { port: sourcePort, toPort: destinationPort = 80, flags = TcpFlag.Syn, data = new Uint8Array() } = packet;
  return tcp(ENDS(packet), { sourcePort, destinationPort, flags, data });
}

/** The same SYN with a maximum segment size. @see RFC 9293 §3.7.1 */
export function withMaximumSegment(syn: Uint8Array, value: number): Uint8Array {
  const longer = new Uint8Array(syn.length + 4);
  longer.set(syn);
  longer.set([2, 4, value >> 8, value & 0xff], syn.length);
  const view = new DataView(longer.buffer);
  view.setUint16(4, longer.length - IPV6_LENGTH);
  longer[IPV6_LENGTH + 12] = 6 << 4;
  view.setUint16(IPV6_LENGTH + 16, 0);
  const { source, destination, payload } = new Ipv6Packet(longer);
  view.setUint16(IPV6_LENGTH + 16, checksumOf(source, destination, Protocol.Tcp, payload));
  return longer;
}

export const acknowledgement = (packet: FlowPacket): Uint8Array => segment({ flags: TcpFlag.Ack, ...packet });

export function datagram(packet: FlowPacket): Uint8Array {
  const { port: sourcePort, toPort: destinationPort = 53, data = new Uint8Array(8) } = packet;
  return udp(ENDS(packet), { sourcePort, destinationPort, data });
}

/** The packet as a fragment; `offset` in units of 8 octets, times 8, and 1 where more follow. */
export function fragment(packet: Uint8Array, offset: number): Uint8Array {
  const header = Uint8Array.of(packet[6]!, 0, offset >> 8, offset & 0xff, 1, 2, 3, 4);
  const whole = Buffer.concat([packet.subarray(0, IPV6_LENGTH), header, packet.subarray(IPV6_LENGTH)]);
  whole[6] = Protocol.Fragment;
  whole.writeUInt16BE(whole.length - IPV6_LENGTH, 4);
  return new Uint8Array(whole);
}

/** Tunnels as most data planes have them. @see RFC 2473 */
export const ipv6InIpv6: TunnelKind = {
  wrap: (source, destination, packet) => ipv6({ source, destination }, Protocol.Ipv6, packet),
  overhead: IPV6_LENGTH,
};

const VXLAN_PORT = 4789;
/** What is in a tunnel between routers, of either kind. */
export const isTunnelled = (packet: Uint8Array): boolean =>
  packet[6] === Protocol.Ipv6 || (packet[6] === Protocol.Udp && u16(packet, IPV6_LENGTH + 2) === VXLAN_PORT);

export const sourceOf = (packet: Uint8Array): string => formatIpv6(new Ipv6Packet(packet).source);
export const destinationOf = (packet: Uint8Array): string => formatIpv6(new Ipv6Packet(packet).destination);

/** UDP, VXLAN and Ethernet headers. @see RFC 7348 §5 */
const VXLAN_LENGTH = 8 + 8 + 14;

/** What is inside a tunnelled packet: IPv6 in IPv6, or Ethernet in UDP. */
export const innerOf = (packet: Uint8Array): Uint8Array =>
  packet.subarray(IPV6_LENGTH + (packet[6] === Protocol.Udp ? VXLAN_LENGTH : 0));

/** The packet after so many hops more. */
export function hopsFurther(packet: Uint8Array, hops: number): Uint8Array {
  const further = packet.slice();
  further[7] = packet[7]! - hops;
  return further;
}

/** Fails when the checksum of a TCP, UDP or ICMPv6 packet is not right. */
export function assertChecksum(packet: Uint8Array): void {
  const { source, destination, nextHeader, payload } = new Ipv6Packet(packet);
  const at = { [Protocol.Tcp]: 16, [Protocol.Udp]: 6, [Protocol.Icmpv6]: 2 }[nextHeader];
  assert.ok(at !== undefined, `protocol ${nextHeader} has no checksum`);
  const blank = payload.slice();
  blank.fill(0, at, at + 2);
  const found = (payload[at]! << 8) | payload[at + 1]!;
  assert.equal(found, checksumOf(source, destination, nextHeader, blank), "the checksum is right");
}

const shown = (arrivals: readonly Arrival[]): string =>
  arrivals.map(({ at, packet }) => `${at}: ${toHex(packet)}`).join(", ") || "nothing";

/** Exactly one packet came out, there. */
export function only(arrivals: readonly Arrival[], at: Arrival["at"]): Uint8Array {
  assert.equal(arrivals.length, 1, `one packet comes out at ${at}; came: ${shown(arrivals)}`);
  assert.equal(arrivals[0]!.at, at);
  return arrivals[0]!.packet;
}

/** The first packet that came out in a tunnel. */
export function firstTunnelled(arrivals: readonly Arrival[]): Uint8Array {
  const found = arrivals.find(({ packet }) => isTunnelled(packet));
  if (found === undefined) assert.fail(`nothing comes out in a tunnel; came: ${shown(arrivals)}`);
  return found.packet;
}

/** Where each packet of a client went: the site's locator, or what came out instead. One world call for all. */
export async function sitesOf(world: Pick<World, "send">, packets: readonly Uint8Array[]): Promise<readonly string[]> {
  const arrivals = await world.send("client", packets);
  const byFlow = new Map<string, string>();
  for (const { at, packet } of arrivals)
    if (at === "core") byFlow.set(flowText(innerOf(packet)), destinationOf(packet));
  return packets.map((packet) => byFlow.get(flowText(packet)) ?? "nowhere");
}

/** Addresses and ports: what a packet is recognised by behind a tunnel. */
function flowText(packet: Uint8Array): string {
  return toHex(packet.subarray(8, 44));
}

/** What is said in an ICMPv6 error, and that it quotes the packet. */
export function icmpError(packet: Uint8Array, about: Uint8Array): { type: number; code: number; value: number } {
  const { nextHeader, payload } = new Ipv6Packet(packet);
  assert.equal(nextHeader, Protocol.Icmpv6, `ICMPv6, not protocol ${nextHeader}`);
  assertChecksum(packet);
  assert.equal(destinationOf(packet), sourceOf(about), "the error goes to the sender");
  const quote = payload.subarray(8);
  assert.ok(quote.length >= 40 && quote.length + 48 <= 1280, "a quote within 1280 octets");
  // The hop limit may have been lowered before the error was made.
  assert.equal(toHex(quote.subarray(8)), toHex(about.subarray(8, quote.length)), "the quote is the packet");
  return { type: payload[0]!, code: payload[1]!, value: new DataView(payload.slice().buffer).getUint32(4) };
}

export const isReset = (packet: Uint8Array): boolean =>
  packet[6] === Protocol.Tcp && (packet[40 + 13]! & TcpFlag.Rst) !== 0;
