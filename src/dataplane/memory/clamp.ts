import { updateChecksum } from "./checksum.ts";
import { IPV6_LENGTH, type Ipv6Packet, Protocol, putU16, TCP_LENGTH, TcpFlag, u16 } from "./packet.ts";
import { isUnfinished, type Walk } from "./walk.ts";

const MOST_OPTIONS = 10;
const OPTION = { end: 0, nothing: 1, mss: 2 } as const;
const CHECKSUM_AT = 16;

/** True for what opens a connection, either way, where the port says that its MSS is to fit the tunnel. */
export function isClamped({ port, packet }: Walk): boolean {
  return port.clampsMss === true && packet.nextHeader === Protocol.Tcp && (packet.payload[13]! & TcpFlag.Syn) !== 0;
}

/**
 * The packet with its MSS no larger than what fits a tunnel that adds `added` octets; itself where there is nothing to change.
 * @see RFC 6691 §2
 */
export function clampMss(walk: Walk, added: number): Ipv6Packet {
  const { packet, state } = walk;
  const most = state.tunnelMtu - added - IPV6_LENGTH - TCP_LENGTH;
  const at = mssAt(packet.payload);
  if (at === undefined || u16(packet.payload, at) <= most) return packet;
  const clamped = packet.copy();
  const segment = clamped.payload;
  putU16(segment, at, most);
  if (!isUnfinished(walk)) {
    // whole words under the checksum, as the option may begin at an odd place
    const words = (octets: Uint8Array): Uint8Array => octets.subarray(at & ~1, (at & ~1) + 4);
    putU16(segment, CHECKSUM_AT, updateChecksum(u16(segment, CHECKSUM_AT), words(packet.payload), words(segment)));
  }
  return clamped;
}

/** Where the value of the first MSS option is in a TCP header. */
function mssAt(segment: Uint8Array): number | undefined {
  const end = (segment[12]! >> 4) * 4;
  let at = TCP_LENGTH;
  for (let count = 0; count < MOST_OPTIONS; count++) {
    if (at + 4 > end) return undefined;
    const [kind, length] = [segment[at]!, segment[at + 1]!];
    if (kind === OPTION.mss) return length === 4 ? at + 2 : undefined;
    if (kind === OPTION.end || (kind !== OPTION.nothing && length < 2)) return undefined;
    at += kind === OPTION.nothing ? 1 : length;
  }
  return undefined;
}
