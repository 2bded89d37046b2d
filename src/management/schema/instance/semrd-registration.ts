// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Registration {
  readonly listen?: readonly Listen[];
  readonly tls?: Tls;
  readonly issuer?: readonly Issuer[];
  readonly lease: Lease;
}

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface Tls {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
}

export interface Issuer {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly "jwks-file": string;
}

export interface Lease {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}
