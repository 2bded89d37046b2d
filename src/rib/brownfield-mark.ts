import type { AttributeSet, CommunityOctets } from "./attributes.ts";

/*
 * The extended community that a capability route carries on its way through routers that know nothing of capabilities:
 * type and subtype are experimental and transitive. A route that was made of one keeps it.
 *
 *     | 0x83 or 0x84 | 0x53 | format version u8 | flags u8 | OriginID u32 |
 *
 * @see DESIGN section 4.5; RFC 4360 §3; RFC 7153 §2 (0x80 to 0x8f: experimental)
 */
const TYPE = 0x83;
/** FRR 10 tells neighbours outside no community whose type ends in two ones: the mark goes out under this type as well. */
const SECOND_TYPE = 0x84;
const SUBTYPE = 0x53;
const FLAGS_AT = 3;

/** Types and subtype of the extended community that says "one of semrd's": any of them does. @see DESIGN section 4.5 */
export const BROWNFIELD_MARK = { types: [TYPE, SECOND_TYPE], subtype: SUBTYPE } as const;

/** Whether eight octets from `at` on are a mark. */
export const isMarkAt = (octets: Uint8Array, at: number): boolean =>
  octets[at + 1] === SUBTYPE && (octets[at] === TYPE || octets[at] === SECOND_TYPE);

/** Set by the router that takes the route, never by the one that sends it: the check octets are those of another capability. */
export const HASH_MISMATCH = 0x01;

/** The eight octets of the mark. */
export function brownfieldMark(set: AttributeSet): Uint8Array | undefined {
  return set.extendedCommunities.find((octets) => isMarkAt(octets, 0));
}

/** A capability route that came as plain IPv6 unicast somewhere on its way. */
export function isBrownfield(set: AttributeSet): boolean {
  return set.semantic !== undefined && brownfieldMark(set) !== undefined;
}

/** Whether there is a mark among communities of which nobody has made objects. */
export function hasBrownfieldMark({ octets, start, end }: CommunityOctets): boolean {
  for (let at = start; at < end; at += 8) if (isMarkAt(octets, at)) return true;
  return false;
}

/** It came so, and its address stands for another capability here. */
export function hasHashMismatch(set: AttributeSet): boolean {
  const mark = set.semantic === undefined ? undefined : brownfieldMark(set);
  return mark !== undefined && (mark[FLAGS_AT]! & HASH_MISMATCH) !== 0;
}
