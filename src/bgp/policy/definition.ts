import type { CapabilityId } from "../../base/index.ts";
import type { LargeCommunity, RouteFamily, RouteLabel, SiteState } from "../../rib/index.ts";
import type { RpkiState } from "./origin-validation.ts";

/** Both ends belong to it. */
export interface Interval {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * How the members of a set have to fit: one of them, every one of them, or none of them.
 * @see RFC 9067 §4.2 (match-set-options)
 */
export type MatchOption = "any" | "all" | "invert";

/** A condition that names a set. */
export interface SetMatch<S> {
  readonly set: S;
  readonly option: MatchOption;
}

/** Prefixes of `lengths` bits inside a prefix. */
export interface PrefixMember {
  /** 4 or 16 octets in network order. */
  readonly address: Uint8Array;
  readonly length: number;
  readonly lengths: Interval;
}

/** A set that answers for route keys is compiled once for all statements that share the object. */
export interface PrefixSet {
  readonly members: readonly PrefixMember[];
}

/** Capabilities by their CapID: name and major version. */
export interface CapabilitySet {
  readonly ids: readonly CapabilityId[];
}

/** Neighbours by their address as text, as it is in `PolicyPeer`. */
export interface PeerSet {
  readonly addresses: readonly string[];
}

/** Communities of which both halves are in an interval of 0 to 65535. @see RFC 1997 */
export interface CommunityPattern {
  readonly administrator: Interval;
  readonly value: Interval;
}

/** Large communities of which all three parts are in an interval of 32 bits. @see RFC 8092 */
export interface LargeCommunityPattern {
  readonly globalAdministrator: Interval;
  readonly data1: Interval;
  readonly data2: Interval;
}

/** Fields of the eight octets, each a number in network order, that all have to fit. */
export interface ExtendedCommunityForm {
  readonly fields: readonly { readonly at: number; readonly octets: number; readonly values: Interval }[];
}

/** One member that an operator writes may stand for several forms (AS numbers of two and of four octets). */
export interface ExtendedCommunityPattern {
  readonly forms: readonly ExtendedCommunityForm[];
}

/** A set of patterns; `SetMatch` says how many have to fit. */
export interface MemberSet<M> {
  readonly members: readonly M[];
}

/** One AS of an interval, or any number of any ASes. */
export type AsPathToken = Interval | "many";

/** A whole path, from the neighbour's AS to the origin's; at most 30 tokens. */
export type AsPathPattern = readonly AsPathToken[];

/** Labels of the SEMANTIC attribute with this text. @see DESIGN section 4.2 */
export interface LabelPattern {
  readonly text: string;
  /** Absent: critical or not. */
  readonly critical?: boolean;
}

/** An address prefix, without anything about longer ones. */
export interface AddressPrefix {
  /** 16 octets. */
  readonly address: Uint8Array;
  readonly length: number;
}

/** What has to be true of a route; an absent member asks nothing. All that are there must hold. */
export interface PolicyConditions {
  /** Asked of each key; only unicast routes have prefixes. `all` is the same as `any`: a route has one key. */
  readonly prefixes?: SetMatch<PrefixSet>;
  /** Asked of each key; only capability routes have a capability. */
  readonly capabilities?: SetMatch<CapabilitySet>;
  readonly families?: readonly RouteFamily[];
  readonly peers?: SetMatch<PeerSet>;
  /** The route carries one of these route targets: it belongs to a tenant that is asked for. */
  readonly routeTargets?: readonly Uint8Array[];
  readonly communities?: SetMatch<MemberSet<CommunityPattern>>;
  readonly extendedCommunities?: SetMatch<MemberSet<ExtendedCommunityPattern>>;
  readonly largeCommunities?: SetMatch<MemberSet<LargeCommunityPattern>>;
  /** Confederation segments are not looked at; an AS_SET counts as one AS and fits when one of its members does. */
  readonly asPath?: SetMatch<MemberSet<AsPathPattern>>;
  /** As the decision counts it. @see RFC 4271 §9.1.2.2 a) */
  readonly asPathLength?: Interval;
  readonly labels?: SetMatch<MemberSet<LabelPattern>>;
  /** Routes without a score (without a SEMANTIC attribute) do not fit. */
  readonly score?: Interval;
  /** Nor do those without a state. */
  readonly states?: readonly SiteState[];
  /** The next hop is inside one of them; an IPv4 next hop in mapped form. */
  readonly nextHops?: readonly AddressPrefix[];
  /** Asked of each key; only unicast routes have a state. For import: the answer changes when VRPs do. */
  readonly rpkiStates?: readonly RpkiState[];
}

/** Takes away what fits a pattern, or adds values, or puts values in the place of all. */
export type Change<V, P> =
  | { readonly operation: "add" | "replace"; readonly values: readonly V[] }
  | { readonly operation: "remove"; readonly patterns: readonly P[] };

/** What is done to a route that fits; an absent member changes nothing. */
export interface PolicyActions {
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  readonly communities?: Change<number, CommunityPattern>;
  readonly extendedCommunities?: Change<Uint8Array, ExtendedCommunityPattern>;
  readonly largeCommunities?: Change<LargeCommunity, LargeCommunityPattern>;
  /** `count` times this router's AS, or another one. */
  readonly prepend?: { readonly autonomousSystem?: number; readonly count: number };
  readonly nextHop?: "self";
  /** Of routes with a SEMANTIC attribute; a label that is added replaces one of the same text. */
  readonly labels?: Change<RouteLabel, LabelPattern>;
}

/** What happens to a route that fits, once the actions are done. */
export type StatementResult = "accept" | "reject" | "next-statement" | "next-policy";

/** One statement: where all conditions fit, the actions are carried out and the result decides. @see RFC 9067 §5 */
export interface PolicyStatement {
  readonly name: string;
  readonly conditions: PolicyConditions;
  readonly actions: PolicyActions;
  readonly result: StatementResult;
}

/** Statements in order: a later one sees what an earlier one has changed. */
export interface PolicyDefinition {
  readonly name: string;
  readonly statements: readonly PolicyStatement[];
}
