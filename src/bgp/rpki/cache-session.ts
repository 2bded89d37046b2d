import { unreachable } from "../../base/index.ts";
import { DEFAULT_INTERVALS, type Pdu, RtrError, type RtrIntervals, type RtrVersion } from "./wire/index.ts";

/** What this router has from a cache: what the next Serial Query continues from. */
export interface Held {
  readonly sessionId: number;
  readonly serial: number;
}

/** One cache as the protocol sees it. */
export interface CacheState {
  /**
   * `asking`: a query was sent and not answered yet. `receiving`: between Cache Response and End of Data. `loading`: the received data
   * is being brought in. `synchronised`: nothing is going on.
   */
  readonly phase: "down" | "asking" | "receiving" | "loading" | "synchronised";
  readonly version: RtrVersion;
  /** The cache has spoken on this connection: the version is agreed. */
  readonly agreed: boolean;
  /** The query that was sent, or is being answered. */
  readonly query: "reset" | "serial";
  /** Of the data that is being received or loaded. */
  readonly incoming: Held | undefined;
  readonly held: Held | undefined;
  readonly intervals: RtrIntervals;
  /** A Serial Notify has come while something else was going on. */
  readonly again: boolean;
}

export type CacheTimer = "refresh" | "answer" | "expire";

export type CacheEvent =
  | { readonly type: "connected" }
  | { readonly type: "closed" }
  | { readonly type: "pdu"; readonly version: number; readonly pdu: Pdu }
  /** The codec could not read on. `isReport`: in an Error Report, which is never answered. */
  | {
      readonly type: "malformed";
      readonly version: number;
      readonly code: number;
      readonly reason: string;
      readonly isReport: boolean;
    }
  /** Everything that was received has been brought in, or why it could not be. */
  | { readonly type: "loaded"; readonly fault?: { readonly code: number; readonly reason: string } }
  | { readonly type: "timer"; readonly timer: CacheTimer };

/** What the driver has to do, in this order. */
export type CacheEffect =
  | { readonly type: "send"; readonly pdu: Pdu }
  /** Say what was wrong; `close` follows. */
  | { readonly type: "report"; readonly code: number; readonly reason: string }
  /** `soon`: the next attempt does not wait, since it will be another one. */
  | { readonly type: "close"; readonly reason: string; readonly soon: boolean }
  | { readonly type: "arm"; readonly timer: CacheTimer; readonly seconds: number }
  | { readonly type: "disarm"; readonly timer: CacheTimer }
  /** What comes next is everything there is, or what has changed. */
  | { readonly type: "begin"; readonly full: boolean }
  | { readonly type: "stage"; readonly pdu: Extract<Pdu, { type: "prefix" }> }
  /** Bring in what was staged; answer with `loaded`. */
  | { readonly type: "load" }
  /** Forget what was staged. */
  | { readonly type: "discard" }
  /** Forget what this cache has said. */
  | { readonly type: "flush"; readonly reason: "expired" | "corrupt" };

export interface CacheStep {
  readonly state: CacheState;
  readonly effects: readonly CacheEffect[];
}

/** An answer that takes longer is none. */
const ANSWER_TIME = 60;

export const NEW_CACHE: CacheState = {
  phase: "down",
  version: 1,
  agreed: false,
  query: "reset",
  incoming: undefined,
  held: undefined,
  intervals: DEFAULT_INTERVALS,
  again: false,
};

/** One event. Pure: no clock, no socket. @see RFC 8210 §8 (sequences), §5.1 (session ID), §7 (versions), §6 (timers) */
export function stepCache(state: CacheState, event: CacheEvent): CacheStep {
  switch (event.type) {
    case "connected":
      return ask({ ...state, agreed: false });
    case "closed":
      return down(state);
    case "malformed":
      return malformed(state, event);
    case "timer":
      return timeout(state, event.timer);
    case "loaded":
      return loaded(state, event.fault);
    case "pdu":
      return onPdu(state, event.version, event.pdu);
    default:
      return unreachable(event);
  }
}

/** A Serial Query from what is held, or a Reset Query. @see RFC 8210 §8.1 and §8.2 */
function ask(state: CacheState): CacheStep {
  const { held } = state;
  const pdu: Pdu = held === undefined ? { type: "reset-query" } : { type: "serial-query", ...held };
  const query = held === undefined ? "reset" : "serial";
  return {
    state: { ...state, phase: "asking", query, again: false },
    effects: [
      { type: "send", pdu },
      { type: "disarm", timer: "refresh" },
      { type: "arm", timer: "answer", seconds: ANSWER_TIME },
    ],
  };
}

