import { type Clock, type Log, messageOf, sameValue } from "../../base/index.ts";
import {
  answered,
  fault,
  type OperatorIssuer,
  type OperatorTokens,
  type Provider,
  type RouterChange,
  refused,
  type ShownToken,
  type TokenJudgement,
} from "../../management/index.ts";
import { type AccessTokens, openAccessTokens, RegistrationError } from "../../registration/index.ts";

const AT = "/semrd-router:router/management/semrd-grpc-server:grpc";

/** Tokens of operators, verified as those of agents are; what differs is whom they name. Issuers come and go live. */
export class IssuerBook implements OperatorTokens, Provider<RouterChange> {
  readonly name = "token issuers of operators";
  readonly #parts: { readonly clock: Clock; readonly log: Log };
  #tokens: AccessTokens<OperatorIssuer> | undefined;

  constructor(parts: { readonly clock: Clock; readonly log: Log }) {
    this.#parts = parts;
  }

  /** @throws {RegistrationError} registration.internal, when a key set cannot be read */
  async start({ management: { grpc } }: RouterChange["after"]): Promise<void> {
    this.#tokens = await openAccessTokens(grpc.issuers, this.#parts);
  }

  async judge({ authorization, certificate }: ShownToken): Promise<TokenJudgement> {
    if (this.#tokens === undefined) return { ok: false, reason: "the router is just starting" };
    // A proof (DPoP) is for a request of HTTP; a token that is bound to one is refused.
    const context = { authorization, certificate, dpop: undefined, method: "POST", uri: "" };
    try {
      const { issuer, payload, until } = await this.#tokens.verify(context);
      return { ok: true, claim: payload[issuer.userClaim], until };
    } catch (cause) {
      if (!(cause instanceof RegistrationError)) throw cause;
      return { ok: false, reason: cause.message };
    }
  }

  plan = () => answered([]);

  async prepare({ before, after }: RouterChange) {
    const { issuers } = after.management.grpc;
    if (sameValue(before.management.grpc.issuers, issuers)) return answered(undefined);
    try {
      const [old, next] = [this.#tokens, await openAccessTokens(issuers, this.#parts)];
      const use = (tokens: typeof old) => () => {
        this.#tokens = tokens;
      };
      return answered({ apply: use(next), revert: use(old) });
    } catch (cause) {
      return refused(fault("operation-failed", messageOf(cause), { path: AT }));
    }
  }
}
