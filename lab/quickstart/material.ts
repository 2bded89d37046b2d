import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";

const run = promisify(execFile);

/** What the routers' configuration says about the issuer. */
export const ISSUER = "https://issuer.example.net";
export const AUDIENCE = "https://registration.example.net";

/** Routers that take registrations, with the addresses that agents call them by. */
const ROUTERS = {
  r1: ["fd00:c::1"],
  r2: ["fd00:a:21::1", "fd00:a:22::1"],
  r3: ["fd00:a:31::1", "fd00:a:32::1"],
} as const;

const DAYS = "60"; // a router warns 30 days before the end

/**
 * Makes what a lab needs to trust each other, in `folder`: a certificate authority (`ca.pem`), per router a server
 * certificate (`r2/cert.pem`, `r2/key.pem`) and the token issuer's public keys (`r2/issuer.jwks`), and the issuer's
 * private key (`issuer.jwk`), which no node sees. All of it is for one lab and ends after a week.
 */
export async function makeMaterial(folder: string): Promise<TokenIssuer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (...names: string[]): string => path.join(folder, ...names);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl([
    ...[
      "req",
      "-x509",
      ...newKey,
      "-keyout",
      at("ca.key"),
      "-out",
      at("ca.pem"),
      "-days",
      DAYS,
      "-subj",
      "/CN=semrd lab CA",
    ],
    ...["-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign"],
  ]);

  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" };
  await writeFile(at("issuer.jwk"), `${JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg: "ES256" })}\n`, {
    mode: 0o600,
  });

  for (const [router, addresses] of Object.entries(ROUTERS)) {
    await mkdir(at(router), { recursive: true });
    const names = [`DNS:${router}.example.net`, ...addresses.map((address) => `IP:${address}`)].join(",");
    await writeFile(at("extensions"), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
    await openssl([
      "req",
      "-new",
      ...newKey,
      "-keyout",
      at(router, "key.pem"),
      "-out",
      at("request"),
      "-subj",
      `/CN=${router}`,
    ]);
    await openssl([
      ...["x509", "-req", "-in", at("request"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-days", DAYS],
      ...[
        "-set_serial",
        `0x${randomUUID().replaceAll("-", "")}`,
        "-extfile",
        at("extensions"),
        "-out",
        at(router, "cert.pem"),
      ],
    ]);
    await writeFile(at(router, "issuer.jwks"), `${JSON.stringify({ keys: [publicJwk] }, null, 2)}\n`);
  }
  return openIssuer(folder);
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run("openssl", args);
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() ?? "";
    throw new Error(`openssl ${args[0]} failed: ${said || (cause as Error).message}`, { cause });
  }
}

export interface TokenRequest {
  /** Whose token: an agent's identity. */
  readonly subject: string;
  readonly tenant: string;
  /** What may be registered, for example `/vision/ocr`. */
  readonly capabilities: readonly string[];
  /** From now; negative for a token that has expired. */
  readonly expiresInSeconds?: number;
}

export interface TokenIssuer {
  /** An access token. @see RFC 9068 */
  mint(request: TokenRequest): Promise<string>;
}

/** The issuer whose private key `makeMaterial` left in `folder`. */
export async function openIssuer(folder: string): Promise<TokenIssuer> {
  const jwk = JSON.parse(await readFile(path.join(folder, "issuer.jwk"), "utf8")) as JWK;
  const key = await importJWK(jwk, "ES256");
  return {
    mint({ subject, tenant, capabilities, expiresInSeconds = 3600 }) {
      const now = Math.floor(Date.now() / 1000);
      const scope = capabilities.map((name) => `capability:${name}`).join(" ");
      return new SignJWT({ client_id: "lab", scope, tenant })
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: jwk.kid! })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setIssuedAt(Math.min(now, now + expiresInSeconds) - 1)
        .setExpirationTime(now + expiresInSeconds)
        .setJti(randomUUID())
        .sign(key);
    },
  };
}

/** `material.ts [folder]`: makes the material for a lab that is deployed by hand. */
if (import.meta.main) {
  const folder = path.resolve(process.argv[2] ?? "build/quickstart");
  await makeMaterial(folder);
  console.log(`keys, certificates and issuer.jwks are in ${folder}`);
}
