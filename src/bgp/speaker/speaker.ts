import {
  type Clock,
  FaultError,
  formatIpv6,
  type Ipv6Address,
  type Log,
  type Metrics,
  parseIpv4,
  parseIpv6,
  type Random,
  Scope,
} from "../../base/index.ts";
import { type AttributeSet, type KeyBatch, LOCAL_PEER, type RouteFamily } from "../../rib/index.ts";
import { defaultPolicy } from "../policy/index.ts";
import type { SelectionDeferral } from "../session/index.ts";
import {
  AttributeCodec,
  type CapabilitySiteNlri,
  CeaseSubcode,
  DEFAULT_DIALECT,
  ErrorCode,
  encodeCapabilitySite,
  encodeUnicast,
  type NotificationMessage,
  notification,
  shutdownData,
  type UnicastNlri,
} from "../wire/index.ts";
import { ExportGroups } from "./export-group.ts";
import { peerCounters } from "./metrics.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import { OwnRestartControl, type RestartChange } from "./own-restart.ts";
import type { PathFailure, SessionChange } from "./path-failure.ts";
import { Peer } from "./peer.ts";
import type { SpeakerRib } from "./peer-parts.ts";
import { PeerRecord } from "./peer-record.ts";
import type { PeerStatus } from "./status.ts";
import type { Connection, Endpoint, Guard, Listener, Transport } from "./transport.ts";

export interface SpeakerParts {
  readonly rib: SpeakerRib;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told on the way, after the routes were dealt with; must not call the speaker. */
  readonly sessionChanged?: (change: SessionChange) => void;
}

export type SpeakerFault =
  | { readonly code: "bgp.bad-address"; readonly address: string }
  | { readonly code: "bgp.duplicate-peer"; readonly address: string };

export class SpeakerError extends FaultError<SpeakerFault> {}

/** A BGP speaker that runs. Disposing it stops it like `stop({ restart: false })`. */
export interface Speaker extends AsyncDisposable {
  /** Where it listens. */
  readonly listening: readonly Endpoint[];
  /** Announces a route of this router, or replaces it. The set's next hop is this router's. */
  originate(nlri: CapabilitySiteNlri, attributes: AttributeSet): void;
  withdraw(nlri: CapabilitySiteNlri): void;
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
  readonly deferral: SelectionDeferral;
  /** In the order of configuration. */
  peers(): readonly PeerStatus[];
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
  /** @throws {SpeakerError} `bgp.bad-address`, `bgp.duplicate-peer` @throws {TransportError} `bgp.needs-addon` */
  addPeer(peer: PeerOptions): void;
  /** Cease, peer deconfigured. False for an unknown neighbour. */
  removePeer(address: string): Promise<boolean>;
  /**
   * Ends every session and closes the listeners. For a restart nothing is said, so that neighbours that help keep our routes
   * (RFC 4724 §4); otherwise Cease, administrative shutdown, with a text for the other operators (RFC 9003).
   */
  stop(how: { readonly restart: boolean; readonly text?: string }): Promise<void>;
}

/**
 * Starts a speaker: listeners are open and every neighbour that is not passive is being connected to when it resolves.
 * @throws {SpeakerError} `bgp.bad-address`, `bgp.duplicate-peer`
 * @throws {TransportError} `bgp.listen-failed`, `bgp.needs-addon`
 */
