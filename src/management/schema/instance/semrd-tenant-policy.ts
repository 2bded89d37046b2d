// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface TenantPolicies {
  readonly tenant?: readonly Tenant[];
}

export interface Tenant {
  readonly name: string;
  readonly clients?: Clients;
  readonly rule?: readonly Rule[];
  readonly "capability-policy"?: readonly CapabilityPolicy[];
}

export interface Clients {
  readonly "packet-rate"?: PacketRate;
  readonly "bit-rate"?: PacketRate;
  readonly dscp?: number;
  readonly tag?: number;
}

export interface PacketRate {
  readonly rate: string;
  readonly burst: number;
}

export interface Rule {
  readonly name: string;
  readonly from: readonly string[];
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
}

export interface CapabilityPolicy {
  readonly name: string;
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
  readonly "packet-rate"?: PacketRate;
  readonly "bit-rate"?: PacketRate;
  readonly dscp?: number;
  readonly tag?: number;
  readonly counted: boolean;
}
