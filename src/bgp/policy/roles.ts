import type { AttributeSet } from "../../rib/index.ts";
import type { BgpRole } from "../wire/index.ts";

/** Whose neighbour is a customer or a client, so that a marked route from there has come up again. */
const SERVES: ReadonlySet<BgpRole> = new Set<BgpRole>(["provider", "route-server"]);
/** To whose neighbours only routes go that nobody has sent downwards or sideways before. */
const ASCENDS: ReadonlySet<BgpRole> = new Set<BgpRole>(["customer", "peer", "route-server-client"]);
/** What such a neighbour sends has come down or sideways, and is marked if it is not yet. */
const MARKS_RECEIVED = ASCENDS;
/** What goes to such a neighbour has been sent down or sideways from here on. */
const MARKS_SENT: ReadonlySet<BgpRole> = new Set<BgpRole>(["provider", "peer", "route-server"]);

/**
 * Whether a received route is a leak: somebody passed on to this router what was meant for customers only.
 * @param role of this router on the session
 * @see RFC 9234 §5, ingress 1 and 2
 */
export function isLeak(set: AttributeSet, role: BgpRole, remoteAs: number): boolean {
  if (set.onlyToCustomer === undefined) return false;
  return SERVES.has(role) || (role === "peer" && set.onlyToCustomer !== remoteAs);
}

/** A received set, marked where the neighbour did not. @see RFC 9234 §5, ingress 3 */
export function markReceived(set: AttributeSet, role: BgpRole, remoteAs: number): AttributeSet {
  if (set.onlyToCustomer !== undefined || !MARKS_RECEIVED.has(role)) return set;
  return { ...set, onlyToCustomer: remoteAs };
}

/** Whether a set, marked or not, may not go to a neighbour that is no customer and no client. @see RFC 9234 §5, egress 2 */
export function wouldLeak(isMarked: boolean, role: BgpRole): boolean {
  return isMarked && ASCENDS.has(role);
}

/** A set as it goes to a customer, peer or client. @see RFC 9234 §5, egress 1 */
export function markSent(set: AttributeSet, role: BgpRole, localAs: number): AttributeSet {
  if (set.onlyToCustomer !== undefined || !MARKS_SENT.has(role)) return set;
  return { ...set, onlyToCustomer: localAs };
}
