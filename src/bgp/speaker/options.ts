import type { Ipv6Address, Seconds } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import type { RoutePolicy } from "../policy/index.ts";
import type { BgpRole, Dialect, Family } from "../wire/index.ts";
import type { ListenRange } from "./listen-ranges.ts";
import type { AoKey } from "./tcp-protection.ts";

/** A family whose routes are exchanged with a neighbour. */
export interface PeerFamily {
  readonly family: RouteFamily;
  /** More routes than this end the session. Default: what the neighbour has for all families. @see RFC 4486 §4 */
  readonly maximumRoutes?: number;
  /** Say so when this share of them is reached, in percent. Default 75. */
  readonly warnAtPercent?: number;
  /**
   * This router forwards packets to what it says in the family, so that the F bit after a restart depends on its data
   * plane. Default: capabilities only; prefixes are passed on, and others forward by them. @see RFC 4724 §3
   */
  readonly forwarded?: boolean;
  /** How long the neighbour stays down after it had too many. Default: the idle hold time. */
  readonly restartAfter?: Seconds;
  /** Instead of the neighbour's. */
  readonly advertisementInterval?: Seconds;
  /** Instead of that of the router; 0: not offered. Only beside graceful restart. @see RFC 9494 §4.1 */
  readonly longLivedStaleTime?: Seconds;
  /** Several paths of a route. Default: one. @see RFC 7911 */
  readonly addPath?: AddPathOptions;
}

/** By direction: what may be sent to the neighbour, and whether its paths are taken. Both have to be offered by it. */
export interface AddPathOptions {
  /** Of each route all paths that it may have (32 at most), or so many of the best. Absent: the best one alone. */
  readonly send?: "all" | { readonly best: number };
  readonly receive?: boolean;
}

/** @see RFC 9234 */
export interface RoleOptions {
  readonly local: BgpRole;
  /** Refuse a neighbour that does not say its own. Default false. */
  readonly strict?: boolean;
  /** Guard capability routes as well; the standard is about unicast routes only. Default false. */
  readonly capabilityRoutes?: boolean;
}

/** One neighbour. Addresses are IPv6 or IPv4 text without a zone. */
export interface PeerOptions {
  readonly address: string;
  /** To connect to. */
  readonly port: number;
  readonly remoteAs: number;
  readonly description?: string;
  /** The group whose settings it has; for people. */
  readonly group?: string;
  /** The range that it came from by itself; for people. */
  readonly range?: string;
  /** False: shut down by the administrator, neither tried nor accepted. Default true. */
  readonly enabled?: boolean;
  /** Said to the neighbour when it is shut down. @see RFC 9003 */
  readonly shutdownMessage?: string;
  /** Waits for the peer to connect. */
  readonly passive: boolean;
  /** Offered; `undefined`: no timers. */
  readonly holdTime: Seconds | undefined;
  /** If less than a third of the agreed hold time. */
  readonly keepaliveTime?: Seconds;
  /** Between attempts to connect; doubles with every failure, up to `maximumBackOff`. */
  readonly connectRetry: Seconds;
  /** A neighbour that offers less is refused. Default: whatever it offers is taken, no timers at all too. */
  readonly minimumHoldTime?: Seconds;
  /** How long the neighbour's OPEN is waited for before ours is said. Default: not at all. @see RFC 4271 §8.1.1 */
  readonly delayOpen?: Seconds;
  /** How long its OPEN is waited for. Default: four minutes. @see RFC 4271 §8.2.2 */
  readonly openHold?: Seconds;
  /** After a session that ended badly; doubles with every failure, up to `maximumBackOff`. Default 1. */
  readonly idleHold?: Seconds;
  /** Default 120. */
  readonly maximumBackOff?: Seconds;
  /**
   * A session ends when its socket takes nothing for so long. Default: eight minutes, or two hold times where that is
   * longer. @see RFC 9687 §6
   */
  readonly sendHoldTime?: Seconds;
  /** Least time between two rounds of UPDATEs of one family, cut by jitter. Default: none. @see RFC 4271 §9.2.1.1 */
  readonly advertisementInterval?: Seconds;
  /** TCP MD5 signature. @see RFC 2385 */
  readonly password?: string;
  /** Keys that the neighbour may have instead, while one takes the place of another; tried when it is silent. */
  readonly furtherPasswords?: readonly string[];
  /** TCP-AO, instead of a password. The first one signs. @see RFC 5925 */
  readonly aoKeys?: readonly AoKey[];
  /** At most so many hops away. @see RFC 5082 */
  readonly ttlSecurityHops?: number;
  /** Hop limit towards a peer of another AS; 1 without it. */
  readonly multihop?: number;
  /** Local address of the connections that this router opens. */
  readonly updateSource?: string;
  /** Default: the capability family. Each at most once. */
  readonly families?: readonly PeerFamily[];
  /**
   * Families to offer besides, for neighbours that refuse a session with none of theirs (BIRD does). Nothing but
   * End-of-RIB is sent in them; what comes is counted and ignored.
   */
  readonly alsoOffer?: readonly Family[];
  /** Refuse the peer when it offers none of the families. Default: a session without routes. */
  readonly requireFamily?: boolean;
  /** What this router is to a neighbour of another AS. @see RFC 9234 */
  readonly role?: RoleOptions;
  /** Offer messages of up to 65535 octets. Default true. @see RFC 8654 */
  readonly extendedMessages?: boolean;
  /** Offer to mark the beginning and the end of a route refresh. Default true. @see RFC 7313 */
  readonly enhancedRouteRefresh?: boolean;
  /** More routes of one family than this end the session. @see RFC 4486 §4 */
  readonly maximumRoutes?: number;
  /**
   * This router is a route server for it: unicast routes keep next hop, AS_PATH and MULTI_EXIT_DISC across the border.
   * @see RFC 7947 §2.2
   */
  readonly routeServerClient?: boolean;
  /** A client of this router as route reflector. Only for neighbours of this AS. @see RFC 4456 */
  readonly reflectorClient?: boolean;
  /** The cluster that the client is in, instead of that of the router. @see RFC 4456 §7 */
  readonly clusterId?: number;
  /**
   * False: a client that has sessions with all others of which that is said, too; between them nothing is reflected. Default true.
   * @see RFC 4456 §10
   */
  readonly clientToClient?: boolean;
  /** Own next hop also inside the AS. */
  readonly nextHopSelf?: boolean;
  /** To a neighbour of another AS: next hops as they came. Default false. */
  readonly nextHopUnchanged?: boolean;
  /**
   * To a neighbour of another AS on a link of this router: next hops of prefixes that are on the same link as they came. Default false.
   * @see RFC 4271 §5.1.3
   */
  readonly thirdPartyNextHop?: boolean;
  /**
   * Prefixes of a neighbour of another AS on a link of this router are refused where their next hop is not on it. Default true.
   * Without effect where the transport cannot say what is on the link, and for neighbours more than a hop away.
   * @see RFC 4271 §6.3
   */
  readonly checkNextHop?: boolean;
  /**
   * Routes are kept as they came, beside what import policy made of them: policies that change, and soft resets, judge them
   * again without the neighbour, and it can be seen what was refused. Costs as much memory again. Default false.
   */
  readonly softReconfiguration?: boolean;
  /** Routes whose path has this router's AS so often are taken all the same. Default 0. @see RFC 4271 §9.1.2 */
  readonly allowOwnAs?: number;
  /** Default true. @see RFC 4271 §6.3 */
  readonly enforceFirstAs?: boolean;
  /** UPDATEs to it are not longer than this, so that others on the way can add to what they carry. In octets. */
  readonly longestUpdate?: number;
  readonly importPolicy?: RoutePolicy;
  readonly exportPolicy?: RoutePolicy;
}

