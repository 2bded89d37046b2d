import type { CapabilityId, CapabilityName, Ipv6Address, Milliseconds } from "../base/index.ts";
import type { AttributeSet, SetSource } from "./attributes.ts";

/** An isolated customer of the router. @see RFC 4364 §4 */
export interface Tenant {
  readonly name: string;
  /** 1 to 65535. */
  readonly index: number;
  /** Eight octets. */
  readonly routeDistinguisher: Uint8Array;
  /** Route targets, eight octets each; a route that carries one of them belongs to this tenant. */
  readonly importTargets: readonly Uint8Array[];
  readonly exportTargets: readonly Uint8Array[];
}

/** A small number that stands for a neighbour inside the RIB; 0 is this router itself. */
export type PeerIndex = number;
/** A small number that stands for an interned attribute set; 0 is "none". */
export type AttributeId = number;
/** A small number that stands for one route key (net) of a table; 0 is "none". */
export type NetId = number;

/** This router itself. */
export const LOCAL_PEER: PeerIndex = 0;

/** Families whose routes say where packets of an address go. @see RFC 4760 */
export type UnicastFamily = "ipv4-unicast" | "ipv6-unicast";
/** Families whose keys are prefixes; "route-target": who wants which routes of the capability family. @see RFC 4684 §4 */
export type PrefixFamily = UnicastFamily | "route-target";
/** The families that have a table each. @see DESIGN section 4.1; RFC 4760 */
export type RouteFamily = "capability" | PrefixFamily;

/** How a neighbour stands to this router: of its AS, of another member AS of its confederation, or of another AS. @see RFC 5065 */
export type SessionKind = "internal" | "confederation" | "external";
/** Who a route came from: this router, or a neighbour of this kind. */
export type PeerKind = "local" | SessionKind;

/** Whoever has routes in the RIB. IPv4 addresses are in mapped form. */
export interface RibPeer {
  readonly name: string;
  readonly kind: PeerKind;
  /** Unsigned 32 bits. Last tie-breaker but one. */
  readonly bgpIdentifier: number;
  readonly address: Ipv6Address;
  readonly autonomousSystem: number;
  /** This router reflects routes to it and from it. Only for internal ones. @see RFC 4456 §6 */
  readonly reflectorClient?: boolean;
}

/**
 * Interned attribute sets. Identity is the octets of the path attributes with MP_REACH_NLRI cut down to AFI, SAFI and
 * next hop, so the same set from two messages is one id. A set is octets and a few numbers here; an object is made of it
 * when somebody asks.
 *
 * An id is valid until the current turn ends, and beyond it while a route or a `retain` refers to it; then the number is
 * used again. What is derived from a set is kept by its id together with `serial`, which tells the sets of one id apart.
 */
export interface AttributeTable {
  /**
   * Copies the octets, which are different for each family. `source` is asked once per distinct set; what it throws leaves no
   * trace. A function hands over an object, which is kept. `family`: whose rules say whether the set is eligible at all.
   * Default: capability. @throws {RibError} `rib.attribute-limit`
   */
  intern(
    octets: Uint8Array,
    start: number,
    length: number,
    source: SetSource | (() => AttributeSet),
    family?: RouteFamily,
  ): AttributeId;
  /** Made of the octets, and kept for a while only; nobody changes it. */
  get(id: AttributeId): AttributeSet;
  /** The identity octets, borrowed until the id goes. Not to be changed. */
  octets(id: AttributeId): Uint8Array;
  /** The same without an object: they are `chunk(id)[start(id)..start(id)+length(id))`. */
  chunk(id: AttributeId): Uint8Array;
  start(id: AttributeId): number;
  length(id: AttributeId): number;
  /** Bits of `SetMark`. */
  marksOf(id: AttributeId): number;
  /** Differs for each set that the id has stood for, unsigned 32 bits, never 0. */
  serial(id: AttributeId): number;
  retain(id: AttributeId): void;
  release(id: AttributeId): void;
  /** Distinct sets. */
  readonly size: number;
}

/**
 * Keys of one message: `count` of them, key i at `octets[starts[i]]`, `lengths[i]` octets long. Capability: typed NLRI, type
 * and length included. Unicast: the length in bits and as few octets as hold them, unused bits zero.
 */
