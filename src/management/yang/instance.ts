import type { AlarmsInstance } from "./alarms-binding.ts";
import type { BmpInstance } from "./bmp-binding.ts";
import type { BrownfieldInstance, NeighborBrownfieldInstance } from "./brownfield-binding.ts";
import type { GrpcInstance } from "./grpc-binding.ts";
import type { Ipv4Instance } from "./ipv4-binding.ts";
import type { KeyPairRef, KeystoreInstance, TruststoreInstance } from "./keystore-binding.ts";
import type { MrtInstance } from "./mrt-binding.ts";
import type { NacmInstance } from "./nacm-binding.ts";
import type { NetconfInstance, UsersInstance } from "./operators-binding.ts";
import type { RoutingPolicyInstance } from "./policy-instance.ts";
import type { RpkiInstance } from "./rpki-binding.ts";
import type { TunnelInstance } from "./tunnel-binding.ts";

/**
 * The shape of an instance document that libyang has validated and printed with all defaults: RFC 7951 JSON of the
 * `semrd-*` modules. Types only; nothing outside `management/` sees them.
 */
export interface RouterDocument {
  readonly "semrd-router:router"?: RouterInstance;
  readonly "ietf-netconf-acm:nacm"?: NacmInstance;
  readonly "ietf-alarms:alarms"?: AlarmsInstance;
}

type Protocol = "tcp" | "udp";
type FamilyName = "capability" | "ipv6-unicast" | "ipv4-unicast";

export interface RouterInstance {
  readonly name: string;
  readonly "router-id": string;
  readonly domain: { readonly "dns-zone": string; readonly prefix: string };
  readonly site: { readonly selector: number; readonly locator: string };
  readonly advertisement: {
    readonly instances: boolean;
    readonly prefix?: readonly { readonly name: string; readonly "suppress-more-specifics": boolean }[];
    readonly "unknown-tlvs-outside": boolean;
    readonly damping: {
      readonly "average-ms": number;
      readonly "hold-ms": number;
      readonly "bad-news-interval-ms": number;
      readonly "good-news-interval-ms": number;
      readonly "good-news-interval-maximum-ms": number;
      readonly "updates-per-second": number;
      readonly burst: number;
    };
  };
  readonly "route-choice": {
    readonly "understood-label"?: readonly string[];
    readonly weights: "link-bandwidth" | "score" | "equal";
    readonly "network-cost-weight": number;
  };
  readonly nodes?: { readonly node?: readonly { readonly locator: string; readonly name?: string }[] };
  readonly "state-directory": string;
  readonly management: {
    readonly "control-socket": string;
    readonly "semrd-access:users"?: UsersInstance;
    readonly "semrd-netconf:netconf": NetconfInstance;
    readonly "semrd-grpc-server:grpc": GrpcInstance;
  };
  readonly "semrd-keystore:keystore"?: KeystoreInstance;
  readonly "semrd-truststore:truststore"?: TruststoreInstance;
  readonly "semrd-taxonomy:taxonomy": TaxonomyInstance;
  readonly "semrd-tenant:tenants"?: { readonly tenant?: readonly TenantInstance[] };
  readonly "semrd-tenant-policy:tenant-policies"?: { readonly tenant?: readonly TenantPolicyInstance[] };
  readonly "semrd-interface:interfaces"?: { readonly interface?: readonly InterfaceInstance[] };
  readonly "semrd-policy:routing-policy"?: RoutingPolicyInstance;
  readonly "semrd-bgp:bgp"?: BgpInstance;
  readonly "semrd-registration:registration": RegistrationInstance;
  readonly "semrd-agent:agents"?: { readonly agent?: readonly AgentInstance[] };
  readonly "semrd-discovery:discovery": {
    readonly dns: { readonly listen?: readonly ListenInstance[]; readonly ttl: number };
  };
  readonly "semrd-dataplane:dataplane": {
    readonly driver: "auto" | "kernel" | "linux" | "ovs" | "memory" | "fib-service";
    readonly "pin-directory": string;
    readonly "hash-seed": number;
    readonly "tunnel-mtu": number;
    readonly "max-capabilities": number;
    readonly tunnels: { readonly "clamp-mss": boolean; readonly tunnel?: readonly TunnelInstance[] };
    readonly ovs: {
      readonly database: string;
      readonly bridge: string;
      readonly "datapath-type": "netdev" | "system";
    };
    readonly "fib-service": {
      readonly address?: string;
      readonly port: number;
      readonly tls?: KeyPairRef & { readonly "ca-certs"?: string; readonly "server-name"?: string };
    };
    readonly "passive-health"?: { readonly failures: number; readonly rest: number };
    readonly heartbeat?: { readonly interval: number; readonly multiplier: number };
  };
  readonly "semrd-ipv4:ipv4"?: Ipv4Instance;
  readonly "semrd-mrt:mrt"?: MrtInstance;
  readonly "semrd-rpki:rpki"?: RpkiInstance;
  readonly "semrd-bmp:bmp"?: BmpInstance;
  readonly "semrd-telemetry:telemetry": {
    readonly "log-level": "error" | "warn" | "info" | "debug";
    readonly prometheus: { readonly enabled: boolean } & ListenInstance;
    readonly "flow-records"?: FlowRecordsInstance;
  };
}

