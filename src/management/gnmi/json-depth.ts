/** Of JSON values; no model is deeper. */
export const MOST_LEVELS = 128;

/** The deepest level of JSON, found without going there. */
export function deepestLevel(octets: Uint8Array): number {
  let level = 0;
  let deepest = 0;
  let inText = false;
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i];
    if (inText) {
      if (octet === 0x5c) i++;
      else if (octet === 0x22) inText = false;
    } else if (octet === 0x22) inText = true;
    else if (octet === 0x7b || octet === 0x5b) deepest = Math.max(deepest, ++level);
    else if (octet === 0x7d || octet === 0x5d) level--;
  }
  return deepest;
}
