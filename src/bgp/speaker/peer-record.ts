import type { Milliseconds } from "../../base/index.ts";
import type { RouteFamily, SessionKind } from "../../rib/index.ts";
import type { Agreement, Helper, Session, SessionEnd, Side } from "../session/index.ts";
import {
  CeaseSubcode,
  ErrorCode,
  type Family,
  type Frame,
  familyName,
  HEADER_LENGTH,
  MessageType,
  type NotificationMessage,
  type OfferedCapability,
  OpenSubcode,
  offeredCapabilities,
  sameFamily,
} from "../wire/index.ts";
import { endText, notificationText } from "./error-text.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerFamily, PeerOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { zoneOf } from "./peer-address.ts";
import { familiesOf, isMeshed, sendHoldTime, WARN_AT_PERCENT } from "./peer-parts.ts";
import type { FamilyStatus, PeerError, PeerStatus, WaitsFor } from "./status.ts";
import type { Connection } from "./transport.ts";

/** What is true of the peer at the moment of asking. */
export interface PeerNow {
  readonly options: PeerOptions;
  readonly kind: SessionKind;
  readonly session: Session;
  readonly side: Side;
  readonly timers: PeerStatus["timers"];
  readonly connection: Connection | undefined;
  readonly helper: Helper;
  readonly familiesDisabled: readonly RouteFamily[];
  readonly routesReceived: (family: RouteFamily) => number;
  readonly routesKept: (family: RouteFamily) => number | undefined;
  readonly outputs: ReadonlyMap<RouteFamily, Output>;
  readonly wireFamily: (family: RouteFamily) => Family;
}

/** A neighbour may put its own words into each refusal. */
const MOST_REFUSALS = 16;

/** What is remembered and counted about one peer. Every count is also a metric. */
export class PeerRecord {
  readonly counters: PeerCounters;
  /** Families whose End-of-RIB has come on this session. */
  readonly endsOfRibReceived = new Set<RouteFamily>();
  refusedConnections = 0;
  #since: Milliseconds;
  #messagesIn = 0;
  #messagesOut = 0;
  /** By type of message. */
  readonly #byType = { received: [0, 0, 0, 0, 0, 0], sent: [0, 0, 0, 0, 0, 0] };
  /** What the OPENs of the latest connection of each side offer. */
  readonly opens: Record<Side, { sent?: readonly OfferedCapability[]; received?: readonly OfferedCapability[] }> = {
    outgoing: {},
    incoming: {},
  };
  #updatesIn = 0;
  #updatesOut = 0;
  #notificationsIn = 0;
  #notificationsOut = 0;
  #established = 0;
  #flaps = 0;
  #lostBecause: string | undefined;
  #lastSent: PeerError | undefined;
  #lastReceived: PeerError | undefined;
  #lastEnd: PeerError | undefined;
  /** What people are shown: a NOTIFICATION says more than that the neighbour hung up on the attempts after it. */
  #lastError: PeerError | undefined;
  /** What attempts since the last session were refused with, as far as the log has it. */
  readonly #refusals = new Set<string>();
  #saidAs: number | undefined;
  /** Since the last session; an attempt that another one has made good is no news. */
  #failedAttempt: PeerError | undefined;

  constructor(counters: PeerCounters, now: Milliseconds) {
    this.counters = counters;
    this.#since = now;
  }

  changed(now: Milliseconds): void {
    this.#since = now;
  }

  connectionRefused(): void {
    this.refusedConnections += 1;
    this.counters.refusedConnections.add();
  }

  messageIn(type: number): void {
    this.#ofType("received", type);
    this.#messagesIn += 1;
    this.counters.messagesIn.add();
  }

  updateIn(): void {
    this.#updatesIn += 1;
    this.counters.updatesIn.add();
  }

  /** The OPEN of a connection, kept until the next one. */
  openIn(side: Side, { octets, start, end }: Frame): void {
    this.opens[side].received = offeredCapabilities(octets.subarray(start - HEADER_LENGTH, end));
  }

  /** The autonomous system that its OPEN names, which may be another than it should be. */
  saidAs(autonomousSystem: number): void {
    this.#saidAs = autonomousSystem;
  }

