import type { CapabilityId, CapabilityName, Ipv6Address, Milliseconds } from "../base/index.ts";
import type { AttributeSet } from "./attributes.ts";
import type { AttributeId, PeerIndex } from "./types.ts";

/** What was decided for one capability of one tenant. */
export interface CapabilitySelection {
  readonly tenantIndex: number;
  readonly capabilityId: CapabilityId;
  /** From the taxonomy or from a route's name TLV. */
  readonly name: CapabilityName | undefined;
  /** The members of the capability group, ordered by origin; empty when nobody is eligible. */
  readonly group: readonly CapabilityCandidate[];
  /** The one that is best; a member of `group`. */
  readonly winner: CapabilityCandidate | undefined;
  /** Every candidate with the step that decided about it. */
  readonly candidates: readonly JudgedCandidate[];
}

/** A route that could serve a capability. */
export interface CapabilityCandidate {
  /** BGP identifier of the originating router (OriginID of the NLRI). */
  readonly originId: number;
  readonly nextHop: Ipv6Address;
  /** Local when this router originated it. */
  readonly local: boolean;
  readonly peer: PeerIndex;
  readonly attributes: AttributeId;
  /** Relative share, at least 1. From link bandwidth, else from the score. */
  readonly weight: number;
  readonly stale: boolean;
  /** Monotonic: when this path was learnt or last replaced. */
  readonly learntAt: Milliseconds;
}

/** What verifying the claim of a route came to; "not-found": nobody has verified one. @see DESIGN section 4.3 */
export type AttestationState = "valid" | "not-found" | "invalid";

/** The best one, another one of the group, or one that is not used. */
export type Judgement = "winner" | "group" | "excluded";

/** A candidate with what became of it, and why. */
export interface JudgedCandidate {
  readonly candidate: CapabilityCandidate;
  readonly judgement: Judgement;
  /** It can carry traffic: flows that it has may stay with it, even when it is not in the group. */
  readonly usable: boolean;
  /** Name of the decision step that chose or excluded it, e.g. "lease", "local-preference", "router-id". */
  readonly step: string;
  /** One sentence with the values compared. */
  readonly reason: string;
}

/** A capability of a tenant that somebody advertises. */
export interface Destination {
  readonly tenantIndex: number;
  readonly capabilityId: CapabilityId;
  readonly name: CapabilityName | undefined;
  /** Sites that advertise it, eligible or not. */
  readonly routes: number;
}

/** What was decided about one agent of one tenant: where it is. */
export interface AgentSelection {
  readonly tenantIndex: number;
  /** 16 octets, the hash of its URI. */
  readonly agentId: Uint8Array;
  readonly winner: CapabilityCandidate | undefined;
  readonly candidates: readonly JudgedCandidate[];
}

/** What was decided about one prefix of names of one tenant: who can resolve names below it. */
export interface PrefixSelection {
  readonly tenantIndex: number;
  /** `/vision`; `/` for every name. */
  readonly prefix: string;
  readonly group: readonly CapabilityCandidate[];
  readonly winner: CapabilityCandidate | undefined;
  readonly candidates: readonly JudgedCandidate[];
}

/** What was decided about the instances of one capability at this router's own site, those of its other routers included. */
export interface InstanceSelection {
  readonly tenantIndex: number;
  readonly capabilityId: CapabilityId;
  readonly candidates: readonly (JudgedCandidate & { readonly instanceId: Uint8Array })[];
}

/** Which rows of a table are wanted; an absent member leaves nothing out. */
export interface RouteFilter {
  readonly peer?: PeerIndex;
  readonly tenantIndex?: number;
  readonly capabilityId?: CapabilityId;
}

/** What the key of a route is about. */
export type RouteSubject =
  | { readonly type: "site"; readonly capabilityId: CapabilityId }
  | { readonly type: "instance"; readonly capabilityId: CapabilityId; readonly instanceId: Uint8Array }
  | { readonly type: "agent"; readonly agentId: Uint8Array }
  | { readonly type: "prefix"; readonly prefix: string };

