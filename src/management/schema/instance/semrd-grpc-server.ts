// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Grpc {
  readonly listen?: readonly Listen[];
  readonly tls?: Tls;
  readonly "token-issuer"?: readonly TokenIssuer[];
  readonly "local-socket": boolean;
  readonly "maximum-subscriptions": number;
  readonly "maximum-message-size": number;
  readonly "idle-timeout": number;
}

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface Tls {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
  readonly "client-ca-certs"?: string;
}

export interface TokenIssuer {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly "jwks-file": string;
  readonly "token-type": "at+jwt" | "any";
  readonly "user-claim": string;
}
