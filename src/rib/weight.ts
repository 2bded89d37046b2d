import type { AttributeSet } from "./attributes.ts";

/** Where the share of a site comes from: its link bandwidth where it says one and else its score, its score, or one share each. */
export type WeightSource = "link-bandwidth" | "score" | "equal";

const LINK_BANDWIDTH = 0x04;
const HEAVIEST = 0x7fffffff;

/**
 * The relative share of a site, at least 1.
 * @see RFC 10005 (link bandwidth: types 0x40 and 0x00, subtype 0x04; AS u16, IEEE float32)
 */
export function siteWeight(set: AttributeSet, source: WeightSource): number {
  if (source === "equal") return 1;
  const bandwidth = source === "score" ? undefined : linkBandwidthOf(set);
  const share = bandwidth ?? set.semantic?.score ?? 1;
  return Math.min(HEAVIEST, Math.max(1, Math.round(share)));
}

function linkBandwidthOf({ extendedCommunities }: AttributeSet): number | undefined {
  const community = extendedCommunities.find(
    (octets) => (octets[0] === 0x40 || octets[0] === 0x00) && octets[1] === LINK_BANDWIDTH,
  );
  if (community === undefined) return undefined;
  const bandwidth = new DataView(community.buffer, community.byteOffset).getFloat32(4);
  return Number.isFinite(bandwidth) ? bandwidth : undefined;
}

export function hasLinkBandwidth(set: AttributeSet): boolean {
  return linkBandwidthOf(set) !== undefined;
}
