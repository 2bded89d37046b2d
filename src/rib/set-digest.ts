import { type AttributeSet, type SetDigest, SetMark } from "./attributes.ts";
import { asPathLength, localPreference, neighbourAs, ORIGINS } from "./net-decision.ts";

/** @see RFC 1997; RFC 8326 §5; RFC 9494 §5 */
const MARKING = new Map<number, number>([
  [0xffffff01, SetMark.noExport],
  [0xffffff02, SetMark.noAdvertise],
  [0xffffff03, SetMark.noExportSubconfed],
  [0xffff0000, SetMark.gracefulShutdown],
  [0xffff0006, SetMark.llgrStale],
]);
/** All communities that mark a set have it in their upper half. @see RFC 1997 (0xffff0000 to 0xffffffff are reserved) */
const RESERVED = 0xffff;
/** @see RFC 4360 §2; RFC 5701 §2 */
const NON_TRANSITIVE = 0x40;
/** Extended communities of 20 octets. @see RFC 5701 §2 */
const IPV6_EXTENDED_COMMUNITIES = 25;
const IPV6_EXTENDED_OCTETS = 20;

/** The mark that a community makes, or 0. */
export function markOfCommunity(community: number): number {
  return community >>> 16 === RESERVED ? (MARKING.get(community >>> 0) ?? 0) : 0;
}

/** That of a set in which nothing is said. */
export function emptyDigest(): SetDigest {
  return {
    origin: 0,
    localPref: 0,
    asPathLength: 0,
    neighbourAs: 0,
    multiExitDisc: 0,
    originatorId: 0,
    clusterListLength: 0,
    marks: 0,
  };
}

function hasInnerIpv6({ opaque }: AttributeSet): boolean {
  for (const { code, value } of opaque) {
    if (code !== IPV6_EXTENDED_COMMUNITIES) continue;
    for (let i = 0; i < value.length; i += IPV6_EXTENDED_OCTETS) if ((value[i]! & NON_TRANSITIVE) !== 0) return true;
  }
  return false;
}

/** The digest of a set that is there as an object. */
export function digestOf(set: AttributeSet): SetDigest {
  let marks = 0;
  for (const community of set.communities) marks |= markOfCommunity(community);
  if (set.originatorId !== undefined) marks |= SetMark.originatorId;
  if (set.onlyToCustomer !== undefined) marks |= SetMark.onlyToCustomer;
  if (set.extendedCommunities.some((community) => (community[0]! & NON_TRANSITIVE) !== 0) || hasInnerIpv6(set))
    marks |= SetMark.nonTransitive;
  if (set.asPath.length === 0) marks |= SetMark.noPath;
  if (set.asPath.some(({ type }) => type.startsWith("confed"))) marks |= SetMark.confederation;
  if (set.semantic !== undefined && set.semantic.opaque.length > 0) marks |= SetMark.unknownTlvs;
  return {
    origin: ORIGINS.indexOf(set.origin),
    localPref: localPreference(set),
    asPathLength: asPathLength(set),
    neighbourAs: neighbourAs(set),
    multiExitDisc: set.multiExitDisc ?? 0,
    originatorId: set.originatorId ?? 0,
    clusterListLength: set.clusterList?.length ?? 0,
    marks,
  };
}