  #ofType(direction: "received" | "sent", type: number): void {
    const counts = this.#byType[direction];
    if (type < counts.length) counts[type]! += 1;
  }

  messageOut(type: number): void {
    this.#ofType("sent", type);
    this.#messagesOut += 1;
    this.counters.messagesOut.add();
  }

  /** Of all sessions with it. */
  get updatesReceived(): number {
    return this.#updatesIn;
  }

  updatesOut(messages: number): void {
    this.#messagesOut += messages;
    this.#updatesOut += messages;
    this.counters.messagesOut.add(messages);
    this.counters.updatesOut.add(messages);
  }

  established(): void {
    this.#established += 1;
    this.#failedAttempt = undefined;
    this.#refusals.clear();
    this.endsOfRibReceived.clear();
    this.counters.established.add();
  }

  flapped(): void {
    this.#flaps += 1;
    this.counters.flaps.add();
  }

  notificationIn(): void {
    this.#notificationsIn += 1;
    this.counters.notificationsIn.add();
  }

  notificationOut(): void {
    this.#notificationsOut += 1;
    this.counters.notificationsOut.add();
  }

  /** Why the connection is gone, as the transport says; used by the next `ended`. */
  lost(reason: string): void {
    this.#lostBecause = reason;
  }

  /** A connection that could not be made. */
  failed(reason: string, at: Milliseconds): void {
    this.#failedAttempt = { direction: "none", code: 0, subcode: 0, text: `cannot connect: ${reason}`, at };
  }

  /** Remembers how a connection ended, which had been a session if something was agreed, and says it in one line. */
  ended(end: SessionEnd, at: Milliseconds, agreed: Agreement | undefined): string {
    const text = endText(end, this.#lostBecause);
    this.#lostBecause = undefined;
    // A session whose output is stuck ends without a message, but not without a code. @see RFC 9687 §3.2
    const code = end.cause === "SendHoldTimer_Expires" ? ErrorCode.SendHoldTimerExpired : 0;
    let last: PeerError = { direction: "none", code, subcode: 0, text, at };
    if (end.sent !== undefined) {
      last = this.#withAs(errorOf("sent", end.sent, at));
      this.#lastSent = last;
    }
    if (end.received !== undefined) {
      last = errorOf("received", end.received, at);
      this.#lastReceived = last;
    }
    // Losing a collision is how two connections become one: not an error.
    if (end.cause !== "OpenCollisionDump") {
      const isWordless = last.direction === "none" && agreed === undefined;
      if (!isWordless || this.#lastError?.direction === "none") this.#lastError = undefined;
      this.#lastError ??= last;
      this.#lastEnd = last;
      this.#failedAttempt = undefined;
    }
    return last.direction === "none" ? last.text : `${last.direction} ${last.text}`;
  }

  /** Whether an attempt was refused with a NOTIFICATION that none since the last session was: the log says each once. */
  isNewRefusal({ cause, sent, received }: SessionEnd, reason: string): boolean {
    if (cause === "OpenCollisionDump" || (sent ?? received) === undefined) return false;
    if (this.#refusals.has(reason) || this.#refusals.size >= MOST_REFUSALS) return false;
    this.#refusals.add(reason);
    return true;
  }

  #withAs(error: PeerError): PeerError {
    const isOfAs = error.code === ErrorCode.OpenMessage && error.subcode === OpenSubcode.BadPeerAs;
    return isOfAs && this.#saidAs !== undefined ? { ...error, text: `${error.text}, it is ${this.#saidAs}` } : error;
  }

  #family(configured: PeerFamily, now: PeerNow, agreed: Agreement | undefined): FamilyStatus {
    const { outputs, familiesDisabled, routesReceived, routesKept, options, wireFamily } = now;
    const { family, maximumRoutes = options.maximumRoutes, warnAtPercent = WARN_AT_PERCENT } = configured;
    const output = outputs.get(family);
    const wire = wireFamily(family);
    return {
      family,
      agreed: output !== undefined,
      disabled: familiesDisabled.includes(family),
      routesReceived: routesReceived(family),
      routesKept: routesKept(family),
      routesAdvertised: output?.advertised ?? 0,
      routesPending: output?.pending ?? 0,
      addPath: output?.addPath ?? { send: false, receive: false },
      endOfRibSent: output?.endOfRibSent ?? false,
      endOfRibReceived: this.endsOfRibReceived.has(family),
      maximumRoutes,
      warnAt: maximumRoutes === undefined ? undefined : Math.ceil((maximumRoutes * warnAtPercent) / 100),
      peerRestart: agreed && peerRestart(agreed, wire),
      kept: keptFor(now.helper, wire),
    };
  }

  #waitsFor({ options, session, timers }: PeerNow): WaitsFor | undefined {
    if (options.enabled === false) return "operator";
    switch (session.state) {
      case "Idle":
        return isRoutesLimit(this.#lastEnd) ? "routes-limit" : timers.idleHold === undefined ? undefined : "back-off";
      case "Connect":
        return "connection";
      case "Active":
        return options.passive ? "neighbor" : "connection";
      default:
        return undefined;
    }
  }

  #offered(side: Side): PeerStatus["offered"] {
    const { sent = [], received = [] } = this.opens[side];
    return { sent, received };
  }

  status(now: PeerNow): PeerStatus {
    const { options, session, connection } = now;
    const agreed = session.state === "Established" ? session.agreed : undefined;
    const perFamily = familiesOf(options).map((family) => this.#family(family, now, agreed));
    const restart = agreed?.gracefulRestart;
    const kept = restart?.peer.families.find(({ family }) => agreed?.families.some((own) => sameFamily(own, family)));
    return {
      address: options.address,
      description: options.description,
      group: options.group,
      range: options.range,
      interface: zoneOf(options.address),
      enabled: options.enabled ?? true,
      remoteAs: options.remoteAs,
      kind: now.kind,
      reflectorClient: options.reflectorClient ?? false,
      clusterId: options.clusterId,
      role: agreed?.role,
      meshed: isMeshed(options),
      ttlSecurityHops: options.ttlSecurityHops,
      protection: protectionName(options),
      state: session.state,
      since: this.#since,
      failures: session.failures,
      waitsFor: this.#waitsFor(now),
      timers: now.timers,
      refusedConnections: this.refusedConnections,
      local: connection?.local,
      remote: connection?.remote,
      bgpIdentifier: agreed?.peerIdentifier,
      holdTime: agreed?.holdTime,
      keepaliveTime: agreed?.keepaliveTime,
      sendHoldTime: agreed && sendHoldTime(agreed.holdTime, options),
      families: agreed?.families.map(familyName) ?? [],
      capabilities: {
        fourOctetAs: agreed?.asWidth === 4,
        routeRefresh: agreed?.routeRefresh ?? false,
        enhancedRouteRefresh: agreed?.enhancedRouteRefresh ?? false,
        extendedMessages: agreed?.extendedMessages ?? false,
        extendedNextHop: agreed?.extendedNextHop ?? false,
        gracefulRestart: restart !== undefined,
        longLivedGracefulRestart: agreed?.longLived !== undefined,
        restartOverNotification: restart?.notification ?? false,
        unknown: agreed?.unknownCapabilities ?? [],
      },
      familyDisabled: now.familiesDisabled.length > 0,
      perFamily,
      gracefulRestart: {
        helper: now.helper.state,
        peerRestartTime: restart?.peer.restartTime,
        peerRestarted: restart?.peer.restarted ?? false,
        peerForwardingPreserved: kept?.forwardingPreserved ?? false,
        endOfRibSent: now.outputs.size > 0 && [...now.outputs.values()].every((output) => output.endOfRibSent),
        endOfRibReceived:
          now.outputs.size > 0 && [...now.outputs.keys()].every((family) => this.endsOfRibReceived.has(family)),
      },
      routesReceived: sum(perFamily, ({ routesReceived }) => routesReceived),
      routesAdvertised: sum(perFamily, ({ routesAdvertised }) => routesAdvertised),
      routesPending: sum(perFamily, ({ routesPending }) => routesPending),
      messagesReceived: this.#messagesIn,
      messagesSent: this.#messagesOut,
      updatesReceived: this.#updatesIn,
      updatesSent: this.#updatesOut,
      opensReceived: this.#byType.received[MessageType.Open]!,
      opensSent: this.#byType.sent[MessageType.Open]!,
      keepalivesReceived: this.#byType.received[MessageType.Keepalive]!,
      keepalivesSent: this.#byType.sent[MessageType.Keepalive]!,
      refreshesReceived: this.#byType.received[MessageType.RouteRefresh]!,
      refreshesSent: this.#byType.sent[MessageType.RouteRefresh]!,
      offered: this.#offered(now.side),
      establishedTransitions: this.#established,
      flaps: this.#flaps,
      notificationsReceived: this.#notificationsIn,
      notificationsSent: this.#notificationsOut,
      treatedAsWithdraw: this.counters.malformed.counts.get("treat-as-withdraw") ?? 0,
      attributesDiscarded: this.counters.malformed.counts.get("attribute-discard") ?? 0,
      routesRefused: this.counters.refused.counts,
      routesWithheld: this.counters.withheld.counts,
      lastSent: this.#lastSent,
      lastReceived: this.#lastReceived,
      lastError: this.#failedAttempt ?? this.#lastError,
    };
  }
}

