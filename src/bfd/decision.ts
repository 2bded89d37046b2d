import type { BfdChange } from "../../native/api.ts";
import type { SessionNews } from "./path.ts";

/** What is known about the path to a neighbour. */
export interface PathState {
  /** Its session ended and its routes are kept: its BFD ends and comes back with its process. */
  readonly restarting: boolean;
  readonly failed: boolean;
  /** The neighbour itself said so: it lives, and hears nothing from here. */
  readonly unheard: boolean;
}

export interface PathEffects {
  /** For the data plane; the thread may have done it already. */
  readonly set?: "up" | "down";
  /** For the speaker. */
  readonly fail?: { readonly independent: boolean };
  /** For the speaker, too: what had failed works again. */
  readonly recover?: true;
}

export interface PathStep {
  readonly state: PathState;
  readonly effects: PathEffects;
}

export const NEW_PATH: PathState = { restarting: false, failed: false, unheard: false };

/** Neighbor Signaled Session Down. @see RFC 5880 §4.1 */
const NEIGHBOR_SIGNALED = 3;

/**
 * One change of the BFD session. Pure.
 *
 * BFD that shares the fate of the control plane (C bit clear) is no witness against a neighbour that is restarting.
 * @see RFC 5882 §3.2 (AdminDown) and §4.3 (graceful restart)
 */
export function onChange(state: PathState, change: BfdChange): PathStep {
  if (change.state === "Up") {
    return {
      state: { ...state, failed: false, unheard: false },
      effects: { set: "up", ...(state.failed ? { recover: true } : {}) },
    };
  }
  if (!change.failed || change.peerEnded) return { state, effects: {} };
  const independent = change.remoteIndependent;
  if (state.restarting && !independent) return { state, effects: {} };
  const unheard = change.diagnostic === NEIGHBOR_SIGNALED;
  return { state: { ...state, failed: true, unheard }, effects: { set: "down", fail: { independent } } };
}

/** One change of the control session. Pure. What TCP says is proof enough that the path works. */
export function onSession(state: PathState, news: SessionNews): PathStep {
  if (news.type === "established") return { state: NEW_PATH, effects: { set: "up" } };
  // The connection was ended by a host that lives; if BFD had been quicker, that was a mistake. Not where that host does not
  // hear us, as when one way of two is lost: it has ended the connection for that.
  if (news.retained && state.failed && state.unheard) return { state: { ...state, restarting: false }, effects: {} };
  if (news.retained) return { state: { ...NEW_PATH, restarting: true }, effects: { set: "up" } };
  return { state: { ...state, restarting: false }, effects: {} };
}
