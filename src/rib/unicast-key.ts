import type { PrefixFamily } from "./types.ts";

/*
 * Key of a unicast route, which is its NLRI: | length u8, bits | prefix, as few octets as hold them |. Bits behind the
 * length are zero, so equal prefixes are equal octets. @see RFC 4271 §4.3; RFC 4760 §5
 */

/** Length of the key at `start`, its first octet included. */
export function unicastKeyLength(octets: Uint8Array, start: number): number {
  return 1 + ((octets[start]! + 7) >> 3);
}

/** Longest key of each family in octets. */
export const LONGEST_UNICAST_KEY: Readonly<Record<PrefixFamily, number>> = {
  "ipv4-unicast": 5,
  "ipv6-unicast": 17,
  "route-target": 13,
};
