import { type Clock, FaultError, type Log, type Metrics, type Random } from "../../base/index.ts";
import type { AttributeSet, RouteFamily } from "../../rib/index.ts";
import type { SelectionDeferral } from "../session/index.ts";
import type { CapabilityNlri, UnicastNlri } from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { CommonOptions } from "./common-change.ts";
import type { Outcome } from "./family-intake.ts";
import type { ListenRange, RangeStatus } from "./listen-ranges.ts";
import type { SpeakerObserver } from "./observer.ts";
import type { PeerOptions } from "./options.ts";
import type { PathFailure, SessionChange } from "./path-failure.ts";
import type { PeerChange } from "./peer-change.ts";
import type { SpeakerRib } from "./peer-parts.ts";
import type { ReceivedRoute } from "./received-routes.ts";
import type { PeerStatus } from "./status.ts";
import type { Endpoint, Transport } from "./transport.ts";

/** What a speaker works with: the RIB, sockets, time, chance, and who is told. */
export interface SpeakerParts {
  readonly rib: SpeakerRib;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told on the way, after the routes were dealt with; must not call the speaker. */
  readonly sessionChanged?: (change: SessionChange) => void;
  /** Shown the set of routes that were here before and come back from a neighbour; nobody takes them. Must not call the speaker. */
  readonly looped?: (peer: string, set: AttributeSet) => void;
  /** Watches sessions and routes, for monitoring. */
  readonly observer?: SpeakerObserver;
}

/** An address that is none, a neighbour that is configured twice, or one that is not there. */
export type SpeakerFault =
  | { readonly code: "bgp.bad-address"; readonly address: string }
  | { readonly code: "bgp.duplicate-peer"; readonly address: string }
  | { readonly code: "bgp.unknown-peer"; readonly address: string };

/** What became of a soft reset. */
export type SoftClear = "done" | "unknown-peer" | "no-session" | "no-route-refresh";

/** A route as a neighbour said it, and what import policy makes of it. */
export type JudgedRoute = ReceivedRoute & Outcome;

/** What `startSpeaker` and the methods of a speaker throw for options that cannot be. */
export class SpeakerError extends FaultError<SpeakerFault> {}

