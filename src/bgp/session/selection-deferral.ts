import type { Agreement } from "./negotiation.ts";

/**
 * After a restart of this router: which peers have still to say End-of-RIB before learnt routes may be judged, advertised
 * and our own End-of-RIB sent. Peers that are restarting themselves or do not offer graceful restart are not waited for.
 * @see RFC 4724 §4.1
 */
export interface SelectionDeferral {
  readonly state: "waiting" | "done";
  /** Names of the peers that are waited for. */
  readonly waiting: readonly string[];
}

export type DeferralEvent =
  | {
      readonly type: "established";
      readonly peer: string;
      readonly agreed: Agreement;
      /** Packets go where its routes lead. */
      readonly forwarded: boolean;
    }
  | { readonly type: "endOfRib"; readonly peer: string }
  /** A peer that will not say End-of-RIB has said something, and then nothing for as long as it takes to send a KEEPALIVE. */
  | { readonly type: "silent"; readonly peer: string }
  | { readonly type: "removed"; readonly peer: string }
  | { readonly type: "SelectionDeferralTimer_Expires" };

/** A router that did not restart, or lost its forwarding state, has nothing to wait for. */
export const NO_DEFERRAL: SelectionDeferral = { state: "done", waiting: [] };

/** A router that restarted waits for these. @see RFC 4724 §4.1 */
export function startDeferral(peers: readonly string[]): SelectionDeferral {
  return peers.length === 0 ? NO_DEFERRAL : { state: "waiting", waiting: peers };
}

/**
 * Peers that are restarting themselves, and those that never say End-of-RIB. The RFC excludes them, since each of two that restart
 * would wait for the other before it says End-of-RIB; whoever makes nobody wait by waiting for them may await them, too.
 */
export type RestartingPeers = "excluded" | "awaited";

/** One event. Pure; once done, it stays done. */
export function stepDeferral(
  deferral: SelectionDeferral,
  event: DeferralEvent,
  restarting: RestartingPeers = "excluded",
): SelectionDeferral {
  if (deferral.state === "done" || event.type === "SelectionDeferralTimer_Expires") return NO_DEFERRAL;
  if (event.type === "established") {
    const restart = event.agreed.gracefulRestart;
    const isHeard =
      restarting === "awaited"
        ? restart !== undefined || event.forwarded
        : restart !== undefined && !restart.peer.restarted;
    const willSay = isHeard && event.agreed.families.length > 0;
    if (willSay) return deferral;
  }
  const waiting = deferral.waiting.filter((peer) => peer !== event.peer);
  return waiting.length === 0 ? NO_DEFERRAL : { state: "waiting", waiting };
}
