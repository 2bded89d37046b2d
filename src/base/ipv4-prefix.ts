import { formatIpv4, type Ipv6Address, type Ipv6Prefix, parseIpv4, prefixContains } from "./ipv6.ts";

/** IPv4 addresses that begin with the same bits. */
export interface Ipv4Prefix {
  /** The first of them, an unsigned 32-bit number. */
  readonly address: number;
  /** 0 to 32. */
  readonly length: number;
}

/** `undefined` for what is no prefix, or has bits behind its length. */
export function parseIpv4Prefix(text: string): Ipv4Prefix | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const address = match === null ? undefined : parseIpv4(match[1]!);
  const length = Number(match?.[2]);
  if (address === undefined || length > 32 || address % 2 ** (32 - length) !== 0) return undefined;
  return { address, length };
}

/** `192.0.2.0/24`. */
export function formatIpv4Prefix({ address, length }: Ipv4Prefix): string {
  return `${formatIpv4(address)}/${length}`;
}

/** How many addresses it has. */
export function ipv4PrefixSize({ length }: Ipv4Prefix): number {
  return 2 ** (32 - length);
}

/** How many of them hosts can have: the first and the last look like those of a network. */
export function ipv4HostRoom(prefix: Ipv4Prefix): number {
  return Math.max(0, ipv4PrefixSize(prefix) - 2);
}

/** Whether some address is in both. */
export function ipv4PrefixesOverlap(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return a.address < b.address + ipv4PrefixSize(b) && b.address < a.address + ipv4PrefixSize(a);
}

/** An IPv4 address as an IPv6 one in a /96. @see RFC 6052 §2.2 */
export function embedIpv4(prefix: Ipv6Prefix, address: number): Ipv6Address {
  const embedded = prefix.address.slice();
  new DataView(embedded.buffer).setUint32(12, address);
  return embedded;
}

/** The IPv4 address that an IPv6 one in a /96 stands for, `undefined` for any other. */
export function embeddedIpv4(prefix: Ipv6Prefix, address: Ipv6Address): number | undefined {
  if (!prefixContains(prefix, address)) return undefined;
  return new DataView(address.buffer, address.byteOffset).getUint32(12);
}
