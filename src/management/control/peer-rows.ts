import type { CounterText } from "./counters.ts";

export interface PeerFamilyRow {
  readonly family: string;
  /** On the session that is established. */
  readonly agreed: boolean;
  /** Given up on this session, as the neighbour broke it. */
  readonly disabled: boolean;
  readonly routesReceived: number;
  /** As they came, before import policy, where they are kept. */
  readonly routesKept?: number;
  readonly routesAdvertised: number;
  readonly routesPending: number;
  /** Directions in which several paths of a route are told on this session; absent: in none. */
  readonly addPath?: "send" | "receive" | "both";
  /** More than these end the session; absent: any number. */
  readonly maximumRoutes?: number;
  /** The log says so from this number on. */
  readonly warnAt?: number;
  /** While the family is agreed on. */
  readonly endOfRib?: { readonly sent: boolean; readonly received: boolean };
  /** Of its own restart, as it offered it: whether it goes on forwarding, and how long routes may be the last resort. */
  readonly peerRestart?: { readonly forwardingPreserved: boolean; readonly longLivedStaleTimeSeconds?: number };
  /** Why stale routes of it are kept: "restarting", "last-resort", "awaiting-end-of-rib". */
  readonly kept?: string;
  /** Until then, unless something happens before. */
  readonly keptYetSeconds?: number;
}

/** Routes by why they were not taken, or not told. */
export interface ReasonRow {
  readonly reason: string;
  readonly routes: CounterText;
}

export interface NotificationRow {
  readonly code: number;
  readonly subcode: number;
  readonly text: string;
  readonly ageSeconds: number;
}

/** A capability by its code: what each OPEN says, once for each time that it is there; "" where it has no value. */
export interface PeerCapabilityRow {
  readonly code: number;
  readonly name: string;
  readonly sent: readonly string[];
  readonly received: readonly string[];
  /** On the session that is up; absent without one, and for what is not known here. */
  readonly agreed?: boolean;
}