/** A BGP speaker that runs. Disposing it stops it like `stop({ restart: false })`. */
export interface Speaker extends AsyncDisposable {
  /** Where it listens. */
  readonly listening: readonly Endpoint[];
  /** Announces a route of this router, or replaces it. The set's next hop is this router's. */
  originate(nlri: CapabilityNlri, attributes: AttributeSet): void;
  withdraw(nlri: CapabilityNlri): void;
  /**
   * The route targets that this router imports, instead of those of before. Neighbours with which the family "route-target"
   * was agreed hear of them and send nothing else; what changes is announced, and nothing else. @see RFC 4684
   */
  importTargets(targets: readonly Uint8Array[]): void;
  /** The same for a prefix. Next hops of IPv4 are in mapped form. */
  originateUnicast(nlri: UnicastNlri, attributes: AttributeSet): void;
  withdrawUnicast(nlri: UnicastNlri): void;
  /**
   * Everything that this router originates has been handed to `originate`, and its forwarding works: from now on it may
   * say End-of-RIB, and that forwarding survives the loss of a session. Must be called once.
   */
  localStateConverged(): void;
  /** Resolves when the neighbours have said what they know after a restart of this router, or had their time. At once without a restart. */
  readonly selectionSettled: Promise<void>;
  /**
   * The same, and neighbours that are restarting themselves have said what they know, too: what an earlier life of this router
   * forwarded by may now be taken away, where no route says it again.
   */
  readonly neighborsHeard: Promise<void>;
  readonly deferral: SelectionDeferral;
  /** Connections that were closed since the start, as they came from no neighbour's address, or without its protection. */
  readonly strangersRefused: number;
  /** In the order of configuration; then those that came from a range by themselves and have said who they are. */
  peers(): readonly PeerStatus[];
  /** One of them; costs what one costs. */
  peer(address: string): PeerStatus | undefined;
  /**
   * What a neighbour has said of a family, with what becomes of it as it is judged now; nothing where it is not kept. May be
   * read over many turns of the event loop, and ends when the session does.
   */
  received(address: string, family: RouteFamily): IteratorObject<JudgedRoute>;
  /** Whether that is kept: there is a session with the family, and the neighbour has `softReconfiguration`. */
  keepsReceived(address: string, family: RouteFamily): boolean;
  /** What a neighbour has been told of a family, and why not the rest; `undefined` without a session that has the family. */
  told(address: string, family: RouteFamily): AdjRibOut | undefined;
  /**
   * Ends the session, which comes back by itself, with a text for the other operator (RFC 9003); one that waits to come back
   * does so at once. False for an unknown neighbour.
   */
  clear(address: string, text?: string): boolean;
  /**
   * BFD says that the path to the neighbour failed: its session ends with "BFD down" and its routes go, without graceful
   * restart. Where the failure may be its process that ended, the session has {@link LATE_END} to end by itself first, and
   * routes that are kept for a restart stay. False for an unknown neighbour. @see RFC 5882 §4.3
   */
  pathFailed(address: string, failure: PathFailure): boolean;
  /** BFD is up again: a session that still waits for its end goes on. False for an unknown neighbour. */
  pathRecovered(address: string): boolean;
  /** Whether all routes but reflected ones are marked as about to go, and least preferred inside the AS. @see RFC 8326 */
  gracefulShutdown: boolean;
  /** Asks for all routes again and sends ours again; false without a session that can. */
  refresh(address: string): boolean;
  /**
   * Without a reset: `in` asks for the neighbour's routes, which go through import policy again; `out` sends ours again.
   * @see RFC 2918 §4
   */
  clearSoft(address: string, direction: "in" | "out"): SoftClear;
  /** In the order of configuration. */
  ranges(): readonly RangeStatus[];
  /**
   * From where others may connect from now on. Neighbours that came from a range stay where the new ranges allow it and
   * their options need no reset. @throws {TransportError} `bgp.needs-addon`; nothing is changed then
   */
  setRanges(ranges: readonly ListenRange[]): void;
  /**
   * One that came from a range by itself makes place for it.
   * @throws {SpeakerError} `bgp.bad-address`, `bgp.duplicate-peer` @throws {TransportError} `bgp.needs-addon`
   */
  addPeer(peer: PeerOptions): void;
  /**
   * Goes on with other options of a neighbour, as `planPeerChange` says: live where that is possible, else with a new session
   * (Cease, other configuration change). Routes that import policy judged before come again by route refresh; where the
   * neighbour cannot do that they stay, and the log says so.
   * @throws {SpeakerError} `bgp.unknown-peer` @throws {TransportError} `bgp.needs-addon`; nothing is changed then
   */
  changePeer(peer: PeerOptions): PeerChange;
  /**
   * Goes on with other common options, as `planCommonChange` says of each neighbour: it listens at new addresses first, then
   * sessions go on, are judged again or are reset, and last nobody is accepted elsewhere any more.
   * @param leaving neighbours that are left alone, as they are about to be removed or reset
   * @throws {TransportError} `bgp.listen-failed`, `bgp.needs-addon`; nothing is changed then
   */
  change(common: CommonOptions, but?: { readonly leaving?: readonly string[] }): Promise<void>;
  /**
   * Shuts a neighbour down, with a text for its operator (RFC 9003), until it is enabled: nobody is accepted meanwhile. The
   * same as `enabled: false` of its options, which a later `changePeer` overrides. False for an unknown neighbour, and for
   * one that came from a range by itself: that can be removed.
   */
  disable(address: string, text?: string): boolean;
  enable(address: string): boolean;
  /**
   * Cease, peer deconfigured; with a text for its operator it is an administrative shutdown, as only that and a reset may
   * have one (RFC 9003 §2). False for an unknown neighbour.
   */
  removePeer(address: string, text?: string): Promise<boolean>;
  /**
   * Ends every session and closes the listeners. For a restart nothing is said, so that neighbours that help keep our routes
   * (RFC 4724 §4); otherwise Cease, administrative shutdown, with a text for the other operators (RFC 9003).
   */
  stop(how: { readonly restart: boolean; readonly text?: string }): Promise<void>;
}
