import type { AttributeSet, SessionKind } from "../../rib/index.ts";

/** @see RFC 8326 §5 */
export const GRACEFUL_SHUTDOWN = 0xffff0000;
const LEAST_PREFERRED = 0;

/**
 * A received set, after policy, as it is used: what another AS is about to take away loses to everything else. Inside the AS
 * the router that heard it has said so in LOCAL_PREF.
 * @see RFC 8326 §4.2
 */
export function heedGracefulShutdown(set: AttributeSet, kind: SessionKind): AttributeSet {
  if (kind !== "external" || set.localPref === LEAST_PREFERRED || !set.communities.includes(GRACEFUL_SHUTDOWN))
    return set;
  return { ...set, localPref: LEAST_PREFERRED };
}

/**
 * The set as a router sends it that is about to go: marked, and inside the AS least preferred.
 * @see RFC 8326 §4.1 and §4.3
 */
export function announceGracefulShutdown(set: AttributeSet, kind: SessionKind): AttributeSet {
  const marked = set.communities.includes(GRACEFUL_SHUTDOWN);
  const communities = marked ? set.communities : [...set.communities, GRACEFUL_SHUTDOWN];
  return kind !== "external" ? { ...set, communities, localPref: LEAST_PREFERRED } : { ...set, communities };
}
