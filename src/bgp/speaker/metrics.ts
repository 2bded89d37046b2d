import type { Counter, Metrics } from "../../base/index.ts";

/** Counters of one peer, labelled by its configured address. */
export interface PeerCounters {
  readonly messagesIn: Counter;
  readonly messagesOut: Counter;
  readonly updatesIn: Counter;
  readonly updatesOut: Counter;
  readonly established: Counter;
  /** Sessions that had been established and ended. */
  readonly flaps: Counter;
  readonly notificationsIn: Counter;
  readonly notificationsOut: Counter;
  /** Connections that had no place: while one stands, or while the neighbour has to wait. */
  readonly refusedConnections: Counter;
  readonly malformed: (
    action: "treat-as-withdraw" | "attribute-discard" | "disable-family" | "session-reset",
  ) => Counter;
  readonly skippedRoutes: (why: "unknown" | "malformed") => Counter;
  readonly notAgreed: Counter;
  /** Where a route refresh begins and ends. @see RFC 7313 */
  readonly refreshMarks: (mark: "begin-sent" | "end-sent" | "begin-received" | "end-received") => Counter;
  /** Received routes that were not taken, by a constant reason. */
  readonly refused: (reason: string) => Counter;
  /** Attribute sets that were not advertised, by a constant reason. */
  readonly withheld: (reason: string) => Counter;
}

export function peerCounters(metrics: Metrics, peer: string): PeerCounters {
  const of = (name: string, help: string, labels: Readonly<Record<string, string>> = {}): Counter =>
    metrics.counter(name, help, { peer, ...labels });
  const by = <Value extends string>(name: string, help: string, label: string): ((value: Value) => Counter) => {
    const made = new Map<string, Counter>();
    return (value) => {
      const known = made.get(value) ?? of(name, help, { [label]: value });
      made.set(value, known);
      return known;
    };
  };
  return {
    messagesIn: of("semrd_bgp_messages_received_total", "BGP messages received"),
    messagesOut: of("semrd_bgp_messages_sent_total", "BGP messages sent"),
    updatesIn: of("semrd_bgp_updates_received_total", "UPDATE messages received"),
    updatesOut: of("semrd_bgp_updates_sent_total", "UPDATE messages sent"),
    established: of("semrd_bgp_established_total", "Sessions that became established"),
    flaps: of("semrd_bgp_session_flaps_total", "Established sessions that ended"),
    notificationsIn: of("semrd_bgp_notifications_received_total", "NOTIFICATION messages received"),
    notificationsOut: of("semrd_bgp_notifications_sent_total", "NOTIFICATION messages sent"),
    refusedConnections: of(
      "semrd_bgp_peer_connections_refused_total",
      "Connections of the neighbour that were closed: it has one, or has to wait",
    ),
    malformed: by("semrd_bgp_malformed_total", "Malformed input by what was done about it", "action"),
    skippedRoutes: by("semrd_bgp_skipped_routes_total", "Received routes that were skipped in a message", "why"),
    notAgreed: of("semrd_bgp_not_agreed_total", "UPDATEs of families that are not used here"),
    refreshMarks: by("semrd_bgp_refresh_marks_total", "Beginnings and ends of route refreshes", "mark"),
    refused: by("semrd_bgp_refused_routes_total", "Received routes that were not taken", "reason"),
    withheld: by(
      "semrd_bgp_withheld_routes_total",
      "Routes that were to be sent and are not for this neighbour",
      "reason",
    ),
  };
}
