import type { Ipv6Address } from "../../base/index.ts";
import {
  concatenate,
  ETHERNET_LENGTH,
  ICMPV6_LENGTH,
  IPV6_LENGTH,
  Protocol,
  putU16,
  TCP_LENGTH,
  TcpFlag,
  UDP_LENGTH,
} from "../memory/packet.ts";

const ETHERTYPE_IPV6 = 0x86dd;
const ECHO_REQUEST = 128;
const TUNNEL_HOP_LIMIT = 64;

/** What is asked about: one packet, by what the pass looks at. */
export interface PacketQuestion {
  /** The port that it comes in at. */
  readonly interface: string;
  /** The locator of the router that it comes from in a tunnel; absent: it comes as it is. */
  readonly tunnelFrom?: Ipv6Address;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  /** `icmpv6` is an echo request; its ports are not looked at. */
  readonly protocol: "tcp" | "udp" | "icmpv6";
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP only. `syn` opens a connection, `ack` is in the middle of one. */
  readonly tcp: "syn" | "ack" | "fin" | "rst";
  readonly hopLimit: number;
  /** Of the IPv6 packet in octets, headers included; raised to what the headers need. */
  readonly length: number;
}

const HEADERS = { tcp: TCP_LENGTH, udp: UDP_LENGTH, icmpv6: ICMPV6_LENGTH } as const;
const PROTOCOLS = { tcp: Protocol.Tcp, udp: Protocol.Udp, icmpv6: Protocol.Icmpv6 } as const;
const FLAGS = {
  syn: TcpFlag.Syn,
  ack: TcpFlag.Ack,
  fin: TcpFlag.Fin | TcpFlag.Ack,
  rst: TcpFlag.Rst,
} as const;

/** An Ethernet frame with such a packet; `locator` is where a tunnel to this router ends. */
export function frameOf(question: PacketQuestion, locator: Ipv6Address): Uint8Array {
  const { protocol, source, destination, hopLimit, tunnelFrom } = question;
  const payload = new Uint8Array(Math.max(question.length - IPV6_LENGTH, HEADERS[protocol]));
  if (protocol === "icmpv6") {
    payload[0] = ECHO_REQUEST;
  } else {
    putU16(payload, 0, question.sourcePort);
    putU16(payload, 2, question.destinationPort);
  }
  if (protocol === "tcp") {
    payload[12] = (TCP_LENGTH / 4) << 4;
    payload[13] = FLAGS[question.tcp];
  }
  if (protocol === "udp") putU16(payload, 4, payload.length);
  const packet = concatenate(ipv6Header(source, destination, PROTOCOLS[protocol], hopLimit, payload.length), payload);
  const ethernet = new Uint8Array(ETHERNET_LENGTH);
  putU16(ethernet, 12, ETHERTYPE_IPV6);
  if (tunnelFrom === undefined) return concatenate(ethernet, packet);
  const outer = ipv6Header(tunnelFrom, locator, Protocol.Ipv6, TUNNEL_HOP_LIMIT, packet.length);
  return concatenate(ethernet, outer, packet);
}

function ipv6Header(
  source: Ipv6Address,
  destination: Ipv6Address,
  nextHeader: number,
  hopLimit: number,
  length: number,
): Uint8Array {
  const header = new Uint8Array(IPV6_LENGTH);
  header[0] = 0x60;
  putU16(header, 4, length);
  header[6] = nextHeader;
  header[7] = hopLimit;
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}
