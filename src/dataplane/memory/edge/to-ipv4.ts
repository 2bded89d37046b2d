import { octetsEqual } from "../../../base/index.ts";
import { pseudoHeaderSum, updateChecksum } from "../checksum.ts";
import { returnKey } from "../flow-key.ts";
import {
  concatenate,
  IPV6_LENGTH,
  Ipv6Packet,
  isIcmpv6Error,
  Protocol,
  parseLayer4,
  putU16,
  putU32,
  u16,
  u32,
} from "../packet.ts";
import { icmpToIpv4 } from "./icmp.ts";
import { ICMP_LENGTH, ICMPV4, ipv4Header, ipv4Octets, isBadIpv4, quotedIpv4Header } from "./ipv4.ts";
import {
  addressOfCapability,
  type EdgeDrop,
  type EdgeEffect,
  type EdgeState,
  guestFor,
  isCapability,
  poolOf,
} from "./state.ts";
import { cleared, padding } from "./to-ipv6.ts";

/** What a router without an IPv4 address is called. @see RFC 7600 */
const DUMMY_ROUTER = 0xc0000008;
/** What a quote must hold: the ports. */
const PORTS_LENGTH = 4;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;

export interface Translated {
  /** Or why it is dropped. */
  readonly octets: Uint8Array | EdgeDrop;
  readonly effects: readonly EdgeEffect[];
}

/** Names in IPv4, or why there are none. */
type Named = { readonly address: number; readonly effects: readonly EdgeEffect[] } | EdgeDrop;

/**
 * A packet to an address in our prefix as IPv4.
 * @see RFC 7915 §5
 */
export function toIpv4(state: EdgeState, packet: Ipv6Packet, identification: number): Translated | EdgeDrop {
  const to = u32(packet.destination, 12);
  if (isBadIpv4(to) || poolOf(state, to) !== undefined) return "edge-drop-address";
  const { nextHeader } = packet;
  if (nextHeader === Protocol.Fragment) return "edge-drop-fragment";
  if (nextHeader !== Protocol.Tcp && nextHeader !== Protocol.Udp && nextHeader !== Protocol.Icmpv6)
    return "edge-drop-protocol";
  const layer4 = parseLayer4(packet);
  if (layer4 === undefined) return "edge-drop-malformed";
  if (isIcmpv6Error(packet)) return errorToIpv4(state, packet, to, identification);

  const named = nameSource(state, packet, layer4.destinationPort, layer4.sourcePort);
  if (typeof named === "string") return named;
  const payload = packet.payload.slice();
  const from = named.address;
  if (nextHeader === Protocol.Icmpv6) {
    if (payload[0] !== ECHO_REQUEST && payload[0] !== ECHO_REPLY) return "edge-drop-protocol";
    payload[0] = payload[0] === ECHO_REQUEST ? 8 : 0;
    putU16(payload, 2, withoutPseudoHeader(packet, payload));
  } else {
    const checksumAt = nextHeader === Protocol.Tcp ? 16 : 6;
    const before = packet.octets.subarray(8, IPV6_LENGTH);
    const after = concatenate(ipv4Octets(from), ipv4Octets(to));
    if (nextHeader === Protocol.Tcp || u16(payload, checksumAt) !== 0) {
      const checksum = updateChecksum(u16(payload, checksumAt), before, after);
      putU16(payload, checksumAt, checksum === 0 && nextHeader === Protocol.Udp ? 0xffff : checksum);
    }
  }
  const header = ipv4Header(headerText(packet, payload.length, from, to), identification);
  return { octets: concatenate(header, payload), effects: named.effects };
}

function headerText(packet: Ipv6Packet, length: number, source: number, destination: number) {
  const { hopLimit, nextHeader, octets } = packet;
  const protocol = nextHeader === Protocol.Icmpv6 ? ICMPV4 : nextHeader;
  return { trafficClass: (u16(octets, 0) >>> 4) & 0xff, length, hopLimit, protocol, source, destination };
}

/** The checksum of an ICMPv6 message that has become `changed`, which sums no pseudo-header. */
function withoutPseudoHeader(packet: Ipv6Packet, changed: Uint8Array): number {
  const { source, destination, payload } = packet;
  const pseudo = new Uint8Array(2);
  putU16(pseudo, 0, pseudoHeaderSum(source, destination, payload.length, Protocol.Icmpv6));
  return updateChecksum(
    u16(payload, 2),
    concatenate(cleared(payload), padding(payload), pseudo),
    concatenate(cleared(changed)),
  );
}

