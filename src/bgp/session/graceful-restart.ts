import { type Seconds, unreachable } from "../../base/index.ts";
import { CeaseSubcode, ErrorCode, type Family, type LongLivedFamily, sameFamily } from "../wire/index.ts";
import type { Agreement } from "./negotiation.ts";
import type { SessionEnd } from "./session.ts";

/**
 * What this router does with the routes of a peer that went away: the helper's side of graceful restart.
 * @see RFC 4724 §4.2; RFC 8538 §4; RFC 9494 §4.2
 */
export type Helper =
  | { readonly state: "none" }
  /** The peer is gone; its routes of these families are stale and stay in use until the restart timer ends. */
  | {
      readonly state: "retaining";
      readonly families: readonly Family[];
      /** Those of them that may stay longer. */
      readonly longLived: readonly LongLivedFamily[];
    }
  /** The restart time is over; its routes of these families are used where there is nothing better. */
  | { readonly state: "long-lived"; readonly families: readonly Family[] }
  /** The peer is back; stale routes go with its End-of-RIB, or when the stale path timer ends. */
  | { readonly state: "awaiting"; readonly families: readonly Family[] };

export type HelperEvent =
  | { readonly type: "lost"; readonly agreed: Agreement; readonly end: SessionEnd }
  | { readonly type: "established"; readonly agreed: Agreement }
  | { readonly type: "endOfRib"; readonly family: Family }
  | { readonly type: "RestartTimer_Expires" }
  | { readonly type: "StalePathTimer_Expires" }
  | { readonly type: "LongLivedTimer_Expires"; readonly family: Family }
  /** The peer is no longer configured, or was stopped. */
  | { readonly type: "stopped" };

/** A family has a long-lived timer of its own. */
export type HelperTimer = "restart" | "stalePath" | `longLived ${number}/${number}`;

export type HelperEffect =
  | { readonly type: "markStale"; readonly family: Family }
  /** Stale routes become the last resort, or go where their origin asked for it. @see RFC 9494 §4.2 */
  | { readonly type: "markLongLived"; readonly family: Family }
  | { readonly type: "deleteStale"; readonly family: Family }
  | { readonly type: "deleteAll"; readonly family: Family }
  | { readonly type: "arm"; readonly timer: HelperTimer; readonly delay: Seconds }
  | { readonly type: "disarm"; readonly timer: HelperTimer };

export interface HelperStep {
  readonly helper: Helper;
  readonly effects: readonly HelperEffect[];
}

export const NO_HELPER: Helper = { state: "none" };

/** The timer of one family that is kept beyond the restart. @see RFC 9494 §4.2 */
export function longLivedTimer({ afi, safi }: Family): HelperTimer {
  return `longLived ${afi}/${safi}`;
}

/** What a timer of the helper means when it fires. */
export function helperTimeout(timer: HelperTimer): HelperEvent {
  if (timer === "restart") return { type: "RestartTimer_Expires" };
  if (timer === "stalePath") return { type: "StalePathTimer_Expires" };
  const [afi, safi] = timer.slice("longLived ".length).split("/");
  return { type: "LongLivedTimer_Expires", family: { afi: Number(afi), safi: Number(safi) } };
}

/** A NOTIFICATION that means the end even where both ends keep routes over others. @see RFC 8538 §3 */
function isHardReset(end: SessionEnd): boolean {
  const said = end.sent ?? end.received;
  return said?.code === ErrorCode.Cease && said.subcode === CeaseSubcode.HardReset;
}

/** The families whose routes outlive a session that ended like this. @see RFC 4724 §4.2; RFC 8538 §4 */
export function retainedFamilies(agreed: Agreement, end: SessionEnd): readonly Family[] {
  const restart = agreed.gracefulRestart;
  if (restart === undefined || !outlives(agreed, end)) return [];
  const kept = [...restart.peer.families, ...longLivedFamilies(agreed, end)];
  return agreed.families.filter((family) => kept.some((other) => sameFamily(other.family, family)));
}

/** Those whose routes may stay when the restart time is over. @see RFC 9494 §4.2 */
function longLivedFamilies(agreed: Agreement, end: SessionEnd): readonly LongLivedFamily[] {
  if (agreed.longLived === undefined || !outlives(agreed, end)) return [];
  return agreed.longLived.filter(({ staleTime }) => staleTime > 0);
}

function outlives(agreed: Agreement, end: SessionEnd): boolean {
  const restart = agreed.gracefulRestart;
  if (restart === undefined || end.cause === "ManualStop") return false;
  const notified = end.sent !== undefined || end.received !== undefined;
  return !notified || (restart.notification && !isHardReset(end));
}

