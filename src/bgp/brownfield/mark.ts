import type { AttributeSet } from "../../rib/index.ts";
import { BROWNFIELD_MARK, brownfieldMark, isMarkAt } from "../../rib/index.ts";

/** What the octets mean. Another version is another meaning of the communities: such a route is not taken. */
export const FORMAT_VERSION = 1;

/** What else was attached, so that whoever takes the route sees what it has lost on the way. */
export const Attached = { Payload: 0x02, Classes: 0x04, Labels: 0x08, Attestation: 0x10 } as const;

/** Said by another router than that of the site, which brought it out of the capability family. */
export const RELAYED = 0x20;

/** `| 0x83 or 0x84 | 0x53 | version u8 | flags u8 | OriginID u32 |` */
export interface Mark {
  readonly version: number;
  /** `Attached`, `RELAYED` and, on a route that was taken, `HASH_MISMATCH`. */
  readonly flags: number;
  /** BGP identifier of the router whose site it is: neither reflectors nor other systems hand it on otherwise. */
  readonly originId: number;
}

/** The extended communities that say of a unicast route whose site it is, the same under each type: 8 octets. */
function encodeMarks({ version, flags, originId }: Mark): readonly Uint8Array[] {
  return BROWNFIELD_MARK.types.map((type) => {
    const octets = Uint8Array.of(type, BROWNFIELD_MARK.subtype, version, flags, 0, 0, 0, 0);
    new DataView(octets.buffer).setUint32(4, originId);
    return octets;
  });
}

/** The mark of a set; `undefined` where it has none. */
export function markOf(set: AttributeSet): Mark | undefined {
  const octets = brownfieldMark(set);
  if (octets === undefined) return undefined;
  const originId = ((octets[4]! << 24) | (octets[5]! << 16) | (octets[6]! << 8) | octets[7]!) >>> 0;
  return { version: octets[2]!, flags: octets[3]!, originId };
}

/** The extended communities with this mark instead of any that is there. */
export function withMark(communities: readonly Uint8Array[], mark: Mark): readonly Uint8Array[] {
  return [...communities.filter((octets) => !isMarkAt(octets, 0)), ...encodeMarks(mark)];
}
