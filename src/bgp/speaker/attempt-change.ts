import type { PeerOptions } from "./options.ts";
import { changedOptions, NEXT_SESSION, planPeerChange } from "./peer-change.ts";

/** Changes of these make an attempt worth while, or another one. */
const WORTH_AN_ATTEMPT = [
  ...(["passive", "connectRetry", "families", "alsoOffer", "maximumRoutes"] as const),
  ...(["port", "multihop", "ttlSecurityHops"] as const),
] as const;

/**
 * What other options mean for the attempt to have a session.
 *
 * `try-again`: what is waited for follows from what has changed, so the wait ends. `negotiate-again`: what has been said in an
 * OPEN message holds no more.
 */
export type AttemptChange = "nothing" | "try-again" | "negotiate-again";

/** Pure. @param isWaiting nothing is negotiated yet; else an OPEN message has been said and there is no session yet */
export function planAttempt(
  before: PeerOptions,
  after: PeerOptions,
  { isWaiting }: { readonly isWaiting: boolean },
): AttemptChange {
  if (!isWaiting) return isNegotiatedAgain(before, after) ? "negotiate-again" : "nothing";
  const changed = changedOptions(before, after);
  return WORTH_AN_ATTEMPT.some((option) => changed.has(option)) ? "try-again" : "nothing";
}

/** Whether what OPEN messages say, or make of each other, is something else. */
function isNegotiatedAgain(before: PeerOptions, after: PeerOptions): boolean {
  return planPeerChange(before, after).reasons.some(
    ({ option, text }) => option === "families" || text === NEXT_SESSION,
  );
}
