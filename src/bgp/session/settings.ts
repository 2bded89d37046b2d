import type { Seconds } from "../../base/index.ts";
import type { AddPathFamily, BgpRole, Family } from "../wire/index.ts";

/** What this router says about its own restart in the next OPEN. @see RFC 4724 §3 and §4.1 */
export interface OwnRestart {
  readonly restartTime: Seconds;
  /** R: set until the routes of before the restart are settled. */
  readonly restarting: boolean;
  /** F: whether forwarding really went on, as the data plane says. */
  readonly forwardingPreserved: boolean;
  /**
   * Keep routes over NOTIFICATIONs and an expired hold timer too, where the peer does. Default false: a neighbour that
   * went silent may be gone, and its capabilities are served elsewhere. @see RFC 8538 §4
   */
  readonly keepOverNotification?: boolean;
  /** How long routes may be used after the restart time is over; `undefined`: not offered. @see RFC 9494 */
  readonly longLivedStaleTime?: Seconds;
}

/** Everything that a session's decisions depend on besides its state. May differ from step to step. */
export interface SessionSettings {
  /** As the peer knows it. */
  readonly localAs: number;
  /** The peer is in another member AS of this router's confederation. @see RFC 5065 */
  readonly confederation?: boolean;
  readonly remoteAs: number;
  readonly bgpIdentifier: number;
  /** Only listens. */
  readonly passive: boolean;
  /** Offered; `undefined` offers no timers. */
  readonly holdTime: Seconds | undefined;
  /** Time between keepalives, if less than a third of the agreed hold time. */
  readonly keepaliveTime: Seconds | undefined;
  /** A smaller offer of the peer is refused; 0 accepts "no timers", too. */
  readonly minimumHoldTime: Seconds;
  readonly connectRetry: Seconds;
  /** How long to wait for the peer's OPEN before ours is said; `undefined`: not at all. @see RFC 4271 §8.1.1 (DelayOpen) */
  readonly delayOpen?: Seconds;
  /** How long the peer's OPEN is waited for; default four minutes. @see RFC 4271 §8.2.2 */
  readonly openHold?: Seconds;
  readonly idleHold: Seconds;
  /** Upper bound of both after doubling. */
  readonly maximumBackOff: Seconds;
  /** Offered. Those of `restartFamilies` keep their routes over a restart. */
  readonly families: readonly Family[];
  readonly restartFamilies: readonly Family[];
  /** Of these: whose forwarding is not this process's, so that it is preserved whatever happens here. */
  readonly unforwardedFamilies?: readonly Family[];
  /** Long-lived stale times of families that have one of their own, 0 for those that are not offered. @see RFC 9494 §4.1 */
  readonly longLivedTimes?: readonly { readonly family: Family; readonly staleTime: Seconds }[];
  /** Refuse a peer that offers none of our families, instead of a session without routes. */
  readonly requireFamily: boolean;
  /** Offer messages of up to 65535 octets. @see RFC 8654 */
  readonly extendedMessages?: boolean;
  /** Offer to mark the beginning and the end of a route refresh. @see RFC 7313 */
  readonly enhancedRouteRefresh?: boolean;
  /** Of these families: whether several paths of a route are sent and taken. @see RFC 7911 */
  readonly addPath?: readonly AddPathFamily[];
  /** Of this router; only for a peer of another AS. `strict`: the peer has to say its own. @see RFC 9234 §4.2 */
  readonly role?: { readonly local: BgpRole; readonly strict: boolean };
  /** `undefined`: graceful restart is neither offered nor helped. */
  readonly gracefulRestart: OwnRestart | undefined;
}
