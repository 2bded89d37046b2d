import { formatIpv6, type Ipv6Address, parseIpv6 } from "./ipv6.ts";

/** An IPv6 address, and the interface whose link it is on where it means something on one link only. @see RFC 4007 §11 */
export interface ZonedAddress {
  readonly address: Ipv6Address;
  /** Name of an interface; of link-local addresses only. */
  readonly zone?: string;
}

/** As Linux has names of interfaces: 15 octets at most, neither spaces nor slashes. */
const ZONE = /^[^\s/:%]{1,15}$/;

/** Whether the 16 octets from `start` on are an address of one link only. @see RFC 4291 §2.5.6 */
export function isLinkLocal(octets: Uint8Array, start = 0): boolean {
  return octets[start] === 0xfe && (octets[start + 1]! & 0xc0) === 0x80;
}

/** `fe80::1%eth0`, or an address without a zone; `undefined` for any other text, a zone behind another address included. */
export function parseZoned(text: string): ZonedAddress | undefined {
  const at = text.indexOf("%");
  const address = parseIpv6(at < 0 ? text : text.slice(0, at));
  if (address === undefined || at < 0) return address && { address };
  const zone = text.slice(at + 1);
  return isLinkLocal(address) && ZONE.test(zone) ? { address, zone } : undefined;
}

/** Canonical text. */
export function formatZoned({ address, zone }: ZonedAddress): string {
  return zone === undefined ? formatIpv6(address) : `${formatIpv6(address)}%${zone}`;
}

/** The canonical text of the same address; `undefined` where it is none. */
export function canonicalZoned(text: string): string | undefined {
  const found = parseZoned(text);
  return found && formatZoned(found);
}
