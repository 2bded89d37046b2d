import type { Ipv6Address } from "../../base/index.ts";
import { checksumOf, pseudoHeaderSum, sumOf, updateChecksum } from "./checksum.ts";
import {
  concatenate,
  IPV6_LENGTH,
  Ipv6Packet,
  Protocol,
  putU16,
  putU32,
  TCP_LENGTH,
  TcpFlag,
  u16,
  u32,
} from "./packet.ts";

/** Hop limit of what the pass sends itself. */
const ANSWER_HOP_LIMIT = 64;
const REDIRECT = 137;
const ECHO_REPLY = 129;

function checksumField({ nextHeader, payload }: Ipv6Packet): number {
  return u16(payload, nextHeader === Protocol.Udp ? 6 : 16);
}

function ipv6(source: Uint8Array, destination: Uint8Array, nextHeader: number, payload: Uint8Array): Ipv6Packet {
  const header = new Uint8Array(IPV6_LENGTH);
  header[0] = 0x60;
  putU16(header, 4, payload.length);
  header[6] = nextHeader;
  header[7] = ANSWER_HOP_LIMIT;
  header.set(source, 8);
  header.set(destination, 24);
  return new Ipv6Packet(concatenate(header, payload));
}

/** False for ICMPv6 errors, redirects and TCP resets. @see RFC 4443 §2.4 (e), RFC 9293 §3.5.2 */
export function mayBeAnswered({ nextHeader, payload }: Ipv6Packet): boolean {
  if (nextHeader === Protocol.Icmpv6) return payload.length > 0 && payload[0]! >= 128 && payload[0] !== REDIRECT;
  if (nextHeader === Protocol.Tcp) return payload.length > 13 && (payload[13]! & TcpFlag.Rst) === 0;
  return true;
}

/**
 * An ICMPv6 error about `packet`, which it quotes as far as `quote` octets.
 *
 *     | type | code | checksum | value u32 | as much of the packet as fits |
 *
 * Where the quoted packet's checksum is `unfinished`, somebody will finish it inside the quote, which then sums up to the
 * complement of the pseudo-header's sum that the field holds now.
 * @see RFC 4443 §3
 */
export function icmpv6Error(
  from: Ipv6Address,
  packet: Ipv6Packet,
  quote: number,
  error: { readonly type: number; readonly code: number; readonly value: number; readonly unfinished: boolean },
): Ipv6Packet {
  const head = new Uint8Array(8);
  head[0] = error.type;
  head[1] = error.code;
  putU32(head, 4, error.value);
  const quoted = packet.octets.subarray(0, quote);
  const message = concatenate(head, quoted);
  const summed = error.unfinished ? concatenate(head, quoted.subarray(0, packet.headerLength)) : message;
  const later = error.unfinished ? ~checksumField(packet) & 0xffff : 0;
  const pseudo = pseudoHeaderSum(from, packet.source, message.length, Protocol.Icmpv6);
  putU16(message, 2, ~sumOf(summed, pseudo + later) & 0xffff);
  return ipv6(from, packet.source, Protocol.Icmpv6, message);
}

/** The request turned into its reply, from the address that was asked. @see RFC 4443 §4.2 */
export function echoReply(packet: Ipv6Packet): Ipv6Packet {
  const reply = packet.copy();
  const { octets } = reply;
  octets[7] = ANSWER_HOP_LIMIT;
  octets.set(packet.destination, 8);
  octets.set(packet.source, 24);
  const before = octets.slice(IPV6_LENGTH, IPV6_LENGTH + 2);
  octets[IPV6_LENGTH] = ECHO_REPLY;
  const checksum = updateChecksum(u16(octets, IPV6_LENGTH + 2), before, octets.subarray(IPV6_LENGTH, IPV6_LENGTH + 2));
  putU16(octets, IPV6_LENGTH + 2, checksum);
  return reply;
}

/**
 * What a TCP answers to a segment of a connection that does not exist; its checksum is left `unfinished` where that of the
 * segment was.
 * @see RFC 9293 §3.10.7.1
 */
export function tcpReset(packet: Ipv6Packet, options: { readonly unfinished: boolean }): Ipv6Packet {
  const segment = packet.payload;
  const flags = segment[13]!;
  const reset = new Uint8Array(TCP_LENGTH);
  putU16(reset, 0, u16(segment, 2));
  putU16(reset, 2, u16(segment, 0));
  reset[12] = (TCP_LENGTH / 4) << 4;
  if (flags & TcpFlag.Ack) {
    reset.set(segment.subarray(8, 12), 4);
    reset[13] = TcpFlag.Rst;
  } else {
    const data = segment.length - (segment[12]! >> 4) * 4;
    const consumed = data + (flags & TcpFlag.Syn ? 1 : 0) + (flags & TcpFlag.Fin ? 1 : 0);
    putU32(reset, 8, (u32(segment, 4) + consumed) >>> 0);
    reset[13] = TcpFlag.Rst | TcpFlag.Ack;
  }
  const finished = checksumOf(packet.destination, packet.source, Protocol.Tcp, reset);
  const started = pseudoHeaderSum(packet.destination, packet.source, reset.length, Protocol.Tcp);
  putU16(reset, 16, options.unfinished ? started : finished);
  return ipv6(packet.destination, packet.source, Protocol.Tcp, reset);
}
