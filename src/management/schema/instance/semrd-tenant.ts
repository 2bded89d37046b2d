// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Tenants {
  readonly tenant?: readonly Tenant[];
}

export interface Tenant {
  readonly name: string;
  readonly index: number;
  readonly "route-distinguisher": string;
  readonly "import-target": readonly string[];
  readonly "export-target": readonly string[];
}
