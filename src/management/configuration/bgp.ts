import type { Ipv6Address, Ipv6Prefix, Milliseconds, Seconds, ZonedAddress } from "../../base/index.ts";
import type { NamedKey } from "./keystore.ts";

export interface BgpConfiguration {
  readonly localAs: number;
  readonly address: Ipv6Address;
  readonly port: number;
  /** Absent: the router ID. */
  readonly clusterId?: number;
  /** That the AS is a member of: what others know, and the other members. @see RFC 5065 */
  readonly confederation?: { readonly identifier: number; readonly members: readonly number[] };
  /** Begin as a router that is about to go. */
  readonly gracefulShutdown: boolean;
  /** Absent: restart is not offered. */
  readonly gracefulRestart?: {
    readonly restartTime: Seconds;
    /** Absent: routes end with the restart time. */
    readonly longLivedStaleTime?: Seconds;
    /** Absent: they end with a NOTIFICATION. */
    readonly keepOverNotification?: boolean;
  };
  readonly brownfield: BrownfieldConfiguration;
  readonly neighbors: readonly NeighborConfiguration[];
  /** From where others may connect. */
  readonly ranges: readonly ListenRangeConfiguration[];
}

/** How capability routes are said where nobody knows them: the same at all routers of the domain. */
export interface BrownfieldConfiguration {
  /** Code of the path attribute that carries everything; absent: communities only. */
  readonly payloadAttribute?: number;
  /** Sites of other routers of the capability family are said to brownfield neighbours as well. */
  readonly gateway: boolean;
  readonly labels: readonly { readonly text: string; readonly namespace: number; readonly bit: number }[];
}

/** Of a neighbour that knows nothing of capabilities. */
export interface NeighborBrownfieldConfiguration {
  readonly noExport: boolean;
  readonly payload: boolean;
  /** IPv6 prefixes outside the domain are exchanged as well. */
  readonly otherPrefixes: boolean;
}

/** A family of routes, and how many of them a neighbour may have. */
export interface FamilyConfiguration {
  readonly family: "capability" | "ipv6-unicast" | "ipv4-unicast" | "route-target";
  /** Absent: as many as there is room for. */
  readonly maximumRoutes?: number;
  /** Of these, in percent; absent without a maximum. */
  readonly warnAtPercent?: number;
  /** How long the session stays down after too many; absent: as after any error. */
  readonly restartAfter?: Seconds;
  /** Several paths of a route, by direction; absent: in none. */
  readonly addPath?: { readonly send?: "all" | { readonly best: number }; readonly receive: boolean };
  /** Absent: the neighbour's. */
  readonly advertisementInterval?: Seconds;
  /** Instead of that of graceful restart; 0: not offered. */
  readonly longLivedStaleTime?: Seconds;
}

export interface BfdConfiguration {
  readonly multihop: boolean;
  readonly desiredMinTx: Milliseconds;
  readonly requiredMinRx: Milliseconds;
  readonly detectMultiplier: number;
}

/** One neighbour, with what it does not say itself taken from its group and from the settings for all. */
export interface NeighborConfiguration extends NeighborSettingsConfiguration, ZonedAddress {
  readonly remoteAs: number;
  readonly kind: "internal" | "external";
  readonly description?: string;
  /** Absent: capability routes are said in their own family only. */
  readonly brownfield?: NeighborBrownfieldConfiguration;
}

/** Addresses from which routers may connect that are not configured one by one. */
export interface ListenRangeConfiguration extends NeighborSettingsConfiguration {
  readonly prefix: Ipv6Prefix;
  /** Link-local addresses of this interface, and no others. */
  readonly interface?: string;
  readonly limit: number;
  readonly remoteAs: "internal" | "external" | readonly number[];
}

export interface NeighborSettingsConfiguration {
  /** Its group. */
  readonly group?: string;
  /** False: shut down. */
  readonly enabled: boolean;
  readonly shutdownMessage?: string;
  readonly port: number;
  /** Absent: sessions without keepalives. */
  readonly holdTime?: Seconds;
  /** Absent: a third of the agreed hold time. */
  readonly keepaliveTime?: Seconds;
  /** 0: whatever the neighbour offers. */
  readonly minimumHoldTime: Seconds;
  readonly connectRetry: Seconds;
  /** Absent: no delay. */
  readonly delayOpen?: Seconds;
  readonly idleHoldTime: Seconds;
  readonly maximumBackOff: Seconds;
  /** Absent: as RFC 9687 has it. */
  readonly sendHoldTime?: Seconds;
  /** Absent: none. */
  readonly advertisementInterval?: Seconds;
  /** Absent: that of BGP. */
  readonly localAddress?: Ipv6Address;
  readonly passive: boolean;
  readonly nextHopSelf: boolean;
  /** Towards other autonomous systems. */
  readonly nextHopUnchanged: boolean;
  readonly thirdPartyNextHop: boolean;
  readonly checkNextHop: boolean;
  readonly enforceFirstAs: boolean;
  readonly allowOwnAs: number;
  /** At least one. */
  readonly families: readonly FamilyConfiguration[];
  readonly routeServerClient: boolean;
  readonly reflectorClient: boolean;
  /** Absent: that of the router. */
  readonly clusterId?: number;
  /** False: of a cluster whose clients have sessions with each other. */
  readonly clientToClient: boolean;
  /** What this router is to a neighbour of another AS. */
  readonly role?: {
    readonly local: "provider" | "customer" | "peer" | "route-server" | "route-server-client";
    readonly strict: boolean;
    readonly capabilityRoutes: boolean;
  };
  readonly extendedMessages: boolean;
  readonly enhancedRouteRefresh: boolean;
  readonly softReconfiguration: boolean;
  /** TCP MD5: the first one signs, the others are what the neighbour may use instead, in the order in which they are tried. */
  readonly md5Keys: readonly NamedKey[];
  /** TCP-AO, instead of MD5; the first one signs. */
  readonly aoKeys: readonly {
    readonly sendId: number;
    readonly receiveId: number;
    readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
    readonly key: NamedKey;
  }[];
  /** At most so many hops away, enforced with hop limits. */
  readonly ttlSecurityHops?: number;
  /** Hop limit towards an external neighbour; absent: 1. */
  readonly multihop?: number;
  /** Names of policies, in order; empty: what holds without a policy. */
  readonly importPolicy: readonly string[];
  readonly exportPolicy: readonly string[];
  /** Absent: its path is not watched. */
  readonly bfd?: BfdConfiguration;
}
