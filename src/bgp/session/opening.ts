import type { OpenMessage } from "../wire/index.ts";
import type { SessionEvent } from "./events.ts";
import { negotiate } from "./negotiation.ts";
import type { Session, SessionEffect, Step } from "./session.ts";
import type { SessionSettings } from "./settings.ts";
import {
  arm,
  armWithJitter,
  backOff,
  COLLISION,
  disarm,
  drop,
  fsmError,
  HOLD_TIMER_EXPIRED,
  stay,
  stop,
} from "./transitions.ts";

type In<S extends Session["state"]> = Extract<Session, { state: S }>;

/** Both OPENs are there: what they come to, or why there is no session. @param sent ours */
export function agree(
  session: Session,
  sent: OpenMessage,
  event: Extract<SessionEvent, { type: "BGPOpen" }>,
  settings: SessionSettings,
): Step {
  const answer = negotiate(settings, sent, event.open);
  if (!answer.ok) return drop(session, event, settings, answer.fault);
  const agreed = answer.value;
  const timers: SessionEffect[] =
    agreed.holdTime === undefined || agreed.keepaliveTime === undefined
      ? [disarm("hold")]
      : [armWithJitter("keepalive", agreed.keepaliveTime), arm("hold", agreed.holdTime)];
  return {
    session: { state: "OpenConfirm", failures: session.failures, agreed },
    effects: [{ type: "sendKeepalive" }, ...timers],
  };
}

/** OpenSent, one event. @see RFC 4271 §8.2.2 */
export function inOpenSent(session: In<"OpenSent">, event: SessionEvent, settings: SessionSettings): Step {
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
      return stop(session, event, event.notification);
    case "OpenCollisionDump":
      return stop(session, event, COLLISION);
    case "AutomaticStop":
      return drop(session, event, settings, event.notification);
    case "HoldTimer_Expires":
      return drop(session, event, settings, HOLD_TIMER_EXPIRED);
    case "TcpConnectionFails":
      return {
        session: { state: "Active", failures: session.failures + 1 },
        effects: [
          { type: "close" },
          { type: "disarmAll" },
          armWithJitter("connectRetry", backOff(settings.connectRetry, session.failures, settings)),
          { type: "ended", end: { cause: event.type }, agreed: undefined },
        ],
      };
    case "BGPOpen":
      return agree(session, session.sent, event, settings);
    case "BGPHeaderErr":
    case "BGPOpenMsgErr":
      return drop(session, event, settings, event.fault);
    case "NotifMsgVerErr":
    case "NotifMsg":
      // The RFC lists 25 among the FSM errors here; a NOTIFICATION is never answered with one all the same.
      return drop(session, event, settings);
    default: // events 9, 11, 13, 16, 17, 26 to 29
      return drop(session, event, settings, fsmError(session));
  }
}

/** OpenConfirm, one event. @see RFC 4271 §8.2.2 */
export function inOpenConfirm(session: In<"OpenConfirm">, event: SessionEvent, settings: SessionSettings): Step {
  const { agreed, failures } = session;
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
      return stop(session, event, event.notification);
    case "OpenCollisionDump":
      return stop(session, event, COLLISION);
    case "AutomaticStop":
      return drop(session, event, settings, event.notification);
    case "HoldTimer_Expires":
      return drop(session, event, settings, HOLD_TIMER_EXPIRED);
    case "KeepaliveTimer_Expires":
      if (agreed.keepaliveTime === undefined) return stay(session);
      return stay(session, { type: "sendKeepalive" }, armWithJitter("keepalive", agreed.keepaliveTime));
    case "TcpConnectionFails":
      return drop(session, event, settings);
    case "NotifMsgVerErr":
    case "NotifMsg":
      return drop(session, event, settings);
    case "BGPHeaderErr":
    case "BGPOpenMsgErr":
      return drop(session, event, settings, event.fault);
    case "KeepAliveMsg": {
      const hold = agreed.holdTime === undefined ? [] : [arm("hold", agreed.holdTime)];
      const settled = agreed.keepaliveTime === undefined;
      return {
        session: { state: "Established", failures: settled ? 0 : failures, agreed, settled },
        effects: [...hold, { type: "established", agreed }],
      };
    }
    default: // events 9, 13, 16, 17, 19 (a second OPEN), 27 to 29
      return drop(session, event, settings, fsmError(session));
  }
}
