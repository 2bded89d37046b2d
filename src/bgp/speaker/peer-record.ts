import type { Milliseconds } from "../../base/index.ts";
import type { RouteFamily, SessionKind } from "../../rib/index.ts";
import type { Helper, Session, SessionEnd } from "../session/index.ts";
import { ErrorCode, familyName, type NotificationMessage, sameFamily } from "../wire/index.ts";
import { endText, notificationText } from "./error-text.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { familiesOf } from "./peer-parts.ts";
import type { FamilyStatus, PeerError, PeerStatus } from "./status.ts";
import type { Connection } from "./transport.ts";

/** What is true of the peer at the moment of asking. */
export interface PeerNow {
  readonly options: PeerOptions;
  readonly kind: SessionKind;
  readonly session: Session;
  readonly timers: PeerStatus["timers"];
  readonly connection: Connection | undefined;
  readonly helper: Helper;
  readonly familiesDisabled: readonly RouteFamily[];
  readonly routesReceived: (family: RouteFamily) => number;
  readonly routesKept: (family: RouteFamily) => number | undefined;
  readonly outputs: ReadonlyMap<RouteFamily, Output>;
}

/** What is remembered and counted about one peer. Every count is also a metric. */
export class PeerRecord {
  readonly counters: PeerCounters;
  /** Families whose End-of-RIB has come on this session. */
  readonly endsOfRibReceived = new Set<RouteFamily>();
  refusedConnections = 0;
  #since: Milliseconds;
  #messagesIn = 0;
  #messagesOut = 0;
  #updatesIn = 0;
  #updatesOut = 0;
  #established = 0;
  #flaps = 0;
  #lostBecause: string | undefined;
  #lastSent: PeerError | undefined;
  #lastReceived: PeerError | undefined;
  #lastEnd: PeerError | undefined;
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

  messageIn(): void {
    this.#messagesIn += 1;
    this.counters.messagesIn.add();
  }

  updateIn(): void {
    this.#updatesIn += 1;
    this.counters.updatesIn.add();
  }

  messageOut(): void {
    this.#messagesOut += 1;
    this.counters.messagesOut.add();
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
    this.endsOfRibReceived.clear();
    this.counters.established.add();
  }

  flapped(): void {
    this.#flaps += 1;
    this.counters.flaps.add();
  }

  /** Why the connection is gone, as the transport says; used by the next `ended`. */
  lost(reason: string): void {
    this.#lostBecause = reason;
  }

  /** A connection that could not be made. */
  failed(reason: string, at: Milliseconds): void {
    this.#failedAttempt = { direction: "none", code: 0, subcode: 0, text: `cannot connect: ${reason}`, at };
  }

  /** Remembers how a connection ended and says it in one line. */
  ended(end: SessionEnd, at: Milliseconds): string {
    const text = endText(end, this.#lostBecause);
    this.#lostBecause = undefined;
    // A session whose output is stuck ends without a message, but not without a code. @see RFC 9687 §3.2
    const code = end.cause === "SendHoldTimer_Expires" ? ErrorCode.SendHoldTimerExpired : 0;
    let last: PeerError = { direction: "none", code, subcode: 0, text, at };
    if (end.sent !== undefined) {
      last = errorOf("sent", end.sent, at);
      this.#lastSent = last;
    }
    if (end.received !== undefined) {
      last = errorOf("received", end.received, at);
      this.#lastReceived = last;
    }
    // Losing a collision is how two connections become one: not an error.
    if (end.cause !== "OpenCollisionDump") {
      this.#lastEnd = last;
      this.#failedAttempt = undefined;
    }
    return last.direction === "none" ? last.text : `${last.direction} ${last.text}`;
  }

  #family(family: RouteFamily, { outputs, familiesDisabled, routesReceived, routesKept }: PeerNow): FamilyStatus {
    const output = outputs.get(family);
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
    };
  }

  status(now: PeerNow): PeerStatus {
    const { options, session, connection } = now;
    const perFamily = familiesOf(options).map(({ family }) => this.#family(family, now));
    const agreed = session.state === "Established" ? session.agreed : undefined;
    const restart = agreed?.gracefulRestart;
    const kept = restart?.peer.families.find(({ family }) => agreed?.families.some((own) => sameFamily(own, family)));
    return {
      address: options.address,
      description: options.description,
      group: options.group,
      range: options.range,
      enabled: options.enabled ?? true,
      remoteAs: options.remoteAs,
      kind: now.kind,
      reflectorClient: options.reflectorClient ?? false,
      role: agreed?.role,
      protection: protectionName(options),
      state: session.state,
      since: this.#since,
      failures: session.failures,
      timers: now.timers,
      refusedConnections: this.refusedConnections,
      local: connection?.local,
      remote: connection?.remote,
      bgpIdentifier: agreed?.peerIdentifier,
      holdTime: agreed?.holdTime,
      keepaliveTime: agreed?.keepaliveTime,
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
      establishedTransitions: this.#established,
      flaps: this.#flaps,
      lastSent: this.#lastSent,
      lastReceived: this.#lastReceived,
      lastError: this.#failedAttempt ?? this.#lastEnd,
    };
  }
}

function protectionName({ password, aoKeys = [] }: PeerOptions): PeerStatus["protection"] {
  if (aoKeys.length > 0) return "tcp-ao";
  return password === undefined ? undefined : "tcp-md5";
}

function sum(families: readonly FamilyStatus[], value: (status: FamilyStatus) => number): number {
  return families.reduce((total, status) => total + value(status), 0);
}

function errorOf(direction: "sent" | "received", message: NotificationMessage, at: Milliseconds): PeerError {
  return { direction, code: message.code, subcode: message.subcode, text: notificationText(message), at };
}