/** The data that is held stays until it expires. */
function down(state: CacheState): CacheStep {
  return {
    state: {
      ...state,
      phase: "down",
      agreed: false,
      // What is being loaded is seen through, and continued from.
      incoming: state.phase === "loading" ? state.incoming : undefined,
      again: false,
    },
    effects: [{ type: "discard" }, { type: "disarm", timer: "refresh" }, { type: "disarm", timer: "answer" }],
  };
}

function drop(state: CacheState, reason: string, before: readonly CacheEffect[] = [], soon = false): CacheStep {
  const ended = down(state);
  return { state: ended.state, effects: [...before, ...ended.effects, { type: "close", reason, soon }] };
}

/** What the cache says cannot be right: it is told so, and with `flush` nothing of it is believed any more. */
function fail(state: CacheState, code: number, reason: string, { flush }: { readonly flush: boolean }): CacheStep {
  const forgotten: CacheState = flush ? { ...state, held: undefined } : state;
  const effects: CacheEffect[] = [{ type: "report", code, reason }];
  if (flush) effects.push({ type: "flush", reason: "corrupt" }, { type: "disarm", timer: "expire" });
  return drop(forgotten, reason, effects);
}

function malformed(
  state: CacheState,
  { version, code, reason, isReport }: Extract<CacheEvent, { type: "malformed" }>,
): CacheStep {
  if (isReport) return drop(state, `an error report that cannot be read: ${reason}`); // RFC 8210 §5.11
  // A cache that speaks only a version above ours says so in its first PDU. @see RFC 8210 §7
  if (code === RtrError.UnsupportedProtocolVersion && state.agreed)
    return fail(state, RtrError.UnexpectedProtocolVersion, `version ${version} after ${state.version}`, {
      flush: false,
    });
  return fail(state, code, reason, { flush: false });
}

function timeout(state: CacheState, timer: CacheTimer): CacheStep {
  switch (timer) {
    case "refresh":
      return state.phase === "synchronised" ? ask(state) : { state, effects: [] };
    case "answer":
      return drop(state, "no answer in time");
    case "expire":
      return expired(state);
    default:
      return unreachable(timer);
  }
}

/** Nothing was confirmed for so long that it may be wrong. @see RFC 8210 §6 */
function expired(state: CacheState): CacheStep {
  // What has just come confirms the data, and is brought into what is held.
  if (state.phase === "loading") return { state, effects: [] };
  const forgotten = { ...state, held: undefined };
  const flush: CacheEffect = { type: "flush", reason: "expired" };
  // An answer that goes on from what was held is of no use any more.
  if (state.query === "serial" && (state.phase === "asking" || state.phase === "receiving"))
    return drop(forgotten, "expired before it was refreshed", [flush], true);
  return { state: forgotten, effects: [flush] };
}

function onPdu(before: CacheState, version: number, pdu: Pdu): CacheStep {
  // Some caches send it in their own version whatever was asked in, so it is read before the version is looked at.
  if (pdu.type === "error-report") return errorReport(before, version, pdu);
  if (version !== before.version && (before.agreed || version > before.version))
    return fail(before, RtrError.UnexpectedProtocolVersion, `version ${version} after ${before.version}`, {
      flush: false,
    });
  // A cache of version 0 answers a query of version 1 in its own. @see RFC 8210 §7
  const state: CacheState = { ...before, agreed: true, version: version as RtrVersion };
  switch (pdu.type) {
    case "serial-notify":
      return serialNotify(state, before.agreed, pdu.sessionId, pdu.serial);
    case "cache-response":
      return cacheResponse(state, pdu.sessionId);
    case "prefix":
      if (state.phase !== "receiving") return unasked(state, "a prefix");
      return { state, effects: [{ type: "stage", pdu }] };
    case "router-key":
      return state.phase === "receiving" ? { state, effects: [] } : unasked(state, "a router key");
    case "end-of-data":
      return endOfData(state, pdu);
    case "cache-reset":
      if (state.phase !== "asking" || state.query !== "serial") return unasked(state, "Cache Reset");
      return resetQuery(state);
    case "serial-query":
    case "reset-query":
      return unasked(state, "a query");
    default:
      return unreachable(pdu);
  }
}

const unasked = (state: CacheState, what: string): CacheStep =>
  fail(state, RtrError.CorruptData, `${what} that was not asked for`, { flush: false });

/** The cache cannot go on from our serial: all of it again, and what is held stays in use until then. @see RFC 8210 §8.3 */
function resetQuery(state: CacheState): CacheStep {
  return {
    state: { ...state, query: "reset" },
    effects: [
      { type: "send", pdu: { type: "reset-query" } },
      { type: "arm", timer: "answer", seconds: ANSWER_TIME },
    ],
  };
}

