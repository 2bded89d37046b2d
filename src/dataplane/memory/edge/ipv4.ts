import { sumOf } from "../checksum.ts";
import { concatenate, putU16, u16, u32 } from "../packet.ts";

/** IPv4 as the edge reads and writes it: headers without options. @see RFC 791 §3.1 */

export const IPV4_LENGTH = 20;
export const ICMP_LENGTH = 8;
export const ICMPV4 = 1;
/** Up to here a translated packet may be cut on its way, and carries an identification. @see RFC 7915 §5.1 */
const WHOLE_MTU = 1260;
const DO_NOT_FRAGMENT = 0x4000;
const FRAGMENT_BITS = 0x3fff;

export interface Ipv4Header {
  readonly version: number;
  /** Octets. */
  readonly headerLength: number;
  readonly trafficClass: number;
  readonly totalLength: number;
  readonly isFragment: boolean;
  readonly hopLimit: number;
  readonly protocol: number;
  /** Addresses as numbers. */
  readonly source: number;
  readonly destination: number;
}

/** The header at the start of `octets`, of which there must be 20. */
export function readIpv4(octets: Uint8Array): Ipv4Header {
  return {
    version: octets[0]! >> 4,
    headerLength: (octets[0]! & 0xf) * 4,
    trafficClass: octets[1]!,
    totalLength: u16(octets, 2),
    isFragment: (u16(octets, 6) & FRAGMENT_BITS) !== 0,
    hopLimit: octets[8]!,
    protocol: octets[9]!,
    source: u32(octets, 12),
    destination: u32(octets, 16),
  };
}

/** True when the header's checksum is right. */
export function isWholeIpv4(octets: Uint8Array): boolean {
  return sumOf(octets.subarray(0, IPV4_LENGTH)) === 0xffff;
}

export function ipv4Octets(address: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, address);
  return octets;
}

export interface Ipv4Text {
  readonly trafficClass: number;
  /** Behind the header. */
  readonly length: number;
  readonly hopLimit: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
}

/** A header as it stands in front of a packet: small ones may be cut on their way and carry `identification`. */
export function ipv4Header(text: Ipv4Text, identification: number): Uint8Array {
  const whole = text.length + IPV4_LENGTH > WHOLE_MTU;
  return written(text, whole ? 0 : identification, whole ? DO_NOT_FRAGMENT : 0);
}

/** A header as an error quotes it. */
export function quotedIpv4Header(text: Ipv4Text): Uint8Array {
  return written(text, 0, DO_NOT_FRAGMENT);
}

function written(text: Ipv4Text, identification: number, fragment: number): Uint8Array {
  const header = new Uint8Array(IPV4_LENGTH);
  header[0] = 0x45;
  header[1] = text.trafficClass;
  putU16(header, 2, Math.min(text.length + IPV4_LENGTH, 0xffff));
  putU16(header, 4, identification);
  putU16(header, 6, fragment);
  header[8] = text.hopLimit;
  header[9] = text.protocol;
  header.set(concatenate(ipv4Octets(text.source), ipv4Octets(text.destination)), 12);
  putU16(header, 10, ~sumOf(header) & 0xffff);
  return header;
}

/** An address that no single other host has. @see RFC 6890 §2.2.2, RFC 1112 §4 */
export function isBadIpv4(address: number): boolean {
  const first = address >>> 24;
  return first === 0 || first === 127 || first >= 224;
}
