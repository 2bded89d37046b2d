import { type Ipv6Address, parseIpv4, parseIpv6 } from "../../base/index.ts";
import type { SessionEnd, SessionEventType } from "../session/index.ts";
import type { ObservedPeer, ObservedSession } from "../speaker/index.ts";
import { encodeNotification } from "../wire/index.ts";
import {
  encodePeerUp,
  encodeRouteMonitoring,
  type PeerDownReason,
  type PeerView,
  StatisticType,
} from "./wire/index.ts";

const COUNTED = [
  StatisticType.RejectedPrefixes,
  StatisticType.DuplicateAnnouncements,
  StatisticType.DuplicateWithdrawals,
  StatisticType.ConfederationLoops,
  StatisticType.DuplicateUpdates,
  StatisticType.ClusterListLoops,
  StatisticType.AsPathLoops,
  StatisticType.OriginatorLoops,
  StatisticType.UpdatesTreatedAsWithdraw,
  StatisticType.PrefixesTreatedAsWithdraw,
] as const;

/** By the reason of a refusal. @see RFC 7854 §4.8 */
const LOOPS: Readonly<Record<string, number>> = {
  "cluster-loop": StatisticType.ClusterListLoops,
  "as-loop": StatisticType.AsPathLoops,
  "originator-loop": StatisticType.OriginatorLoops,
  "confederation-loop": StatisticType.ConfederationLoops,
};

/** A neighbour with a session, as stations are told of it. */
export class MonitoredPeer {
  readonly name: string;
  readonly view: PeerView;
  readonly session: ObservedSession;
  /** By type, since the session is up. */
  readonly counters = new Map<number, number>(COUNTED.map((type) => [type, 0]));
  readonly #since: number;
  /** Of the UPDATE in hand: its routes, and those that say nothing new. */
  #routes = 0;
  #repeated = 0;

  constructor(peer: ObservedPeer, session: ObservedSession, now: number) {
    this.name = peer.name;
    this.session = session;
    this.#since = now;
    this.view = {
      kind: "adj-rib-in",
      address: peer.address,
      autonomousSystem: session.agreed.remoteAs,
      bgpIdentifier: session.agreed.peerIdentifier,
    };
  }

  count(type: number, by: number): void {
    this.counters.set(type, (this.counters.get(type) ?? 0) + by);
  }

  /** Routes of the UPDATE in hand. */
  heard(routes: number): void {
    this.#routes += routes;
  }

  /** So many of them say nothing new. */
  repeated(routes: number, what: "announced" | "withdrawn"): void {
    this.#repeated += routes;
    const { DuplicateAnnouncements, DuplicateWithdrawals } = StatisticType;
    this.count(what === "announced" ? DuplicateAnnouncements : DuplicateWithdrawals, routes);
  }

  /** The UPDATE in hand is over. */
  nextUpdate(): void {
    if (this.#routes > 0 && this.#repeated === this.#routes) this.count(StatisticType.DuplicateUpdates, 1);
    this.#routes = this.#repeated = 0;
  }

  /** Routes of one UPDATE were refused: it had gone round, or policy does not want them. */
  refused(routes: number, reason: string): void {
    const loop = LOOPS[reason];
    if (loop === undefined) this.count(StatisticType.RejectedPrefixes, routes);
    else this.count(loop, 1);
  }

  /** An UPDATE as the neighbour gets it. @see RFC 8671 §5.1 */
  sent(update: Uint8Array, at: number): Uint8Array {
    const form = { postPolicy: true, asWidth: this.session.agreed.asWidth, out: true } as const;
    return encodeRouteMonitoring(this.view, at, form, update);
  }

  up(): Uint8Array {
    const { local, remote, openSent, openReceived } = this.session;
    return encodePeerUp(this.view, this.#since, {
      localAddress: octetsOf(local.address),
      localPort: local.port,
      remotePort: remote.port,
      openSent,
      openReceived,
    });
  }
}

/** IPv4 in mapped form. */
function octetsOf(address: string): Ipv6Address {
  const text = parseIpv4(address) === undefined ? address.replace(/%.*$/, "") : `::ffff:${address}`;
  return parseIpv6(text) ?? new Uint8Array(16);
}

/** Numbers of events that end a session without a NOTIFICATION. @see RFC 4271 §8.1 */
const EVENT_NUMBERS: Readonly<Partial<Record<SessionEventType, number>>> = {
  ManualStop: 2,
  AutomaticStop: 8,
  HoldTimer_Expires: 10,
  OpenCollisionDump: 23,
  SendHoldTimer_Expires: 29,
};

/** @see RFC 7854 §4.9 */
export function downReason(end: SessionEnd): PeerDownReason {
  if (end.sent !== undefined) return { reason: 1, notification: encodeNotification(end.sent) };
  if (end.received !== undefined) return { reason: 3, notification: encodeNotification(end.received) };
  const event = EVENT_NUMBERS[end.cause];
  return event === undefined ? { reason: 4 } : { reason: 2, event };
}
