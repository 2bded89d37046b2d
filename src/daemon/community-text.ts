import { toHex } from "../base/index.ts";
import type { AsPathSegment, AttributeSet, LargeCommunity } from "../rib/index.ts";

const WELL_KNOWN: ReadonlyMap<number, string> = new Map([
  [0xffff0000, "graceful-shutdown"],
  [0xffff0006, "llgr-stale"],
  [0xffff0007, "no-llgr"],
  [0xffff029a, "blackhole"],
  [0xffffff01, "no-export"],
  [0xffffff02, "no-advertise"],
  [0xffffff03, "no-export-subconfed"],
]);

function communityText(community: number): string {
  return WELL_KNOWN.get(community) ?? `${community >>> 16}:${community & 0xffff}`;
}

function largeText({ globalAdministrator, data1, data2 }: LargeCommunity): string {
  return `${globalAdministrator}:${data1}:${data2}`;
}

/** `target:65000:1`, `link-bandwidth:65000:20`, or the octets. @see RFC 4360 §4, RFC 10005 */
function extendedText(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const type = view.getUint16(0);
  if (type === 0x0002) return `target:${view.getUint16(2)}:${view.getUint32(4)}`;
  if (type === 0x0202) return `target:${view.getUint32(2)}:${view.getUint16(6)}`;
  if (type === 0x4004 || type === 0x0004) return `link-bandwidth:${view.getUint16(2)}:${view.getFloat32(4)}`;
  return toHex(octets);
}

/** Every community of a set as an operator writes it. */
export function communitiesText(attributes: AttributeSet): string[] {
  return [
    ...attributes.communities.map(communityText),
    ...attributes.extendedCommunities.map(extendedText),
    ...attributes.largeCommunities.map(largeText),
  ];
}

/** `65001 65002 {65003 65004}`; confederation segments in parentheses. */
export function asPathText(path: readonly AsPathSegment[]): string {
  return path
    .map(({ type, numbers }) => {
      const text = numbers.join(" ");
      if (type === "sequence") return text;
      if (type === "set") return `{${text}}`;
      return type === "confed-sequence" ? `(${text})` : `[${text}]`;
    })
    .join(" ");
}
