// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Bmp {
  readonly station?: readonly Station[];
}

export interface Station {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly listen?: string;
  readonly "connect-retry": number;
  readonly table?: readonly ("pre-policy" | "post-policy" | "loc-rib" | "adj-rib-out-pre-policy" | "mirrored" | "mirrored-errors" | "adj-rib-out-post-policy")[];
  readonly neighbor?: readonly string[];
  readonly "statistics-interval": number;
}
