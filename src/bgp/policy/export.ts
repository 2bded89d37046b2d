import { type Ipv6Address, isLinkLocal } from "../../base/index.ts";
import { type AttributeSet, type SessionKind, SetMark } from "../../rib/index.ts";
import {
  AttributeCode,
  type BgpRole,
  IPV6_COMMUNITY_LENGTH,
  isTransitive,
  prependAs,
  prependMemberAs,
  withoutConfederation,
  withoutUnknownTlvs,
} from "../wire/index.ts";
import { type Adjacency, mayBeThirdParty } from "./adjacency.ts";
import { reflectedSet } from "./reflection.ts";
import { markSent, wouldLeak } from "./roles.ts";

/** @see RFC 1997 */
export const NO_EXPORT = 0xffffff01;
/** Stays with whoever has it. @see RFC 1997 */
export const NO_ADVERTISE = 0xffffff02;
/** Stays in the member AS. @see RFC 1997 */
export const NO_EXPORT_SUBCONFED = 0xffffff03;

/** Where a route goes, as far as its attributes are concerned. */
export interface ExportFacts {
  readonly kind: SessionKind;
  /** The one that the neighbour knows: of a confederation only its members know the member AS. */
  readonly localAs: number;
  /** This router, as next hop. */
  readonly ownNextHop: Ipv6Address;
  /** Inside the AS as well; not for what is reflected. @see RFC 4456 §10 */
  readonly nextHopSelf: boolean;
  /** Of this router as a reflector, or of the client that it is told to. */
  readonly clusterId: number;
  /** Of clients with clusters of their own, by BGP identifier: their routes bear that. Default: none. @see RFC 4456 §7 and §8 */
  readonly clusterOf?: (identifier: number) => number | undefined;
  /** Across the border nothing is changed that a route server leaves alone. @see RFC 7947 §2.2 */
  readonly transparent?: boolean;
  /** Across the border the next hop stays as it came. */
  readonly nextHopUnchanged?: boolean;
  /** Across the border a next hop on this link stays, too. @see RFC 4271 §5.1.3 ("third party" next hop) */
  readonly link?: Adjacency;
  /** The neighbour knows what LLGR_STALE means. @see RFC 9494 §4.3 */
  readonly takesLongLived?: boolean;
  /** Of this router on the session, where it counts for the family. */
  readonly role?: BgpRole;
  /** TLVs of SEMANTIC that nobody here knows go across the border as well. */
  readonly passUnknownTlvs?: boolean;
}

/** @see RFC 4271 §5.1.5 (a default is needed where nobody set one; 100 is everybody's) */
export const DEFAULT_LOCAL_PREF = 100;

/**
 * Why a set may not go to a neighbour; `undefined` when it may.
 * @param marks bits of `SetMark`
 * @see RFC 1997 "Well-known Communities"; RFC 9234 §5; RFC 9494 §4.3
 */
export function exportRefusal(
  marks: number,
  { kind, role, takesLongLived }: Pick<ExportFacts, "kind" | "role" | "takesLongLived">,
): string | undefined {
  if ((marks & SetMark.noAdvertise) !== 0) return "no-advertise";
  if (takesLongLived !== true && (marks & SetMark.llgrStale) !== 0) return "llgr-stale";
  if (kind === "internal") return undefined;
  if ((marks & SetMark.noExportSubconfed) !== 0) return "no-export";
  if (kind === "confederation") return undefined;
  if (role !== undefined && wouldLeak((marks & SetMark.onlyToCustomer) !== 0, role)) return "only-to-customer";
  return (marks & SetMark.noExport) !== 0 ? "no-export" : undefined;
}

/**
 * The set as export policy gets it: across the border without the MULTI_EXIT_DISC of another AS, so that one which policy
 * sets is sent. @see RFC 4271 §5.1.4
 */
export function offeredSet(set: AttributeSet, kind: SessionKind): AttributeSet {
  if (kind !== "external" || set.multiExitDisc === undefined || set.asPath.length === 0) return set;
  const { multiExitDisc: _, ...others } = set;
  return others;
}

/**
 * The set as a neighbour gets it, after policy. Across the border: own AS in front, own next hop, nothing that is meant for
 * inside (LOCAL_PREF, reflection, non-transitive communities).
 * @param reflectedFrom BGP identifier of the neighbour of this AS that it came from, when it goes to another one of this AS
 * @see RFC 4271 §5.1; RFC 4456 §8; RFC 4360 §6
 */
