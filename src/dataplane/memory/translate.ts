import type { Ipv6Address } from "../../base/index.ts";
import { updateChecksum, updateUnfinished } from "./checksum.ts";
import { concatenate, ICMPV6_LENGTH, IPV6_LENGTH, Ipv6Packet, Protocol, putU16, u16 } from "./packet.ts";

const SIDES = {
  source: { addressAt: 8, portBehind: 0 },
  destination: { addressAt: 24, portBehind: 2 },
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
  const { addressAt, portBehind } = SIDES[side];
  const portAt = packet.headerLength + portBehind;
  const changed = packet.copy();
  const { octets } = changed;
  octets.set(to.address, addressAt);
  // the checksum is in the first one
  if (packet.fragment?.isFirst === false) return changed;
  putU16(octets, portAt, to.port);

  const isUdp = packet.nextHeader === Protocol.Udp;
  const checksumAt = packet.headerLength + (isUdp ? 6 : 16);
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

/** Of the error's own header, the end that changes; of the packet that it quotes, which went the other way, the opposite end. */
const QUOTED_SIDE = { source: "destination", destination: "source" } as const;
const QUOTE_AT = IPV6_LENGTH + ICMPV6_LENGTH;

/**
 * A copy of an ICMPv6 error about a translated packet, as its receiver knows that packet. The quoted checksum makes up for what
 * changes in the quote, so that the error's own changes by its address only; a quoted UDP checksum of 0 stays.
 *
 * The quoted checksum may be unfinished: whoever sent the error summed it as it is, so it is taken as it is here too.
 * @see RFC 5508 REQ-4
 */
export function translateError(
  error: Ipv6Packet,
  side: keyof typeof SIDES,
  to: { readonly address: Ipv6Address; readonly port: number },
): Ipv6Packet {
  const { addressAt } = SIDES[side];
  const quote = new Ipv6Packet(error.octets.subarray(QUOTE_AT));
  const { nextHeader, payload } = quote;
  const translated = translate(quote, QUOTED_SIDE[side], to, { unfinished: false });

  const changed = error.copy();
  const { octets } = changed;
  octets.set(translated.octets, QUOTE_AT);
  octets.set(to.address, addressAt);
  const checksumAt = IPV6_LENGTH + 2;
  const outer = [error.octets.subarray(addressAt, addressAt + 16), to.address] as const;
  const uncovered = nextHeader === Protocol.Udp && u16(payload, 6) === 0;
  const before = uncovered ? concatenate(outer[0], quote.octets.subarray(0, IPV6_LENGTH + 4)) : outer[0];
  const after = uncovered ? concatenate(outer[1], translated.octets.subarray(0, IPV6_LENGTH + 4)) : outer[1];
  putU16(octets, checksumAt, updateChecksum(u16(octets, checksumAt), before, after));
  return changed;
}
