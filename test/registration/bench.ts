import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { parseIpv6, seconds } from "../../src/base/index.ts";
import {
  Directory,
  type DirectoryStore,
  type DiscoverySource,
  instanceState,
  Registrar,
} from "../../src/directory/index.ts";
import {
  createTokenVerifier,
  type IssuerOptions,
  type RegistrationOptions,
  type RegistrationServer,
  startRegistrationServer,
} from "../../src/registration/index.ts";
import { AGENT_A, taxonomy } from "../directory/samples.ts";
import { RealTurns } from "../sim/real-turns.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

/** Candidates of this router only. */
function localDiscovery(directory: Directory, origin: string): DiscoverySource {
  return {
    candidates(tenant, capability, majorVersion) {
      const site = directory.localSite(tenant, capability, majorVersion);
      if (site === undefined) return [];
      const eligible = site.state === "up" || site.state === "degraded";
      const reason = eligible ? {} : { reason: `no instance takes new flows: the site is ${site.state}` };
      const { state, score, weight, labels } = site;
      return [{ origin, local: true, eligible, ...reason, state, score, weight, labels }];
    },
    places(tenant, agent) {
      const record = directory.agent(agent);
      const states = directory.instancesOf(agent).map(instanceState);
      if (record?.tenant !== tenant || states.every((state) => state === "down")) return [];
      const state = states.includes("up") ? "up" : "draining";
      const sequence = record.lease?.sequence ?? 0n;
      return [{ origin, local: true, current: true, reason: "it is registered here", state, sequence }];
    },
    resolvers: () => undefined,
  };
}

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
export const NO_OPENSSL = "skipped: openssl, which makes the certificates of this test, is not installed";

export const LOCATOR = parseIpv6("fd00:ffff::1")!;
const ISSUER = "https://issuer.example.net";
const AUDIENCE = "semrd";

/** A folder that goes away with the test file's process. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "semrd-registration-"));
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes `<name>.pem` and `<name>.key`, self-signed for ::1. */
export function certificate(path: string, name: string): { certificateFile: string; keyFile: string } {
  const [certificateFile, keyFile] = [join(path, `${name}.pem`), join(path, `${name}.key`)];
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:::1", "-keyout", keyFile, "-out", certificateFile],
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return { certificateFile, keyFile };
}

export interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function keyPair(kid: string, alg = "ES256"): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}

export type ClaimChanges = Readonly<Record<string, unknown>>;

export type Mint = (
  changes?: ClaimChanges,
  header?: Partial<JWTHeaderParameters>,
  key?: CryptoKey | Uint8Array,
) => Promise<string>;

const clock = new RealTurns(Date.UTC(2026, 5, 1));

/** A token of the usual agent for /vision/ocr; a claim set to undefined is left out. */
export function minter(key: KeyPair): Mint {
  return (changes = {}, header = {}, signer = key.privateKey) => {
    const now = Math.floor(clock.wall() / 1000);
    const claims: JWTPayload = {
      ...{ iss: ISSUER, aud: AUDIENCE, sub: AGENT_A, iat: now, exp: now + 600, jti: "token-1" },
      ...{ client_id: "test", tenant: "acme", scope: "capability:/vision/ocr" },
      ...changes,
    };
    const kept = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
    const kid = key.jwk.kid as string;
    return new SignJWT(kept).setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid, ...header }).sign(signer);
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any member of the document
  readonly json: any;
}

