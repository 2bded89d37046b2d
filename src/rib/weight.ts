import type { AttributeSet } from "./attributes.ts";

const LINK_BANDWIDTH = 0x04;
const HEAVIEST = 0x7fffffff;

/**
 * The relative share of a site: its link bandwidth where it says one, else its score; at least 1.
 * @see RFC 10005 (link bandwidth: types 0x40 and 0x00, subtype 0x04; AS u16, IEEE float32)
 */
export function siteWeight(set: AttributeSet): number {
  const community = set.extendedCommunities.find(
    (octets) => (octets[0] === 0x40 || octets[0] === 0x00) && octets[1] === LINK_BANDWIDTH,
  );
  const bandwidth =
    community === undefined ? undefined : new DataView(community.buffer, community.byteOffset).getFloat32(4);
  const share = bandwidth !== undefined && Number.isFinite(bandwidth) ? bandwidth : (set.semantic?.score ?? 1);
  return Math.min(HEAVIEST, Math.max(1, Math.round(share)));
}
