import type { Counter, Metrics } from "../../base/index.ts";

/** Counters of one thing by a constant word, which also know what they came to for this peer. */
export interface CountersBy<Word extends string = string> {
  (word: Word): Counter;
  readonly counts: ReadonlyMap<Word, number>;
}

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
  readonly malformed: CountersBy<"treat-as-withdraw" | "attribute-discard" | "disable-family" | "session-reset">;
  readonly skippedRoutes: CountersBy<"unknown" | "malformed">;
  readonly notAgreed: Counter;
  /** Where a route refresh begins and ends. @see RFC 7313 */
  readonly refreshMarks: (mark: "begin-sent" | "end-sent" | "begin-received" | "end-received") => Counter;
  /** Received routes that were not taken, by a constant reason. */
  readonly refused: CountersBy;
  /** Routes that were not advertised, by a constant reason. */
  readonly withheld: CountersBy;
  /** Routes that went out without an attribute, as a message does not hold it. @see RFC 8654 §4 */
  readonly shortened: Counter;
  /** The peer is none any more: its series are shown no more, and what is still counted counts for nobody. */
  release(): void;
}

const NOBODY: Counter = { add: () => {} };

export function peerCounters(metrics: Metrics, peer: string): PeerCounters {
  const all: Counter[] = [];
  let isReleased = false;
  const of = (name: string, help: string, labels: Readonly<Record<string, string>> = {}): Counter => {
    if (isReleased) return NOBODY;
    const made = metrics.counter(name, help, { peer, ...labels });
    all.push(made);
    return made;
  };
  const by = <Word extends string>(name: string, help: string, label: string): CountersBy<Word> => {
    const made = new Map<Word, Counter>();
    const counts = new Map<Word, number>();
    const make = (word: Word): Counter => {
      const metric = of(name, help, { [label]: word });
      return {
        add(value = 1) {
          metric.add(value);
          counts.set(word, (counts.get(word) ?? 0) + value);
        },
      };
    };
    const counter = (word: Word): Counter => {
      const known = made.get(word) ?? make(word);
      made.set(word, known);
      return known;
    };
    return Object.assign(counter, { counts });
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
    shortened: of(
      "semrd_bgp_shortened_routes_total",
      "Routes that were sent without an attribute that a message does not hold",
    ),
    release() {
      isReleased = true;
      metrics.release?.(all.splice(0));
    },
  };
}
