import type { Milliseconds } from "../../base/index.ts";

/** A bearer token of a call. */
export interface ShownToken {
  /** The field `authorization`. */
  readonly authorization: string;
  /** base64url of the SHA-256 of the client's certificate, if it showed one. */
  readonly certificate: string | undefined;
}

/** What of an access token says whose it is; `until`: wall clock, from then on it is refused. */
export type TokenJudgement =
  | { readonly ok: true; readonly claim: unknown; readonly until: Milliseconds }
  /** For the log: clients are not told what is wrong with it. */
  | { readonly ok: false; readonly reason: string };

/** Judges access tokens by the issuers of the configuration as it is, and the keys that they have now. */
export interface OperatorTokens {
  judge(token: ShownToken): Promise<TokenJudgement>;
}
