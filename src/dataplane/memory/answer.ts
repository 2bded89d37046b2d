import type { Ipv6Address } from "../../base/index.ts";
import { checksumOf } from "./checksum.ts";
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
export const ANSWER_HOP_LIMIT = 64;
const REDIRECT = 137;

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
 * @see RFC 4443 §3
 */
export function icmpv6Error(
  from: Ipv6Address,
  packet: Ipv6Packet,
  quote: number,
  error: { readonly type: number; readonly code: number; readonly value: number },
): Ipv6Packet {
  const head = new Uint8Array(8);
  head[0] = error.type;
  head[1] = error.code;
  putU32(head, 4, error.value);
  const message = concatenate(head, packet.octets.subarray(0, quote));
  putU16(message, 2, checksumOf(from, packet.source, Protocol.Icmpv6, message));
  return ipv6(from, packet.source, Protocol.Icmpv6, message);
}

/** An echo reply from the address that was asked. @see RFC 4443 §4.2 */
export function echoReply(packet: Ipv6Packet): Ipv6Packet {
  const message = packet.payload.slice();
  message[0] = 129;
  putU16(message, 2, 0);
  putU16(message, 2, checksumOf(packet.destination, packet.source, Protocol.Icmpv6, message));
  return ipv6(packet.destination, packet.source, Protocol.Icmpv6, message);
}

/** What a TCP answers to a segment of a connection that does not exist. @see RFC 9293 §3.10.7.1 */
export function tcpReset(packet: Ipv6Packet): Ipv6Packet {
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
  putU16(reset, 16, checksumOf(packet.destination, packet.source, Protocol.Tcp, reset));
  return ipv6(packet.destination, packet.source, Protocol.Tcp, reset);
}
