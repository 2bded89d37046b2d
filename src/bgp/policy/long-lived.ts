import type { AttributeSet } from "../../rib/index.ts";

/** @see RFC 9494 §5 */
export const LLGR_STALE = 0xffff0006;
/** Is not kept as the last resort. @see RFC 9494 §4.1 */
export const NO_LLGR = 0xffff0007;

/** A stale set once the restart time is over: marked, or `undefined` where its origin does not want that. @see RFC 9494 §4.2 and §4.3 */
export function longLivedSet(set: AttributeSet): AttributeSet | undefined {
  if (set.communities.includes(NO_LLGR)) return undefined;
  if (set.communities.includes(LLGR_STALE)) return set;
  return { ...set, communities: [...set.communities, LLGR_STALE] };
}
