import { pseudoHeaderSum, sumOf, updateChecksum } from "../checksum.ts";
import { concatenate, IPV6_LENGTH, Protocol, putU16, putU32, TCP_LENGTH, UDP_LENGTH, u16, u32 } from "../packet.ts";
import { icmpToIpv6 } from "./icmp.ts";
import {
  ICMP_LENGTH,
  ICMPV4,
  IPV4_LENGTH,
  type Ipv4Header,
  ipv4Octets,
  isBadIpv4,
  isWholeIpv4,
  readIpv4,
} from "./ipv4.ts";
import { capabilityAt, type EdgeDrop, type EdgeState, embedded, poolOf } from "./state.ts";

/** A UDP packet without a checksum is given one up to here. @see RFC 7915 §4.5 */
const LONGEST_SUMMED = 1280;

interface Crossing {
  readonly header: Ipv4Header;
  /** IPv6 addresses. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/**
 * The IPv4 packet at the start of `found` as IPv6, with what lies behind it in the frame; a drop; or `undefined` when it is
 * not for one of our pools.
 * @see RFC 7915 §4
 */
export function toIpv6(state: EdgeState, found: Uint8Array): Uint8Array | EdgeDrop | undefined {
  if (found.length < IPV4_LENGTH) return undefined;
  const header = readIpv4(found);
  if (header.version !== 4) return undefined;
  const pool = poolOf(state, header.destination);
  if (pool === undefined) return undefined;
  if (header.headerLength > IPV4_LENGTH) return "edge-drop-protocol";
  const { totalLength } = header;
  const isLying = header.headerLength < IPV4_LENGTH || totalLength < IPV4_LENGTH || totalLength > found.length;
  if (isLying || !isWholeIpv4(found)) return "edge-drop-malformed";
  if (header.isFragment) return "edge-drop-fragment";
  if (isBadIpv4(header.source) || poolOf(state, header.source) !== undefined) return "edge-drop-address";
  const destination =
    pool.kind === "capabilities"
      ? capabilityAt(state, pool, header.destination)
      : state.guests.get(header.destination)?.client;
  if (destination === undefined) return "edge-drop-no-guest";
  const crossing = { header, source: embedded(state, header.source), destination };
  const payload = found.subarray(IPV4_LENGTH, totalLength);
  const behind = found.subarray(totalLength);
  switch (header.protocol) {
    case Protocol.Tcp:
      return payload.length < TCP_LENGTH ? "edge-drop-malformed" : segment(crossing, payload, 16, behind);
    case Protocol.Udp:
      return payload.length < UDP_LENGTH ? "edge-drop-malformed" : datagram(crossing, payload, behind);
    case ICMPV4:
      return payload.length < ICMP_LENGTH ? "edge-drop-malformed" : icmp(state, crossing, payload, behind);
    default:
      return "edge-drop-protocol";
  }
}

function ipv6Header(text: {
  readonly trafficClass: number;
  readonly length: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}): Uint8Array {
  const header = new Uint8Array(IPV6_LENGTH);
  putU32(header, 0, 0x60000000 + text.trafficClass * 2 ** 20);
  putU16(header, 4, text.length);
  header[6] = text.nextHeader;
  header[7] = text.hopLimit;
  header.set(text.source, 8);
  header.set(text.destination, 24);
  return header;
}

function wrapped(
  { header, source, destination }: Crossing,
  nextHeader: number,
  payload: Uint8Array,
  behind: Uint8Array,
): Uint8Array {
  const { trafficClass, hopLimit } = header;
  const front = ipv6Header({ trafficClass, length: payload.length, nextHeader, hopLimit, source, destination });
  return concatenate(front, payload, behind);
}

/** Addresses as the pseudo-headers of both versions have them. */
function addresses({ header, source, destination }: Crossing): readonly [Uint8Array, Uint8Array] {
  return [concatenate(ipv4Octets(header.source), ipv4Octets(header.destination)), concatenate(source, destination)];
}

function segment(crossing: Crossing, payload: Uint8Array, checksumAt: number, behind: Uint8Array): Uint8Array {
  const changed = payload.slice();
  const { protocol } = crossing.header;
  const checksum = updateChecksum(u16(payload, checksumAt), ...addresses(crossing));
  putU16(changed, checksumAt, checksum === 0 && protocol === Protocol.Udp ? 0xffff : checksum);
  return wrapped(crossing, protocol, changed, behind);
}

function datagram(crossing: Crossing, payload: Uint8Array, behind: Uint8Array): Uint8Array | EdgeDrop {
  if (u16(payload, 6) !== 0) return segment(crossing, payload, 6, behind);
  if (u16(payload, 4) !== payload.length) return "edge-drop-malformed";
  if (payload.length > LONGEST_SUMMED) return "edge-drop-checksum";
  const changed = payload.slice();
  const pseudo = pseudoHeaderSum(crossing.source, crossing.destination, payload.length, Protocol.Udp);
  putU16(changed, 6, ~sumOf(payload, pseudo) & 0xffff || 0xffff);
  return wrapped(crossing, Protocol.Udp, changed, new Uint8Array());
}

function icmp(state: EdgeState, crossing: Crossing, payload: Uint8Array, behind: Uint8Array): Uint8Array | EdgeDrop {
  const isEcho = payload[0] === 8 || payload[0] === 0;
  const changed = isEcho ? echo(payload) : error(state, crossing, payload);
  if (typeof changed === "string") return changed;
  const pseudo = new Uint8Array(2);
  putU16(pseudo, 0, pseudoHeaderSum(crossing.source, crossing.destination, changed.length, Protocol.Icmpv6));
  const before = concatenate(cleared(payload));
  const after = concatenate(cleared(changed), padding(changed), pseudo);
  putU16(changed, 2, updateChecksum(u16(payload, 2), before, after));
  return wrapped(crossing, Protocol.Icmpv6, changed, behind);
}

/** A copy whose checksum field is 0. */
export function cleared(message: Uint8Array): Uint8Array {
  const copy = message.slice();
  putU16(copy, 2, 0);
  return copy;
}

/** What makes a message of odd length end on a word. */
export function padding(message: Uint8Array): Uint8Array {
  return new Uint8Array(message.length % 2);
}

function echo(payload: Uint8Array): Uint8Array {
  const changed = payload.slice();
  changed[0] = payload[0] === 8 ? 128 : 129;
  return changed;
}

/** An error about a packet that left here: it is called again what it was called before. @see RFC 7915 §4.3 */
function error(state: EdgeState, { header, destination }: Crossing, payload: Uint8Array): Uint8Array | EdgeDrop {
  if (payload.length < ICMP_LENGTH + IPV4_LENGTH) return "edge-drop-malformed";
  const quoted = payload.subarray(ICMP_LENGTH);
  const inner = readIpv4(quoted);
  if (inner.version !== 4 || inner.headerLength !== IPV4_LENGTH || inner.source !== header.destination)
    return "edge-drop-malformed";
  const { protocol } = inner;
  if (inner.isFragment || (protocol !== Protocol.Tcp && protocol !== Protocol.Udp)) return "edge-drop-protocol";
  const head = icmpToIpv6({ type: payload[0]!, code: payload[1]!, rest: u32(payload, 4) }, inner.totalLength);
  if (head === undefined) return "edge-drop-protocol";

  const ends = { source: destination, destination: embedded(state, inner.destination) };
  const front = ipv6Header({
    ...{ trafficClass: inner.trafficClass, length: (inner.totalLength - IPV4_LENGTH) & 0xffff },
    ...{ nextHeader: protocol, hopLimit: inner.hopLimit, ...ends },
  });
  const l4 = quoted.slice(IPV4_LENGTH);
  const checksumAt = protocol === Protocol.Tcp ? 16 : 6;
  if (l4.length >= checksumAt + 2 && (protocol === Protocol.Tcp || u16(l4, checksumAt) !== 0)) {
    const before = quoted.subarray(12, IPV4_LENGTH);
    const checksum = updateChecksum(u16(l4, checksumAt), before, concatenate(ends.source, ends.destination));
    putU16(l4, checksumAt, checksum === 0 && protocol === Protocol.Udp ? 0xffff : checksum);
  }
  const changed = concatenate(new Uint8Array(ICMP_LENGTH), front, l4);
  changed[0] = head.type;
  changed[1] = head.code;
  putU32(changed, 4, head.rest);
  return changed;
}
