import path from "node:path";
import { seconds } from "../../base/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";

/** As libyang prints it with all defaults. */
export interface GrpcInstance {
  readonly listen?: readonly { readonly address: string; readonly port: number }[];
  readonly tls?: {
    readonly "certificate-file"?: string;
    readonly "key-file"?: string;
    readonly "client-ca-file"?: string;
  };
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

export function bindGrpc(grpc: GrpcInstance, folder: string): GrpcConfiguration {
  const { tls = {}, listen = [] } = grpc;
  const { "certificate-file": certificate, "key-file": key, "client-ca-file": ca } = tls;
  const idle = grpc["idle-timeout"];
  const files = certificate === undefined || key === undefined ? undefined : { certificate, key };
  return {
    listen,
    ...(files === undefined
      ? {}
      : {
          tls: {
            certificateFile: path.resolve(folder, files.certificate),
            keyFile: path.resolve(folder, files.key),
            ...(ca === undefined ? {} : { clientCaFile: path.resolve(folder, ca) }),
          },
        }),
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