/** One event. Pure. @param stalePathTime upper bound for a peer that is back but never says End-of-RIB */
export function stepHelper(helper: Helper, event: HelperEvent, stalePathTime: Seconds): HelperStep {
  switch (event.type) {
    case "lost":
      return lost(helper, event.agreed, event.end);
    case "established":
      return established(helper, event.agreed, stalePathTime);
    case "endOfRib":
      return endOfRib(helper, event.family);
    case "RestartTimer_Expires":
      return helper.state === "retaining" ? keepLonger(helper, []) : { helper, effects: [] };
    case "LongLivedTimer_Expires":
      return helper.state === "long-lived" ? endLongLived(helper.families, event.family) : { helper, effects: [] };
    case "StalePathTimer_Expires":
      return helper.state === "awaiting" ? giveUp(helper.families, []) : { helper, effects: [] };
    case "stopped":
      if (helper.state === "none") return { helper, effects: [] };
      return giveUp(helper.families, disarmed(helper));
    default:
      return unreachable(event);
  }
}

function giveUp(families: readonly Family[], more: readonly HelperEffect[]): HelperStep {
  return {
    helper: NO_HELPER,
    effects: [...more, ...families.map((family) => ({ type: "deleteStale", family }) as const)],
  };
}

function disarmed(helper: Exclude<Helper, { state: "none" }>): readonly HelperEffect[] {
  if (helper.state === "long-lived") {
    return helper.families.map((family) => ({ type: "disarm", timer: longLivedTimer(family) }) as const);
  }
  return [{ type: "disarm", timer: helper.state === "retaining" ? "restart" : "stalePath" }];
}

/** The restart time is over, or there is none. @see RFC 9494 §4.2 */
function keepLonger(
  { families, longLived }: Extract<Helper, { state: "retaining" }>,
  before: readonly HelperEffect[],
): HelperStep {
  const effects: HelperEffect[] = [...before];
  for (const family of families) {
    if (!longLived.some((kept) => sameFamily(kept.family, family))) effects.push({ type: "deleteStale", family });
  }
  for (const { family, staleTime } of longLived) {
    effects.push({ type: "markLongLived", family }, { type: "arm", timer: longLivedTimer(family), delay: staleTime });
  }
  if (longLived.length === 0) return { helper: NO_HELPER, effects };
  return { helper: { state: "long-lived", families: longLived.map(({ family }) => family) }, effects };
}

function endLongLived(families: readonly Family[], ended: Family): HelperStep {
  const left = families.filter((family) => !sameFamily(family, ended));
  const helper: Helper = left.length === 0 ? NO_HELPER : { state: "long-lived", families: left };
  return { helper, effects: left.length < families.length ? [{ type: "deleteStale", family: ended }] : [] };
}

function lost(helper: Helper, agreed: Agreement, end: SessionEnd): HelperStep {
  const effects: HelperEffect[] = [];
  if (helper.state === "awaiting") {
    // What is still stale from an earlier restart has had its chance (RFC 4724 §4.2, consecutive restarts).
    effects.push({ type: "disarm", timer: "stalePath" });
    for (const family of helper.families) effects.push({ type: "deleteStale", family });
  }
  const retained = retainedFamilies(agreed, end);
  for (const family of agreed.families) {
    effects.push({ type: retained.includes(family) ? "markStale" : "deleteAll", family });
  }
  const restartTime = agreed.gracefulRestart?.peer.restartTime;
  if (retained.length === 0 || restartTime === undefined) return { helper: NO_HELPER, effects };
  const retaining = { state: "retaining", families: retained, longLived: longLivedFamilies(agreed, end) } as const;
  if (restartTime === 0) return keepLonger(retaining, effects);
  effects.push({ type: "arm", timer: "restart", delay: restartTime });
  return { helper: retaining, effects };
}

function established(helper: Helper, agreed: Agreement, stalePathTime: Seconds): HelperStep {
  if (helper.state !== "retaining" && helper.state !== "long-lived") return { helper, effects: [] };
  const effects: HelperEffect[] = [...disarmed(helper)];
  const kept: Family[] = [];
  for (const family of helper.families) {
    const agreedAgain = agreed.families.some((other) => sameFamily(other, family));
    const said =
      agreed.gracefulRestart?.peer.families.find((other) => sameFamily(other.family, family)) ??
      agreed.longLived?.find((other) => sameFamily(other.family, family));
    // No capability, no family in it, or forwarding was not preserved: at once (RFC 4724 §4.2).
    if (agreedAgain && said?.forwardingPreserved === true) kept.push(family);
    else effects.push({ type: "deleteStale", family });
  }
  if (kept.length === 0) return { helper: NO_HELPER, effects };
  effects.push({ type: "arm", timer: "stalePath", delay: stalePathTime });
  return { helper: { state: "awaiting", families: kept }, effects };
}

function endOfRib(helper: Helper, family: Family): HelperStep {
  if (helper.state !== "awaiting" || !helper.families.some((other) => sameFamily(other, family))) {
    return { helper, effects: [] };
  }
  const left = helper.families.filter((other) => !sameFamily(other, family));
  const effects: HelperEffect[] = [{ type: "deleteStale", family }];
  if (left.length > 0) return { helper: { state: "awaiting", families: left }, effects };
  return { helper: NO_HELPER, effects: [...effects, { type: "disarm", timer: "stalePath" }] };
}
