// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Interfaces {
  readonly interface?: readonly Interface[];
}

export interface Interface {
  readonly name: string;
  readonly role: "core" | "client" | "agent" | "own";
  readonly tenant?: string;
  readonly "permitted-source"?: readonly string[];
  readonly "tenant-source"?: readonly TenantSource[];
  readonly hook: "auto" | "xdp" | "tc";
  readonly "vlan-tags": "leave" | "accept";
}

export interface TenantSource {
  readonly prefix: string;
  readonly tenant: string;
}
