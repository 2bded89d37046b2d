import type { OpenMessage } from "../wire/index.ts";
import type { SessionEvent } from "./events.ts";
import { ownOpen } from "./negotiation.ts";
import { agree } from "./opening.ts";
import { isDelaying, type Session, type SessionEffect, type Step } from "./session.ts";
import type { SessionSettings } from "./settings.ts";
import {
  arm,
  armWithJitter,
  attempt,
  backOff,
  disarm,
  drop,
  dropInnocent,
  OPEN_HOLD_TIME,
  stay,
  stop,
} from "./transitions.ts";

type In<S extends Session["state"]> = Extract<Session, { state: S }>;

/** Idle, one event. @see RFC 4271 §8.2.2 */
export function inIdle(session: In<"Idle">, event: SessionEvent, settings: SessionSettings): Step {
  switch (event.type) {
    case "ManualStart": {
      const start = attempt(0, settings);
      return { session: start.session, effects: [disarm("idleHold"), ...start.effects] };
    }
    case "AutomaticStart":
    case "IdleHoldTimer_Expires":
      return attempt(session.failures, settings);
    case "ManualStop":
      return { session: { state: "Idle", failures: 0 }, effects: [disarm("idleHold")] };
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      // Every connection is refused in Idle.
      return stay(session, { type: "close" });
    default: // what is left over from a connection that is gone
      return stay(session);
  }
}

/** The connection stands: say who we are and wait long for the answer, or let the peer begin. */
function connected(session: In<"Connect"> | In<"Active">, settings: SessionSettings): Step {
  if (settings.delayOpen === undefined) return open(session, settings, [disarm("connectRetry")]);
  return {
    session: { ...session, delaying: true },
    effects: [disarm("connectRetry"), arm("delayOpen", settings.delayOpen)],
  };
}

function open(session: Session, settings: SessionSettings, before: readonly SessionEffect[]): Step {
  const sent = ownOpen(settings);
  return {
    session: { state: "OpenSent", failures: session.failures, sent },
    effects: [...before, ...saying(sent), arm("hold", settings.openHold ?? OPEN_HOLD_TIME)],
  };
}

/** Our OPEN goes out: what it offers to take may come in answer to it. */
function saying(open: OpenMessage): readonly SessionEffect[] {
  const send: SessionEffect = { type: "sendOpen", open };
  return open.capabilities.extendedMessages === true ? [send, { type: "allowExtendedMessages" }] : [send];
}

/** While the OPEN of this router is delayed; `undefined` for events that mean the same as without a delay. */
function whileDelaying(
  session: In<"Connect"> | In<"Active">,
  event: SessionEvent,
  settings: SessionSettings,
): Step | undefined {
  switch (event.type) {
    case "DelayOpenTimer_Expires":
      return open(session, settings, []);
    case "BGPOpen": {
      // Event 20: both OPENs at once.
      const sent = ownOpen(settings);
      const { session: next, effects } = agree(session, sent, event, settings);
      return { session: next, effects: [disarm("delayOpen"), ...saying(sent), ...effects] };
    }
    case "NotifMsgVerErr":
      return dropInnocent(session, event, settings);
    case "TcpConnectionFails":
      // Only Connect goes on to listen (§8.2.2).
      if (session.state === "Active") return undefined;
      return listenAgain(session, settings, [disarm("delayOpen")]);
    default:
      return undefined;
  }
}

/** Listening goes on while the retry timer runs, as the RFC has it with DelayOpen: in Idle both ends would refuse each other. */
function listenAgain({ failures }: Session, settings: SessionSettings, effects: readonly SessionEffect[]): Step {
  return {
    session: { state: "Active", failures: failures + 1 },
    effects: [
      { type: "close" },
      ...effects,
      armWithJitter("connectRetry", backOff(settings.connectRetry, failures, settings)),
    ],
  };
}

/** What there is of a connection is given up for another one, and with it what was to be said on it. */
function attemptAnew(session: In<"Connect"> | In<"Active">, settings: SessionSettings): Step {
  const { session: next, effects } = attempt(session.failures, settings);
  const over = isDelaying(session) ? [disarm("delayOpen")] : [];
  return { session: next, effects: [{ type: "close" }, ...over, ...effects] };
}

/** Connect, one event. @see RFC 4271 §8.2.2 */
export function inConnect(session: In<"Connect">, event: SessionEvent, settings: SessionSettings): Step {
  const delayed = isDelaying(session) ? whileDelaying(session, event, settings) : undefined;
  if (delayed !== undefined) return delayed;
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
    case "OpenCollisionDump":
      return stop(session, event);
    case "ConnectRetryTimer_Expires":
      return attemptAnew(session, settings);
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return connected(session, settings);
    case "TcpConnectionFails":
      return listenAgain(session, settings, []);
    default:
      return drop(session, event, settings);
  }
}

/** Active, one event. @see RFC 4271 §8.2.2 */
export function inActive(session: In<"Active">, event: SessionEvent, settings: SessionSettings): Step {
  const delayed = isDelaying(session) ? whileDelaying(session, event, settings) : undefined;
  if (delayed !== undefined) return delayed;
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
    case "OpenCollisionDump":
      return stop(session, event);
    case "ConnectRetryTimer_Expires":
      return isDelaying(session) ? attemptAnew(session, settings) : attempt(session.failures, settings);
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return connected(session, settings);
    default:
      return drop(session, event, settings);
  }
}
