import { type Ipv6Address, momentOf, type Seconds, seconds, unreachable } from "../../base/index.ts";
import type { RouteFamily, SessionKind } from "../../rib/index.ts";
import type { Agreement, SessionState, Side } from "../session/index.ts";
import {
  CeaseSubcode,
  ErrorCode,
  type Frame,
  MessageType,
  type NotificationMessage,
  notification,
  wireFamily,
} from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import { type AttemptChange, planAttempt } from "./attempt-change.ts";
import { ConfiguredPeer } from "./configured-peer.ts";
import { controlEvent } from "./control-event.ts";
import { changeSession } from "./established-session.ts";
import { GuestStay } from "./guest-stay.ts";
import type { LinkedSession } from "./link-watch.ts";
import type { PeerOptions } from "./options.ts";
import { PathDoubt } from "./path-doubt.ts";
import { BFD_DOWN, type PathFailure } from "./path-failure.ts";
import { changedOptions } from "./peer-change.ts";
import { type EffectHost, perform } from "./peer-effects.ts";
import { PeerKeys } from "./peer-keys.ts";
import { PeerLinks } from "./peer-links.ts";
import { PeerMachine } from "./peer-machine.ts";
import { familiesOf, type PeerParts, sendHoldTime } from "./peer-parts.ts";
import type { PeerRecord } from "./peer-record.ts";
import { PeerRib } from "./peer-rib.ts";
import { PeerSession } from "./peer-session.ts";
import { isPrefixes } from "./session-link.ts";
import { SessionWatch } from "./session-watch.ts";
import type { PeerStatus } from "./status.ts";
import type { TcpProtection } from "./tcp-protection.ts";
import { CLOSED_BY_PEER, type Connection } from "./transport.ts";

const DEFAULT_STALE_PATH_TIME = seconds(360);

/** How an attempt ends that has begun to negotiate what is configured otherwise now, and how long both ends forget it. */
const RENEGOTIATE = notification(ErrorCode.Cease, CeaseSubcode.OtherConfigurationChange);
const REST_BEFORE_ANOTHER = seconds(1);

/** The driver of one neighbour: carries out what `session/` decided, on sockets, timers and the RIB. */
export class Peer implements AsyncDisposable {
  readonly #configured: ConfiguredPeer;
  readonly #parts: PeerParts;
  readonly #links: PeerLinks;
  readonly #rib: PeerRib;
  readonly #doubt: PathDoubt;
  readonly #keys: PeerKeys;
  /** Absent: nobody watches. */
  readonly #watch: SessionWatch | undefined;
  readonly #machine: PeerMachine;
  readonly #session: PeerSession;
  readonly #effects: EffectHost;
  /** Absent: it is configured, and stays. */
  readonly #stay: GuestStay | undefined;

