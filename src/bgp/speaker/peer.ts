import { formatIpv4, type Ipv6Address, messageOf, seconds, type Timer, unreachable } from "../../base/index.ts";
import {
  type Agreement,
  leading,
  NO_PEERING,
  type Peering,
  type PeeringEffect,
  type PeeringInput,
  type SessionEnd,
  type SessionEvent,
  type SessionSettings,
  type Side,
  stepPeering,
} from "../session/index.ts";
import {
  type ControlMessage,
  decodeControl,
  ErrorCode,
  encodeEndOfRib,
  encodeKeepalive,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  type Family,
  type Frame,
  MessageType,
  type NotificationMessage,
  routeFamily,
} from "../wire/index.ts";
import { type EstablishedSession, openSession } from "./established-session.ts";
import { Link } from "./link.ts";
import type { PeerOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { BFD_DOWN, LATE_END, type PathFailure } from "./path-failure.ts";
import { familiesOf, type PeerParts, peerSettings } from "./peer-parts.ts";
import type { PeerRecord } from "./peer-record.ts";
import { PeerRib } from "./peer-rib.ts";
import type { PeerStatus } from "./status.ts";
import { CLOSED_BY_PEER, type Connection } from "./transport.ts";

const DEFAULT_STALE_PATH_TIME = seconds(360);
/** At least eight minutes, or two hold times. @see RFC 9687 §6 */
const SEND_HOLD_TIME = 480;

/** The driver of one neighbour: carries out what `session/` decided, on sockets, timers and the RIB. */
export class Peer implements AsyncDisposable {
  readonly options: PeerOptions;
  readonly kind: "internal" | "external";
  readonly #address: Ipv6Address;
  readonly #parts: PeerParts;
  readonly #links: Readonly<Record<Side, Link>>;
  readonly #rib: PeerRib;
  readonly #record: PeerRecord;
  readonly #settings: () => SessionSettings;
  readonly #inputs: PeeringInput[] = [];
  #stepping = false;
  #peering: Peering = NO_PEERING;
  #accepted: Connection | undefined;
  #up: EstablishedSession | undefined;
  /** BFD went down, and the connection may yet turn out to have been ended by the peer. */
  #doubt: Timer | undefined;

  /** @param address the same as `options.address`, IPv4 in mapped form */
  constructor(options: PeerOptions, address: Ipv6Address, parts: PeerParts) {
    this.options = options;
    this.kind = options.remoteAs === parts.speaker.localAs ? "internal" : "external";
    this.#address = address;
    this.#parts = parts;
    this.#record = parts.record;
    this.#settings = peerSettings(options, parts);
    const { clock, random } = parts;
    this.#links = {
      outgoing: new Link(clock, random, (timer) => this.#timer("outgoing", timer)),
      incoming: new Link(clock, random, (timer) => this.#timer("incoming", timer)),
    };
    this.#rib = new PeerRib({
      rib: parts.rib,
      families: familiesOf(options).map(({ family }) => family),
      codec: parts.codec,
      clock,
      random,
      stalePathTime: parts.speaker.gracefulRestart?.stalePathTime ?? DEFAULT_STALE_PATH_TIME,
      onIdle: () => this.#up && this.#links[this.#up.side].input?.release(),
    });
  }

  start(): void {
    this.#dispatch({ side: "outgoing", event: { type: "ManualStart" } });
  }

  /** A TCP connection from this neighbour's address. */
  accept(connection: Connection): void {
    this.#accepted = connection;
    this.#dispatch({ type: "accepted" });
  }

  /** Ends the session, saying why; it comes back by itself. One that waits to come back does so at once. @see RFC 4486 §3 */
  clear(reset: NotificationMessage): void {
    if (leading(this.#peering).state === "Idle") this.start();
    else this.#event(this.#leadingSide(), { type: "AutomaticStop", notification: reset });
  }

  /** @see RFC 5882 §4.3 */
  pathFailed({ independent }: PathFailure): void {
    if (this.#up === undefined) {
      if (independent && this.#rib.isHelping) this.#rib.giveUp();
    } else if (independent || this.#up.agreed.gracefulRestart === undefined) this.#pathIsDown();
    else this.#doubt ??= this.#parts.clock.after(LATE_END, () => this.#pathIsDown());
  }

  /** BFD is up again before anybody has acted. */
  pathRecovered(): void {
    this.#noDoubt();
  }

  #pathIsDown(): void {
    this.#noDoubt();
    if (this.#up !== undefined) this.#event(this.#up.side, { type: "AutomaticStop", notification: BFD_DOWN });
  }

  #noDoubt(): void {
    this.#doubt?.cancel();
    this.#doubt = undefined;
  }

  /** Asks for the neighbour's routes and sends ours again; false without a session that can. @see RFC 2918 */
  refresh(): boolean {
    if (this.#up === undefined || !this.#up.agreed.routeRefresh) return false;
    const { families } = this.#up.agreed;
    for (const family of families) this.#write(this.#up.side, encodeRouteRefresh(family));
    this.replay();
    return true;
  }

  /** Learnt routes may be sent that were held back. */
  replay(): void {
    for (const output of this.#up?.outputs.values() ?? []) output.replay();
  }

  /** End-of-RIB may be due. */
  poke(): void {
    for (const output of this.#up?.outputs.values() ?? []) output.poke();
  }

  /** From now on the neighbour's routes stay in the RIB as they are, whatever becomes of the session. */
  freezeRoutes(): void {
    this.#rib.freeze();
  }

  /** Ends for good. Without `message` the connection is just closed: with graceful restart the neighbour keeps our routes. */
  async stop(message: NotificationMessage | undefined): Promise<void> {
    const event: SessionEvent =
      message === undefined ? { type: "ManualStop" } : { type: "ManualStop", notification: message };
    this.#event("outgoing", event);
    await Promise.all([this.#links.outgoing.closed, this.#links.incoming.closed]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(undefined);
    this.#noDoubt();
    for (const link of Object.values(this.#links)) link.timers[Symbol.dispose]();
    this.#rib[Symbol.dispose]();
  }

  status(): PeerStatus {
    const session = leading(this.#peering);
    const connection = this.#links[this.#leadingSide()].connection;
    return this.#record.status({
      options: this.options,
      kind: this.kind,
      session,
      connection,
      helper: this.#rib.helper,
      familiesDisabled: this.#up?.intake.disabled ?? [],
      routesReceived: (family) => this.#rib.routes(family),
      outputs: this.#up?.outputs ?? new Map(),
    });
  }

  #leadingSide(): Side {
    return leading(this.#peering) === this.#peering.incoming ? "incoming" : "outgoing";
  }

  #timer(side: Side, timer: "connectRetry" | "hold" | "keepalive" | "idleHold" | "sendHold"): void {
    const events = {
      connectRetry: "ConnectRetryTimer_Expires",
      hold: "HoldTimer_Expires",
      keepalive: "KeepaliveTimer_Expires",
      idleHold: "IdleHoldTimer_Expires",
      sendHold: "SendHoldTimer_Expires",
    } as const;
    this.#event(side, { type: events[timer] });
  }

  #event(side: Side, event: SessionEvent): void {
    this.#dispatch({ side, event });
  }

  /** One input at a time: what an effect brings about comes after all effects of its step. */
  #dispatch(input: PeeringInput): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
  }

  #step(input: PeeringInput): void {
    const before = leading(this.#peering).state;
    const { peering, effects } = stepPeering(this.#peering, input, this.#settings());
    this.#peering = peering;
    for (const effect of effects) this.#perform(effect);
    const { state } = leading(peering);
    if (state === before) return;
    this.#record.changed(this.#parts.clock.wall());
    this.#parts.log.debug("bgp.session.state", { peer: this.options.address, from: before, to: state });
  }

  #perform(effect: PeeringEffect): void {
    switch (effect.type) {
      case "adopt": {
        const connection = this.#accepted!;
        this.#accepted = undefined;
        this.#open("incoming", connection);
        return;
      }
      case "refuse": {
        const connection = this.#accepted;
        this.#accepted = undefined;
        void connection?.close();
        this.#record.refusedConnections += 1;
        this.#parts.log.debug("bgp.connection.refused", { peer: this.options.address });
        return;
      }
      case "connect":
        this.#connect(effect.side);
        return;
      case "close":
        this.#links[effect.side].close();
        return;
      case "sendOpen":
        this.#write(effect.side, encodeOpen(effect.open));
        return;
      case "allowExtendedMessages":
        this.#links[effect.side].input?.allowExtended();
        return;
      case "sendKeepalive":
        this.#write(effect.side, encodeKeepalive());
        return;
      case "sendNotification":
        this.#record.counters.notificationsOut.add();
        this.#write(effect.side, encodeNotification(effect.notification));
        return;
      case "arm":
        this.#links[effect.side].timers.arm(effect.timer, effect.delay, { jitter: effect.jitter });
        return;
      case "disarm":
        this.#links[effect.side].timers.disarm(effect.timer);
        return;
      case "disarmAll":
        this.#links[effect.side].timers.disarmAll();
        return;
      case "established":
        this.#established(effect.side, effect.agreed);
        return;
      case "ended":
        this.#ended(effect.end, effect.agreed);
        return;
      case "refresh":
        this.#outputOf(effect.family)?.replay();
        return;
      default:
        unreachable(effect);
    }
  }

  #connect(side: Side): void {
    const { address, port, updateSource, password, ttlSecurityHops, multihop } = this.options;
    const hopLimit = this.kind === "external" ? (multihop ?? 1) : undefined;
    const connecting = this.#parts.transport.connect(
      {
        remote: { address, port },
        ...(updateSource === undefined ? {} : { source: updateSource }),
        ...(password === undefined ? {} : { password }),
        ...(ttlSecurityHops === undefined ? {} : { ttlSecurityHops }),
        ...(hopLimit === undefined ? {} : { hopLimit }),
      },
      (result) => {
        if (result instanceof Error) {
          this.#record.failed(messageOf(result), this.#parts.clock.wall());
          this.#parts.log.debug("bgp.connection.failed", { peer: address, reason: messageOf(result) });
          this.#event(side, { type: "TcpConnectionFails" });
          return;
        }
        this.#open(side, result);
        this.#event(side, { type: "Tcp_CR_Acked" });
      },
    );
    this.#links[side].attempt(connecting);
  }

  #open(side: Side, connection: Connection): void {
    this.#links[side].open(connection, {
      message: (frame) => this.#message(side, frame),
      malformed: (fault) => this.#event(side, { type: "BGPHeaderErr", fault }),
      closed: (reason) => {
        // A connection that ends for want of answers is no sign of life.
        if (this.#doubt !== undefined && this.#up?.side === side && !CLOSED_BY_PEER.has(reason)) {
          this.#pathIsDown();
          return;
        }
        this.#record.lost(reason);
        this.#event(side, { type: "TcpConnectionFails" });
      },
      drained: () => {
        this.#links[side].timers.disarm("sendHold");
        if (this.#up?.side === side) this.poke();
      },
    });
  }

  #write(side: Side, octets: Uint8Array): void {
    const connection = this.#links[side].connection;
    if (connection === undefined) return;
    this.#record.messageOut();
    connection.write(octets);
    this.#watchOutput(side);
  }

  /** What the socket does not take within the send hold time ends the session. @see RFC 9687 §3 */
  #watchOutput(side: Side): void {
    const { connection, timers } = this.#links[side];
    const holdTime = this.#up?.agreed.holdTime;
    if (holdTime === undefined || connection === undefined || connection.queued === 0) return;
    if (timers.isArmed("sendHold")) return;
    timers.arm("sendHold", seconds(Math.max(SEND_HOLD_TIME, 2 * holdTime)), { jitter: false });
  }

  #message(side: Side, frame: Frame): void {
    this.#record.messageIn();
    if (frame.type === MessageType.Update) {
      this.#update(side, frame);
      return;
    }
    const message = decodeControl(frame);
    if (message.ok) this.#control(side, message.value);
    else {
      const type = frame.type === MessageType.Open ? "BGPOpenMsgErr" : "BGPHeaderErr";
      this.#event(side, { type, fault: message.fault });
    }
  }

  #control(side: Side, message: ControlMessage): void {
    switch (message.type) {
      case "open":
        this.#event(side, { type: "BGPOpen", open: message.open });
        return;
      case "keepalive":
        this.#event(side, { type: "KeepAliveMsg" });
        return;
      case "notification": {
        this.#record.counters.notificationsIn.add();
        const { code, subcode } = message.notification;
        const type = code === ErrorCode.OpenMessage && subcode === 1 ? "NotifMsgVerErr" : "NotifMsg";
        this.#event(side, { type, notification: message.notification });
        return;
      }
      case "route-refresh":
        // The marks of enhanced route refresh (subtypes 1 and 2) were not agreed on. @see RFC 7313 §5
        if (message.subtype === 0) this.#event(side, { type: "RouteRefreshMsg", family: message.family });
        return;
      default:
        unreachable(message);
    }
  }

  #update(side: Side, frame: Frame): void {
    const up = this.#up;
    if (up === undefined || up.side !== side) {
      this.#event(side, { type: "UpdateMsg" });
      return;
    }
    this.#record.updateIn();
    const result = up.intake.update(frame.octets, frame.start, frame.end);
    switch (result.kind) {
      case "reset":
        this.#event(side, { type: "UpdateMsgErr", fault: result.fault });
        return;
      case "stop":
        this.#event(side, {
          type: "AutomaticStop",
          notification: result.notification,
          ...(result.idleHold === undefined ? {} : { idleHold: result.idleHold }),
        });
        return;
      case "disable-family":
        this.#rib.sweepAll(result.family);
        break;
      case "end-of-rib":
        this.#endOfRib(result.family);
        break;
      case "taken":
        break;
      default:
        unreachable(result);
    }
    this.#holdWhileBusy();
    this.#event(side, { type: "UpdateMsg" });
  }

  #endOfRib(family: Family): void {
    const name = routeFamily(family, this.#parts.codec.dialect);
    const { outputs } = this.#up!;
    if (name === undefined || !outputs.has(name)) return;
    this.#record.endsOfRibReceived.add(name);
    this.#rib.endOfRib(family);
    const complete = [...outputs.keys()].every((carried) => this.#record.endsOfRibReceived.has(carried));
    if (complete) this.#parts.restart.event({ type: "endOfRib", peer: this.options.address });
  }

  #outputOf(family: Family): Output | undefined {
    const name = routeFamily(family, this.#parts.codec.dialect);
    return name === undefined ? undefined : this.#up?.outputs.get(name);
  }

  #holdWhileBusy(): void {
    if (this.#rib.busy && this.#up !== undefined) this.#links[this.#up.side].input?.hold();
  }

  #established(side: Side, agreed: Agreement): void {
    const { options, kind } = this;
    const { log, restart } = this.#parts;
    const peerIndex = this.#rib.established(
      {
        name: options.address,
        kind,
        bgpIdentifier: agreed.peerIdentifier,
        address: this.#address,
        autonomousSystem: agreed.remoteAs,
        ...(options.reflectorClient === true ? { reflectorClient: true } : {}),
      },
      agreed,
    );
    const connection = this.#links[side].connection!;
    const sent = (): void => this.#watchOutput(side);
    this.#up = openSession({ side, agreed, options, kind, peerIndex, connection, sent }, this.#parts);
    // Of a family that is only offered there is nothing to say, and that has to be said. @see RFC 4724 §2
    for (const other of agreed.families) {
      if (this.#outputOf(other) === undefined) this.#write(side, encodeEndOfRib(other));
    }
    this.#record.established();
    this.#holdWhileBusy();
    restart.event({ type: "established", peer: options.address, agreed });
    const { local, remote } = connection;
    const restartAgreed = agreed.gracefulRestart !== undefined;
    this.#parts.sessionChanged({ type: "established", peer: options.address, local, remote, restartAgreed });
    log.info("bgp.session.established", {
      peer: options.address,
      remoteAs: agreed.remoteAs,
      bgpIdentifier: formatIpv4(agreed.peerIdentifier),
      holdTimeSeconds: agreed.holdTime,
      families: [...this.#up.outputs.keys()],
    });
  }

  #ended(end: SessionEnd, agreed: Agreement | undefined): void {
    const { clock, log } = this.#parts;
    const reason = this.#record.ended(end, clock.wall());
    if (agreed === undefined) {
      log.debug("bgp.connection.ended", { peer: this.options.address, reason });
      return;
    }
    for (const output of this.#up?.outputs.values() ?? []) output[Symbol.dispose]();
    this.#up = undefined;
    this.#record.flapped();
    this.#rib.lost(agreed, end);
    const helping = this.#rib.isHelping;
    this.#noDoubt();
    this.#parts.sessionChanged({ type: "ended", peer: this.options.address, retained: helping });
    log.warn("bgp.session.ended", { peer: this.options.address, reason, routesRetained: helping });
  }
}