/** @see RFC 8210 §5.2: a hint; ignored until the version is agreed */
function serialNotify(state: CacheState, wasAgreed: boolean, sessionId: number, serial: number): CacheStep {
  if (!wasAgreed) return { state: { ...state, agreed: false }, effects: [] };
  if (state.held !== undefined && state.held.sessionId !== sessionId) return otherSession(state, sessionId);
  if (state.phase !== "synchronised") return { state: { ...state, again: true }, effects: [] };
  return state.held?.serial === serial ? { state, effects: [] } : ask(state);
}

/** What is held belongs to another life of the cache. @see RFC 8210 §5.1 */
function otherSession(state: CacheState, sessionId: number): CacheStep {
  const reason = `session ${sessionId} instead of ${state.held?.sessionId}`;
  const failed = fail(state, RtrError.CorruptData, reason, { flush: true });
  const effects = failed.effects.map((effect) => (effect.type === "close" ? { ...effect, soon: true } : effect));
  return { ...failed, effects };
}

function cacheResponse(state: CacheState, sessionId: number): CacheStep {
  if (state.phase !== "asking") return unasked(state, "Cache Response");
  if (state.query === "serial" && state.held?.sessionId !== sessionId) return otherSession(state, sessionId);
  return {
    state: { ...state, phase: "receiving", incoming: { sessionId, serial: 0 } },
    effects: [
      { type: "begin", full: state.query === "reset" },
      { type: "arm", timer: "answer", seconds: ANSWER_TIME },
    ],
  };
}

function endOfData(state: CacheState, pdu: Extract<Pdu, { type: "end-of-data" }>): CacheStep {
  if (state.phase !== "receiving") return unasked(state, "End of Data");
  if (state.incoming?.sessionId !== pdu.sessionId)
    return fail(state, RtrError.CorruptData, `session ${pdu.sessionId} instead of ${state.incoming?.sessionId}`, {
      flush: true,
    });
  const incoming = { sessionId: pdu.sessionId, serial: pdu.serial };
  const intervals = pdu.intervals === undefined ? DEFAULT_INTERVALS : withinBounds(pdu.intervals);
  return {
    state: { ...state, phase: "loading", incoming, intervals },
    effects: [{ type: "disarm", timer: "answer" }, { type: "load" }],
  };
}

/** What is out of bounds is brought to the next bound; data must not expire before it could be refreshed. @see RFC 8210 §6 */
function withinBounds({ refresh, retry, expire }: RtrIntervals): RtrIntervals {
  const between = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
  const [often, again] = [between(refresh, 1, 86_400), between(retry, 1, 7200)];
  return { refresh: often, retry: again, expire: Math.max(between(expire, 600, 172_800), often + 1, again + 1) };
}

function loaded(state: CacheState, fault: { readonly code: number; readonly reason: string } | undefined): CacheStep {
  if (state.phase === "down" && state.incoming !== undefined) {
    if (fault === undefined) return { state: { ...state, held: state.incoming, incoming: undefined }, effects: [] };
    const forgotten = { ...state, held: undefined, incoming: undefined };
    return { state: forgotten, effects: [{ type: "flush", reason: "corrupt" }] };
  }
  if (state.phase !== "loading") return { state, effects: [] };
  if (fault !== undefined) return fail(state, fault.code, fault.reason, { flush: true });
  const { refresh, expire } = state.intervals;
  const next: CacheState = { ...state, phase: "synchronised", held: state.incoming, incoming: undefined };
  const effects: CacheEffect[] = [
    { type: "arm", timer: "refresh", seconds: refresh },
    { type: "arm", timer: "expire", seconds: expire },
  ];
  if (!state.again) return { state: next, effects };
  const asked = ask(next);
  return { state: asked.state, effects: [...effects, ...asked.effects] };
}

/** Never answered with another one. @see RFC 8210 §5.11, §7 and §12 */
function errorReport(state: CacheState, version: number, pdu: Extract<Pdu, { type: "error-report" }>): CacheStep {
  const reason = `the cache reports error ${pdu.code}${pdu.text === "" ? "" : `: ${pdu.text}`}`;
  if (pdu.code === RtrError.NoDataAvailable && state.phase === "asking") {
    // Not fatal: it may have some later.
    return {
      state: { ...state, phase: "synchronised", agreed: true },
      effects: [
        { type: "disarm", timer: "answer" },
        { type: "arm", timer: "refresh", seconds: state.intervals.retry },
      ],
    };
  }
  if (pdu.code === RtrError.UnsupportedProtocolVersion && !state.agreed && state.version === 1 && version === 0) {
    // Serial numbers of one version are none of another. @see RFC 8210 §7
    return drop({ ...state, version: 0, held: undefined }, reason, [], true);
  }
  return drop(state, reason);
}