export interface PeerRow {
  readonly address: string;
  readonly description?: string;
  readonly remoteAs: number;
  /** Of another member AS of the confederation, or of another AS. */
  readonly kind: "internal" | "confederation" | "external";
  /** This router reflects routes to it and from it. */
  readonly reflectorClient: boolean;
  /** Of a client that has one of its own. */
  readonly clusterId?: string;
  /** It is one of the clients that have sessions with each other. */
  readonly meshed?: true;
  /** What this router is to it, on the session that is up. */
  readonly localRole?: string;
  /** Idle, Connect, Active, OpenSent, OpenConfirm or Established. */
  readonly state: string;
  /** Why there is no session: "operator", "routes-limit", "back-off", "neighbor", "connection". */
  readonly waitsFor?: string;
  /** Since the last change of state: of an established session its up-time. */
  readonly stateAgeSeconds: number;
  /** False: shut down by configuration. */
  readonly enabled: boolean;
  /** The group whose settings it has. */
  readonly group?: string;
  /** The range that it came from by itself. */
  readonly range?: string;
  /** Ends of the connection. */
  readonly local?: { readonly address: string; readonly port: number };
  readonly remote?: { readonly address: string; readonly port: number };
  /** Seconds that are left, by the timer's name in RFC 4271. */
  readonly timersSeconds: Readonly<Record<string, number>>;
  /** What both ends can do, on the session that is up. */
  readonly negotiated?: {
    readonly fourOctetAs: boolean;
    readonly routeRefresh: boolean;
    readonly extendedMessages: boolean;
    /** IPv4 routes may have IPv6 next hops. */
    readonly extendedNextHop?: boolean;
    readonly gracefulRestart: boolean;
    readonly longLivedGracefulRestart: boolean;
    readonly restartOverNotification: boolean;
    /** Codes of capabilities that are not known here. */
    readonly unknownCapabilities: readonly number[];
  };
  /** The BGP identifier it sent. */
  readonly routerId?: string;
  readonly holdTimeSeconds?: number;
  readonly keepaliveSeconds?: number;
  readonly sendHoldSeconds?: number;
  /** How segments are signed: "tcp-md5" or "tcp-ao"; absent: not at all. */
  readonly protection?: string;
  /** From farther away nothing is taken. */
  readonly ttlSecurityHops?: number;
  readonly gracefulRestart?: {
    /** Absent: it has not said. */
    readonly restartTimeSeconds?: number;
    /** The F bit it sent: its forwarding state survived. */
    readonly forwardingPreserved: boolean;
    /** Its routes are kept although its session is down. */
    readonly helping: boolean;
    /** Its restart time is over: they are used where there is nothing better. */
    readonly lastResort: boolean;
  };
  /** While the session is established: whether it is said where an answer to a route refresh begins and ends. */
  readonly enhancedRouteRefresh?: boolean;
  /** Families agreed on, e.g. "ipv6 capability". */
  readonly families: readonly string[];
  /** Those that are configured. */
  readonly perFamily: readonly PeerFamilyRow[];
  /** Of all families together. */
  readonly routesReceived: number;
  readonly routesAdvertised: number;
  readonly routesPending: number;
  readonly messagesReceived: CounterText;
  readonly messagesSent: CounterText;
  readonly updatesReceived: CounterText;
  readonly updatesSent: CounterText;
  /** Absent in answers of older routers, like those down to `routesWithheld`. */
  readonly notificationsReceived?: CounterText;
  readonly notificationsSent?: CounterText;
  readonly opensReceived?: CounterText;
  readonly opensSent?: CounterText;
  readonly keepalivesReceived?: CounterText;
  readonly keepalivesSent?: CounterText;
  readonly refreshesReceived?: CounterText;
  readonly refreshesSent?: CounterText;
  /** What both OPENs of the latest connection offer, by code. */
  readonly capabilities?: readonly PeerCapabilityRow[];
  /** Faults for which routes were taken as withdrawn, and attributes that were left out. */
  readonly treatedAsWithdraw?: CounterText;
  readonly attributesDiscarded?: CounterText;
  readonly routesRefused?: readonly ReasonRow[];
  readonly routesWithheld?: readonly ReasonRow[];
  readonly establishedTransitions: number;
  /** Established sessions that ended. */
  readonly flaps: number;
  /** Attempts and sessions in a row that ended badly. */
  readonly failuresInARow: number;
  /** Connections of the peer that had no place. */
  readonly refusedConnections: number;
  readonly lastError?: string;
  /** NOTIFICATION codes of the last error, 0 where there are none. */
  readonly lastErrorCode?: number;
  readonly lastErrorSubcode?: number;
  /** The last NOTIFICATION in each direction, with what the operators wrote. @see RFC 9003 */
  readonly lastNotification?: { readonly sent?: NotificationRow; readonly received?: NotificationRow };
  /** Absent: its path is not watched. */
  readonly bfd?: PeerBfd;
  /** Absent: it is told of capabilities in their own family only. */
  readonly brownfield?: PeerBrownfield;
}

/** Capability routes of a neighbour that came as IPv6 unicast. */
export interface PeerBrownfield {
  /** Unicast routes that are capability routes now. */
  readonly learnt: number;
  /** Of these, not used: their address stands for another capability here. */
  readonly mismatched: number;
  /** Routes that came without something that they had. */
  readonly lost: readonly { readonly attribute: string; readonly routes: number }[];
  /** Routes in the domain's prefix that are no capability routes. */
  readonly refused: readonly { readonly reason: string; readonly routes: number }[];
  /** Routes of this router that came back from it without something, since the start. */
  readonly returnedPoorer: number;
}

export interface PeerBfd {
  /** AdminDown, Down, Init or Up. */
  readonly state: string;
  readonly remoteState: string;
  /** Packets are kept from the path. */
  readonly pathFailed: boolean;
  readonly multihop: boolean;
  /** In use; absent while nothing is sent, and until the neighbour was heard. */
  readonly transmitMs?: number;
  readonly detectionMs?: number;
  /** Why it left Up last, in the words of RFC 5880. */
  readonly diagnostic?: string;
  /** Times that it left Up, a restart of the neighbour included. */
  readonly downs: number;
  /** Times that the path was taken for broken. */
  readonly failures: number;
  /** When the last failure was seen and packets were kept from the path, RFC 3339. */
  readonly failedAt?: string;
  readonly packetsSent: CounterText;
  readonly packetsReceived: CounterText;
  readonly packetsDiscarded: CounterText;
  /** Sent more than a quarter of the interval after they were due, and the longest delay. */
  readonly packetsLate: CounterText;
  readonly latestMs: number;
  /** Times that this router did not run when it should have; silence of the neighbour is not counted then. */
  readonly stalls: number;
}
