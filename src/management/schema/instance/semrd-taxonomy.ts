// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Taxonomy {
  readonly revision: number;
  readonly family?: readonly Family[];
  readonly capability?: readonly Capability[];
}

export interface Family {
  readonly label: string;
  readonly code: number;
}

export interface Capability {
  readonly name: string;
  readonly "major-version": number;
  readonly description?: string;
  readonly "service-port": number;
  readonly protocol: "tcp" | "udp";
  readonly affinity: "flow" | "address" | "connection" | "none";
}
