import type { Ipv6Address } from "../../base/index.ts";
import { updateChecksum, updateUnfinished } from "./checksum.ts";
import { concatenate, IPV6_LENGTH, type Ipv6Packet, Protocol, putU16, u16 } from "./packet.ts";

const SIDES = {
  source: { addressAt: 8, portAt: IPV6_LENGTH },
  destination: { addressAt: 24, portAt: IPV6_LENGTH + 2 },
} as const;

/**
 * A copy of a TCP or UDP packet with one address and port replaced and its checksum kept right.
 *
 * `unfinished`: the checksum field holds the sum of the pseudo-header only (a sender on this host left the rest to the
 * network device), so the ports are not under it. A UDP checksum of 0 means that there is none.
 * @see RFC 1624; RFC 8200 §8.1
 */
export function translate(
  packet: Ipv6Packet,
  side: keyof typeof SIDES,
  to: { readonly address: Ipv6Address; readonly port: number },
  options: { readonly unfinished: boolean },
): Ipv6Packet {
  const { addressAt, portAt } = SIDES[side];
  const changed = packet.copy();
  const { octets } = changed;
  octets.set(to.address, addressAt);
  putU16(octets, portAt, to.port);

  const isUdp = packet.nextHeader === Protocol.Udp;
  const checksumAt = IPV6_LENGTH + (isUdp ? 6 : 16);
  const checksum = u16(octets, checksumAt);
  if (isUdp && checksum === 0) return changed;
  const addresses = [packet.octets.subarray(addressAt, addressAt + 16), to.address] as const;
  if (options.unfinished) {
    putU16(octets, checksumAt, updateUnfinished(checksum, ...addresses));
    return changed;
  }
  const port = packet.octets.subarray(portAt, portAt + 2);
  const before = concatenate(addresses[0], port);
  const after = concatenate(addresses[1], octets.subarray(portAt, portAt + 2));
  const updated = updateChecksum(checksum, before, after);
  putU16(octets, checksumAt, isUdp && updated === 0 ? 0xffff : updated);
  return changed;
}