  /** @param address the same as `options.address`, IPv4 in mapped form */
  constructor(options: PeerOptions, address: Ipv6Address, parts: PeerParts) {
    this.#configured = new ConfiguredPeer(options, address, parts);
    this.#parts = parts;
    this.#watch = parts.observer && new SessionWatch(parts.observer);
    const { clock, random } = parts;
    this.#machine = new PeerMachine({
      settings: () => this.#configured.settings(),
      perform: (effect) => perform(effect, this.#effects),
      changed: (before, after) => this.#stateChanged(before, after),
      settled: () => this.#stay?.look(),
    });
    this.#links = new PeerLinks(parts, {
      event: (side, event) => this.#machine.event(side, event),
      message: (side, frame) => this.#message(side, frame),
      lost: (side, reason) => this.#connectionLost(side, reason),
      drained: (side) => {
        if (this.#session.up?.side === side) this.poke();
      },
    });
    this.#rib = new PeerRib({
      rib: parts.rib,
      families: familiesOf(options).map(({ family }) => family),
      codec: parts.codec,
      clock,
      random,
      get stalePathTime() {
        return parts.speaker.gracefulRestart?.stalePathTime ?? DEFAULT_STALE_PATH_TIME;
      },
      onReleased: () => this.#stay?.look(),
      onIdle: () => this.#session.release(),
      onSwept: (family) => this.#watch?.observer.swept(family),
    });
    const [peer, links, rib, watch] = [this.#configured, this.#links, this.#rib, this.#watch];
    const session = new PeerSession(
      {
        event: (side, event) => this.#machine.event(side, event),
        write: (side, octets) => this.#write(side, octets),
        watchOutput: (side, agreed) => this.#watchOutput(side, agreed),
        turned: () => this.#keys.look(),
      },
      { peer, parts, rib, links, watch },
    );
    this.#session = session;
    this.#keys = new PeerKeys({ peer, parts, links, session });
    this.#effects = {
      ...{ peer, parts, links, session, watch, keys: this.#keys },
      write: (side, octets) => this.#write(side, octets),
      pathIsFine: () => this.#doubt.none(),
    };
    const { gone, isHeard } = parts;
    this.#stay =
      gone &&
      new GuestStay({
        isThere: () => this.isConnected || rib.isHelping || isHeard?.() === true,
        left: gone,
      });
    this.#doubt = new PathDoubt(clock, () => {
      if (this.#session.up !== undefined)
        this.#machine.event(this.#session.up.side, { type: "AutomaticStop", notification: BFD_DOWN });
    });
  }

  get kind(): SessionKind {
    return this.#configured.kind;
  }

  get options(): PeerOptions {
    return this.#configured.options;
  }

  /** @param rest at first, as after an error; until then nobody is accepted */
  start(rest?: Seconds): void {
    if (this.options.enabled === false) return;
    if (rest === undefined) this.#machine.event("outgoing", { type: "ManualStart" });
    else this.#links.at("outgoing").timers.arm("idleHold", rest, { jitter: false });
  }

  /** A TCP connection from this neighbour's address. */
  accept(connection: Connection): void {
    this.#stay?.came();
    this.#links.offer(connection);
    this.#machine.accepted();
  }

  /**
   * Goes on with other options that need no reset; see `planPeerChange`.
   * @returns whether the neighbour had to be asked for its routes, and cannot be
   */
  change(options: PeerOptions): { readonly needsRefresh: boolean } {
    const before = this.options;
    this.#configured.change(options);
    this.#keys.change(before);
    const changed = changedOptions(before, options);
    if (changed.has("multihop") || changed.has("ttlSecurityHops"))
      this.#links.limitHops(options, this.#configured.hopLimit);
    if (this.#session.up === undefined) {
      this.#attemptChanged(planAttempt(before, options, this.#machine));
      return { needsRefresh: false };
    }
    if (this.#session.placeInMesh(options, this.#session.up.facts.peerIndex)) this.#parts.meshChanged();
    const { refresh, stop } = changeSession(this.#session.up, before, options, this.#parts);
    if (before.softReconfiguration === true && options.softReconfiguration !== true) this.#rib.forgetReceived();
    if (stop !== undefined) this.#session.stopFor(this.#session.up.side, stop);
    return { needsRefresh: refresh && this.isEstablished && !this.askAgain() };
  }

  /** What all neighbours have in common has changed, in a way that needs no reset. @returns as `change` */
  commonChanged(): { readonly needsRefresh: boolean } {
    this.#configured.change();
    if (this.#session.up === undefined) return { needsRefresh: false };
    changeSession(this.#session.up, undefined, this.options, this.#parts);
    return { needsRefresh: !this.askAgain() };
  }

  /** Its session, where next hops depend on what is on the link. */
  get linked(): LinkedSession | undefined {
    const { up } = this.#session;
    if (up === undefined || this.options.multihop !== undefined) return undefined;
    if (!up.outputs.keys().some(isPrefixes)) return undefined;
    return { key: up, local: up.facts.connection.local.address, changed: () => this.#parts.linkChanged(this) };
  }

  /** How its connections are signed now. */
  get protection(): TcpProtection {
    return this.#keys.protection;
  }

  #attemptChanged(change: AttemptChange): void {
    switch (change) {
      case "try-again":
        this.#machine.event("outgoing", { type: "ManualStop" });
        this.start();
        return;
      case "negotiate-again":
        this.#machine.event("outgoing", { type: "ManualStop", notification: RENEGOTIATE });
        if (this.#stay?.isOver !== true) this.start(REST_BEFORE_ANOTHER);
        return;
      case "nothing":
        return;
      default:
        unreachable(change);
    }
  }

  /** Ends the session, saying why; it comes back by itself. One that waits to come back does so at once. @see RFC 4486 §3 */
  clear(reset: NotificationMessage): void {
    if (this.#machine.session.state === "Idle") this.start();
    else this.#machine.event(this.#machine.side, { type: "AutomaticStop", notification: reset });
  }

  /** @see RFC 5882 §4.3 */
  pathFailed(failure: PathFailure): void {
    if (this.#session.up !== undefined) {
      this.#doubt.failed(failure, { restartAgreed: this.#session.up.agreed.gracefulRestart !== undefined });
    } else if (failure.independent && this.#rib.isHelping) this.#rib.giveUp();
  }

  /** BFD is up again before anybody has acted. */
  pathRecovered(): void {
    this.#doubt.none();
  }

  /** Of the session that is established. */
  get bgpIdentifier(): number | undefined {
    return this.#session.up?.agreed.peerIdentifier;
  }

  get isEstablished(): boolean {
    return this.#session.up !== undefined;
  }

  /** There is a connection, with a session on it or not. */
  get isConnected(): boolean {
    return this.#machine.isConnected;
  }

  get record(): PeerRecord {
    return this.#parts.record;
  }

  /** Asks for the neighbour's routes; false without a session that can. @see RFC 2918 */
  askAgain(): boolean {
    return this.#session.askAgain();
  }

  /** See `PeerSession`. */
  received(family: RouteFamily): ReturnType<PeerSession["received"]> {
    return this.#session.received(family);
  }

  /** See `PeerSession`. */
  told(family: RouteFamily): AdjRibOut | undefined {
    return this.#session.told(family);
  }

  /** See `PeerSession`. */
  replay(): void {
    this.#session.replay();
  }

  poke(): void {
    this.#session.poke();
  }

  /** See `PeerSession`. */
  meshChanged(): void {
    this.#session.meshChanged();
  }

  /** From now on the neighbour's routes stay in the RIB as they are, whatever becomes of the session. */
  freezeRoutes(): void {
    this.#rib.freeze();
  }

  /** Ends for good. Without `message` the connection is just closed: with graceful restart the neighbour keeps our routes. */
  async stop(message: NotificationMessage | undefined): Promise<void> {
    this.#machine.event("outgoing", { type: "ManualStop", ...(message && { notification: message }) });
    await this.#links.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(undefined);
    this.#doubt[Symbol.dispose]();
    this.#keys[Symbol.dispose]();
    this.#links[Symbol.dispose]();
    this.#rib[Symbol.dispose]();
    this.#watch?.observer.gone();
  }

  status(): PeerStatus {
    const { session, side } = this.#machine;
    return this.#parts.record.status({
      options: this.options,
      kind: this.kind,
      session,
      side,
      timers: this.#links.timers(side),
      connection: this.#links.at(side).connection,
      helper: this.#rib.helper,
      outlived: this.#rib.outlived,
      keptYet: (family) => this.#rib.keptYet(family),
      familiesDisabled: this.#session.up?.intake.disabled ?? [],
      routesReceived: (family) => this.#rib.routes(family),
      routesKept: (family) => this.#session.received(family)?.routes.size,
      outputs: this.#session.up?.outputs ?? new Map(),
      wireFamily: (family) => wireFamily(family, this.#parts.codec.dialect),
    });
  }

  /** A neighbour of a range was heard of, or may be heard no more: without a connection that is when it goes. */
  discovered(): void {
    this.#stay?.came();
    this.#stay?.look();
  }

  #stateChanged(before: SessionState, after: SessionState): void {
    this.#parts.record.changed(momentOf(this.#parts.clock));
    this.#watch?.observer.stateChanged(before, after);
    this.#parts.log.debug("bgp.session.state", { peer: this.options.address, from: before, to: after });
  }

  #connectionLost(side: Side, reason: string): void {
    // A connection that ends for want of answers is no sign of life.
    if (this.#doubt.exists && this.#session.up?.side === side && !CLOSED_BY_PEER.has(reason)) {
      this.#doubt.certain();
      return;
    }
    this.#parts.record.ends.lost(reason);
    this.#machine.event(side, { type: "TcpConnectionFails" });
  }

  #write(side: Side, octets: Uint8Array): void {
    if (this.#links.write(side, octets)) this.#watchOutput(side, this.#session.up?.agreed);
  }

  #watchOutput(side: Side, agreed: Agreement | undefined): void {
    this.#links.watchOutput(side, sendHoldTime(agreed?.holdTime, this.options));
  }

  #message(side: Side, frame: Frame): void {
    this.#parts.record.messageIn(frame.type);
    if (frame.type === MessageType.Open) this.#parts.record.openIn(side, frame);
    this.#watch?.received(side, frame);
    if (frame.type === MessageType.Update) {
      this.#session.update(side, frame);
      return;
    }
    const event = controlEvent(frame);
    if (event === undefined) return;
    if (event.type === "NotifMsg" || event.type === "NotifMsgVerErr") {
      this.#parts.record.notificationIn();
    }
    if (event.type === "BGPOpen") {
      this.#parts.record.ends.opened(event.open);
      this.#configured.meet(event.open.autonomousSystem);
    }
    if (event.type === "KeepAliveMsg") this.#session.keepAlive(side);
    this.#machine.event(side, event);
  }
}
