import type { CapabilityName, Ipv6Address, Ipv6Prefix, Milliseconds, Seconds } from "../../base/index.ts";
import type { AlarmControl } from "../alarms/index.ts";
import type { NacmConfiguration } from "../nacm/index.ts";
import type { BmpConfiguration } from "./bmp.ts";
import type { GrpcConfiguration } from "./grpc.ts";
import type { Ipv4Configuration } from "./ipv4.ts";
import type { KeyPairFiles, KeystoreConfiguration, NamedKey, TruststoreConfiguration } from "./keystore.ts";
import type { MrtConfiguration } from "./mrt.ts";
import type { NetconfConfiguration, User } from "./operators.ts";
import type { RoutingPolicyConfiguration } from "./policy.ts";
import type { RpkiConfiguration } from "./rpki.ts";

/**
 * The configuration of one router in the words of its parts: every default filled in, every address parsed, every
 * reference resolved. Absence of a feature is an absent member or an empty list.
 */
export interface RouterConfiguration {
  readonly name: string;
  /** Unsigned 32 bits, not 0. */
  readonly routerId: number;
  readonly domain: DomainConfiguration;
  readonly site: SiteConfiguration;
  readonly advertisement: AdvertisementConfiguration;
  readonly routeChoice: RouteChoiceConfiguration;
  /** Further routers of the domain, besides BGP neighbours. */
  readonly nodes: readonly NodeConfiguration[];
  readonly keystore: KeystoreConfiguration;
  readonly truststore: TruststoreConfiguration;
  readonly taxonomy: TaxonomyConfiguration;
  readonly tenants: readonly TenantConfiguration[];
  readonly interfaces: readonly InterfaceConfiguration[];
  /** Absent: IPv4-only clients and agents are not served. */
  readonly ipv4?: Ipv4Configuration;
  readonly routingPolicy: RoutingPolicyConfiguration;
  /** Of the tenants that have any. */
  readonly tenantPolicies: readonly TenantPolicyConfiguration[];
  /** Absent: this router speaks no BGP. */
  readonly bgp?: BgpConfiguration;
  readonly registration: RegistrationConfiguration;
  readonly agents: readonly AgentConfiguration[];
  readonly discovery: DiscoveryConfiguration;
  readonly dataplane: DataplaneConfiguration;
  readonly telemetry: TelemetryConfiguration;
  readonly mrt: MrtConfiguration;
  readonly rpki: RpkiConfiguration;
  readonly bmp: BmpConfiguration;
  readonly management: ManagementConfiguration;
  readonly nacm: NacmConfiguration;
  readonly alarms: AlarmControl;
  /** Absolute. */
  readonly stateDirectory: string;
}

export interface DomainConfiguration {
  /** Lower case, no final dot. */
  readonly dnsZone: string;
  /** A /48. */
  readonly prefix: Ipv6Prefix;
}

export interface SiteConfiguration {
  /** 1 to 65534. */
  readonly selector: number;
  readonly locator: Ipv6Address;
}

/** What this router says to the others about itself, and how fast it may change. */
export interface AdvertisementConfiguration {
  /** The other routers of the site hear of each instance. */
  readonly instances: boolean;
  readonly prefixes: readonly { readonly name: CapabilityName; readonly suppressMoreSpecifics: boolean }[];
  /** What this router does not know of SEMANTIC crosses the border of the AS. */
  readonly unknownTlvsOutside: boolean;
  readonly damping: {
    /** 0: none. */
    readonly averageTime: Milliseconds;
    readonly holdTime: Milliseconds;
    readonly badNewsInterval: Milliseconds;
    readonly goodNewsInterval: { readonly minimum: Milliseconds; readonly maximum: Milliseconds };
    readonly updatesPerSecond: number;
    readonly burst: number;
  };
}

export interface RouteChoiceConfiguration {
  /** Critical labels that do not exclude a route. */
  readonly understoodLabels: readonly string[];
  readonly weights: "link-bandwidth" | "score" | "equal";
  /** Steps of the score that one latency class outweighs. */
  readonly networkCostWeight: number;
}

export interface NodeConfiguration {
  readonly locator: Ipv6Address;
  readonly name?: string;
}

