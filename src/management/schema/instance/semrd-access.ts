// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Users {
  readonly user?: readonly User[];
}

export interface User {
  readonly name: string;
  readonly description?: string;
  readonly "authorized-key"?: readonly string[];
  readonly "password-hash"?: string;
}