export interface Bench extends AsyncDisposable {
  readonly clock: RealTurns;
  readonly directory: Directory;
  readonly registrar: Registrar;
  readonly log: ListLog;
  readonly metrics: TallyMetrics;
  readonly server: RegistrationServer;
  readonly port: number;
  readonly path: string;
  readonly jwksFile: string;
  readonly key: KeyPair;
  readonly mint: Mint;
  readonly tls: { readonly certificateFile: string; readonly keyFile: string };
  call(method: string, path: string, how?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  readonly token?: string;
  /** JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly client?: { readonly certificateFile: string; readonly keyFile: string };
}

export class MemoryStore implements DirectoryStore {
  readonly restored = [];
  failure: Error | undefined;

  async put(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
  }

  async delete(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
  }
}

export async function startBench(
  changes: {
    readonly options?: Partial<RegistrationOptions>;
    readonly issuer?: Partial<IssuerOptions>;
    readonly store?: DirectoryStore;
    readonly perAgent?: number;
    readonly discovery?: Partial<DiscoverySource>;
  } = {},
): Promise<Bench> {
  const path = folder();
  const tls = certificate(path, "router");
  const key = await keyPair("key-1");
  const jwksFile = join(path, "issuer.jwks");
  writeFileSync(jwksFile, JSON.stringify({ keys: [key.jwk] }));
  const log = new ListLog();
  const metrics = new TallyMetrics();
  const directory = new Directory({ perAgent: changes.perAgent ?? 10, perTenant: 100 }, { clock, metrics });
  const registrar = new Registrar({ directory, store: changes.store ?? new MemoryStore(), clock, log });
  const issuer = { name: "lab", issuer: ISSUER, audience: AUDIENCE, jwksFile, ...changes.issuer };
  const verifier = await createTokenVerifier([issuer], { clock, log });
  const server = await startRegistrationServer(
    {
      listen: [{ address: "::1", port: 0 }],
      tls,
      lease: { default: seconds(300), minimum: seconds(10), maximum: seconds(3_600) },
      locator: LOCATOR,
      endpoints: [],
      ...changes.options,
    },
    {
      directory,
      registrar,
      taxonomy: taxonomy(),
      verifier,
      discovery: { ...localDiscovery(directory, "r1"), ...changes.discovery },
      clock,
      log,
      metrics,
    },
    new AbortController().signal,
  );
  const port = server.listen[0]!.port;
  const call = (method: string, at: string, how: CallOptions = {}) => send(port, tls.certificateFile, method, at, how);
  return {
    ...{ clock, directory, registrar, log, metrics, server, port, path, jwksFile, key, tls, call },
    mint: minter(key),
    async [Symbol.asyncDispose]() {
      const closed = server[Symbol.asyncDispose]();
      await new Promise(setImmediate);
      clock.advance(2_000); // connections that a failed test left open are not waited for
      await closed;
      directory[Symbol.dispose]();
    },
  };
}

function send(port: number, ca: string, method: string, path: string, how: CallOptions): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = how.body === undefined || typeof how.body === "string" ? how.body : JSON.stringify(how.body);
  const client = how.client && {
    cert: readFileSync(how.client.certificateFile),
    key: readFileSync(how.client.keyFile),
  };
  const outgoing = request({
    ...{ host: "::1", port, method, path, agent: false, ca: readFileSync(ca), ...client },
    headers: {
      ...(how.token === undefined ? {} : { authorization: `Bearer ${how.token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json", ...lengthOf(body, how.headers) }),
      ...how.headers,
    },
  });
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () => {
      const json = /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(text) : undefined;
      resolve({ status: response.statusCode!, headers: response.headers, text, json });
    });
  });
  outgoing.end(body);
  return promise;
}

function lengthOf(body: string, headers: CallOptions["headers"]): Record<string, string> {
  return headers?.["transfer-encoding"] === undefined ? { "content-length": String(Buffer.byteLength(body)) } : {};
}

/** A body that registers the usual agent. */
export function registration(changes: Readonly<Record<string, unknown>> = {}): {
  readonly capabilities: readonly unknown[];
} {
  return {
    capabilities: [
      {
        name: "/vision/ocr",
        version: "1.2",
        endpoint: { address: "fd00:a:21::10", port: 8080 },
        weight: 20,
        labels: ["eu"],
        "health-check": { type: "http", path: "/healthz", "interval-ms": 200, fall: 2 },
        ...changes,
      },
    ],
  };
}

export const AGENT_PATH = `/v1/agents/${encodeURIComponent(AGENT_A)}`;
