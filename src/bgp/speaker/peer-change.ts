import { sameValue } from "../../base/index.ts";
import type { PeerFamily, PeerOptions } from "./options.ts";
import { peerKey } from "./peer-address.ts";
import { familiesOf } from "./peer-parts.ts";

/** What one option that differs does to the session. */
export interface PeerChangeReason {
  readonly option: keyof PeerOptions;
  readonly effect: "live" | "reset";
  /** For people: what the change means for the session. */
  readonly text: string;
}

/** What other options mean for a neighbour. */
export interface PeerChange {
  /** `live`: the session goes on; `reset`: it ends, and comes back unless the neighbour is shut down. */
  readonly effect: "nothing" | "live" | "reset";
  /** One for each option that differs, those that need a reset first. */
  readonly reasons: readonly PeerChangeReason[];
}

type Effect = PeerChangeReason["effect"];

interface Row {
  readonly effect: Effect | ((before: PeerOptions, after: PeerOptions) => Effect);
  readonly text: string | ((after: PeerOptions, before: PeerOptions) => string);
}

const reset = (text: string): Row => ({ effect: "reset", text });
const live = (text: string): Row => ({ effect: "live", text });

/** What the reason of such a change says. */
export const NEXT_SESSION = "agreed on with the next session";
const REFRESH = "the neighbour is asked for its routes again";
const AGAIN = "what it is told is judged again";
const CONNECTION = "the connection is made in another way";
const OPEN = "it is part of the OPEN message";
/** What the reason of a change ends with that both ends have to make. */
export const FOLLOW = "ends with its hold time unless the neighbour follows";

/**
 * Every option with what a change of it does.
 *
 * What OPEN messages agree on needs another OPEN: for families, directions of ADD-PATH and roles (RFC 9234 §4.2) the session ends,
 * extended messages and enhanced refresh are not worth that. Hop limits are options of the socket. Keys where there were none, or
 * none any more, need another connection: one that stood did not get over it, on Linux 6.18. Where without timers nobody would
 * ever notice that the other end has not followed, TTL security resets as well.
 */
const ROWS: Readonly<Record<Exclude<keyof PeerOptions, "address">, Row>> = {
  enabled: {
    effect: (_before, after) => (after.enabled === false ? "reset" : "live"),
    text: (after) => (after.enabled === false ? "the session is shut down" : "the session is tried"),
  },
  shutdownMessage: live("said with the next shutdown"),
  remoteAs: reset("it is another neighbour"),
  port: live("for the next connection"),
  updateSource: reset(CONNECTION),
  password: {
    effect: ({ password: old }, { password: next }) => (old !== undefined && next !== undefined ? "live" : "reset"),
    text: ({ password: next }, { password: old }) =>
      old === undefined || next === undefined ? CONNECTION : `the connection is signed with it at once, and ${FOLLOW}`,
  },
  furtherPasswords: live("tried when the neighbour is silent"),
  aoKeys: {
    effect: ({ aoKeys: old = [] }, { aoKeys: next = [] }) =>
      old.some((key) => next.some((other) => sameValue(key, other))) ? "live" : "reset",
    text: "the keys of the connection are changed; one has to stay for that",
  },
  ttlSecurityHops: {
    effect: (before, after) => (endsInSilence(before, after) ? "live" : "reset"),
    text: (after, before) =>
      endsInSilence(before, after) ? `packets count at once, and the session ${FOLLOW}` : CONNECTION,
  },
  multihop: live("for the connection that stands, too"),
  families: {
    effect: (before, after) => (sameFamilies(familiesOf(before), familiesOf(after)) ? "live" : "reset"),
    text: "families are agreed on in OPEN messages; limits hold at once, times of long-lived restart from the next session on",
  },
  alsoOffer: live(NEXT_SESSION),
  role: {
    effect: ({ role: old }, { role: next }) => (old?.local === next?.local ? "live" : "reset"),
    text: ({ role: next }, { role: old }) => {
      if (old?.local !== next?.local) return OPEN;
      return (old?.capabilityRoutes ?? false) === (next?.capabilityRoutes ?? false)
        ? NEXT_SESSION
        : `${REFRESH}, and ${AGAIN}`;
    },
  },
  extendedMessages: live(NEXT_SESSION),
  enhancedRouteRefresh: live(NEXT_SESSION),
  reflectorClient: reset("its routes are reflected to others than before"),
  clusterId: live("what clients and others inside say and are told is judged again"),
  description: live("only shown"),
  group: live("only shown"),
  range: live("only shown"),
  passive: live("for the next attempt to connect"),
  connectRetry: live("for the next attempt to connect"),
  holdTime: live(NEXT_SESSION),
  keepaliveTime: live(NEXT_SESSION),
  requireFamily: live(NEXT_SESSION),
  minimumHoldTime: live(NEXT_SESSION),
  delayOpen: live("for the next connection"),
  openHold: live("for the next connection"),
  idleHold: live("for the next failure"),
  maximumBackOff: live("for the next failure"),
  sendHoldTime: live("from the next message on"),
  advertisementInterval: live("from the next round of updates on"),
  allowOwnAs: live(REFRESH),
  maximumRoutes: live("holds at once"),
  softReconfiguration: {
    effect: "live",
    text: (after) => (after.softReconfiguration === true ? REFRESH : "what was kept is forgotten"),
  },
  enforceFirstAs: live(REFRESH),
  longestUpdate: reset("messages are laid out in another way"),
  importPolicy: live(REFRESH),
  exportPolicy: live(AGAIN),
  nextHopSelf: live(AGAIN),
  nextHopUnchanged: live(AGAIN),
  thirdPartyNextHop: live(AGAIN),
  clientToClient: live("what clients are told is judged again"),
  checkNextHop: live(REFRESH),
  routeServerClient: live(AGAIN),
};