export interface TaxonomyConfiguration {
  readonly revision: number;
  /** By first label; 1 to 32767. A family that is not here has a hashed code. */
  readonly familyCodes: ReadonlyMap<string, number>;
  readonly capabilities: readonly TaxonomyCapability[];
}

export interface TaxonomyCapability {
  readonly name: CapabilityName;
  readonly majorVersion: number;
  readonly description?: string;
  readonly servicePort: number;
  readonly protocol: "tcp" | "udp";
  /** Which datagrams go to the same instance; absent: those of a flow. */
  readonly affinity?: "address" | "connection" | "none";
}

export interface TenantConfiguration {
  readonly name: string;
  /** 1 to 65535. */
  readonly index: number;
  /** Eight octets in network order. */
  readonly routeDistinguisher: Uint8Array;
  /** Extended communities of eight octets each. */
  readonly importTargets: readonly Uint8Array[];
  readonly exportTargets: readonly Uint8Array[];
}

export interface PolicyTermsConfiguration {
  /** Packets a second, and at once. */
  readonly packets?: { readonly perSecond: number; readonly burst: number };
  /** Bits of IPv6 a second, octets at once. */
  readonly bits?: { readonly perSecond: number; readonly burst: number };
  readonly dscp?: number;
  /** 1 to 255. */
  readonly tag?: number;
}

export interface CapabilityMatchConfiguration {
  readonly names: readonly CapabilityName[];
  /** `/` is every capability. */
  readonly prefixes: readonly string[];
}

export interface TenantPolicyConfiguration {
  /** Its name. */
  readonly tenant: string;
  /** What its clients send. */
  readonly clients: PolicyTermsConfiguration;
  /** Who else may call its capabilities: names of tenants. */
  readonly rules: readonly (CapabilityMatchConfiguration & {
    readonly name: string;
    readonly from: readonly string[];
  })[];
  readonly capabilities: readonly (CapabilityMatchConfiguration &
    PolicyTermsConfiguration & { readonly name: string; readonly counted: boolean })[];
}

export interface InterfaceConfiguration {
  readonly name: string;
  readonly role: "core" | "client" | "agent" | "own";
  /** Name of the tenant; absent on core interfaces. */
  readonly tenant?: string;
  /** Its index; 0 on core interfaces. */
  readonly tenantIndex: number;
  readonly hook: "auto" | "xdp" | "tc";
  /** IPv6 behind VLAN tags is taken as if it had none. */
  readonly acceptTags: boolean;
  /** Sources of this tenant. Empty: all that no other tenant has. */
  readonly permittedSources: readonly Ipv6Prefix[];
  /** Sources of other ones. */
  readonly tenantSources: readonly {
    readonly prefix: Ipv6Prefix;
    readonly tenant: string;
    readonly tenantIndex: number;
  }[];
}

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
}

export interface BfdConfiguration {
  readonly multihop: boolean;
  readonly desiredMinTx: Milliseconds;
  readonly requiredMinRx: Milliseconds;
  readonly detectMultiplier: number;
}

/** One neighbour, with what it does not say itself taken from its group and from the settings for all. */
export interface NeighborConfiguration extends NeighborSettingsConfiguration {
  readonly address: Ipv6Address;
  readonly remoteAs: number;
  readonly kind: "internal" | "external";
  readonly description?: string;
  /** Absent: capability routes are said in their own family only. */
  readonly brownfield?: NeighborBrownfieldConfiguration;
}

/** Addresses from which routers may connect that are not configured one by one. */
export interface ListenRangeConfiguration extends NeighborSettingsConfiguration {
  readonly prefix: Ipv6Prefix;
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
  readonly enforceFirstAs: boolean;
  readonly allowOwnAs: number;
  /** At least one. */
  readonly families: readonly FamilyConfiguration[];
  readonly routeServerClient: boolean;
  readonly reflectorClient: boolean;
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

/** Canonical text, as sockets want it, IPv4 or IPv6. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export interface RegistrationConfiguration {
  /** Empty: there is no registration interface. */
  readonly listen: readonly ListenAddress[];
  /** Always there when `listen` is not empty. */
  readonly tls?: KeyPairFiles;
  readonly issuers: readonly IssuerConfiguration[];
  readonly lease: { readonly default: Seconds; readonly minimum: Seconds; readonly maximum: Seconds };
}

