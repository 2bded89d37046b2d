// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

import type { BgpBrownfield, NeighborBrownfield } from "./semrd-brownfield.ts";

export interface Bgp {
  readonly "local-as": number;
  readonly confederation?: Confederation;
  readonly address: string;
  readonly port: number;
  readonly "hold-time": number;
  readonly "keepalive-time"?: number;
  readonly "connect-retry": number;
  readonly "cluster-id"?: string;
  readonly "graceful-shutdown": boolean;
  readonly "graceful-restart": GracefulRestart;
  readonly "neighbor-defaults": NeighborDefaults;
  readonly "peer-groups"?: PeerGroups;
  readonly neighbors?: Neighbors;
  readonly "dynamic-neighbors"?: DynamicNeighbors;
  readonly "semrd-brownfield:brownfield": BgpBrownfield;
}

export interface Confederation {
  readonly identifier: number;
  readonly "member-as"?: readonly number[];
}

export interface GracefulRestart {
  readonly enabled: boolean;
  readonly "restart-time": number;
  readonly "keep-over-notification": boolean;
  readonly "long-lived-stale-time": number;
}

export interface NeighborDefaults {
  readonly "remote-as"?: number;
  readonly enabled: boolean;
  readonly "shutdown-message"?: string;
  readonly port: number;
  readonly passive: boolean;
  readonly "minimum-hold-time": number;
  readonly "delay-open"?: number;
  readonly "idle-hold-time": number;
  readonly "maximum-back-off": number;
  readonly "send-hold-time"?: number;
  readonly "minimum-advertisement-interval": number;
  readonly "local-address"?: string;
  readonly "next-hop-self": boolean;
  readonly "next-hop-unchanged": boolean;
  readonly "third-party-next-hop": boolean;
  readonly "check-next-hop": boolean;
  readonly "enforce-first-as": boolean;
  readonly "allow-own-as": number;
  readonly families?: Families;
  readonly "route-server-client": boolean;
  readonly role?: Role;
  readonly "extended-messages": boolean;
  readonly "enhanced-route-refresh": boolean;
  readonly "soft-reconfiguration": boolean;
  readonly "route-reflector-client": boolean;
  readonly "cluster-id"?: string;
  readonly "client-to-client-reflection": boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly TcpAoKey[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd: NeighborDefaultsBfd;
}

export interface Families {
  readonly family?: readonly Family[];
}

export interface Family {
  readonly name: "capability" | "ipv6-unicast" | "ipv4-unicast" | "route-target";
  readonly "maximum-routes"?: number;
  readonly "warn-at"?: number;
  readonly "restart-after"?: number;
  readonly "long-lived-stale-time"?: number;
  readonly "add-path": AddPath;
  readonly "minimum-advertisement-interval"?: number;
}

export interface AddPath {
  readonly send?: "all" | number;
  readonly receive: boolean;
}

export interface Role {
  readonly local: "provider" | "customer" | "peer" | "route-server" | "route-server-client";
  readonly strict: boolean;
  readonly "capability-routes": boolean;
}

export interface TcpAoKey {
  readonly "send-id": number;
  readonly "receive-id": number;
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  readonly "symmetric-key": string;
}

export interface NeighborDefaultsBfd {
  readonly enabled: boolean;
  readonly "desired-min-tx-ms": number;
  readonly "required-min-rx-ms": number;
  readonly "detect-multiplier": number;
}

export interface PeerGroups {
  readonly "peer-group"?: readonly PeerGroup[];
}

export interface PeerGroup {
  readonly name: string;
  readonly description?: string;
  readonly "hold-time"?: number;
  readonly "connect-retry"?: number;
  readonly "keepalive-time"?: number;
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
  readonly families?: Families;
  readonly "route-server-client"?: boolean;
  readonly role?: Role;
  readonly "extended-messages"?: boolean;
  readonly "enhanced-route-refresh"?: boolean;
  readonly "soft-reconfiguration"?: boolean;
  readonly "route-reflector-client"?: boolean;
  readonly "cluster-id"?: string;
  readonly "client-to-client-reflection"?: boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly TcpAoKey[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd?: PeerGroupBfd;
}

export interface PeerGroupBfd {
  readonly enabled?: boolean;
  readonly "desired-min-tx-ms"?: number;
  readonly "required-min-rx-ms"?: number;
  readonly "detect-multiplier"?: number;
}

export interface Neighbors {
  readonly neighbor?: readonly Neighbor[];
}

export interface Neighbor {
  readonly address: string;
  readonly description?: string;
  readonly "peer-group"?: string;
  readonly "hold-time"?: number;
  readonly "connect-retry"?: number;
  readonly "keepalive-time"?: number;
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
  readonly families?: Families;
  readonly "route-server-client"?: boolean;
  readonly role?: Role;
  readonly "extended-messages"?: boolean;
  readonly "enhanced-route-refresh"?: boolean;
  readonly "soft-reconfiguration"?: boolean;
  readonly "route-reflector-client"?: boolean;
  readonly "cluster-id"?: string;
  readonly "client-to-client-reflection"?: boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly TcpAoKey[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd?: PeerGroupBfd;
  readonly "semrd-brownfield:brownfield"?: NeighborBrownfield;
}

export interface DynamicNeighbors {
  readonly range?: readonly Range[];
  readonly interface?: readonly Interface[];
}

export interface Range {
  readonly prefix: string;
  readonly "peer-group": string;
  readonly limit: number;
  readonly "remote-as"?: readonly number[];
  readonly "remote-as-type"?: "internal" | "external";
}

export interface Interface {
  readonly name: string;
  readonly "peer-group": string;
  readonly limit: number;
  readonly "remote-as"?: readonly number[];
  readonly "remote-as-type"?: "internal" | "external";
}
