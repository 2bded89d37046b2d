import { concatenate, putU16, putU32 } from "../../../src/dataplane/memory/packet.ts";
import { onesSum, pseudoHeader } from "../pass/frames.ts";

/** IPv4 packets as a test says them: written without the code under test. */

export function ipv4Number(text: string): number {
  return text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function ipv4Octets(address: number): Uint8Array {
  const octets = new Uint8Array(4);
  putU32(octets, 0, address);
  return octets;
}

export interface Ipv4Text {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly hopLimit?: number;
  readonly tos?: number;
  readonly identification?: number;
  /** Flags and offset. */
  readonly fragment?: number;
  readonly options?: Uint8Array;
}

export function ipv4(text: Ipv4Text, payload: Uint8Array): Uint8Array {
  const options = text.options ?? new Uint8Array();
  const header = concatenate(new Uint8Array(20), options);
  header[0] = 0x40 | (header.length / 4);
  header[1] = text.tos ?? 0;
  putU16(header, 2, header.length + payload.length);
  putU16(header, 4, text.identification ?? 1);
  putU16(header, 6, text.fragment ?? 0x4000);
  header[8] = text.hopLimit ?? 64;
  header[9] = text.protocol;
  header.set(ipv4Octets(text.source), 12);
  header.set(ipv4Octets(text.destination), 16);
  putU16(header, 10, 0xffff - onesSum(header));
  return concatenate(header, payload);
}

/** The packet with a right TCP or UDP checksum (over the pseudo-header) or ICMP checksum (without). */
export function summed4(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const l4 = copy.subarray(20);
  const at = { 6: 16, 17: 6, 1: 2 }[copy[9]!];
  if (at === undefined || l4.length < at + 2) return copy;
  putU16(l4, at, 0);
  const pseudo = new Uint8Array(12);
  pseudo.set(copy.subarray(12, 20));
  pseudo[9] = copy[9]!;
  putU16(pseudo, 10, l4.length);
  const sum = 0xffff - (copy[9] === 1 ? onesSum(l4) : onesSum(pseudo, l4));
  putU16(l4, at, sum === 0 && copy[9] === 17 ? 0xffff : sum);
  return copy;
}

export function checksumIsRight4(packet: Uint8Array): boolean {
  const l4 = packet.subarray(20);
  if (onesSum(packet.subarray(0, 20)) !== 0xffff) return false;
  if (packet[9] === 1) return onesSum(l4) === 0xffff;
  const pseudo = new Uint8Array(12);
  pseudo.set(packet.subarray(12, 20));
  pseudo[9] = packet[9]!;
  putU16(pseudo, 10, l4.length);
  return onesSum(pseudo, l4) === 0xffff;
}

/** The IPv6 packet with a right TCP, UDP or ICMPv6 checksum. */
export function summed6(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const l4 = copy.subarray(40);
  const at = { 6: 16, 17: 6, 58: 2 }[copy[6]!];
  if (at === undefined || l4.length < at + 2) return copy;
  putU16(l4, at, 0);
  const pseudo = pseudoHeader(copy.subarray(8, 24), copy.subarray(24, 40), l4.length, copy[6]!);
  const sum = 0xffff - onesSum(pseudo, l4);
  putU16(l4, at, sum === 0 && copy[6] === 17 ? 0xffff : sum);
  return copy;
}

export function ipv6(
  text: {
    readonly source: Uint8Array;
    readonly destination: Uint8Array;
    readonly hopLimit?: number;
    readonly trafficClass?: number;
  },
  nextHeader: number,
  payload: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(40);
  putU32(header, 0, 0x60000000 + (text.trafficClass ?? 0) * 2 ** 20 + 0x12345);
  putU16(header, 4, payload.length);
  header[6] = nextHeader;
  header[7] = text.hopLimit ?? 64;
  header.set(text.source, 8);
  header.set(text.destination, 24);
  return concatenate(header, payload);
}

/** A TCP segment of a connection that stands; its checksum is for `summed4` or `summed6`. */
export function segment(sourcePort: number, destinationPort: number, data: Uint8Array = new Uint8Array()): Uint8Array {
  const octets = concatenate(new Uint8Array(20), data);
  putU16(octets, 0, sourcePort);
  putU16(octets, 2, destinationPort);
  putU32(octets, 4, 1000);
  octets[12] = 5 << 4;
  octets[13] = 0x10;
  return octets;
}

export function datagram(sourcePort: number, destinationPort: number, data: Uint8Array = new Uint8Array()): Uint8Array {
  const octets = concatenate(new Uint8Array(8), data);
  putU16(octets, 0, sourcePort);
  putU16(octets, 2, destinationPort);
  putU16(octets, 4, octets.length);
  return octets;
}

export function icmp(type: number, code: number, rest: number, body: Uint8Array): Uint8Array {
  const octets = concatenate(new Uint8Array(8), body);
  octets[0] = type;
  octets[1] = code;
  putU32(octets, 4, rest);
  return octets;
}