/** Where neighbours connect to: IPv6 or IPv4 text without a zone, and a TCP port; port 0 is any free one. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** The same on a link: at an address with its zone. */
export interface LinkListenAddress extends ListenAddress {
  /** Of the interface: a socket does not outlive it, though another one may come that is called the same. */
  readonly index?: number;
}

/** @see RFC 4724 */
export interface GracefulRestartOptions {
  /** How long neighbours keep our routes. */
  readonly restartTime: Seconds;
  /** How long a neighbour that is back has for its End-of-RIB. */
  readonly stalePathTime: Seconds;
  /** How long this router waits for End-of-RIB of its neighbours after its own restart. */
  readonly selectionDeferralTime: Seconds;
  /**
   * Offered and helped: routes of a neighbour that is gone for longer than its restart time stay as the last resort, for as
   * long as it said; neighbours keep ours for this long. @see RFC 9494
   */
  readonly longLivedStaleTime?: Seconds;
  /** Keep routes over NOTIFICATIONs and an expired hold timer as well, where the neighbour does. Default false. @see RFC 8538 */
  readonly keepOverNotification?: boolean;
}

/** Several member ASes that are one AS to everybody else. @see RFC 5065 §3 */
export interface ConfederationOptions {
  /** The AS that others know. */
  readonly identifier: number;
  /** The other member ASes; those of neighbours are enough. */
  readonly members: readonly number[];
}

/** What a speaker is started with. Those of `CommonOptions` and the neighbours can change while it runs. */
export interface SpeakerOptions {
  /** In a confederation: the member AS. */
  readonly localAs: number;
  /** @see RFC 5065 */
  readonly confederation?: ConfederationOptions;
  /** Unsigned 32 bits, not 0. */
  readonly bgpIdentifier: number;
  /** Of this router and the other reflectors of its clients. Default: the BGP identifier. @see RFC 4456 §7 */
  readonly clusterId?: number;
  /** What others send packets for this router to. */
  readonly nextHop: Ipv6Address;
  /** Extended community of this router's site: instances (CI) with it are taken. Default: of none. @see DESIGN section 4.1 */
  readonly siteOfOrigin?: Uint8Array;
  /** TLVs of SEMANTIC that nobody here knows go to neighbours of other autonomous systems as well. Default false. @see DESIGN section 4.4 */
  readonly passUnknownTlvs?: boolean;
  /** Site routes (CS, by their keys) that neighbours of other autonomous systems do not hear of. Default: none. */
  readonly isSuppressed?: (octets: Uint8Array, start: number) => boolean;
  /** None: only connections of our own. */
  readonly listen: readonly ListenAddress[];
  readonly peers: readonly PeerOptions[];
  /** From where others may connect. Default: nowhere. */
  readonly ranges?: readonly ListenRange[];
  readonly dialect?: Dialect;
  /** `undefined`: neither offered nor helped. */
  readonly gracefulRestart: GracefulRestartOptions | undefined;
  /** Begin as a router that is about to go. Default false. @see RFC 8326 */
  readonly gracefulShutdown?: boolean;
  /**
   * How the data plane was found. `restarted`: an earlier life of this router left routes with its neighbours (the R bit,
   * until `localStateConverged` was called and the neighbours have said End-of-RIB). `forwardingPreserved`: what it
   * forwarded goes on (the F bit, honestly).
   */
  readonly start: { readonly restarted: boolean; readonly forwardingPreserved: boolean };
  /** Without a policy, take routes from and give them to other autonomous systems. Default false. @see RFC 8212 */
  readonly acceptExternal?: boolean;
}
