import type { CapabilityId, CapabilityName, Ipv6Address, Milliseconds } from "../base/index.ts";
import type { AttributeSet } from "./attributes.ts";

/** A small number that stands for a neighbour inside the RIB; 0 is this router itself. */
export type PeerIndex = number;
/** A small number that stands for an interned attribute set; 0 is "none". */
export type AttributeId = number;
/** A small number that stands for one route key (net) of a table; 0 is "none". */
export type NetId = number;

export const LOCAL_PEER: PeerIndex = 0;

export type PeerKind = "local" | "internal" | "external";

export interface RibPeer {
  readonly name: string;
  readonly kind: PeerKind;
  /** Unsigned 32 bits. Last tie-breaker but one. */
  readonly bgpIdentifier: number;
  readonly address: Ipv6Address;
  readonly autonomousSystem: number;
}

/**
 * Interned attribute sets. Identity is the octets of the path attributes with MP_REACH_NLRI cut down to AFI, SAFI and
 * next hop, so the same set from two messages is one id. `decode` runs once per distinct set.
 */
export interface AttributeTable {
  intern(octets: Uint8Array, start: number, length: number, decode: () => AttributeSet): AttributeId;
  get(id: AttributeId): AttributeSet;
  /** The identity octets; a view that stays valid while the id is referenced. */
  octets(id: AttributeId): Uint8Array;
  readonly size: number;
}

/** Keys of one message: `count` of them, key i at `octets[starts[i]]`, `lengths[i]` octets long (typed NLRI: type and length included). */
export interface KeyBatch {
  readonly octets: Uint8Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly count: number;
}

/** What a session of one family puts into and takes out of a table. */
export interface RouteTable {
  /** Adj-RIB-In of `peer` gains or replaces these routes. Allocates nothing per route. Throws `RibError` `rib.route-limit` when `maxRoutes` is reached; nothing of the batch behind that point is kept. */
  announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): void;
  withdraw(peer: PeerIndex, keys: KeyBatch): void;
  /** Routes of `peer` become stale but stay in use. @see RFC 4724 §4.2 */
  markStale(peer: PeerIndex): void;
  /** Removes up to about `budget` nets' stale routes of `peer`; true when done. Resumable: call again on a later turn. */
  sweepStale(peer: PeerIndex, budget: number): boolean;
  /** Removes all routes of `peer` the same way. */
  sweep(peer: PeerIndex, budget: number): boolean;
  /** Opens the Adj-RIB-Out view of one neighbour; it begins with everything still to be sent. */
  openOutput(peer: PeerIndex): RouteOutput;
  readonly routes: number;
  readonly paths: number;
  /** Routes in the Adj-RIB-In of `peer`. */
  pathsOf(peer: PeerIndex): number;
}

/** Receives what a neighbour must be told. Return false to stop (the net is offered again later). Key octets are borrowed. */
export interface OutputVisitor {
  /** May this neighbour have it, after policy? Asked before `announce`; a refused net that was advertised before is withdrawn. */
  admit(attributes: AttributeId, source: PeerIndex): boolean;
  announce(attributes: AttributeId, key: Uint8Array, start: number, length: number): boolean;
  withdraw(key: Uint8Array, start: number, length: number): boolean;
}

/** The changed nets that one neighbour has not been told about yet; a net is in it at most once. Announcements come grouped by attribute id within a drain. */
export interface RouteOutput extends Disposable {
  /** Visits up to `limit` changed nets; returns how many are left. */
  drain(visitor: OutputVisitor, limit: number): number;
  readonly pending: number;
  /** Starts over with the whole table, e.g. for a session that came up again or a route refresh. */
  replay(): void;
  /** Called (once per quiet period) when `pending` becomes positive. */
  onPending: (() => void) | undefined;
  /** Nets that the neighbour has been told and not told to forget. */
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

export type Judgement = "winner" | "group" | "excluded";

export interface JudgedCandidate {
  readonly candidate: CapabilityCandidate;
  readonly judgement: Judgement;
  /** Name of the decision step that chose or excluded it, e.g. "lease", "local-preference", "router-id". */
  readonly step: string;
  /** One sentence with the values compared. */
  readonly reason: string;
}