export interface FlowRecordsInstance {
  readonly "flow-interval": number;
  readonly "refused-interval": number;
  readonly "active-timeout": number;
  readonly "idle-timeout": number;
  readonly "most-flows": number;
  readonly history: number;
  readonly collector?: readonly ({ readonly name: string } & ListenInstance)[];
}

export interface ListenInstance {
  readonly address: string;
  readonly port: number;
}

export interface TaxonomyInstance {
  readonly revision: number;
  readonly family?: readonly { readonly label: string; readonly code: number }[];
  readonly capability?: readonly {
    readonly name: string;
    readonly "major-version": number;
    readonly description?: string;
    readonly "service-port": number;
    readonly protocol: Protocol;
    readonly affinity: "flow" | "address" | "connection" | "none";
  }[];
}

export interface TenantInstance {
  readonly name: string;
  readonly index: number;
  readonly "route-distinguisher": string;
  readonly "import-target": readonly string[];
  readonly "export-target": readonly string[];
}

interface RateInstance {
  readonly rate: string;
  readonly burst: number;
}

export interface PolicyTermsInstance {
  readonly "packet-rate"?: RateInstance;
  readonly "bit-rate"?: RateInstance;
  readonly dscp?: number;
  readonly tag?: number;
}

interface CapabilityMatchInstance {
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
}

export interface TenantPolicyInstance {
  readonly name: string;
  readonly clients?: PolicyTermsInstance;
  readonly rule?: readonly (CapabilityMatchInstance & { readonly name: string; readonly from: readonly string[] })[];
  readonly "capability-policy"?: readonly (CapabilityMatchInstance &
    PolicyTermsInstance & { readonly name: string; readonly counted: boolean })[];
}

export interface InterfaceInstance {
  readonly name: string;
  readonly role: "core" | "client" | "agent" | "own";
  readonly tenant?: string;
  readonly "permitted-source"?: readonly string[];
  readonly "tenant-source"?: readonly { readonly prefix: string; readonly tenant: string }[];
  readonly hook: "auto" | "xdp" | "tc";
  readonly "vlan-tags": "leave" | "accept";
}

export interface BgpInstance {
  readonly "local-as": number;
  readonly address: string;
  readonly port: number;
  readonly "hold-time": number;
  readonly "keepalive-time"?: number;
  readonly "connect-retry": number;
  readonly "cluster-id"?: string;
  readonly confederation?: { readonly identifier: number; readonly "member-as"?: readonly number[] };
  readonly "graceful-shutdown": boolean;
  readonly "graceful-restart": {
    readonly enabled: boolean;
    readonly "restart-time": number;
    readonly "keep-over-notification": boolean;
    readonly "long-lived-stale-time": number;
  };
  readonly "semrd-brownfield:brownfield"?: BrownfieldInstance;
  readonly "neighbor-defaults": NeighborDefaults;
  readonly "peer-groups"?: { readonly "peer-group"?: readonly PeerGroupInstance[] };
  readonly neighbors?: { readonly neighbor?: readonly NeighborInstance[] };
  readonly "dynamic-neighbors"?: { readonly range?: readonly ListenRangeInstance[] };
}