export interface KeyBatch {
  readonly octets: Uint8Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly count: number;
  /** Path identifiers as received, where the neighbour sends them; otherwise it has one path of each net. @see RFC 7911 */
  readonly pathIds?: Int32Array | undefined;
}

/** How many paths of a net a neighbour is told. */
export type SentPaths = "best" | "all" | { readonly best: number };

/** What a session of one family puts into and takes out of a table. */
export interface RouteTable {
  /** Adj-RIB-In of `peer` gains or replaces these routes. Allocates nothing per route. Throws `RibError` `rib.route-limit` when `maxRoutes` is reached; nothing of the batch behind that point is kept. Returns how many were left out, as `peer` has too many paths of their nets. */
  announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): number;
  withdraw(peer: PeerIndex, keys: KeyBatch): void;
  /** Since the table is there: announcements of what was there with the same set and in no doubt, and withdrawals of what was not there. */
  readonly repeated: number;
  readonly absent: number;
  /**
   * Routes of `peer` become stale but stay in use; true when done. Resumable like `sweepStale`: it takes a walk over up to
   * about `budget` nets after 255 beginnings (of this and of refreshes) whose end never came. @see RFC 4724 §4.2
   */
  markStale(peer: PeerIndex, budget?: number): boolean;
  /** Routes of `peer` that are not announced again from now on are removed by `sweepStale`; they are not stale meanwhile. Resumable like `markStale`. @see RFC 7313 §4 */
  beginRefresh(peer: PeerIndex, budget?: number): boolean;
  /** Removes up to about `budget` nets' stale routes of `peer`; true when done. Resumable: call again on a later turn. */
  sweepStale(peer: PeerIndex, budget: number): boolean;
  /**
   * Gives the stale routes of `peer` the set that `change` answers, or removes them where it answers `undefined`; they stay
   * stale. Resumable like `sweepStale`.
   */
  replaceStale(peer: PeerIndex, budget: number, change: (attributes: AttributeId) => AttributeId | undefined): boolean;
  /** Removes all routes of `peer` the same way. */
  sweep(peer: PeerIndex, budget: number): boolean;
  /** Opens the Adj-RIB-Out view of one neighbour; it begins with everything still to be sent. */
  openOutput(peer: PeerIndex, paths?: SentPaths): RouteOutput;
  readonly routes: number;
  readonly paths: number;
  /** Routes in the Adj-RIB-In of `peer`. */
  pathsOf(peer: PeerIndex): number;
}

/** Receives what a neighbour must be told. Return false to stop (the net is offered again later). Key octets are borrowed. */
export interface OutputVisitor {
  /**
   * May this neighbour have it, after policy? Asked before `announce`, once for consecutive nets of one set and source; a
   * refused net that was advertised before is withdrawn. `by-key`: `admitKey` is asked about each net.
   */
  admit(attributes: AttributeId, source: PeerIndex): boolean | "by-key";
  admitKey?(attributes: AttributeId, source: PeerIndex, key: Uint8Array, start: number): boolean;
  /** So many nets were refused because `admit` said no. */
  refused?(attributes: AttributeId, source: PeerIndex, nets: number): void;
  /** @param pathId stays the same while the path is there; 0 where only the best path is told */
  announce(
    attributes: AttributeId,
    key: Uint8Array,
    start: number,
    length: number,
    source: PeerIndex,
    pathId: number,
  ): boolean;
  withdraw(key: Uint8Array, start: number, length: number, pathId: number): boolean;
}

/**
 * Shown a path that the neighbour may have as far as it is only about where it came from. `pending`: what it was told of it, or
 * that it was told nothing, is to be decided again.
 * @param pathId as in `OutputVisitor`
 */
export type OutputWalker = (
  attributes: AttributeId,
  source: PeerIndex,
  key: Uint8Array,
  start: number,
  length: number,
  pathId: number,
  state: "told" | "not-told" | "pending",
) => void;

/** Shown one path of a neighbour. @param since wall clock, in milliseconds */
export type PathVisitor = (
  attributes: AttributeId,
  key: Uint8Array,
  start: number,
  length: number,
  pathId: number | undefined,
  since: number,
) => void;

/** Routes as neighbours said them, before import policy. */
export interface ReceivedView {
  /** The paths of `peer` in up to `limit` nets from number `from` on, 1 being the first; see `RouteOutput.walk`. */
  walkPaths(peer: PeerIndex, visit: PathVisitor, from: number, limit: number): number;
}

