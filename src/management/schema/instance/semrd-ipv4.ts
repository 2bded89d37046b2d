// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Ipv4 {
  readonly prefix: string;
  readonly guests?: string;
  readonly pool?: readonly Pool[];
}

export interface Pool {
  readonly tenant: string;
  readonly prefix: string;
}
