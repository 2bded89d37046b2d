import { octetsEqual } from "../../base/index.ts";

/** Views of headers in network order. Nothing here copies or changes octets unless its name says so. */

export const ETHERNET_LENGTH = 14;
export const IPV6_LENGTH = 40;
export const TCP_LENGTH = 20;
export const UDP_LENGTH = 8;
export const ICMPV6_LENGTH = 8;
const FRAGMENT_LENGTH = 8;

const FIRST_INFORMATIONAL = 128;

export const Protocol = {
  HopByHop: 0,
  Tcp: 6,
  Udp: 17,
  Ipv6: 41,
  Routing: 43,
  Fragment: 44,
  Icmpv6: 58,
  DestinationOptions: 60,
} as const;
export const TcpFlag = { Fin: 0x01, Syn: 0x02, Rst: 0x04, Ack: 0x10 } as const;

export const u16 = (octets: Uint8Array, at: number): number => (octets[at]! << 8) | octets[at + 1]!;
export const u32 = (octets: Uint8Array, at: number): number => u16(octets, at) * 0x10000 + u16(octets, at + 2);

export function putU16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

export function putU32(octets: Uint8Array, at: number, value: number): void {
  putU16(octets, at, value >>> 16);
  putU16(octets, at + 2, value & 0xffff);
}

/** Extension headers that are skipped. */
export interface Extensions {
  readonly octets: number;
  /** What is behind them. */
  readonly nextHeader: number;
  /** The last of them is the header of a fragment. */
  readonly fragment?: FragmentFacts;
}

export interface FragmentFacts {
  /** The others have no ports. */
  readonly isFirst: boolean;
  /** Four octets. */
  readonly id: Uint8Array;
}

/** An IPv6 packet: octets from its fixed header on. */
export class Ipv6Packet {
  readonly octets: Uint8Array;
  readonly extensions: Extensions | undefined;

  constructor(octets: Uint8Array, extensions?: Extensions) {
    this.octets = octets;
    this.extensions = extensions;
  }

  /** As the header gives it; {@link payload} is what is there. */
  get payloadLength(): number {
    return u16(this.octets, 4);
  }

  /** Behind the extension headers that are skipped. */
  get nextHeader(): number {
    return this.extensions?.nextHeader ?? this.octets[6]!;
  }

  /** Where {@link payload} begins. */
  get headerLength(): number {
    return IPV6_LENGTH + (this.extensions?.octets ?? 0);
  }

  get hopLimit(): number {
    return this.octets[7]!;
  }

  get source(): Uint8Array {
    return this.octets.subarray(8, 24);
  }

  get destination(): Uint8Array {
    return this.octets.subarray(24, 40);
  }

  /** Everything behind the fixed header and the extension headers that are skipped. */
  get payload(): Uint8Array {
    return this.octets.subarray(this.headerLength);
  }

  get fragment(): FragmentFacts | undefined {
    return this.extensions?.fragment;
  }

  /** A copy that its holder may change. */
  copy(): Ipv6Packet {
    return new Ipv6Packet(this.octets.slice(), this.extensions);
  }

  /** A copy after one more hop. */
  oneHopFurther(): Ipv6Packet {
    const further = this.copy();
    further.octets[7] = this.hopLimit - 1;
    return further;
  }
}

const EXTENSIONS: ReadonlySet<number> = new Set([Protocol.HopByHop, Protocol.Routing, Protocol.DestinationOptions]);
const MOST_EXTENSIONS = 4;
const MOST_EXTENSION_OCTETS = 256;

export const isExtension = (protocol: number): boolean => EXTENSIONS.has(protocol);

/**
 * Goes past the extension headers of a whole packet to what is behind them, or says why not. Hop-by-hop options are the first
 * or not at all, and a routing header has been followed to its end.
 * @see RFC 8200 §4.1, §4.4
 */
export function skipExtensions({
  octets,
}: Ipv6Packet): Ipv6Packet | "drop-truncated" | "drop-extension" | "drop-segments" {
  const payload = octets.subarray(IPV6_LENGTH);
  let next = octets[6]!;
  let at = 0;
  for (let count = 0; count < MOST_EXTENSIONS && isExtension(next); count++) {
    if (payload.length < at + 8) return "drop-truncated";
    if (next === Protocol.HopByHop && count > 0) return "drop-extension";
    if (next === Protocol.Routing && payload[at + 3] !== 0) return "drop-segments";
    next = payload[at]!;
    at += 8 + payload[at + 1]! * 8;
    if (at > MOST_EXTENSION_OCTETS || at > payload.length) return "drop-extension";
  }
  return isExtension(next) ? "drop-extension" : new Ipv6Packet(octets, { octets: at, nextHeader: next });
}

