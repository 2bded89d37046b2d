import type { Ipv6Address } from "../../base/index.ts";

/*
 * Next hops are 16 octets everywhere inside; those of IPv4 have the mapped form ::ffff:a.b.c.d. @see RFC 4291 §2.5.5.2
 */
export const NEXT_HOP_LENGTH = 16;

/** Whether nothing stands for an address: 16 zero octets from `start` on. @see RFC 4291 §2.5.2 */
export function isUnspecified(octets: Uint8Array, start = 0): boolean {
  for (let i = start; i < start + NEXT_HOP_LENGTH; i++) if (octets[i] !== 0) return false;
  return true;
}

/** @param octets where four octets of an address begin at `start` */
export function mappedIpv4(octets: Uint8Array, start = 0): Ipv6Address {
  const mapped = new Uint8Array(NEXT_HOP_LENGTH);
  writeMapped(mapped, 0, octets, start);
  return mapped;
}

/** Writes the mapped form of the four octets at `start` to `into[at..at+16)`. */
export function writeMapped(into: Uint8Array, at: number, octets: Uint8Array, start: number): void {
  into.fill(0, at, at + 10);
  into[at + 10] = 0xff;
  into[at + 11] = 0xff;
  for (let i = 0; i < 4; i++) into[at + 12 + i] = octets[start + i]!;
}

/** Whether the 16 octets from `start` on are an IPv4 address in mapped form. @see RFC 4291 §2.5.5.2 */
export function isMappedIpv4(octets: Uint8Array, start = 0): boolean {
  for (let i = start; i < start + 10; i++) if (octets[i] !== 0) return false;
  return octets[start + 10] === 0xff && octets[start + 11] === 0xff;
}