/** Families of routes, which policies apply to. */
export type PolicyFamily = Exclude<RouteFamily, "route-target">;

/** The changed nets that one neighbour has not been told about yet; a net is in it at most once. Announcements come grouped by attribute id within a drain. */
export interface RouteOutput extends Disposable {
  /** Visits up to `limit` changed nets; returns how many are left. */
  drain(visitor: OutputVisitor, limit: number): number;
  readonly pending: number;
  /** Starts over with the whole table, e.g. for a route refresh; what was told before can still be withdrawn. A new session opens a new output. */
  replay(): void;
  /**
   * Looks at up to `limit` nets that are not changed anyway, and offers again those of which `differs` says that the
   * neighbour is told something else now. Resumable: false until all nets were looked at; the next call begins anew.
   */
  recheck(
    differs: (attributes: AttributeId, source: PeerIndex, key: Uint8Array, start: number) => boolean,
    limit: number,
  ): boolean;
  /**
   * Looks at up to `limit` nets from number `from` on, 1 being the first, without changing anything. The numbers of nets that
   * stay do not change, so that a walk over many turns meets each of them once.
   * @returns where to go on; 0: all were looked at
   */
  walk(visit: OutputWalker, from: number, limit: number): number;
  /** Called on a later turn, once per quiet period, after `pending` became positive. */
  onPending: (() => void) | undefined;
  /** Nets, or paths, that the neighbour has been told and not told to forget. */
  readonly advertised: number;
}

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
  /** Wall clock when this path was learnt or last replaced. */
  readonly since: Milliseconds;
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
  readonly since: Milliseconds;
  readonly stale: boolean;
  /** The path of this net that is used and re-advertised. */
  readonly best: boolean;
}

/**
 * Capability destinations: what the routes of all origins add up to for each (tenant, capability). Changes are kept from when
 * somebody first listens or drains: all that there is then has changed.
 */
export interface CapabilityView {
  /** Called on a later turn, once per quiet period, when there are changed destinations. One listener: the daemon hands on. */
  onDestinationsChanged: (() => void) | undefined;
  /**
   * Visits up to `limit` changed destinations, each once with its selection of now; returns how many are left. Here
   * `candidates` has one entry a site: what `select` says about further paths to the same site is left out. `visitAgent`:
   * the same for agents; without it they are passed over.
   */
  drainDestinations(
    visit: (selection: CapabilitySelection) => void,
    limit: number,
    visitAgent?: (selection: AgentSelection) => void,
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
  readonly since: Milliseconds;
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

/** What a router knows: one attribute table, its neighbours, one route table per address family. */
export interface Rib extends Disposable {
  readonly attributes: AttributeTable;
  /** AFI 2, SAFI 251. */
  readonly capability: RouteTable & CapabilityView;
  /** Made when it is first asked for; its routes are held and passed on, nothing is forwarded by them. */
  unicast(family: UnicastFamily): RouteTable & UnicastView;
  /**
   * What neighbours said of a family before import policy, for those whose sessions keep it there. Made when it is first asked
   * for, with as much room as the family itself.
   */
  received(family: PolicyFamily): RouteTable & ReceivedView;
  /** The same where it has been made. */
  receivedIfKept(family: RouteFamily): (RouteTable & ReceivedView) | undefined;
  /** The table of one family, as sessions see it. */
  table(family: RouteFamily): RouteTable;
  /**
   * Imports for these tenants from now on. What was not imported before is in Adj-RIB-In already and is decided on later
   * turns; a tenant that is there keeps its index and route distinguisher.
   */
  setTenants(tenants: readonly Tenant[]): void;
  /**
   * This router has another AS, router ID or site from now on. Its own routes stay as they are until they are announced
   * again; what hangs on its site is decided again on later turns.
   */
  setLocal(local: RibPeer, siteOfOrigin: Uint8Array | undefined): void;
  /** What `RibOptions.attestation` answers is another thing for some sets now: all are judged again on later turns. */
  attestationsChanged(): void;
  /** Gives a neighbour its number. @throws {RibError} `rib.peer-limit` */
  openPeer(peer: RibPeer): PeerIndex;
  /** Removes what is left of the neighbour's routes on later turns, then frees the number. Its outputs must be disposed. */
  closePeer(peer: PeerIndex): void;
  /** `undefined` for a number that is free. */
  peer(index: PeerIndex): RibPeer | undefined;
}
