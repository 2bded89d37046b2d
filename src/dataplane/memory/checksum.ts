/** One's complement arithmetic on 16-bit words in network order. @see RFC 1071, RFC 1624 */

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/** The folded, not complemented sum of `octets` (a last odd octet counts as the high half of a word), added to `start`. */
export function sumOf(octets: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i + 1 < octets.length; i += 2) sum += (octets[i]! << 8) | octets[i + 1]!;
  if (octets.length % 2 === 1) sum += octets[octets.length - 1]! << 8;
  return fold(sum);
}

/** The sum of the pseudo-header: what an unfinished checksum field holds. @see RFC 8200 §8.1 */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  length: number,
  nextHeader: number,
): number {
  return fold(sumOf(source) + sumOf(destination) + fold(length) + nextHeader);
}

/** The checksum field over `payload` whose own field is 0, with a pseudo-header. */
export function checksumOf(
  source: Uint8Array,
  destination: Uint8Array,
  nextHeader: number,
  payload: Uint8Array,
): number {
  return ~sumOf(payload, pseudoHeaderSum(source, destination, payload.length, nextHeader)) & 0xffff;
}

/** A checksum after `before` became `after` somewhere under it. @see RFC 1624 §3 equation 3 */
export function updateChecksum(checksum: number, before: Uint8Array, after: Uint8Array): number {
  return ~fold((~checksum & 0xffff) + (~sumOf(before) & 0xffff) + sumOf(after)) & 0xffff;
}

/** An unfinished checksum (the folded pseudo-header sum) after an address under it changed. */
export function updateUnfinished(sum: number, before: Uint8Array, after: Uint8Array): number {
  return fold(sum + (~sumOf(before) & 0xffff) + sumOf(after));
}
