// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Rpki {
  readonly cache?: readonly Cache[];
}

export interface Cache {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly preference: number;
}
