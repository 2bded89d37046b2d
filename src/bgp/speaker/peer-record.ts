import type { Milliseconds, Moment } from "../../base/index.ts";
import type { RouteFamily, SessionKind } from "../../rib/index.ts";
import type { Agreement, Helper, Session, Side } from "../session/index.ts";
import {
  type Family,
  type Frame,
  familyName,
  HEADER_LENGTH,
  MessageType,
  type OfferedCapability,
  offeredCapabilities,
  sameFamily,
} from "../wire/index.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerFamily, PeerOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { zoneOf } from "./peer-address.ts";
import { PeerEnds } from "./peer-ends.ts";
import { familiesOf, isMeshed, sendHoldTime, WARN_AT_PERCENT } from "./peer-parts.ts";
import type { FamilyStatus, PeerStatus, WaitsFor } from "./status.ts";
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
  /** What was agreed on with a neighbour that is gone, and whose routes are kept. */
  readonly outlived: Agreement | undefined;
  /** How long stale routes of a family are kept yet as they are. */
  readonly keptYet: (family: Family) => Milliseconds | undefined;
  readonly familiesDisabled: readonly RouteFamily[];
  readonly routesReceived: (family: RouteFamily) => number;
  readonly routesKept: (family: RouteFamily) => number | undefined;
  readonly outputs: ReadonlyMap<RouteFamily, Output>;
  readonly wireFamily: (family: RouteFamily) => Family;
}

/** What is remembered and counted about one peer. Every count is also a metric. */
export class PeerRecord {
  readonly counters: PeerCounters;
  /** Families whose End-of-RIB has come on this session. */
  readonly endsOfRibReceived = new Set<RouteFamily>();
  refusedConnections = 0;
  /** How its connections have ended. */
  readonly ends = new PeerEnds();
  #since: Moment;
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
  constructor(counters: PeerCounters, now: Moment) {
    this.counters = counters;
    this.#since = now;
  }

  changed(now: Moment): void {
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
    this.ends.established();
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
      ...keptFor(now, wire),
    };
  }

  #waitsFor({ options, session, timers }: PeerNow): WaitsFor | undefined {
    if (options.enabled === false) return "operator";
    switch (session.state) {
      case "Idle":
        return this.ends.isRoutesLimit ? "routes-limit" : timers.idleHold === undefined ? undefined : "back-off";
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
    const known = agreed ?? now.outlived;
    const itsRestart = known?.gracefulRestart?.peer;
    const kept = itsRestart?.families.find(({ family }) => known?.families.some((own) => sameFamily(own, family)));
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
        peerRestartTime: itsRestart?.restartTime,
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
      ...this.ends.status,
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

function keptFor({ helper, keptYet }: PeerNow, family: Family): Pick<FamilyStatus, "kept" | "keptYet"> {
  const isKept = helper.state !== "none" && helper.families.some((other) => sameFamily(other, family));
  return isKept ? { kept: KEPT[helper.state], keptYet: keptYet(family) } : { kept: undefined, keptYet: undefined };
}

const KEPT = { retaining: "restarting", "long-lived": "last-resort", awaiting: "awaiting-end-of-rib" } as const;

function protectionName({ password, aoKeys = [] }: PeerOptions): PeerStatus["protection"] {
  if (aoKeys.length > 0) return "tcp-ao";
  return password === undefined ? undefined : "tcp-md5";
}

function sum(families: readonly FamilyStatus[], value: (status: FamilyStatus) => number): number {
  return families.reduce((total, status) => total + value(status), 0);
}
