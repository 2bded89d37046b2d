/*
 * Typed NLRI of the capability family: | route type u8 | length u8 | value |. @see DESIGN 4.1
 *
 *     2 CS  Capability Site   RD(8) CapID(16) OriginID(4)
 */
export const CAPABILITY_SITE = 2;
export const SITE_KEY_OCTETS = 30;
export const CAPABILITY_ID_AT = 10;
export const ORIGIN_ID_AT = 26;
/** Type and length octets, and a value of at most 255. */
export const LONGEST_KEY = 257;

/** Length of the typed NLRI at `start`, both leading octets included. */
export function typedKeyLength(octets: Uint8Array, start: number): number {
  return 2 + octets[start + 1]!;
}

export function isSiteKey(octets: Uint8Array, start: number): boolean {
  return octets[start] === CAPABILITY_SITE && octets[start + 1] === SITE_KEY_OCTETS - 2;
}

export function originIdAt(octets: Uint8Array, start: number): number {
  const at = start + ORIGIN_ID_AT;
  return ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
}