export async function startSpeaker(
  options: SpeakerOptions,
  parts: SpeakerParts,
  signal: AbortSignal,
): Promise<Speaker> {
  const scope = new Scope(signal);
  try {
    signal.throwIfAborted();
    const speaker = new RunningSpeaker(options, parts, scope);
    await speaker.listen();
    return speaker;
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

/** IPv4 addresses in mapped form, so that one text stands for one neighbour. */
function addressOf(text: string): Ipv6Address {
  const v4 = parseIpv4(text);
  const address = v4 === undefined ? parseIpv6(text) : parseIpv6(`::ffff:${text}`);
  if (address !== undefined) return address;
  const advice = text.includes("%") ? "addresses with a zone are not supported" : "it is neither IPv6 nor IPv4";
  throw new SpeakerError({ code: "bgp.bad-address", address: text }, `BGP neighbour address "${text}": ${advice}`);
}

class RunningSpeaker implements Speaker {
  readonly #options: SpeakerOptions;
  readonly #parts: SpeakerParts;
  readonly #scope: Scope;
  readonly #codec: AttributeCodec;
  readonly #groups: ExportGroups;
  readonly #restart: OwnRestartControl;
  readonly #peers = new Map<string, Peer>();
  readonly #listeners: Listener[] = [];
  readonly #strangers;
  #stopped: Promise<void> | undefined;

  constructor(options: SpeakerOptions, parts: SpeakerParts, scope: Scope) {
    this.#options = options;
    this.#parts = parts;
    this.#scope = scope;
    this.#codec = new AttributeCodec(options.dialect ?? DEFAULT_DIALECT);
    this.#groups = new ExportGroups(this.#codec, options);
    this.#strangers = parts.metrics.counter(
      "semrd_bgp_refused_connections_total",
      "Connections from addresses that are no neighbours, or lack their protection",
    );
    this.#restart = new OwnRestartControl(options, parts.clock, parts.log, (what) => this.#changed(what));
    scope.own(this.#restart);
    for (const peer of options.peers) this.#create(peer);
  }

  async listen(): Promise<void> {
    for (const local of this.#options.listen) {
      const listener = await this.#parts.transport.listen(local, this.#guards(), (connection) =>
        this.#accept(connection, listener),
      );
      this.#listeners.push(this.#scope.own(listener));
      for (const { options } of this.#peers.values()) this.#warnUnprotected(listener, options);
    }
    for (const peer of this.#peers.values()) peer.start();
  }

  get listening(): readonly Endpoint[] {
    return this.#listeners.map(({ local }) => local);
  }

  get selectionSettled(): Promise<void> {
    return this.#restart.settled;
  }

  get deferral(): SelectionDeferral {
    return this.#restart.deferral;
  }

  originate(nlri: CapabilitySiteNlri, attributes: AttributeSet): void {
    this.#announce("capability", encodeCapabilitySite(nlri), attributes);
  }

  withdraw(nlri: CapabilitySiteNlri): void {
    this.#parts.rib.capability.withdraw(LOCAL_PEER, oneKey(encodeCapabilitySite(nlri)));
  }

  originateUnicast(nlri: UnicastNlri, attributes: AttributeSet): void {
    this.#announce(nlri.family, encodeUnicast(nlri), attributes);
  }

  withdrawUnicast(nlri: UnicastNlri): void {
    this.#parts.rib.table(nlri.family).withdraw(LOCAL_PEER, oneKey(encodeUnicast(nlri)));
  }

  #announce(family: RouteFamily, key: Uint8Array, attributes: AttributeSet): void {
    const { rib } = this.#parts;
    const identity = this.#codec.identity(attributes, family);
    const id = rib.attributes.intern(identity, 0, identity.length, () => attributes, family);
    rib.table(family).announce(LOCAL_PEER, oneKey(key), id);
  }

  localStateConverged(): void {
    this.#restart.localStateConverged();
  }

  peers(): readonly PeerStatus[] {
    return Array.from(this.#peers.values(), (peer) => peer.status());
  }

  clear(address: string, text?: string): boolean {
    const peer = this.#peer(address);
    peer?.clear(ceaseWithText(CeaseSubcode.AdministrativeReset, text));
    return peer !== undefined;
  }

  pathFailed(address: string, failure: PathFailure): boolean {
    const peer = this.#peer(address);
    peer?.pathFailed(failure);
    return peer !== undefined;
  }

  pathRecovered(address: string): boolean {
    const peer = this.#peer(address);
    peer?.pathRecovered();
    return peer !== undefined;
  }

  get gracefulShutdown(): boolean {
    return this.#groups.mode.gracefulShutdown;
  }

  set gracefulShutdown(gracefulShutdown: boolean) {
    if (gracefulShutdown === this.gracefulShutdown) return;
    this.#groups.mode = { gracefulShutdown };
    this.#parts.log.info("bgp.graceful-shutdown", { on: gracefulShutdown });
    for (const peer of this.#peers.values()) peer.replay();
  }

  refresh(address: string): boolean {
    return this.#peer(address)?.refresh() ?? false;
  }

  addPeer(options: PeerOptions): void {
    const peer = this.#create(options);
    try {
      this.#guard();
    } catch (cause) {
      this.#peers.delete(keyOf(options.address));
      throw cause;
    }
    for (const listener of this.#listeners) this.#warnUnprotected(listener, options);
    peer.start();
  }

  async removePeer(address: string): Promise<boolean> {
    const peer = this.#peer(address);
    if (peer === undefined) return false;
    this.#peers.delete(keyOf(address));
    this.#guard();
    this.#restart.event({ type: "removed", peer: peer.options.address });
    await peer.stop(ceaseWithText(CeaseSubcode.PeerDeconfigured, undefined));
    await peer[Symbol.asyncDispose]();
    return true;
  }

  stop(how: { readonly restart: boolean; readonly text?: string }): Promise<void> {
    this.#stopped ??= this.#stop(how);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop({ restart: false });
  }

  async #stop(how: { readonly restart: boolean; readonly text?: string }): Promise<void> {
    const message = how.restart ? undefined : ceaseWithText(CeaseSubcode.AdministrativeShutdown, how.text);
    const peers = [...this.#peers.values()];
    for (const peer of peers) peer.freezeRoutes();
    await Promise.all(peers.map((peer) => peer.stop(message)));
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
    await this.#scope[Symbol.asyncDispose]();
  }

  #peer(address: string): Peer | undefined {
    return this.#peers.get(keyOf(address));
  }

  #create(options: PeerOptions): Peer {
    const address = addressOf(options.address);
    const key = formatIpv6(address);
    if (this.#peers.has(key)) {
      const fault = { code: "bgp.duplicate-peer", address: options.address } as const;
      throw new SpeakerError(fault, `BGP neighbour ${options.address} is configured twice`);
    }
    const { rib, transport, clock, random, log, metrics } = this.#parts;
    const acceptExternal = this.#options.acceptExternal ?? false;
    const peer = new Peer(options, address, {
      speaker: this.#options,
      codec: this.#codec,
      rib,
      transport,
      clock,
      random,
      log,
      record: new PeerRecord(peerCounters(metrics, options.address), clock.wall()),
      restart: this.#restart,
      sessionChanged: (change) => this.#parts.sessionChanged?.(change),
      groupOf: (of, agreed, facts) => this.#groups.of(of, agreed, facts),
      importPolicy: options.importPolicy ?? defaultPolicy({ acceptExternal }),
    });
    this.#peers.set(key, peer);
    return peer;
  }

  #guards(): Guard[] {
    return Array.from(this.#peers.values(), ({ options: { address, password, ttlSecurityHops } }) => ({
      address,
      ...(password === undefined ? {} : { password }),
      ...(ttlSecurityHops === undefined ? {} : { ttlSecurityHops }),
    }));
  }

  #guard(): void {
    const guards = this.#guards();
    for (const listener of this.#listeners) listener.guard(guards);
  }

  #warnUnprotected(listener: Listener, { address, ttlSecurityHops }: PeerOptions): void {
    if (ttlSecurityHops === undefined || listener.protects(address)) return;
    this.#parts.log.warn("bgp.listener.unprotected", {
      peer: address,
      listener: listener.local.address,
      advice:
        "TTL security of a listener is for all its neighbours or none: this one is only connected to, not accepted",
    });
  }

  #accept(connection: Connection, listener: Listener): void {
    const { address } = connection.remote;
    const peer = this.#stopped === undefined ? this.#peer(address) : undefined;
    if (peer !== undefined && listener.protects(peer.options.address)) {
      peer.accept(connection);
      return;
    }
    this.#strangers.add();
    this.#parts.log.debug("bgp.connection.stranger", { address, known: peer !== undefined });
    void connection.close();
  }

  #changed(what: RestartChange): void {
    for (const peer of this.#peers.values()) {
      if (what === "selection-settled") peer.replay();
      else peer.poke();
    }
  }
}

/** The key under which a neighbour is kept; text that is no address is nobody's key. */
function keyOf(address: string): string {
  const v4 = parseIpv4(address);
  const octets = v4 === undefined ? parseIpv6(address) : parseIpv6(`::ffff:${address}`);
  return octets === undefined ? address : formatIpv6(octets);
}

/** For a Cease that an operator reads. @see RFC 9003 */
function ceaseWithText(subcode: number, text: string | undefined): NotificationMessage {
  return notification(ErrorCode.Cease, subcode, text === undefined ? undefined : shutdownData(text));
}

function oneKey(octets: Uint8Array): KeyBatch {
  return { octets, starts: Int32Array.of(0), lengths: Int32Array.of(octets.length), count: 1 };
}
