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
      /** Those of them whose long-lived timer runs since a restart before this one. */
      readonly running: readonly Family[];
      /** What was stale before this loss is stale still, for as long as the stale path timer runs on. @see RFC 8538 §4 */
      readonly again: boolean;
    }
  /** The restart time is over; its routes of these families are used where there is nothing better. */
  | { readonly state: "long-lived"; readonly families: readonly Family[] }
  /** The peer is back; stale routes go with its End-of-RIB, or when the stale path timer ends. */
  | {
      readonly state: "awaiting";
      readonly families: readonly Family[];
      /** Those of them whose long-lived timer runs on until then. @see RFC 9494 §4.2 */
      readonly running: readonly Family[];
    };

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

const NONE: readonly Family[] = [];

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
      return endLongLived(helper, event.family);
    case "StalePathTimer_Expires":
      if (helper.state === "awaiting") return giveUp(helper.families, disarmLongLived(helper.running));
      if (helper.state !== "retaining") return { helper, effects: [] };
      return giveUp(helper.families, [{ type: "disarm", timer: "restart" }, ...disarmLongLived(helper.running)]);
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

function includes(families: readonly Family[], wanted: Family): boolean {
  return families.some((family) => sameFamily(family, wanted));
}

function without(families: readonly Family[], ended: Family): readonly Family[] {
  return families.filter((family) => !sameFamily(family, ended));
}

function disarmLongLived(families: readonly Family[]): readonly HelperEffect[] {
  return families.map((family) => ({ type: "disarm", timer: longLivedTimer(family) }) as const);
}

/** Families whose long-lived timer runs. */
function runningOf(helper: Helper): readonly Family[] {
  if (helper.state === "none") return NONE;
  return helper.state === "long-lived" ? helper.families : helper.running;
}

function disarmed(helper: Exclude<Helper, { state: "none" }>): readonly HelperEffect[] {
  const longLived = disarmLongLived(runningOf(helper));
  if (helper.state === "long-lived") return longLived;
  if (helper.state === "awaiting") return [STALE_PATH_OVER, ...longLived];
  return [{ type: "disarm", timer: "restart" }, ...(helper.again ? [STALE_PATH_OVER] : []), ...longLived];
}

const STALE_PATH_OVER: HelperEffect = { type: "disarm", timer: "stalePath" };

/** The restart time is over, or there is none. A timer that runs is not set anew. @see RFC 9494 §4.2 */
function keepLonger(
  { families, longLived, running, again }: Extract<Helper, { state: "retaining" }>,
  before: readonly HelperEffect[],
): HelperStep {
  const effects: HelperEffect[] = [...before, ...(again ? [STALE_PATH_OVER] : [])];
  const kept: Family[] = [];
  for (const family of families) {
    const longer = longLived.find((other) => sameFamily(other.family, family));
    if (longer === undefined && !includes(running, family)) {
      effects.push({ type: "deleteStale", family });
      continue;
    }
    kept.push(family);
    effects.push({ type: "markLongLived", family });
    if (longer !== undefined && !includes(running, family))
      effects.push({ type: "arm", timer: longLivedTimer(family), delay: longer.staleTime });
  }
  if (kept.length === 0) return { helper: NO_HELPER, effects };
  return { helper: { state: "long-lived", families: kept }, effects };
}

/** What is stale still goes, whether the peer is back or not. @see RFC 9494 §4.2 */
function endLongLived(helper: Helper, ended: Family): HelperStep {
  if (!includes(runningOf(helper), ended)) return { helper, effects: [] };
  return endFamily(helper, ended, []);
}

/** Nothing of the family is stale any more. */
function endFamily(helper: Helper, ended: Family, before: readonly HelperEffect[]): HelperStep {
  if (helper.state === "none") return { helper, effects: before };
  const effects: HelperEffect[] = [...before, { type: "deleteStale", family: ended }];
  const families = without(helper.families, ended);
  if (families.length === 0) {
    if (helper.state === "retaining") effects.push({ type: "disarm", timer: "restart" });
    if (helper.state === "awaiting" || (helper.state === "retaining" && helper.again)) effects.push(STALE_PATH_OVER);
    return { helper: NO_HELPER, effects };
  }
  if (helper.state === "long-lived") return { helper: { state: "long-lived", families }, effects };
  return { helper: { ...helper, families, running: without(helper.running, ended) }, effects };
}