function peerRestart({ gracefulRestart, longLived }: Agreement, family: Family): FamilyStatus["peerRestart"] {
  const usual = gracefulRestart?.peer.families.find((other) => sameFamily(other.family, family));
  const longer = longLived?.find((other) => sameFamily(other.family, family));
  if (usual === undefined && longer === undefined) return undefined;
  const { forwardingPreserved } = usual ?? longer!;
  return { forwardingPreserved, longLivedStaleTime: longer?.staleTime };
}

function keptFor(helper: Helper, family: Family): FamilyStatus["kept"] {
  if (helper.state === "none" || !helper.families.some((other) => sameFamily(other, family))) return undefined;
  return KEPT[helper.state];
}

const KEPT = { retaining: "restarting", "long-lived": "last-resort", awaiting: "awaiting-end-of-rib" } as const;

function protectionName({ password, aoKeys = [] }: PeerOptions): PeerStatus["protection"] {
  if (aoKeys.length > 0) return "tcp-ao";
  return password === undefined ? undefined : "tcp-md5";
}

/** This router has ended the session since the neighbour had too many routes. @see RFC 4486 §4 */
function isRoutesLimit(end: PeerError | undefined): boolean {
  const { direction, code, subcode } = end ?? { direction: "none", code: 0, subcode: 0 };
  return direction === "sent" && code === ErrorCode.Cease && subcode === CeaseSubcode.MaximumNumberOfPrefixesReached;
}

function sum(families: readonly FamilyStatus[], value: (status: FamilyStatus) => number): number {
  return families.reduce((total, status) => total + value(status), 0);
}

function errorOf(direction: "sent" | "received", message: NotificationMessage, at: Milliseconds): PeerError {
  return { direction, code: message.code, subcode: message.subcode, text: notificationText(message), at };
}
