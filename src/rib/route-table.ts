import type { Milliseconds } from "../base/index.ts";
import type { AttributeId, PeerIndex } from "./types.ts";

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

/** Some types of keys, a bit each: that of a type is the one that its low five bits name. A type is the first octet of a key. */
export type KeyTypes = number;

/** All of them: each key is asked about. */
export const EACH_KEY: KeyTypes = -1;

/** Receives what a neighbour must be told. Return false to stop (the net is offered again later). Key octets are borrowed. */
export interface OutputVisitor {
  /**
   * May this neighbour have it, after policy? Asked before `announce`, once for consecutive nets of one set and source; a
   * refused net that was advertised before is withdrawn. Types of keys: `admitKey` is asked about each net with such a key, and
   * the others are admitted.
   */
  admit(attributes: AttributeId, source: PeerIndex): boolean | KeyTypes;
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

/** Shown one path of a neighbour. @param learntAt monotonic */
export type PathVisitor = (
  attributes: AttributeId,
  key: Uint8Array,
  start: number,
  length: number,
  pathId: number | undefined,
  learntAt: Milliseconds,
) => void;

/** Routes as neighbours said them, before import policy. */
export interface ReceivedView {
  /** The paths of `peer` in up to `limit` nets from number `from` on, 1 being the first; see `RouteOutput.walk`. */
  walkPaths(peer: PeerIndex, visit: PathVisitor, from: number, limit: number): number;
}

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
