import type { AttributeSet } from "../../rib/index.ts";

/** What a policy may know about the neighbour. */
export interface PolicyPeer {
  readonly address: string;
  readonly kind: "internal" | "external";
  readonly remoteAs: number;
}

/** What becomes of a route. Reasons are constant, dotted or hyphenated words, fit for a counter's label. */
export type Verdict =
  | { readonly verdict: "accept" }
  | { readonly verdict: "replace"; readonly attributes: AttributeSet }
  | { readonly verdict: "reject"; readonly reason: string };

/**
 * Decides about all routes that share one attribute set. Pure: the answer is kept for as long as the set and the session
 * live, so it may depend on nothing but its arguments.
 */
export type RoutePolicy = (attributes: AttributeSet, peer: PolicyPeer) => Verdict;

export const ACCEPT: Verdict = { verdict: "accept" };

export const reject = (reason: string): Verdict => ({ verdict: "reject", reason });

export const acceptAll: RoutePolicy = () => ACCEPT;

const NO_POLICY = reject("no-policy");

/**
 * What holds where no policy is configured: everything inside the AS; nothing across its border, unless `acceptExternal`.
 * @see RFC 8212 §2
 */
export function defaultPolicy(options: { readonly acceptExternal: boolean }): RoutePolicy {
  return (_attributes, peer) => (peer.kind === "internal" || options.acceptExternal ? ACCEPT : NO_POLICY);
}
