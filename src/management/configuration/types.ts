import type { CapabilityName, Ipv6Address, Ipv6Prefix, Milliseconds, Seconds } from "../../base/index.ts";
import type { AlarmControl } from "../alarms/index.ts";
import type { NacmConfiguration } from "../nacm/index.ts";
import type { AgentConfiguration } from "./agents.ts";
import type { BgpConfiguration } from "./bgp.ts";
import type { BmpConfiguration } from "./bmp.ts";
import type { DataplaneConfiguration } from "./dataplane.ts";
import type { GrpcConfiguration } from "./grpc.ts";
import type { Ipv4Configuration } from "./ipv4.ts";
import type { KeyPairFiles, KeystoreConfiguration, TruststoreConfiguration } from "./keystore.ts";
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

export interface DiscoveryConfiguration {
  /** `listen` empty: there is no DNS server. */
  readonly dns: { readonly listen: readonly ListenAddress[]; readonly ttl: Seconds };
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