/** One path of one net, for people and for monitoring. */
export interface RouteRow {
  readonly key: Uint8Array;
  readonly subject: RouteSubject;
  /** `undefined`: no tenant imports it. */
  readonly tenantIndex: number | undefined;
  readonly originId: number;
  readonly nextHop: Ipv6Address;
  readonly attributes: AttributeSet;
  readonly peer: PeerIndex;
  /** As received, unsigned 32 bits; `undefined` where the neighbour sends none. @see RFC 7911 */
  readonly pathId: number | undefined;
  /** When it was learnt or last replaced, as the wall clock had it then. */
  readonly since: Milliseconds;
  /** The same instant, monotonic. */
  readonly learntAt: Milliseconds;
  readonly stale: boolean;
  /** The path of this net that is used and re-advertised. */
  readonly best: boolean;
}

/** Words that say which destination is meant: the CapID as four words of this machine, the tenant index. */
export const DESTINATION_WORDS = 5;

/** Told of capabilities that will be visited next, nearly always: who keeps something of each can touch it, so that cache misses overlap. */
export type LookAhead = (destinations: Int32Array, count: number) => void;

/**
 * Capability destinations: what the routes of all origins add up to for each (tenant, capability). Changes are kept from when
 * somebody first listens or drains: all that there is then has changed.
 */
export interface CapabilityView {
  /** Called on a later turn, once per quiet period, when there are changed destinations. One listener: the daemon hands on. */
  onDestinationsChanged: (() => void) | undefined;
  /**
   * Visits up to `limit` changed destinations, each once with its selection of now; returns how many are left, some of which may turn
   * out to be none. A selection is good during the visit: the next one is written to the same memory, and names, steps and reasons are
   * made when they are read. Here `candidates` has one entry a site: what `select` says about further paths to the same site is left
   * out. `visitAgent`: the same for agents, whose selections may be kept; without it they are passed over.
   */
  drainDestinations(
    visit: (selection: CapabilitySelection) => void,
    limit: number,
    visitAgent?: (selection: AgentSelection) => void,
    lookAhead?: LookAhead,
  ): number;
  /** The same for prefixes of names of tenants; `onDestinationsChanged` tells of them as well. */
  drainPrefixes(visit: (selection: PrefixSelection) => void, limit: number): number;
  /** Decides now; an unknown destination has no candidates. Cost grows with the candidates. */
  select(tenantIndex: number, capabilityId: CapabilityId): CapabilitySelection;
  /** Where an agent is, decided now. */
  selectAgent(tenantIndex: number, agentId: Uint8Array): AgentSelection;
  /** The longest prefix of a name that some origin resolves names below, decided now; `undefined`: nobody does. */
  selectPrefix(tenantIndex: number, name: CapabilityName): PrefixSelection | undefined;
  /** One prefix, whoever is eligible. */
  selectExactPrefix(tenantIndex: number, prefix: string): PrefixSelection;
  /** What the routers of this site have told each other about their instances. */
  selectInstances(tenantIndex: number, capabilityId: CapabilityId): InstanceSelection;
  /** Every destination of a tenant. May be read over many turns: one that comes or goes meanwhile may be missed. */
  destinations(): IterableIterator<Destination>;
  /** Paths that match, the same way. */
  routesOf(filter: RouteFilter): IterableIterator<RouteRow>;
}

/** One path of one prefix, for people and for monitoring. */
export interface UnicastRow {
  /** 16 octets, or 4. */
  readonly address: Uint8Array;
  readonly length: number;
  /** IPv4 next hops in mapped form. */
  readonly nextHop: Ipv6Address;
  readonly attributes: AttributeSet;
  readonly peer: PeerIndex;
  /** As received, unsigned 32 bits; `undefined` where the neighbour sends none. @see RFC 7911 */
  readonly pathId: number | undefined;
  /** When it was learnt or last replaced, as the wall clock had it then. */
  readonly since: Milliseconds;
  /** The same instant, monotonic. */
  readonly learntAt: Milliseconds;
  readonly stale: boolean;
  /** The path that is re-advertised. */
  readonly best: boolean;
  /** Which decision step put a path out that is not the best. */
  readonly step: string | undefined;
}

/** Prefixes and their paths. */
export interface UnicastView {
  /** Paths of `peer`, or of all. May be read over many turns: one that comes or goes meanwhile may be missed. */
  rowsOf(filter: { readonly peer?: PeerIndex }): IterableIterator<UnicastRow>;
}