/** What a neighbour, a group or all neighbours may say. */
export interface NeighborSettings {
  readonly "remote-as"?: number;
  readonly enabled?: boolean;
  readonly "shutdown-message"?: string;
  readonly port?: number;
  readonly passive?: boolean;
  readonly "minimum-hold-time"?: number;
  readonly "delay-open"?: number;
  readonly "idle-hold-time"?: number;
  readonly "maximum-back-off"?: number;
  readonly "send-hold-time"?: number;
  readonly "minimum-advertisement-interval"?: number;
  readonly "local-address"?: string;
  readonly "next-hop-self"?: boolean;
  readonly "next-hop-unchanged"?: boolean;
  readonly "third-party-next-hop"?: boolean;
  readonly "check-next-hop"?: boolean;
  readonly "enforce-first-as"?: boolean;
  readonly "allow-own-as"?: number;
  readonly families?: {
    readonly family?: readonly {
      readonly name: FamilyName | "route-target";
      readonly "maximum-routes"?: number;
      readonly "warn-at"?: number;
      readonly "restart-after"?: number;
      readonly "minimum-advertisement-interval"?: number;
      readonly "long-lived-stale-time"?: number;
      readonly "add-path": { readonly send?: "all" | number; readonly receive: boolean };
    }[];
  };
  readonly "route-server-client"?: boolean;
  readonly role?: {
    readonly local: "provider" | "customer" | "peer" | "route-server" | "route-server-client";
    readonly strict: boolean;
    readonly "capability-routes": boolean;
  };
  readonly "extended-messages"?: boolean;
  readonly "enhanced-route-refresh"?: boolean;
  readonly "soft-reconfiguration"?: boolean;
  readonly "route-reflector-client"?: boolean;
  readonly "client-to-client-reflection"?: boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly {
    readonly "send-id": number;
    readonly "receive-id": number;
    readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
    readonly "symmetric-key": string;
  }[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd?: Partial<BfdInstance>;
}

export interface BfdInstance {
  readonly enabled: boolean;
  readonly "desired-min-tx-ms": number;
  readonly "required-min-rx-ms": number;
  readonly "detect-multiplier": number;
}

/** Those that all neighbours have: YANG has a default for each. */
type HasDefault =
  | "enabled"
  | "port"
  | "passive"
  | "minimum-hold-time"
  | "idle-hold-time"
  | "maximum-back-off"
  | "minimum-advertisement-interval"
  | "next-hop-self"
  | "next-hop-unchanged"
  | "third-party-next-hop"
  | "check-next-hop"
  | "enforce-first-as"
  | "allow-own-as"
  | "route-server-client"
  | "extended-messages"
  | "enhanced-route-refresh"
  | "soft-reconfiguration"
  | "route-reflector-client"
  | "client-to-client-reflection";

export type NeighborDefaults = NeighborSettings &
  Required<Pick<NeighborSettings, HasDefault>> & { readonly bfd: BfdInstance };

export interface NeighborTimes {
  readonly "hold-time"?: number;
  readonly "keepalive-time"?: number;
  readonly "connect-retry"?: number;
}

export interface PeerGroupInstance extends NeighborSettings, NeighborTimes {
  readonly name: string;
  readonly description?: string;
}

export interface NeighborInstance extends NeighborSettings, NeighborTimes {
  readonly address: string;
  readonly description?: string;
  readonly "peer-group"?: string;
  readonly "semrd-brownfield:brownfield"?: NeighborBrownfieldInstance;
}

export interface ListenRangeInstance {
  readonly prefix: string;
  readonly "peer-group": string;
  readonly limit: number;
  readonly "remote-as"?: readonly number[];
  readonly "remote-as-type"?: "internal" | "external";
}

export interface RegistrationInstance {
  readonly listen?: readonly ListenInstance[];
  readonly tls?: KeyPairRef;
  readonly issuer?: readonly {
    readonly name: string;
    readonly issuer: string;
    readonly audience: string;
    readonly "jwks-file": string;
  }[];
  readonly lease: { readonly default: number; readonly minimum: number; readonly maximum: number };
}

export interface AgentInstance {
  readonly id: string;
  readonly tenant: string;
  readonly capability: readonly CapabilityInstance[];
}

export interface CapabilityInstance {
  readonly name: string;
  readonly "major-version": number;
  readonly "minor-version": number;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly label?: readonly string[];
  readonly "health-check"?: {
    readonly type: "tcp" | "http";
    readonly path?: string;
    readonly "interval-ms": number;
    readonly "timeout-ms": number;
    readonly fall: number;
    readonly rise: number;
  };
}