export interface IssuerConfiguration {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  /** Absolute. */
  readonly jwksFile: string;
}

export interface AgentConfiguration {
  readonly id: string;
  readonly tenant: string;
  readonly instances: readonly InstanceConfiguration[];
}

/** One configured endpoint of an agent, with what the taxonomy says about its capability. */
export interface InstanceConfiguration {
  readonly capability: CapabilityName;
  readonly version: { readonly major: number; readonly minor: number };
  readonly endpoint: { readonly address: Ipv6Address; readonly port: number; readonly protocol: "tcp" | "udp" };
  readonly servicePort: number;
  readonly weight: number;
  readonly labels: readonly string[];
  readonly check?: HealthCheckConfiguration;
}

interface HealthCheckTimes {
  readonly interval: Milliseconds;
  readonly timeout: Milliseconds;
  readonly fall: number;
  readonly rise: number;
}

export type HealthCheckConfiguration =
  | ({ readonly type: "tcp" } & HealthCheckTimes)
  | ({ readonly type: "http"; readonly path: string } & HealthCheckTimes);

export interface DiscoveryConfiguration {
  /** `listen` empty: there is no DNS server. */
  readonly dns: { readonly listen: readonly ListenAddress[]; readonly ttl: Seconds };
}

export interface DataplaneConfiguration {
  readonly driver: "auto" | "kernel" | "linux" | "ovs" | "memory" | "fib-service";
  /** Present where `driver` is `fib-service`. */
  readonly executor?: ExecutorConfiguration;
  /** Present where `driver` is `ovs`. */
  readonly openVswitch?: OpenVswitchConfiguration;
  readonly pinDirectory: string;
  readonly hashSeed: number;
  /** Octets. */
  readonly tunnelMtu: number;
  readonly maxCapabilities: number;
  /** The MSS of TCP through tunnels is lowered to what they carry. */
  readonly clampMss: boolean;
  readonly tunnels: readonly TunnelConfiguration[];
  /** Absent: nobody is judged by how it answers. */
  readonly passiveHealth?: { readonly failures: number; readonly rest: Seconds };
  /** Absent: none are sent. */
  readonly heartbeat?: { readonly interval: Milliseconds; readonly multiplier: number };
}

/** Another router that is not only reached by plain IPv6-in-IPv6. */
export interface TunnelConfiguration {
  readonly locator: Ipv6Address;
  readonly encapsulation: "ipv6" | "segments" | "vxlan";
  /** Before the router, the first one first. */
  readonly segments: readonly Ipv6Address[];
  /** Of VXLAN, also of what is accepted. */
  readonly vni?: number;
  /** Absent: made of the locator. */
  readonly innerMac?: Uint8Array;
}

/** The Open vSwitch of the host. */
export interface OpenVswitchConfiguration {
  readonly database: string;
  readonly bridge: string;
  readonly datapathType: "netdev" | "system";
}

/** Where somebody else's executor is, and how both ends know each other; without `tls` it is on this host. */
export interface ExecutorConfiguration {
  readonly host: string;
  readonly port: number;
  readonly tls?: KeyPairFiles & {
    readonly caFiles: readonly string[];
    readonly serverName?: string;
    /** Of the keystore and the truststore, by name. */
    readonly names: { readonly asymmetricKey: string; readonly bag: string };
  };
}

export interface TelemetryConfiguration {
  readonly logLevel: "error" | "warn" | "info" | "debug";
  /** Absent: metrics are not offered. */
  readonly prometheus?: ListenAddress;
  /** Absent: flows are not recorded. */
  readonly flowRecords?: FlowRecordsConfiguration;
}

export interface FlowRecordsConfiguration {
  /** One of so many; 0: none. */
  readonly flowInterval: number;
  readonly refusedInterval: number;
  readonly activeTimeout: Seconds;
  readonly idleTimeout: Seconds;
  readonly mostFlows: number;
  /** Records that are kept. */
  readonly history: number;
  readonly collectors: readonly { readonly name: string; readonly address: string; readonly port: number }[];
}

export interface ManagementConfiguration {
  readonly controlSocket: string;
  readonly users: readonly User[];
  readonly netconf: NetconfConfiguration;
  readonly grpc: GrpcConfiguration;
}
