import { formatIpv6, type Ipv6Address, parseIpv4, parseIpv6 } from "../../base/index.ts";

/** A neighbour's address, IPv4 in mapped form, so that one text stands for one neighbour; `undefined` for any other text. */
export function peerAddress(text: string): Ipv6Address | undefined {
  return parseIpv4(text) === undefined ? parseIpv6(text) : parseIpv6(`::ffff:${text}`);
}

/** The key under which a neighbour is kept; text that is no address is nobody's key. */
export function peerKey(text: string): string {
  const address = peerAddress(text);
  return address === undefined ? text : formatIpv6(address);
}
