import type { Ipv6Address } from "../../base/index.ts";
import type { AttributeSet, RouteFamily, SessionKind } from "../../rib/index.ts";
import { SetView } from "../wire/index.ts";

/** What a policy may know about the session with a neighbour, and the family of the routes. */
export interface PolicyPeer {
  readonly address: string;
  readonly kind: SessionKind;
  readonly remoteAs: number;
  readonly family: RouteFamily;
  /** This router, as next hop of the family on the session. */
  readonly ownNextHop: Ipv6Address;
}

/** Who has brought a verdict about wants to know how many routes it was applied to. */
export interface Hits {
  add(routes: number): void;
}

/** What becomes of a route. Reasons are constant, dotted or hyphenated words, fit for a counter's label. */
export type Verdict = (
  | { readonly verdict: "accept" }
  | { readonly verdict: "replace"; readonly attributes: AttributeSet }
  | { readonly verdict: "reject"; readonly reason: string }
) & { readonly hits?: Hits };

/** The key decides as well. Keys that fare alike get the same object, so that what follows from it is worked out once. */
export interface KeyedVerdict {
  readonly verdict: "by-key";
  /** The verdict about the route key that begins at `start`: a key says itself where it ends. */
  of(octets: Uint8Array, start: number): Verdict;
}

/** One answer for all routes with a set, or one for each key. */
export type Judgement = Verdict | KeyedVerdict;

/**
 * Decides about all routes that share one attribute set. The answer is kept for as long as the set and the session live,
 * so it may depend on nothing but the arguments.
 */
export interface RoutePolicy {
  (attributes: AttributeSet, peer: PolicyPeer): Judgement;
  /** False: nothing is asked of the neighbour but its kind, so that neighbours can share the answers. Default true. */
  readonly looksAtPeer?: boolean;
  /** True: answers about keys change when VRPs do. Default false. */
  readonly looksAtOrigin?: boolean;
  /**
   * True: it reads attributes of the set it gets and no more, and when it keeps the set or makes another one of it, that is of
   * `wholeSet`. Then it may be asked about a set that is no object. Default false.
   */
  readonly readsInPlace?: boolean;
  /** The same answer, for policies that look at nothing: nothing need be shown to them. Asking counts as it does with a set. */
  readonly always?: () => Verdict;
}

/** The set for good, where what was asked about is read in place. */
export function wholeSet(set: AttributeSet): AttributeSet {
  return set instanceof SetView ? set.whole : set;
}

/** The route passes as it is. */
export const ACCEPT: Verdict = { verdict: "accept" };

/** The route does not pass, for a reason that is a constant word: it is a label of a counter. */
export const reject = (reason: string): Verdict => ({ verdict: "reject", reason });

/** Every route passes as it is. */
export const acceptAll: RoutePolicy = Object.assign(() => ACCEPT, { readsInPlace: true, always: () => ACCEPT });

const NO_POLICY = reject("no-policy");

/**
 * What holds where no policy is configured: everything inside the AS; nothing across its border, unless `acceptExternal`.
 * @see RFC 8212 §2
 */
export function defaultPolicy(options: { readonly acceptExternal: boolean }): ((
  attributes: AttributeSet,
  peer: PolicyPeer,
) => Verdict) & {
  readonly looksAtPeer: boolean;
  readonly readsInPlace: boolean;
} {
  const decide = (_attributes: AttributeSet, peer: PolicyPeer): Verdict =>
    peer.kind !== "external" || options.acceptExternal ? ACCEPT : NO_POLICY;
  return Object.assign(decide, { looksAtPeer: false, readsInPlace: true });
}
