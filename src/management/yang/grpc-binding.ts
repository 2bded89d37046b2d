import path from "node:path";
import { seconds } from "../../base/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";
import type { Grpc } from "../schema/instance/semrd-grpc-server.ts";
import type { Stores } from "./keystore-binding.ts";

export function bindGrpc(grpc: Grpc, folder: string, stores: Stores): GrpcConfiguration {
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