/** A capability, or the client of a flow that an agent of ours serves. */
function nameSource(
  state: EdgeState,
  { source, destination, nextHeader }: Ipv6Packet,
  agentPort: number,
  clientPort: number,
): Named {
  if (isCapability(state, source)) {
    const address = addressOfCapability(state, source);
    return address === 0 ? "edge-drop-address" : { address, effects: [] };
  }
  const agent = { address: destination, port: agentPort };
  return admit(state, agent, { address: source, port: clientPort }, nextHeader);
}

interface End {
  readonly address: Uint8Array;
  readonly port: number;
}

function admit(state: EdgeState, agent: End, client: End, protocol: number): Named {
  if (state.returns.get(returnKey(agent, client, protocol)) === undefined) return "edge-drop-stranger";
  const guest = guestFor(state, client.address);
  return guest === undefined ? "edge-drop-no-guest" : { address: guest.address, effects: [guest.effect] };
}

/** The quoted packet went the other way: its source is whom the error is for. @see RFC 7915 §5.2, §5.3 */
function errorToIpv4(state: EdgeState, packet: Ipv6Packet, to: number, identification: number): Translated | EdgeDrop {
  const { payload, source, destination } = packet;
  if (payload.length < ICMP_LENGTH + IPV6_LENGTH + PORTS_LENGTH) return "edge-drop-malformed";
  const quote = new Ipv6Packet(payload.subarray(ICMP_LENGTH));
  if (quote.octets[0]! >> 4 !== 6 || !octetsEqual(quote.source, destination)) return "edge-drop-malformed";
  const named = nameQuoted(state, quote);
  if (typeof named === "string") return named;
  const isEcho = quote.nextHeader === Protocol.Icmpv6 && quote.payload[0] === ECHO_REQUEST;
  const isKnown = isEcho || quote.nextHeader === Protocol.Tcp || quote.nextHeader === Protocol.Udp;
  const head = icmpToIpv4({ type: payload[0]!, code: payload[1]!, rest: u32(payload, 4) });
  if (!isKnown || head === undefined) return { octets: "edge-drop-protocol", effects: named.effects };

  const inner = quotedIpv4Header(headerText(quote, quote.payloadLength, to, named.address));
  const l4 = quotedPayload(quote, concatenate(ipv4Octets(to), ipv4Octets(named.address)));
  const changed = concatenate(new Uint8Array(ICMP_LENGTH), inner, l4);
  changed[0] = head.type;
  changed[1] = head.code;
  putU32(changed, 4, head.rest);
  putU16(changed, 2, withoutPseudoHeader(packet, changed));
  // a router on the way has no name in IPv4
  const from = octetsEqual(source, quote.destination) ? named.address : DUMMY_ROUTER;
  const header = ipv4Header(headerText(packet, changed.length, from, to), identification);
  return { octets: concatenate(header, changed), effects: named.effects };
}

function nameQuoted(state: EdgeState, quote: Ipv6Packet): Named {
  const { source, destination, nextHeader, payload } = quote;
  if (isCapability(state, destination)) {
    const address = addressOfCapability(state, destination);
    return address === 0 ? "edge-drop-address" : { address, effects: [] };
  }
  const agent = { address: source, port: u16(payload, 0) };
  return admit(state, agent, { address: destination, port: u16(payload, 2) }, nextHeader);
}

/** What is quoted behind the header, its checksum as that of the packet itself changes. */
function quotedPayload(quote: Ipv6Packet, addresses: Uint8Array): Uint8Array {
  const { nextHeader, source, destination } = quote;
  const l4 = quote.payload.slice();
  const isEcho = nextHeader === Protocol.Icmpv6;
  const checksumAt = isEcho ? 2 : nextHeader === Protocol.Tcp ? 16 : 6;
  if (isEcho) l4[0] = 8;
  if (l4.length < checksumAt + 2) return l4;
  const before = u16(l4, checksumAt);
  if (nextHeader === Protocol.Udp && before === 0) return l4;
  const pseudo = new Uint8Array(4);
  putU16(pseudo, 0, pseudoHeaderSum(source, destination, quote.payloadLength, Protocol.Icmpv6));
  pseudo[2] = ECHO_REQUEST;
  const checksum = isEcho
    ? updateChecksum(before, pseudo, Uint8Array.of(8, 0))
    : updateChecksum(before, quote.octets.subarray(8, IPV6_LENGTH), addresses);
  putU16(l4, checksumAt, checksum === 0 && nextHeader === Protocol.Udp ? 0xffff : checksum);
  return l4;
}