export function exportSet(set: AttributeSet, facts: ExportFacts, reflectedFrom?: number): AttributeSet {
  if (facts.kind === "internal") {
    const nextHop = insideNextHop(set.nextHop, facts, reflectedFrom);
    const inside = { ...set, localPref: set.localPref ?? DEFAULT_LOCAL_PREF, nextHop };
    return reflectedFrom === undefined
      ? inside
      : reflectedSet(inside, reflectedFrom, clusterFrom(reflectedFrom, facts));
  }
  if (facts.kind === "confederation") return memberSet(set, facts);
  const {
    localPref: _,
    originatorId: _o,
    clusterList: _c,
    ...others
  } = facts.role === undefined ? set : markSent(set, facts.role, facts.localAs);
  return {
    ...others,
    // What begins in this AS has no path yet, and must not leave without one.
    asPath:
      facts.transparent && set.asPath.length > 0
        ? withoutConfederation(set.asPath)
        : prependAs(set.asPath, facts.localAs),
    nextHop: keepsNextHop(facts, set.nextHop) ? set.nextHop : facts.ownNextHop,
    extendedCommunities: set.extendedCommunities.filter((community) => isTransitive(community)),
    opaque: withoutInner(set.opaque),
    ...(set.semantic === undefined || facts.passUnknownTlvs === true
      ? {}
      : { semantic: withoutUnknownTlvs(set.semantic) }),
  };
}

/**
 * Whether a neighbour of another AS is told of the next hop that a set has, and not of this router: never of one that means
 * something on another link only. @see RFC 2545 §3
 */
export function keepsNextHop(
  { transparent, nextHopUnchanged, link }: Pick<ExportFacts, "transparent" | "nextHopUnchanged" | "link">,
  nextHop: Ipv6Address,
): boolean {
  if (isLinkLocal(nextHop)) return false;
  return transparent === true || nextHopUnchanged === true || (link !== undefined && mayBeThirdParty(link, nextHop));
}

/** The cluster that a reflected route passes: of the client that it came from, and else of whom it is told to. @see RFC 4456 §8 */
export function clusterFrom(identifier: number, facts: Pick<ExportFacts, "clusterId" | "clusterOf">): number {
  return facts.clusterOf?.(identifier) ?? facts.clusterId;
}

/** Without the extended communities of IPv6 that stay inside the AS. @see RFC 5701 §2 */
function withoutInner(opaque: AttributeSet["opaque"]): AttributeSet["opaque"] {
  const found = opaque.find(({ code }) => code === AttributeCode.Ipv6ExtendedCommunities);
  if (found === undefined) return opaque;
  const kept: number[] = [];
  for (let at = 0; at < found.value.length; at += IPV6_COMMUNITY_LENGTH) {
    if (isTransitive(found.value, at)) kept.push(...found.value.subarray(at, at + IPV6_COMMUNITY_LENGTH));
  }
  if (kept.length === found.value.length) return opaque;
  const others = opaque.filter((attribute) => attribute !== found);
  return kept.length === 0 ? others : [...others, { ...found, value: Uint8Array.from(kept) }];
}

/**
 * The set as another member AS of the confederation gets it: what is of the AS as a whole stays as it is, and reflection is
 * of a member AS. @see RFC 5065 §4.1 and §5.2
 */
function memberSet({ originatorId: _o, clusterList: _c, ...set }: AttributeSet, facts: ExportFacts): AttributeSet {
  return {
    ...set,
    asPath: prependMemberAs(set.asPath, facts.localAs),
    localPref: set.localPref ?? DEFAULT_LOCAL_PREF,
    nextHop: insideNextHop(set.nextHop, facts),
  };
}

/** A next hop on a link of this router is of no use to others: this router is the next hop, also of what it reflects. */
function insideNextHop(
  nextHop: Ipv6Address,
  { nextHopSelf, ownNextHop }: Pick<ExportFacts, "nextHopSelf" | "ownNextHop">,
  reflectedFrom?: number,
): Ipv6Address {
  return (nextHopSelf && reflectedFrom === undefined) || isLinkLocal(nextHop) ? ownNextHop : nextHop;
}
