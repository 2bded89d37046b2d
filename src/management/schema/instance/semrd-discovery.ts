// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Discovery {
  readonly dns: Dns;
}

export interface Dns {
  readonly listen?: readonly Listen[];
  readonly ttl: number;
}

export interface Listen {
  readonly address: string;
  readonly port: number;
}
