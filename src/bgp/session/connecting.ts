import type { SessionEvent } from "./events.ts";
import { ownOpen } from "./negotiation.ts";
import type { Session, Step } from "./session.ts";
import type { SessionSettings } from "./settings.ts";
import { arm, armWithJitter, attempt, backOff, disarm, drop, OPEN_HOLD_TIME, stay, stop } from "./transitions.ts";

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

/** The connection stands: say who we are and wait long for the answer. */
function open(session: Session, settings: SessionSettings): Step {
  const sent = ownOpen(settings);
  return {
    session: { state: "OpenSent", failures: session.failures, sent },
    effects: [disarm("connectRetry"), { type: "sendOpen", open: sent }, arm("hold", OPEN_HOLD_TIME)],
  };
}

/** Connect, one event. @see RFC 4271 §8.2.2 */
export function inConnect(session: In<"Connect">, event: SessionEvent, settings: SessionSettings): Step {
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
    case "OpenCollisionDump":
      return stop(session, event);
    case "ConnectRetryTimer_Expires": {
      const again = attempt(session.failures, settings);
      return { session: again.session, effects: [{ type: "close" }, ...again.effects] };
    }
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return open(session, settings);
    case "TcpConnectionFails":
      // Listening goes on while the retry timer runs, as the RFC has it with DelayOpen: in Idle both ends would refuse each other.
      return {
        session: { state: "Active", failures: session.failures + 1 },
        effects: [
          { type: "close" },
          armWithJitter("connectRetry", backOff(settings.connectRetry, session.failures, settings)),
        ],
      };
    default:
      return drop(session, event, settings);
  }
}

/** Active, one event. @see RFC 4271 §8.2.2 */
export function inActive(session: In<"Active">, event: SessionEvent, settings: SessionSettings): Step {
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
    case "OpenCollisionDump":
      return stop(session, event);
    case "ConnectRetryTimer_Expires":
      return attempt(session.failures, settings);
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return open(session, settings);
    default:
      return drop(session, event, settings);
  }
}
