import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { type Clock, type Log, type Milliseconds, messageOf, milliseconds } from "../base/index.ts";
import { ASYMMETRIC, ProofChecker } from "./dpop.ts";
import { type JwksFile, openJwksFile } from "./jwks-file.ts";
import { refuse } from "./problems.ts";

/** Somebody whose access tokens are believed. */
export interface TokenIssuer {
  /** The `iss` claim. */
  readonly issuer: string;
  /** What `aud` must contain. */
  readonly audience: string;
  readonly jwksFile: string;
  /** Whether the header must say `at+jwt`. @see RFC 9068 §2.1 */
  readonly tokenType?: "required" | "any";
}

/** What of a request the token is checked against. */
export interface TokenContext {
  /** The Authorization header field. */
  readonly authorization: string | undefined;
  readonly dpop: string | undefined;
  readonly method: string;
  /** Without query. */
  readonly uri: string;
  /** base64url of the SHA-256 of the client's certificate, when it showed one. */
  readonly certificate: string | undefined;
}

/** A token that is good. */
export interface AccessToken<I extends TokenIssuer> {
  readonly issuer: I;
  readonly payload: JWTPayload;
  /** Wall clock: from then on it is refused. */
  readonly until: Milliseconds;
}

export interface AccessTokens<I extends TokenIssuer> {
  /** @throws {RegistrationError} registration.token-missing, -invalid, -expired, registration.proof-invalid */
  verify(context: TokenContext): Promise<AccessToken<I>>;
}

/** Clocks of an issuer and of this router may differ by so much. */
const SKEW_SECONDS = 10;
const MOST_TOKEN_OCTETS = 8_192;

interface Issuer<I> {
  readonly options: I;
  readonly jwks: JwksFile;
}

/**
 * Verifies JWT access tokens of the configured issuers: signature (asymmetric algorithms only), type, issuer, audience,
 * times, and, when the token is bound to a key or certificate, the possession of it.
 *
 * @throws {RegistrationError} registration.internal, when a key set cannot be read
 * @see RFC 9068 §4; RFC 8725 §3; RFC 8705 §3 (certificate-bound tokens); RFC 9449 §7 (DPoP)
 */
export async function openAccessTokens<I extends TokenIssuer>(
  issuers: readonly I[],
  parts: { readonly clock: Clock; readonly log: Log },
): Promise<AccessTokens<I>> {
  const { clock } = parts;
  const known = new Map<string, Issuer<I>>();
  for (const options of issuers)
    known.set(options.issuer, { options, jwks: await openJwksFile(options.jwksFile, parts) });
  const proofs = new ProofChecker(clock);

  return {
    async verify(context) {
      const { scheme, token } = credentials(context.authorization);
      const issuer = known.get(claimedIssuer(token));
      if (issuer === undefined) throw refuse("registration.token-invalid", "the token's issuer is not trusted here");
      const payload = await checked(token, issuer, new Date(clock.wall()));
      await checkConfirmation(payload, scheme, token, context, proofs);
      return { issuer: issuer.options, payload, until: milliseconds((payload.exp! + SKEW_SECONDS) * 1000) };
    },
  };
}

function credentials(authorization: string | undefined): {
  readonly scheme: "bearer" | "dpop";
  readonly token: string;
} {
  if (authorization === undefined) {
    throw refuse("registration.token-missing", "give an access token: Authorization: Bearer …");
  }
  const match = /^(bearer|dpop) +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization);
  if (match === null) throw refuse("registration.token-missing", "the Authorization field holds no bearer token");
  const token = match[2]!;
  if (token.length > MOST_TOKEN_OCTETS) throw refuse("registration.token-invalid", "the token is too long");
  return { scheme: match[1]!.toLowerCase() as "bearer" | "dpop", token };
}

/** Only to choose the keys; `checked` compares it once the signature is known to be good. */
function claimedIssuer(token: string): string {
  try {
    return decodeJwt(token).iss ?? "";
  } catch (cause) {
    if (cause instanceof errors.JOSEError) throw refuse("registration.token-invalid", "the token is not a JWT");
    throw cause;
  }
}

async function checked(token: string, { options, jwks }: Issuer<TokenIssuer>, currentDate: Date): Promise<JWTPayload> {
  const { issuer, audience, tokenType = "required" } = options;
  const how: JWTVerifyOptions = {
    issuer,
    audience,
    algorithms: [...ASYMMETRIC],
    clockTolerance: SKEW_SECONDS,
    currentDate,
    requiredClaims: ["exp", "sub"],
    ...(tokenType === "required" ? { typ: "at+jwt" } : {}),
  };
  try {
    return await withAnyKey(token, await jwks.keys(), how);
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) {
      const at = typeof cause.payload.exp === "number" ? new Date(cause.payload.exp * 1000).toISOString() : "earlier";
      throw refuse("registration.token-expired", `the token expired at ${at}: get a new one`);
    }
    if (cause instanceof errors.JOSEError || cause instanceof TypeError) {
      throw refuse("registration.token-invalid", `the token is not valid: ${messageOf(cause)}`);
    }
    throw cause;
  }
}

/** A token without `kid` may fit several keys of the set: each is tried. */
async function withAnyKey(token: string, keys: JWTVerifyGetKey, how: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, how)).payload;
  } catch (cause) {
    if (!(cause instanceof errors.JWKSMultipleMatchingKeys)) throw cause;
    for await (const key of cause) {
      try {
        return (await jwtVerify(token, key, how)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** A token that is bound to a key is worth nothing without it, and one that is not bound must not pretend to be. */
async function checkConfirmation(
  payload: JWTPayload,
  scheme: "bearer" | "dpop",
  token: string,
  { dpop, method, uri, certificate }: TokenContext,
  proofs: ProofChecker,
): Promise<void> {
  const confirmation = typeof payload.cnf === "object" && payload.cnf !== null ? payload.cnf : {};
  const { jkt, "x5t#S256": x5t, ...others } = confirmation as Readonly<Record<string, unknown>>;
  if (payload.cnf !== undefined && (Object.keys(others).length > 0 || (jkt === undefined && x5t === undefined))) {
    throw refuse("registration.proof-invalid", "the token is bound in a way that this router cannot check");
  }
  if (x5t !== undefined && x5t !== certificate) {
    throw refuse("registration.proof-invalid", "the token is bound to a client certificate other than the one shown");
  }
  if ((jkt !== undefined) !== (scheme === "dpop")) {
    const scheme = jkt === undefined ? "Bearer" : "DPoP";
    throw refuse("registration.proof-invalid", `this token is to be sent with the scheme ${scheme}`);
  }
  if (typeof jkt === "string") await proofs.check({ proof: dpop, method, uri, token, thumbprint: jkt });
}
