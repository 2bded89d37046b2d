import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { hashPassword } from "../../src/management/index.ts";
import { PROBED } from "../host/turns.ts";
import { ADMINS } from "../management/nacm/admins.ts";
import { Authority, type Certificate } from "../management/netconf/certificates.ts";
import { pair, stores } from "../management/stores.ts";
import { keyPair } from "../registration/bench.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";

/** Loopback addresses are many: each process takes one of its own, and the usual ports. */
export const ADDRESS = `127.${192 + ((process.pid >> 16) & 31)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
/** Of the user `admin`. */
export const LOGIN = { username: "admin", password: "none of yours" };
export const PORTS = { dns: 53, metrics: 9464, registration: 8443, netconf: 6513, gnmi: 9339 };

/** A router as a process of its own that listens for everybody whom it can be asked to listen for, and whose turns are watched. */
export interface AllFaces extends AsyncDisposable {
  readonly process: RouterProcess;
  readonly authority: Certificate;
  /** Of the user `admin`. */
  readonly operator: Certificate;
}

export async function startAllFaces(): Promise<AllFaces> {
  const folder = await mkdtemp(path.join(tmpdir(), "semrd-faces-"));
  const routers = new RouterFolder(folder);
  const authority = new Authority(path.join(folder, "ca"), "authority");
  const operator = authority.signed("operator", "DNS:admin");
  const server = authority.signed("router", `IP:${ADDRESS}`);
  await routers.written("issuer", JSON.stringify({ keys: [(await keyPair("key-1")).jwk] }));
  const at = (port: number): object => ({ address: ADDRESS, port });
  const configuration = routers.configuration(
    "r1",
    {
      management: {
        "control-socket": path.join(folder, "r1.sock"),
        "semrd-access:users": { user: [{ name: LOGIN.username, "password-hash": await hashPassword(LOGIN.password) }] },
        "semrd-netconf:netconf": {
          tls: {
            ...{ listen: [at(PORTS.netconf)], ...pair("router"), "client-ca-certs": "operators" },
            "user-of-certificate": [{ id: 1, fingerprint: operator.fingerprint, take: "san-dns-name" }],
          },
        },
        "semrd-grpc-server:grpc": { listen: [at(PORTS.gnmi)], tls: pair("router") },
      },
      ...stores({
        pairs: { router: [server.certificateFile, server.keyFile] },
        bags: { operators: [authority.own.certificateFile] },
      }),
      "semrd-registration:registration": {
        ...{ listen: [at(PORTS.registration)], tls: pair("router") },
        issuer: [{ name: "lab", issuer: "https://issuer.example.net", audience: "semrd", "jwks-file": "issuer.json" }],
      },
      "semrd-discovery:discovery": { dns: { listen: [at(PORTS.dns)] } },
      "semrd-telemetry:telemetry": { prometheus: at(PORTS.metrics) },
    },
    ADMINS,
  );
  const child = await routers.started("r1", configuration, PROBED);
  return {
    ...{ process: child, authority: authority.own, operator },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
