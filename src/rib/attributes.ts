import type { CapabilityName, Ipv6Address, Seconds } from "../base/index.ts";

/** How the route came into BGP. @see RFC 4271 §5.1.1 */
export type Origin = "igp" | "egp" | "incomplete";

/** A segment of an AS path; AS numbers of four octets, the latest first. @see RFC 4271 §4.3; RFC 5065 §3 */
export interface AsPathSegment {
  readonly type: "set" | "sequence" | "confed-sequence" | "confed-set";
  readonly numbers: readonly number[];
}

/** Three numbers of 32 bits. @see RFC 8092 §3 */
export interface LargeCommunity {
  readonly globalAdministrator: number;
  readonly data1: number;
  readonly data2: number;
}

/** A path attribute that this router does not interpret, kept octet for octet. */
export interface OpaqueAttribute {
  readonly flags: number;
  readonly code: number;
  readonly value: Uint8Array;
}

/**
 * One set of path attributes, decoded once and shared by every route that carries it. Never changed after it was made.
 *
 * Absent attributes are `undefined` or empty. `nextHop` comes from MP_REACH_NLRI.
 */
export interface AttributeSet {
  readonly origin: Origin;
  readonly asPath: readonly AsPathSegment[];
  readonly nextHop: Ipv6Address;
  readonly multiExitDisc?: number | undefined;
  readonly localPref?: number | undefined;
  /** BGP identifier of the router that brought the route into the AS, when a reflector said so. */
  readonly originatorId?: number | undefined;
  readonly clusterList?: readonly number[] | undefined;
  /** The AS that sent it to a customer, peer or route server client first. @see RFC 9234 §5 */
  readonly onlyToCustomer?: number | undefined;
  readonly communities: readonly number[];
  /** Eight octets each, in the order received. */
  readonly extendedCommunities: readonly Uint8Array[];
  readonly largeCommunities: readonly LargeCommunity[];
  readonly semantic?: SemanticAttribute | undefined;
  readonly opaque: readonly OpaqueAttribute[];
}

/** What a site says of itself: takes flows, takes fewer, takes no new ones, takes none. @see DESIGN section 4.2 */
export type SiteState = "up" | "degraded" | "draining" | "down";

/** How long the origin vouches for the route. */
export interface RouteLease {
  readonly sequence: bigint;
  /** Seconds since the Unix epoch. */
  readonly validUntil: Seconds;
  readonly renew: Seconds;
}

/** A policy tag. A critical one makes the route ineligible where it is not understood. */
export interface RouteLabel {
  readonly text: string;
  readonly critical: boolean;
}

/** The SEMANTIC attribute. Scores are Level 2 metrics, 0 (worst) to 10. @see DESIGN section 4.2 */
export interface SemanticAttribute {
  readonly name?: CapabilityName;
  readonly version?: { readonly major: number; readonly minor: number; readonly compatibleMajor: number };
  /** 0 also stands for a metric that was malformed. */
  readonly score: number;
  readonly capacity?: { readonly maximum: number; readonly remaining: number };
  readonly latencyClass?: number;
  readonly costClass?: number;
  readonly lease: RouteLease;
  readonly labels: readonly RouteLabel[];
  readonly state: SiteState;
  readonly access?: {
    readonly protocol: "tcp" | "udp";
    readonly port: number;
    readonly alpn?: string;
    readonly descriptorDigest?: Uint8Array;
  };
  readonly aggregate?: {
    readonly count: number;
    readonly minimum: number;
    readonly mean: number;
    readonly maximum: number;
  };
  readonly taxonomyRevision?: number;
  readonly attestation?: Uint8Array;
  /** TLVs that this router does not know; passed on inside the domain. */
  readonly opaque: readonly { readonly type: number; readonly value: Uint8Array }[];
}

/** What comparing paths asks of a set, absent attributes replaced by what stands for them. Reused: valid until the next set. */
export interface SetDigest {
  /** 0 IGP, 1 EGP, 2 incomplete. */
  origin: number;
  /** The default where there is none. */
  localPref: number;
  /** See `asPathLength`. */
  asPathLength: number;
  /** See `neighbourAs`. */
  neighbourAs: number;
  /** 0 where there is none. */
  multiExitDisc: number;
  /** Only with `SetMark.originatorId`. */
  originatorId: number;
  clusterListLength: number;
  /** Bits of {@link SetMark}. */
  marks: number;
}

/** What passing a set on asks of it, as bits. */
export const SetMark = {
  originatorId: 0x01,
  /** Communities. @see RFC 1997, 8326, 9494 */
  noAdvertise: 0x02,
  noExport: 0x04,
  gracefulShutdown: 0x08,
  llgrStale: 0x10,
  onlyToCustomer: 0x20,
  /** At least one extended community that stays inside the AS. */
  nonTransitive: 0x40,
  /** AS_PATH has segments of a confederation. */
  confederation: 0x80,
  /** The community that keeps a route inside a member AS. @see RFC 1997; RFC 5065 */
  noExportSubconfed: 0x100,
  /** SEMANTIC has TLVs that this router does not know. */
  unknownTlvs: 0x200,
  /** AS_PATH is empty. */
  noPath: 0x400,
} as const;

/** Extended communities, eight octets each: `octets[start..end)`. */
export interface CommunityOctets {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** 16 octets, the first at `start`. */
export interface NextHopOctets {
  readonly octets: Uint8Array;
  readonly start: number;
}

/** A set that comes to be interned. */
export interface SetSource {
  readonly digest: SetDigest;
  /** For a look: it may change with the next set. */
  readonly set: AttributeSet;
  /** Its extended communities where they lie, for those who only search in them; without it `set` is asked. */
  readonly communities?: CommunityOctets;
  /** Its next hop where it lies, likewise. */
  readonly nextHop?: NextHopOctets;
  /** The set whose identity is `octets[start..start+length)`, for good. Asked when somebody wants to see it. */
  readonly decode: (octets: Uint8Array, start: number, length: number) => AttributeSet;
}
