import { Reader, Writer } from "../../../src/base/index.ts";

/** What a test says about a packet; the rest has a plain default. Addresses are 16 octets. */
export interface PacketText {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
}

export interface TcpText extends PacketText {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Letters of S A F R P; none is `A`. */
  readonly flags?: string;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

export interface UdpText extends PacketText {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload?: Uint8Array;
}

const FLAG_BITS: Readonly<Record<string, number>> = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10 };
export const TCP = 6;
export const UDP = 17;
export const ICMP = 58;
export const IPV6_IN_IPV6 = 41;
export const FRAGMENT = 44;
export const ROUTING = 43;

/** One's complement sum of big-endian 16-bit words, folded. @see RFC 1071 */
export function onesSum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts)
    for (let i = 0; i < part.length; i += 2) {
      sum += (part[i]! << 8) + (part[i + 1] ?? 0);
      sum = (sum & 0xffff) + (sum >>> 16);
    }
  return sum;
}

export function pseudoHeader(
  source: Uint8Array,
  destination: Uint8Array,
  length: number,
  protocol: number,
): Uint8Array {
  return new Writer().bytes(source).bytes(destination).u32(length).u32(protocol).finish();
}

/** Whether the transport checksum of an IPv6 packet (no Ethernet header) is right. */
export function checksumIsRight(packet: Uint8Array): boolean {
  const payload = packet.subarray(40);
  return (
    onesSum(pseudoHeader(packet.subarray(8, 24), packet.subarray(24, 40), payload.length, packet[6]!), payload) ===
    0xffff
  );
}

export function ethernet(packet: Uint8Array, type = 0x86dd): Uint8Array {
  // the loopback's own address is all zeros: anything else is a frame for another host to tc
  return new Writer()
    .bytes(new Uint8Array(6))
    .bytes(Uint8Array.of(2, 0, 0, 0, 0, 1))
    .u16(type)
    .bytes(packet)
    .finish();
}

export function ipv6(text: PacketText, protocol: number, payload: Uint8Array): Uint8Array {
  return new Writer()
    .u32(0x60000000 + ((text.trafficClass ?? 0) << 20) + (text.flowLabel ?? 0))
    .u16(payload.length)
    .u8(protocol)
    .u8(text.hopLimit ?? 64)
    .bytes(text.source)
    .bytes(text.destination)
    .bytes(payload)
    .finish();
}

/** Puts the checksum at `offset` of a transport header; `zeroAs` is what a result of 0 becomes. */
function withChecksum(text: PacketText, protocol: number, l4: Uint8Array, offset: number, zeroAs = 0): Uint8Array {
  const sum = 0xffff - onesSum(pseudoHeader(text.source, text.destination, l4.length, protocol), l4);
  const value = sum === 0 ? zeroAs : sum;
  l4[offset] = value >>> 8;
  l4[offset + 1] = value & 0xff;
  return l4;
}

export function tcp(text: TcpText): Uint8Array {
  const options = text.options ?? new Uint8Array();
  const flags = [...(text.flags ?? "A")].reduce((bits, letter) => bits | FLAG_BITS[letter]!, 0);
  const l4 = new Writer()
    .u16(text.sourcePort)
    .u16(text.destinationPort)
    .u32(text.sequence ?? 1000)
    .u32(text.acknowledgment ?? (text.flags === "S" ? 0 : 2000))
    .u8(((20 + options.length) / 4) << 4)
    .u8(flags)
    .u16(64240)
    .u32(0)
    .bytes(options)
    .bytes(text.payload ?? new Uint8Array())
    .finish();
  return ipv6(text, TCP, withChecksum(text, TCP, l4, 16));
}

export function udp(text: UdpText): Uint8Array {
  const payload = text.payload ?? new Uint8Array();
  const l4 = new Writer()
    .u16(text.sourcePort)
    .u16(text.destinationPort)
    .u16(8 + payload.length)
    .u16(0)
    .bytes(payload)
    .finish();
  return ipv6(text, UDP, withChecksum(text, UDP, l4, 6, 0xffff));
}

export function icmp(text: PacketText, type: number, code: number, body: Uint8Array): Uint8Array {
  const l4 = new Writer().u8(type).u8(code).u16(0).bytes(body).finish();
  return ipv6(text, ICMP, withChecksum(text, ICMP, l4, 2));
}

/** The packet with the checksum field as an unfinished one: only the sum of the pseudo-header. */
export function unfinished(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const offset = 40 + (copy[6] === TCP ? 16 : 6);
  const sum = onesSum(pseudoHeader(copy.subarray(8, 24), copy.subarray(24, 40), copy.length - 40, copy[6]!));
  copy[offset] = sum >>> 8;
  copy[offset + 1] = sum & 0xff;
  return copy;
}

/** What a device does with an unfinished packet before it leaves: sums from the transport header to the end. */
export function finished(packet: Uint8Array, start = 40, protocol: number = packet[6]!): Uint8Array {
  const copy = packet.slice();
  const sum = 0xffff - onesSum(copy.subarray(start));
  const offset = start + (protocol === TCP ? 16 : 6);
  copy[offset] = sum >>> 8;
  copy[offset + 1] = sum & 0xff;
  return copy;
}

/** An IPv6 packet taken apart. */
export interface ReadPacket {
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly payloadLength: number;
  readonly protocol: number;
  readonly hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly payload: Uint8Array;
}

export function readIpv6(packet: Uint8Array): ReadPacket {
  const reader = new Reader(packet);
  const word = reader.u32();
  return {
    trafficClass: (word >>> 20) & 0xff,
    flowLabel: word & 0xfffff,
    payloadLength: reader.u16(),
    protocol: reader.u8(),
    hopLimit: reader.u8(),
    source: reader.bytes(16),
    destination: reader.bytes(16),
    payload: reader.rest(),
  };
}