/** Limits and times count from now on; everything else about a family is agreed on. */
function sameFamilies(before: readonly PeerFamily[], after: readonly PeerFamily[]): boolean {
  const agreed = (family: PeerFamily): object => {
    const { maximumRoutes: _m, warnAtPercent: _w, restartAfter: _r, advertisementInterval: _a, ...more } = family;
    const { longLivedStaleTime: _l, ...others } = more;
    return others;
  };
  const inOrder = (families: readonly PeerFamily[]): readonly object[] =>
    families.toSorted((a, b) => (a.family < b.family ? -1 : 1)).map(agreed);
  return sameValue(inOrder(before), inOrder(after));
}

/** A session whose neighbour does not follow ends: without timers it would stay for ever. */
function endsInSilence({ holdTime: old }: PeerOptions, { holdTime: next }: PeerOptions): boolean {
  return old !== undefined && next !== undefined;
}

/** Options that differ. Both are of one neighbour. @throws {RangeError} when they are not */
export function changedOptions(before: PeerOptions, after: PeerOptions): ReadonlySet<keyof PeerOptions> {
  if (peerKey(before.address) !== peerKey(after.address)) {
    throw new RangeError(`${before.address} and ${after.address} are two neighbours`);
  }
  const options = Object.keys(ROWS) as (keyof typeof ROWS)[];
  return new Set(options.filter((option) => !sameValue(before[option], after[option])));
}

/**
 * Says what a change of options will do, before it is done. Pure: it holds whether or not there is a session. Policies are
 * compared by identity.
 * @throws {RangeError} for the options of two neighbours
 */
export function planPeerChange(before: PeerOptions, after: PeerOptions): PeerChange {
  const reasons: PeerChangeReason[] = [];
  // Nothing is there that could be reset.
  const isDown = before.enabled === false;
  for (const option of changedOptions(before, after)) {
    const row = ROWS[option as keyof typeof ROWS];
    const effect = typeof row.effect === "string" ? row.effect : row.effect(before, after);
    const text = typeof row.text === "string" ? row.text : row.text(after, before);
    reasons.push({ option, effect: isDown ? "live" : effect, text });
  }
  reasons.sort((a, b) => (a.effect === b.effect ? 0 : a.effect === "reset" ? -1 : 1));
  return { effect: reasons[0]?.effect ?? "nothing", reasons };
}

/** What has to be done to one neighbour so that it is as configured. */
export type PeerListChange =
  | { readonly type: "add"; readonly peer: PeerOptions }
  | { readonly type: "remove"; readonly address: string }
  | { readonly type: "change"; readonly peer: PeerOptions; readonly change: PeerChange };

/** What leads from one list of neighbours to another: first who goes, then who changes, then who comes. Pure. */
export function planPeers(before: readonly PeerOptions[], after: readonly PeerOptions[]): readonly PeerListChange[] {
  const old = new Map(before.map((peer) => [peerKey(peer.address), peer]));
  const wanted = new Set(after.map(({ address }) => peerKey(address)));
  const gone = before.filter(({ address }) => !wanted.has(peerKey(address)));
  const changed = after.flatMap((peer) => {
    const known = old.get(peerKey(peer.address));
    const change = known && planPeerChange(known, peer);
    return change === undefined || change.effect === "nothing" ? [] : [{ type: "change", peer, change } as const];
  });
  return [
    ...gone.map(({ address }) => ({ type: "remove", address }) as const),
    ...changed,
    ...after.filter(({ address }) => !old.has(peerKey(address))).map((peer) => ({ type: "add", peer }) as const),
  ];
}
