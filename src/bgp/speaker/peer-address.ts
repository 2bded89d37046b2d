import {
  formatZoned,
  type Ipv6Address,
  parseIpv4,
  parseIpv6,
  parseZoned,
  type ZonedAddress,
} from "../../base/index.ts";

/** IPv4 in mapped form, so that one text stands for one neighbour. */
function parsed(text: string): ZonedAddress | undefined {
  if (parseIpv4(text) === undefined) return parseZoned(text);
  return { address: parseIpv6(`::ffff:${text}`)! };
}

/** The octets of a neighbour's address; `undefined` for text that is none. */
export function peerAddress(text: string): Ipv6Address | undefined {
  return parsed(text)?.address;
}

/** The interface that an address of a link is on. */
export function zoneOf(text: string): string | undefined {
  return parsed(text)?.zone;
}

/** The key under which a neighbour is kept; text that is no address is nobody's key. */
export function peerKey(text: string): string {
  const found = parsed(text);
  return found === undefined ? text : formatZoned(found);
}

/** Whether a socket for the address is one of IPv6. */
export const isIpv6Text = (text: string): boolean => text.includes(":");
