import type { Milliseconds, Moment, Seconds } from "../../base/index.ts";
import type { RouteFamily, SessionKind } from "../../rib/index.ts";
import type { SessionState, SessionTimer } from "../session/index.ts";
import type { BgpRole, OfferedCapability } from "../wire/index.ts";
import type { AddPathDirections } from "./add-path.ts";
import type { Endpoint } from "./transport.ts";

/** A NOTIFICATION that ended a session, or why the connection was lost. */
export interface PeerError {
  readonly direction: "sent" | "received" | "none";
  /** 0 where no NOTIFICATION was seen, and none would have been apt. */
  readonly code: number;
  readonly subcode: number;
  /** For people: `hold timer expired`, and what the peer's operator wrote (RFC 9003). */
  readonly text: string;
  readonly at: Moment;
}

/** One family of a neighbour. */
export interface FamilyStatus {
  readonly family: RouteFamily;
  /** On the session that is established. */
  readonly agreed: boolean;
  /** Given up on this session. @see RFC 4760 §7 */
  readonly disabled: boolean;
  /** In the Adj-RIB-In, stale ones included. */
  readonly routesReceived: number;
  /** As they came, before import policy; `undefined`: they are not kept. */
  readonly routesKept: number | undefined;
  readonly routesAdvertised: number;
  readonly routesPending: number;
  /** Directions in which several paths of a route are told on this session. @see RFC 7911 */
  readonly addPath: AddPathDirections;
  readonly endOfRibSent: boolean;
  readonly endOfRibReceived: boolean;
  /** More than these end the session; `undefined`: any number. */
  readonly maximumRoutes: number | undefined;
  /** The log says so from this number on. */
  readonly warnAt: number | undefined;
  /** What it offered for its own restart, on the session that is established. @see RFC 4724 §3; RFC 9494 §3 */
  readonly peerRestart:
    | { readonly forwardingPreserved: boolean; readonly longLivedStaleTime: Seconds | undefined }
    | undefined;
  /** Why stale routes of it are kept: its session is down, that for longer than its restart time, or it is back and not done. */
  readonly kept: "restarting" | "last-resort" | "awaiting-end-of-rib" | undefined;
  /** How long they are yet, unless something happens before. */
  readonly keptYet: Milliseconds | undefined;
}

/** Why nothing is tried at the moment, or what is waited for, while there is no connection. */
export type WaitsFor = "operator" | "routes-limit" | "back-off" | "neighbor" | "connection";

/** One neighbour as it is now, for people and programs that watch. */
export interface PeerStatus {
  readonly address: string;
  readonly description: string | undefined;
  /** The group whose settings it has. */
  readonly group: string | undefined;
  /** The range that it came from by itself. */
  readonly range: string | undefined;
  /** On whose link it is, where its address means something there only. */
  readonly interface: string | undefined;
  /** False: shut down by the administrator. */
  readonly enabled: boolean;
  readonly remoteAs: number;
  readonly kind: SessionKind;
  readonly reflectorClient: boolean;
  /** On the session that is established. @see RFC 9234 */
  readonly role: { readonly local: BgpRole; readonly peerSaid: boolean } | undefined;
  /** The cluster that it is in as a client, where it has one of its own. */
  readonly clusterId: number | undefined;
  /** Of the clients of this router that have sessions with each other. @see RFC 4456 §10 */
  readonly meshed: boolean;
  /** At most so many hops away, by the hop limits of its packets. @see RFC 5082 */
  readonly ttlSecurityHops: number | undefined;
  /** How segments are signed. @see RFC 2385; RFC 5925 */
  readonly protection: "tcp-md5" | "tcp-ao" | undefined;
  readonly state: SessionState;
  /** Of the last change of `state`. */
  readonly since: Moment;
  /** Attempts and sessions that ended badly since the last good one; waiting times double with it. */
  readonly failures: number;
  /** Absent while there is a connection. */
  readonly waitsFor: WaitsFor | undefined;
  /** Those that run, with what is left of them. A session that waits to be tried again has its timers at the outgoing side. */
  readonly timers: Readonly<Partial<Record<SessionTimer, Milliseconds>>>;
  /** Connections of the neighbour that had no place. */
  readonly refusedConnections: number;
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  /** The following ones while the session is established. */
  readonly bgpIdentifier: number | undefined;
  readonly holdTime: Seconds | undefined;
  readonly keepaliveTime: Seconds | undefined;
  /** How long its socket may take nothing. @see RFC 9687 */
  readonly sendHoldTime: Seconds | undefined;
  /** `ipv6/251` */
  readonly families: readonly string[];
  readonly capabilities: {
    readonly fourOctetAs: boolean;
    readonly routeRefresh: boolean;
    readonly enhancedRouteRefresh: boolean;
    readonly extendedMessages: boolean;
    /** IPv4 routes may have IPv6 next hops. @see RFC 8950 */
    readonly extendedNextHop: boolean;
    readonly gracefulRestart: boolean;
    readonly longLivedGracefulRestart: boolean;
    /** Routes are kept over NOTIFICATIONs as well. @see RFC 8538 */
    readonly restartOverNotification: boolean;
    /** Codes that this router does not know. */
    readonly unknown: readonly number[];
  };
  /** A family was given up on this session. */
  readonly familyDisabled: boolean;
  /** Those that are configured. */
  readonly perFamily: readonly FamilyStatus[];
  readonly gracefulRestart: {
    readonly helper: "none" | "retaining" | "long-lived" | "awaiting";
    /** Of the session that is up, or of the one whose routes are kept. */
    readonly peerRestartTime: Seconds | undefined;
    readonly peerRestarted: boolean;
    readonly peerForwardingPreserved: boolean;
    readonly endOfRibSent: boolean;
    readonly endOfRibReceived: boolean;
  };
  /** Of all families together. */
  readonly routesReceived: number;
  readonly routesAdvertised: number;
  readonly routesPending: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly updatesReceived: number;
  readonly updatesSent: number;
  /** By type of message. */
  readonly opensReceived: number;
  readonly opensSent: number;
  readonly keepalivesReceived: number;
  readonly keepalivesSent: number;
  readonly refreshesReceived: number;
  readonly refreshesSent: number;
  /** Capabilities of both OPENs of the latest connection, also where it came to nothing. @see RFC 5492 */
  readonly offered: {
    readonly sent: readonly OfferedCapability[];
    readonly received: readonly OfferedCapability[];
  };
  readonly establishedTransitions: number;
  readonly flaps: number;
  readonly notificationsReceived: number;
  readonly notificationsSent: number;
  /** What was malformed, by what was done about it. @see RFC 7606 §2 */
  readonly treatedAsWithdraw: number;
  readonly attributesDiscarded: number;
  /** Routes from it that were not taken, and routes that it was not told, by reason; each time that it was decided. */
  readonly routesRefused: ReadonlyMap<string, number>;
  readonly routesWithheld: ReadonlyMap<string, number>;
  readonly lastSent: PeerError | undefined;
  readonly lastReceived: PeerError | undefined;
  /** Whatever ended the last connection, in either direction, or kept one from being made since. */
  readonly lastError: PeerError | undefined;
}
