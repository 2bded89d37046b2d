import type { JWTPayload } from "jose";
import type { Clock, Log } from "../base/index.ts";
import { openAccessTokens, type TokenContext, type TokenIssuer } from "./access-tokens.ts";
import { refuse } from "./problems.ts";
import { type CapabilityScopes, parseScopes } from "./scopes.ts";

export interface IssuerOptions extends TokenIssuer {
  /** What people call it; in logs. */
  readonly name: string;
  /** Tenants that it may speak for; all when absent. */
  readonly tenants?: readonly string[];
  /** Which agents a subject may register: itself, or also those whose ID begins with it and a slash. */
  readonly agents?: "subject" | "subject-and-below";
}

/** Who is asking, after everything about the token has been checked. */
export interface Principal {
  /** Name of the issuer, from the configuration. */
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: CapabilityScopes;
  /** The `jti` claim, for the audit trail. */
  readonly tokenId?: string;
  owns(agent: string): boolean;
}

export interface TokenVerifier {
  /** @throws {RegistrationError} registration.token-missing, -invalid, -expired, registration.proof-invalid */
  verify(context: TokenContext): Promise<Principal>;
}

/**
 * Who a token of an agent speaks for.
 *
 * @throws {RegistrationError} registration.internal, when a key set cannot be read
 */
export async function createTokenVerifier(
  issuers: readonly IssuerOptions[],
  parts: { readonly clock: Clock; readonly log: Log },
): Promise<TokenVerifier> {
  const tokens = await openAccessTokens(issuers, parts);
  return {
    async verify(context) {
      const { payload, issuer } = await tokens.verify(context);
      return principal(payload, issuer);
    },
  };
}

function principal(payload: JWTPayload, { name, tenants, agents = "subject" }: IssuerOptions): Principal {
  const { sub, tenant, jti, scope } = payload;
  if (typeof sub !== "string" || sub === "") throw refuse("registration.token-invalid", "the token has no subject");
  if (typeof tenant !== "string") throw refuse("registration.token-invalid", 'the token has no claim "tenant"');
  if (tenants !== undefined && !tenants.includes(tenant)) {
    throw refuse("registration.tenant-unknown", "the token's issuer may not speak for its tenant");
  }
  return {
    issuer: name,
    subject: sub,
    tenant,
    scopes: parseScopes(scope),
    ...(typeof jti === "string" ? { tokenId: jti.slice(0, 256) } : {}),
    owns: (agent) => agent === sub || (agents === "subject-and-below" && agent.startsWith(`${sub}/`)),
  };
}