function lost(helper: Helper, agreed: Agreement, end: SessionEnd): HelperStep {
  const effects: HelperEffect[] = [];
  const retained = retainedFamilies(agreed, end);
  const before = runningOf(helper);
  // In consecutive restarts, what was stale before goes, unless its long-lived timer still runs (RFC 4724 §4.2; RFC 9494 §4.2), or
  // both ends keep routes over NOTIFICATIONs: then it goes when it would have gone without this restart (RFC 8538 §4).
  const running = retained.filter((family) => includes(before, family));
  const keeps = agreed.gracefulRestart?.notification === true;
  let again = false;
  if (helper.state === "awaiting") {
    again = keeps && helper.families.some((family) => includes(retained, family) && !includes(running, family));
    if (!again) effects.push(STALE_PATH_OVER);
    effects.push(...disarmLongLived(before.filter((family) => !includes(running, family))));
    for (const family of helper.families) {
      const stays = includes(running, family) || (again && includes(retained, family));
      if (!stays) effects.push({ type: "deleteStale", family });
    }
  }
  for (const family of agreed.families) {
    effects.push({ type: retained.includes(family) ? "markStale" : "deleteAll", family });
  }
  const restartTime = agreed.gracefulRestart?.peer.restartTime;
  if (retained.length === 0 || restartTime === undefined) return { helper: NO_HELPER, effects }; // `again` is false then
  const longLived = longLivedFamilies(agreed, end);
  const retaining = { state: "retaining", families: retained, longLived, running, again } as const;
  if (restartTime === 0) return keepLonger(retaining, effects);
  effects.push({ type: "arm", timer: "restart", delay: restartTime });
  return { helper: retaining, effects };
}

function established(helper: Helper, agreed: Agreement, stalePathTime: Seconds): HelperStep {
  if (helper.state !== "retaining" && helper.state !== "long-lived") return { helper, effects: [] };
  const before = runningOf(helper);
  const isLonger = (family: Family): boolean => includes(before, family);
  const kept = helper.families.filter(
    (family) => includes(agreed.families, family) && isPreserved(agreed, family, { longLived: isLonger(family) }),
  );
  const running = before.filter((family) => includes(kept, family));
  const effects: HelperEffect[] = [];
  if (helper.state === "retaining") effects.push({ type: "disarm", timer: "restart" });
  effects.push(...disarmLongLived(before.filter((family) => !includes(running, family))));
  // No capability, no family in it, or forwarding was not preserved: at once (RFC 4724 §4.2; RFC 9494 §4.2).
  for (const family of helper.families) if (!includes(kept, family)) effects.push({ type: "deleteStale", family });
  const isBounded = helper.state === "retaining" && helper.again;
  if (kept.length === 0) return { helper: NO_HELPER, effects: isBounded ? [...effects, STALE_PATH_OVER] : effects };
  if (!isBounded) effects.push({ type: "arm", timer: "stalePath", delay: stalePathTime });
  return { helper: { state: "awaiting", families: kept, running }, effects };
}

/**
 * The F bit of the family: beyond the restart time that of the long-lived capability counts, before it that of graceful restart, if
 * the family is in there. @see RFC 4724 §4.2; RFC 9494 §4.2
 */
function isPreserved(
  { gracefulRestart, longLived }: Agreement,
  family: Family,
  kept: { readonly longLived: boolean },
): boolean {
  const longer = longLived?.find((other) => sameFamily(other.family, family));
  const usual = gracefulRestart?.peer.families.find((other) => sameFamily(other.family, family));
  const said = kept.longLived ? longer : (usual ?? longer);
  return said?.forwardingPreserved === true;
}

function endOfRib(helper: Helper, family: Family): HelperStep {
  if (helper.state !== "awaiting" || !includes(helper.families, family)) return { helper, effects: [] };
  return endFamily(helper, family, includes(helper.running, family) ? disarmLongLived([family]) : []);
}