/** Ports, flags and length of a layer-4 header that is all there. Other protocols have ports 0. */
export interface Layer4 {
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP only; 0 otherwise. */
  readonly tcpFlags: number;
}

/** `undefined` when the layer-4 header is cut off; a TCP header reaches to the end of its options. */
export function parseLayer4(packet: Ipv6Packet): Layer4 | undefined {
  const { nextHeader: protocol, payload } = packet;
  const least = { [Protocol.Tcp]: TCP_LENGTH, [Protocol.Udp]: UDP_LENGTH, [Protocol.Icmpv6]: ICMPV6_LENGTH }[protocol];
  if (least !== undefined && payload.length < least) return undefined;
  if (protocol === Protocol.Tcp) {
    const length = (payload[12]! >> 4) * 4;
    if (length < TCP_LENGTH || length > payload.length) return undefined;
  }
  if (protocol !== Protocol.Tcp && protocol !== Protocol.Udp)
    return { protocol, sourcePort: 0, destinationPort: 0, tcpFlags: 0 };
  const tcpFlags = protocol === Protocol.Tcp ? payload[13]! : 0;
  return { protocol, sourcePort: u16(payload, 0), destinationPort: u16(payload, 2), tcpFlags };
}

/** @see RFC 4443 §2.1 */
export function isIcmpv6Error({ nextHeader, payload }: Ipv6Packet): boolean {
  return nextHeader === Protocol.Icmpv6 && payload[0]! < FIRST_INFORMATIONAL;
}

/**
 * The packet that an ICMPv6 error is about, as far as the error quotes it. `undefined` when that does not hold a whole TCP or
 * UDP header, or is not from whom the error is for.
 * @see RFC 7690; RFC 5508 REQ-4
 */
export function quotedPacket(error: Ipv6Packet): { readonly packet: Ipv6Packet; readonly layer4: Layer4 } | undefined {
  const octets = error.payload.subarray(ICMPV6_LENGTH);
  if (octets.length < IPV6_LENGTH || octets[0]! >> 4 !== 6) return undefined;
  const packet = new Ipv6Packet(octets);
  const { nextHeader: protocol, payload } = packet;
  const header = { [Protocol.Tcp]: TCP_LENGTH, [Protocol.Udp]: UDP_LENGTH }[protocol];
  if (header === undefined || payload.length < header || !octetsEqual(packet.source, error.destination))
    return undefined;
  const layer4 = { protocol, sourcePort: u16(payload, 0), destinationPort: u16(payload, 2), tcpFlags: 0 };
  return { packet, layer4 };
}

/**
 * The ports of a first fragment of TCP or UDP, `undefined` for any other fragment.
 * @see RFC 8200 §4.5
 */
export function firstFragment({ payload }: Ipv6Packet): Layer4 | undefined {
  if (payload.length < FRAGMENT_LENGTH + UDP_LENGTH || (u16(payload, 2) & 0xfff8) !== 0) return undefined;
  const protocol = payload[0]!;
  if (protocol !== Protocol.Tcp && protocol !== Protocol.Udp) return undefined;
  const ports = { sourcePort: u16(payload, FRAGMENT_LENGTH), destinationPort: u16(payload, FRAGMENT_LENGTH + 2) };
  return { protocol, ...ports, tcpFlags: 0 };
}

/**
 * A fragment of UDP, behind its header: it may go on where a capability says so. `undefined` for all others.
 * @see RFC 8200 §4.5
 */
export function udpFragment(
  packet: Ipv6Packet,
): { readonly packet: Ipv6Packet; readonly layer4: Layer4; readonly fragment: FragmentFacts } | undefined {
  const { octets, payload, extensions } = packet;
  if (payload.length < FRAGMENT_LENGTH || payload[0] !== Protocol.Udp) return undefined;
  const isFirst = (u16(payload, 2) & 0xfff8) === 0;
  const layer4 = isFirst
    ? firstFragment(packet)
    : { protocol: Protocol.Udp, sourcePort: 0, destinationPort: 0, tcpFlags: 0 };
  if (layer4 === undefined) return undefined;
  const fragment = { isFirst, id: payload.slice(4, 8) };
  const skipped = { octets: (extensions?.octets ?? 0) + FRAGMENT_LENGTH, nextHeader: Protocol.Udp, fragment };
  return { packet: new Ipv6Packet(octets, skipped), layer4, fragment };
}

/** The segment that opens a connection: SYN without ACK, FIN and RST. */
export function isSyn({ protocol, tcpFlags }: Layer4): boolean {
  const { Syn, Ack, Fin, Rst } = TcpFlag;
  return protocol === Protocol.Tcp && (tcpFlags & (Syn | Ack | Fin | Rst)) === Syn;
}

export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
