import type { AttributeSet, CommunityOctets } from "./attributes.ts";

/** Where the share of a site comes from: its link bandwidth where it says one and else its score, its score, or one share each. */
export type WeightSource = "link-bandwidth" | "score" | "equal";

const LINK_BANDWIDTH = 0x04;
const HEAVIEST = 0x7fffffff;
const COMMUNITY_OCTETS = 8;

/**
 * The relative share of a site, at least 1.
 * @see RFC 10005 (link bandwidth: types 0x40 and 0x00, subtype 0x04; AS u16, IEEE float32)
 */
export function siteWeight(set: AttributeSet, source: WeightSource): number {
  if (source === "equal") return 1;
  const bandwidth = source === "score" ? undefined : bandwidthWeight(set);
  return bandwidth ?? shareOf(set.semantic?.score ?? 1);
}

/** What the link bandwidth of a set comes to; `undefined`: it says none. */
export function bandwidthWeight({ extendedCommunities }: AttributeSet): number | undefined {
  const community = extendedCommunities.find((octets) => isLinkBandwidth(octets, 0));
  return community === undefined ? undefined : weightAt(community, 0);
}

/** The same of a set whose communities nobody has made objects of. */
export function bandwidthAmong({ octets, start, end }: CommunityOctets): number | undefined {
  for (let at = start; at < end; at += COMMUNITY_OCTETS) if (isLinkBandwidth(octets, at)) return weightAt(octets, at);
  return undefined;
}

function isLinkBandwidth(octets: Uint8Array, at: number): boolean {
  return octets[at + 1] === LINK_BANDWIDTH && (octets[at] === 0x40 || octets[at] === 0x00);
}

const number = new DataView(new ArrayBuffer(4));

function weightAt(octets: Uint8Array, at: number): number | undefined {
  for (let i = 0; i < 4; i++) number.setUint8(i, octets[at + 4 + i]!);
  const bandwidth = number.getFloat32(0);
  return Number.isFinite(bandwidth) ? shareOf(bandwidth) : undefined;
}

/** As a whole number, at least 1. */
export function shareOf(value: number): number {
  return Math.min(HEAVIEST, Math.max(1, Math.round(value)));
}
