import type { Ipv6Address } from "../../base/index.ts";
import type { AttributeId, KeyBatch, PeerIndex, RouteFamily, SessionKind } from "../../rib/index.ts";
import type { Agreement, SessionEnd, SessionState } from "../session/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { Endpoint } from "./transport.ts";

/** A neighbour as its observer knows it from the start. */
export interface ObservedPeer {
  /** As in `PeerStatus`. */
  readonly name: string;
  /** IPv4 in mapped form. */
  readonly address: Ipv6Address;
  readonly remoteAs: number;
  readonly localAs: number;
  readonly kind: SessionKind;
}

/** A session that has become Established. */
export interface ObservedSession {
  readonly agreed: Agreement;
  readonly peerIndex: PeerIndex;
  readonly families: readonly RouteFamily[];
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Whole messages. */
  readonly openSent: Uint8Array;
  readonly openReceived: Uint8Array;
  /** What the neighbour has been told, by family; to be read while the session lasts. */
  readonly told: ReadonlyMap<RouteFamily, AdjRibOut>;
}

/**
 * Watches one neighbour and has no say. Called on the way: octets and keys are borrowed until the call returns, nothing may be
 * thrown, and the speaker must not be called.
 */
export interface PeerObserver {
  /** A message has come: `octets[start..end)` with its header. */
  received(octets: Uint8Array, start: number, end: number, session: ObservedSession | undefined): void;
  /** UPDATEs are on their way to the neighbour, one behind the other. */
  sent?(messages: Uint8Array): void;
  stateChanged(from: SessionState, to: SessionState): void;
  established(session: ObservedSession): void;
  /** The session that was established is over. */
  ended(end: SessionEnd): void;
  /** Routes were taken into the Adj-RIB-In, as they are after import policy. */
  announced(family: RouteFamily, keys: KeyBatch, attributes: AttributeId): void;
  /** Routes were withdrawn, or refused. */
  withdrawn(family: RouteFamily, keys: KeyBatch): void;
  /** They were refused, for the reason of the counter: checks, or import policy; `withdrawn` has been told of them too. */
  refused?(family: RouteFamily, keys: KeyBatch, reason: string): void;
  /** So many of the routes that `announced` or `withdrawn` were told of last were there as they came, or were not there to be withdrawn. */
  repeated?(routes: number, what: "announced" | "withdrawn"): void;
  /**
   * The UPDATE `octets[start..end)`, with its header, was malformed, so that its routes are as if they had been withdrawn.
   * @see RFC 7606 §2
   */
  treatedAsWithdraw?(routes: number, octets: Uint8Array, start: number, end: number): void;
  /**
   * Routes of the family have gone that were not withdrawn one by one: the family was given up (RFC 4760 §7), or they did not
   * come again with a refresh (RFC 7313 §4.2).
   */
  swept(family: RouteFamily): void;
  /** The neighbour is no more one. */
  gone(): void;
}

/** Asked about each neighbour when it is added; `undefined`: not of interest. */
export type SpeakerObserver = (peer: ObservedPeer) => PeerObserver | undefined;
