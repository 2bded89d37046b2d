/** What lists on the control socket are made of: one row for each thing that the router knows. */

/** A counter of 64 bits in decimal. */
export type CounterText = string;

/** An entry of the alarm list. @see RFC 8632 §4.4 */
export interface AlarmRow {
  /** By which commands name it. */
  readonly id: string;
  /** An identity of semrd-alarms, without the module. */
  readonly type: string;
  /** What it is about: a path of the model. */
  readonly resource: string;
  readonly state: "raised" | "cleared" | "shelved";
  /** The name of the shelf that has it. */
  readonly shelf?: string;
  readonly severity: "indeterminate" | "warning" | "minor" | "major" | "critical";
  readonly text: string;
  readonly raisedSecondsAgo: number;
  readonly changedSecondsAgo: number;
  /** The newest first; times as in ISO 8601. */
  readonly changes: readonly { readonly time: string; readonly severity: string; readonly text: string }[];
  /** What an operator says: "none", "ack" or "closed"; or the router, that it is on a shelf, or was. */
  readonly operatorState: "none" | "ack" | "closed" | "shelved" | "un-shelved";
  readonly operator?: string;
  readonly operatorText?: string;
}

/** Something that happened, as a notification of the model says it. */
export interface EventRow {
  /** ISO 8601. */
  readonly time: string;
  /** `module:name`. */
  readonly event: string;
  /** The same without its module. */
  readonly type: string;
  /** The node that it belongs to; absent for one at the top of its module. */
  readonly target?: string;
  /** RFC 7951 JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

export interface PortRow {
  readonly interface: string;
  readonly role: "core" | "client" | "agent";
  readonly tenant?: string;
  /** "xdp native", "xdp generic", "tcx", "clsact", "executor", "ovs", "routes" or "none". */
  readonly hook: string;
  readonly adopted: boolean;
  /** Programs of the edge beside the pass. */
  readonly edge?: readonly ("in" | "out")[];
  readonly reason?: string;
}

/** One instance: a running endpoint of an agent that offers one capability. */
export interface AgentRow {
  readonly agent: string;
  /** 16 hexadecimal digits. */
  readonly instance: string;
  readonly tenant: string;
  readonly capability: string;
  /** `major.minor`. */
  readonly version: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly weight: number;
  readonly labels: readonly string[];
  readonly source: "registration" | "configuration" | "command";
  readonly adminState: "up" | "draining" | "down";
  readonly health: "unknown" | "up" | "down";
  readonly healthReason?: string;
  /** Since the last change of health. */
  readonly healthAgeSeconds: number;
  /** What the router acts on: admin state and health together. */
  readonly state: "up" | "draining" | "down";
  /** Absent: no lease, it stays until removed. */
  readonly leaseRemainingSeconds?: number;
  readonly ageSeconds: number;
}

/** One capability of one tenant. */
export interface CapabilityRow {
  readonly capability: string;
  readonly majorVersion: number;
  readonly tenant: string;
  /** The address that any site may answer. */
  readonly address: string;
  /** What IPv4-only clients of this router use instead. */
  readonly ipv4Address?: string;
  readonly dnsName: string;
  readonly servicePort: number;
  readonly protocol: "tcp" | "udp";
  /** Which datagrams go to the same instance; absent: those of a flow. */
  readonly affinity?: "address" | "connection" | "none";
  /** Sites that are eligible, of all that were heard of. */
  readonly sites: number;
  readonly sitesKnown: number;
  /** Instances behind this router that may get new flows, of all there are. */
  readonly localInstances: number;
  readonly localInstancesKnown: number;
  /** Router ID of the site that is best; absent when nobody serves it. */
  readonly bestOrigin?: string;
}

export interface RouteLeaseRow {
  /** Decimal text. */
  readonly sequence: string;
  /** Negative once it has run out. */
  readonly remainingSeconds: number;
  readonly renewSeconds: number;
}

/** One path of the Loc-RIB or an Adj-RIB-In. */
export interface RouteRow {
  readonly type: "site" | "instance" | "prefix" | "agent";
  /**
   * What it is about: the capability's name, or its ID in hexadecimal when no name is known; `/vision/...` for names below a
   * prefix; the agent's ID, or `agent` and its hash where only that is known.
   */
  readonly capability: string;
  /** Of sites and instances, in hexadecimal. */
  readonly capabilityId?: string;
  /** 16 hexadecimal digits. */
  readonly instanceId?: string;
  /** The hash of the agent's ID, in hexadecimal. */
  readonly agentId?: string;
  /** The tenant's name, or its route distinguisher when it is not one of ours. */
  readonly tenant: string;
  /** Router ID of the originating site. */
  readonly origin: string;
  readonly nextHop: string;
  /** "local", or the name of the peer. */
  readonly peer: string;
  /** With which the peer sent this path, where it sends several. */
  readonly pathId?: number;
  readonly local: boolean;
  /** Role in the capability group. */
  readonly status: "best" | "group" | "excluded";
  readonly stale: boolean;
  /** The decision step that gave it this role. */
  readonly step?: string;
  readonly weight: number;
  /** CATS Level 2 metric, 0 (worst) to 10. */
  readonly score?: number;
  readonly siteState?: "up" | "degraded" | "draining" | "down";
  /** `major.minor`. */
  readonly version?: string;
  readonly labels: readonly string[];
  readonly lease?: RouteLeaseRow;
  /** What the sites that the route stands for add up to. */
  readonly aggregate?: {
    readonly count: number;
    readonly minimum: number;
    readonly mean: number;
    readonly maximum: number;
  };
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  /** Router ID of where the route entered the AS, when a route reflector passed it on. */
  readonly originatorId?: string;
  /** Of the reflectors that it went through, the latest first. */
  readonly clusterList?: readonly string[];
  /** As text: `65001 65002 {65003 65004}`; empty inside an AS. */
  readonly asPath: string;
  /** `65000:1`, `no-export`, `target:65000:1`, … */
  readonly communities: readonly string[];
  readonly ageSeconds: number;
}

