import path from "node:path";
import { seconds } from "../../base/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";
import type { KeyPairRef, Stores } from "./keystore-binding.ts";

/** As libyang prints it with all defaults. */
export interface GrpcInstance {
  readonly listen?: readonly { readonly address: string; readonly port: number }[];
  readonly tls?: KeyPairRef & { readonly "client-ca-certs"?: string };
  readonly "token-issuer"?: readonly {
    readonly name: string;
    readonly issuer: string;
    readonly audience: string;
    readonly "jwks-file": string;
    readonly "token-type": "at+jwt" | "any";
    readonly "user-claim": string;
  }[];
  readonly "local-socket": boolean;
  readonly "maximum-subscriptions": number;
  readonly "maximum-message-size": number;
  readonly "idle-timeout": number;
}

export function bindGrpc(grpc: GrpcInstance, folder: string, stores: Stores): GrpcConfiguration {
  const { tls, listen = [] } = grpc;
  const pair = stores.keyPair(tls);
  const clientCaFiles = stores.authorities(tls?.["client-ca-certs"]);
  const idle = grpc["idle-timeout"];
  return {
    listen,
    ...(pair === undefined ? {} : { tls: { ...pair, ...(clientCaFiles === undefined ? {} : { clientCaFiles }) } }),
    issuers: (grpc["token-issuer"] ?? []).map((entry) => ({
      ...{ name: entry.name, issuer: entry.issuer, audience: entry.audience, userClaim: entry["user-claim"] },
      jwksFile: path.resolve(folder, entry["jwks-file"]),
      tokenType: entry["token-type"] === "any" ? "any" : "required",
    })),
    localSocket: grpc["local-socket"],
    maxStreams: grpc["maximum-subscriptions"],
    maxMessage: grpc["maximum-message-size"],
    ...(idle === 0 ? {} : { idleTimeout: seconds(idle) }),
  };
}
