import { type Seconds, unreachable } from "../../base/index.ts";
import { CeaseSubcode, ErrorCode, type Family, sameFamily } from "../wire/index.ts";
import type { Agreement } from "./negotiation.ts";
import type { SessionEnd } from "./session.ts";

/**
 * What this router does with the routes of a peer that went away: the helper's side of graceful restart.
 * @see RFC 4724 §4.2; RFC 8538 §4
 */
export type Helper =
  | { readonly state: "none" }
  /** The peer is gone; its routes of these families are stale and stay in use until the restart timer ends. */
  | { readonly state: "retaining"; readonly families: readonly Family[] }
  /** The peer is back; stale routes go with its End-of-RIB, or when the stale path timer ends. */
  | { readonly state: "awaiting"; readonly families: readonly Family[] };

export type HelperEvent =
  | { readonly type: "lost"; readonly agreed: Agreement; readonly end: SessionEnd }
  | { readonly type: "established"; readonly agreed: Agreement }
  | { readonly type: "endOfRib"; readonly family: Family }
  | { readonly type: "RestartTimer_Expires" }
  | { readonly type: "StalePathTimer_Expires" }
  /** The peer is no longer configured, or was stopped. */
  | { readonly type: "stopped" };

export type HelperTimer = "restart" | "stalePath";

export type HelperEffect =
  | { readonly type: "markStale"; readonly family: Family }
  | { readonly type: "deleteStale"; readonly family: Family }
  | { readonly type: "deleteAll"; readonly family: Family }
  | { readonly type: "arm"; readonly timer: HelperTimer; readonly delay: Seconds }
  | { readonly type: "disarm"; readonly timer: HelperTimer };

export interface HelperStep {
  readonly helper: Helper;
  readonly effects: readonly HelperEffect[];
}

export const NO_HELPER: Helper = { state: "none" };

/** A NOTIFICATION that means the end even where both ends keep routes over others. @see RFC 8538 §3 */
function isHardReset(end: SessionEnd): boolean {
  const said = end.sent ?? end.received;
  return said?.code === ErrorCode.Cease && said.subcode === CeaseSubcode.HardReset;
}

/** The families whose routes outlive a session that ended like this. @see RFC 4724 §4.2; RFC 8538 §4 */
export function retainedFamilies(agreed: Agreement, end: SessionEnd): readonly Family[] {
  const restart = agreed.gracefulRestart;
  if (restart === undefined || end.cause === "ManualStop") return [];
  const notified = end.sent !== undefined || end.received !== undefined;
  if (notified && (!restart.notification || isHardReset(end))) return [];
  return agreed.families.filter((family) => restart.peer.families.some((kept) => sameFamily(kept.family, family)));
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
      return helper.state === "retaining" ? giveUp(helper.families, []) : { helper, effects: [] };
    case "StalePathTimer_Expires":
      return helper.state === "awaiting" ? giveUp(helper.families, []) : { helper, effects: [] };
    case "stopped":
      if (helper.state === "none") return { helper, effects: [] };
      return giveUp(helper.families, [
        { type: "disarm", timer: helper.state === "retaining" ? "restart" : "stalePath" },
      ]);
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
  effects.push({ type: "arm", timer: "restart", delay: restartTime });
  return { helper: { state: "retaining", families: retained }, effects };
}

function established(helper: Helper, agreed: Agreement, stalePathTime: Seconds): HelperStep {
  if (helper.state !== "retaining") return { helper, effects: [] };
  const effects: HelperEffect[] = [{ type: "disarm", timer: "restart" }];
  const kept: Family[] = [];
  for (const family of helper.families) {
    const agreedAgain = agreed.families.some((other) => sameFamily(other, family));
    const said = agreed.gracefulRestart?.peer.families.find((other) => sameFamily(other.family, family));
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