/** One path to one prefix. */
export interface UnicastRouteRow {
  /** `2001:db8::/32`, `192.0.2.0/24`. */
  readonly prefix: string;
  readonly nextHop: string;
  /** "local", or the name of the peer. */
  readonly peer: string;
  /** With which the peer sent this path, where it sends several. */
  readonly pathId?: number;
  readonly local: boolean;
  /** Whether it is the path that is passed on. */
  readonly status: "best" | "other";
  readonly stale: boolean;
  /** The decision step that put it out; absent for the best. */
  readonly step?: string;
  readonly origin: "igp" | "egp" | "incomplete";
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  readonly asPath: string;
  readonly communities: readonly string[];
  /** valid, invalid or not-found; absent where origins are not validated. */
  readonly rpki?: string;
  readonly ageSeconds: number;
}

/** A route between this router and one neighbour: as it came, before import policy, or as it goes, after export policy. */
export interface ExchangedRouteRow {
  readonly type: "prefix" | "site" | "instance" | "names" | "agent";
  /** `2001:db8::/32`; what a capability route is about, as in {@link RouteRow}. */
  readonly route: string;
  /** Of capability routes. */
  readonly tenant?: string;
  /** Of capability routes: router ID of the originating site. */
  readonly originId?: string;
  readonly pathId?: number;
  /** Of a received one: accepted, changed, refused; of one that goes: told, not-told, pending. */
  readonly outcome: "accepted" | "changed" | "refused" | "told" | "not-told" | "pending";
  /** Why it was refused, or is not told. */
  readonly reason?: string;
  /** Of one that goes: "local", or the name of the peer that it came from. */
  readonly from?: string;
  /** Of a received one. */
  readonly ageSeconds?: number;
  /** The following ones as the neighbour says them, or is told them; as they are here where it is not told. */
  readonly nextHop: string;
  readonly origin: "igp" | "egp" | "incomplete";
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  readonly asPath: string;
  readonly communities: readonly string[];
  /** Of capability routes. */
  readonly score?: number;
}

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

export interface PeerRow {
  readonly address: string;
  readonly description?: string;
  readonly remoteAs: number;
  /** Of another member AS of the confederation, or of another AS. */
  readonly kind: "internal" | "confederation" | "external";
  /** This router reflects routes to it and from it. */
  readonly reflectorClient: boolean;
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
    readonly restartTimeSeconds: number;
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

/** One statement of a policy. */
export interface PolicyRow {
  readonly policy: string;
  readonly statement: string;
  /** In its policy, from 1. */
  readonly position: number;
  /** What has to hold, each in a few words; empty: it always fits. */
  readonly conditions: readonly string[];
  readonly actions: readonly string[];
  readonly result: "accept" | "reject" | "next-statement" | "next-policy";
  /** Answers in which it fitted: one for each attribute set and session, more where route keys matter. */
  readonly sets: CounterText;
  /** Routes that these answers were applied to, each time that one came or was to be sent. */
  readonly routes: CounterText;
  /** `import from r2`, `export to fd00::3`. */
  readonly usedBy: readonly string[];
}

/** One capability address as the data plane has it. */
export interface FibRow {
  /** Also a prefix of addresses (`fd00:5e3d:0:1:1::/80`): where packets go for those that have no row of their own. */
  readonly address: string;
  /** Absent for an address that nothing in the control plane stands for any more. */
  readonly capability?: string;
  readonly tenant?: string;
  /** 0: known, but nobody serves it. */
  readonly group: number;
  readonly localGroup: number;
  readonly nextHops: readonly FibNextHop[];
}

export interface FibNextHop {
  readonly index: number;
  readonly kind: "tunnel" | "local" | "instance";
  /** `fd00:ffff::2`, `this router` or `[fd00:a:21::10]:8080`. */
  readonly towards: string;
  /** Of a tunnel that is no plain IPv6-in-IPv6: `VXLAN 7`, `segments fd00::8, fd00::9`. */
  readonly encapsulation?: string;
  readonly state: "down" | "up" | "draining";
  /** Slots it owns out of `slotCount`. */
  readonly slots: number;
  readonly slotCount: number;
  /** Slots that are in transition to it. */
  readonly slotsInTransition: number;
  /** It is the group's backup. */
  readonly backup: boolean;
  /** It is a member of the local group. */
  readonly localOnly: boolean;
}

export interface NextHopCounterRow {
  readonly index: number;
  /** Router name or description, agent ID, or the address. */
  readonly name: string;
  readonly towards: string;
  /** Of a tunnel: `IPv6-in-IPv6`, `VXLAN 7`, `segments fd00::8, fd00::9`. */
  readonly encapsulation?: string;
  readonly packets: CounterText;
  readonly octets: CounterText;
  /** Flows that were newly given to it. */
  readonly flows: CounterText;
}
