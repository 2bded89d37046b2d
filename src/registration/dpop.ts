import { createHash } from "node:crypto";
import {
  calculateJwkThumbprint,
  EmbeddedJWK,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { type Clock, messageOf } from "../base/index.ts";
import { refuse } from "./problems.ts";

/** What a proof is checked against. */
export interface ProofContext {
  /** The DPoP header field. */
  readonly proof: string | undefined;
  readonly method: string;
  /** The request's URI as the client wrote it, without query and fragment. */
  readonly uri: string;
  readonly token: string;
  /** The `jkt` member of the token's `cnf` claim. */
  readonly thumbprint: string;
}

export const ASYMMETRIC = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
] as const;

const PROOF_AGE_SECONDS = 60;
const MOST_PROOFS = 50_000;

/** Checks proofs of possession and remembers them for as long as they would be accepted again. @see RFC 9449 §4.3, §11.1 */
export class ProofChecker {
  readonly #clock: Clock;
  /** Proofs by `jti`, with when each would be too old anyway; in the order of their coming. */
  readonly #seen = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws {RegistrationError} registration.proof-invalid */
  async check(context: ProofContext): Promise<void> {
    const { proof, thumbprint } = context;
    if (proof === undefined) throw refuse("registration.proof-invalid", "the token needs a DPoP proof");
    const { payload, header } = await verified(proof, new Date(this.#clock.wall()));
    if ((await calculateJwkThumbprint(header.jwk!)) !== thumbprint) {
      throw refuse("registration.proof-invalid", "the DPoP proof was made with another key than the token is bound to");
    }
    const claims = payload as Readonly<Record<string, unknown>>;
    const now = this.#clock.wall() / 1000;
    const wrong =
      mismatch(claims, context, now) ??
      (this.#replayed(`${thumbprint} ${String(claims.jti)}`, now) ? "it was used before" : undefined);
    if (wrong !== undefined) throw refuse("registration.proof-invalid", `the DPoP proof is not valid: ${wrong}`);
  }

  #replayed(key: string, now: number): boolean {
    for (const [old, until] of this.#seen) {
      if (until > now && this.#seen.size < MOST_PROOFS) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(key)) return true;
    this.#seen.set(key, now + 2 * PROOF_AGE_SECONDS);
    return false;
  }
}

/** What of a proof with a good signature does not belong to this request. */
function mismatch(claims: Readonly<Record<string, unknown>>, context: ProofContext, now: number): string | undefined {
  const { htm, htu, iat, ath, jti } = claims;
  if (htm !== context.method) return "htm is not the method of the request";
  if (!sameUri(htu, context.uri)) return "htu is not the URI of the request";
  if (typeof iat !== "number" || Math.abs(now - iat) > PROOF_AGE_SECONDS) return "iat is not within a minute of now";
  if (ath !== digestText(context.token)) return "ath is not the hash of the token";
  return typeof jti === "string" && jti.length > 0 && jti.length <= 256 ? undefined : "it has no jti";
}

interface VerifiedProof {
  readonly payload: JWTPayload;
  readonly header: JWTHeaderParameters;
}

async function verified(proof: string, currentDate: Date): Promise<VerifiedProof> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: "dpop+jwt",
      algorithms: [...ASYMMETRIC],
      currentDate,
    });
    return { payload, header: protectedHeader };
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError || cause instanceof TypeError)) throw cause;
    throw refuse("registration.proof-invalid", `the DPoP proof is not valid: ${messageOf(cause)}`);
  }
}

function sameUri(claim: unknown, uri: string): boolean {
  if (typeof claim !== "string" || !URL.canParse(claim) || !URL.canParse(uri)) return false;
  const [a, b] = [new URL(claim), new URL(uri)];
  return a.origin === b.origin && a.pathname === b.pathname;
}

/** base64url of the SHA-256 of an ASCII text. */
function digestText(text: string): string {
  return createHash("sha256").update(text, "ascii").digest("base64url");
}
