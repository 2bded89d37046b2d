import { parseIpv6 } from "../../../src/base/index.ts";
import { checksumOf } from "../../../src/dataplane/memory/checksum.ts";
import { concatenate, putU16, putU32 } from "../../../src/dataplane/memory/packet.ts";

export const address = (text: string): Uint8Array => parseIpv6(text)!;

const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const STATION_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

export function ethernet(payload: Uint8Array, etherType = 0x86dd): Uint8Array {
  return concatenate(ROUTER_MAC, STATION_MAC, Uint8Array.of(etherType >> 8, etherType & 0xff), payload);
}

export interface Ipv6Fields {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
}

export function ipv6(fields: Ipv6Fields, nextHeader: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  putU32(header, 0, (0x60000000 | ((fields.trafficClass ?? 0) << 20)) >>> 0);
  putU16(header, 4, payload.length);
  header[6] = nextHeader;
  header[7] = fields.hopLimit ?? 64;
  header.set(fields.source, 8);
  header.set(fields.destination, 24);
  return concatenate(header, payload);
}

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly data?: Uint8Array;
}

export function tcp(fields: Ipv6Fields, segment: TcpFields): Uint8Array {
  const octets = concatenate(new Uint8Array(20), segment.data ?? new Uint8Array());
  putU16(octets, 0, segment.sourcePort);
  putU16(octets, 2, segment.destinationPort);
  putU32(octets, 4, segment.sequence ?? 1000);
  putU32(octets, 8, segment.acknowledgement ?? 0);
  octets[12] = 5 << 4;
  octets[13] = segment.flags;
  putU16(octets, 14, 65535);
  putU16(octets, 16, checksumOf(fields.source, fields.destination, 6, octets));
  return ipv6(fields, 6, octets);
}

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly data?: Uint8Array;
}

export function udp(fields: Ipv6Fields, datagram: UdpFields): Uint8Array {
  const octets = concatenate(new Uint8Array(8), datagram.data ?? new Uint8Array());
  putU16(octets, 0, datagram.sourcePort);
  putU16(octets, 2, datagram.destinationPort);
  putU16(octets, 4, octets.length);
  const checksum = checksumOf(fields.source, fields.destination, 17, octets);
  putU16(octets, 6, checksum === 0 ? 0xffff : checksum);
  return ipv6(fields, 17, octets);
}

export function icmpv6(
  fields: Ipv6Fields,
  message: { readonly type: number; readonly code?: number; readonly body: Uint8Array },
): Uint8Array {
  const octets = concatenate(Uint8Array.of(message.type, message.code ?? 0, 0, 0), message.body);
  putU16(octets, 2, checksumOf(fields.source, fields.destination, 58, octets));
  return ipv6(fields, 58, octets);
}
