import { type Seconds, seconds } from "../../base/index.ts";
import { CeaseSubcode, ErrorCode, FsmSubcode, type NotificationMessage, notification } from "../wire/index.ts";
import type { SessionEvent } from "./events.ts";
import type { Agreement } from "./negotiation.ts";
import type { Session, SessionEffect, SessionEnd, SessionTimer, Step } from "./session.ts";
import type { SessionSettings } from "./settings.ts";

/** How long to wait for an OPEN. @see RFC 4271 §8.2.2 ("a large value", 4 minutes suggested) */
export const OPEN_HOLD_TIME = seconds(240);

export function stay(session: Session, ...effects: SessionEffect[]): Step {
  return { session, effects };
}

export function arm(timer: SessionTimer, delay: Seconds): SessionEffect {
  return { type: "arm", timer, delay, jitter: false };
}

export function armWithJitter(timer: SessionTimer, delay: Seconds): SessionEffect {
  return { type: "arm", timer, delay, jitter: true };
}

export function disarm(timer: SessionTimer): SessionEffect {
  return { type: "disarm", timer };
}

/** `base` doubled once per failure, bounded. */
export function backOff(base: Seconds, failures: number, settings: SessionSettings): Seconds {
  return seconds(Math.min(base * 2 ** Math.min(failures, 16), settings.maximumBackOff));
}

/** From Idle, Connect or Active to a fresh attempt. */
export function attempt(failures: number, settings: SessionSettings): Step {
  const retry = armWithJitter("connectRetry", backOff(settings.connectRetry, failures, settings));
  return settings.passive
    ? { session: { state: "Active", failures }, effects: [] }
    : { session: { state: "Connect", failures }, effects: [{ type: "connect" }, retry] };
}

/** What is left of the facts of an event for the one who asks why a session ended. */
function endOf(event: SessionEvent, sent: NotificationMessage | undefined): SessionEnd {
  const received = event.type === "NotifMsg" || event.type === "NotifMsgVerErr" ? event.notification : undefined;
  return {
    cause: event.type,
    ...(sent === undefined ? {} : { sent }),
    ...(received === undefined ? {} : { received }),
  };
}

function agreedOf(session: Session): Agreement | undefined {
  return session.state === "Established" ? session.agreed : undefined;
}

/** Ends the connection for good: no timer is left. */
export function stop(session: Session, event: SessionEvent, sent?: NotificationMessage): Step {
  return { session: { state: "Idle", failures: 0 }, effects: ending(session, event, sent) };
}

/**
 * Ends the connection and tries again after the idle hold time. A plain loss of the connection does not count as a failure;
 * a NOTIFICATION in either direction does.
 */
export function drop(
  session: Session,
  event: SessionEvent,
  settings: SessionSettings,
  sent?: NotificationMessage,
): Step {
  const innocent = session.state === "Established" && event.type === "TcpConnectionFails";
  return dropped(session, event, settings, sent, innocent ? 0 : 1);
}

/** The same where the RFC does not count it: the peer speaks another version, and says so before anybody said anything. */
export function dropInnocent(session: Session, event: SessionEvent, settings: SessionSettings): Step {
  return dropped(session, event, settings, undefined, 0);
}

function dropped(
  session: Session,
  event: SessionEvent,
  settings: SessionSettings,
  sent: NotificationMessage | undefined,
  failures: number,
): Step {
  const end = ending(session, event, sent);
  const asked = event.type === "AutomaticStop" ? event.idleHold : undefined;
  const usual = backOff(settings.idleHold, session.failures, settings);
  const wait = asked === undefined ? armWithJitter("idleHold", usual) : arm("idleHold", asked);
  return { session: { state: "Idle", failures: session.failures + failures }, effects: [...end, wait] };
}

function ending(session: Session, event: SessionEvent, sent: NotificationMessage | undefined): SessionEffect[] {
  const effects: SessionEffect[] = [];
  if (sent !== undefined) effects.push({ type: "sendNotification", notification: sent });
  effects.push({ type: "close" }, { type: "disarmAll" });
  effects.push({ type: "ended", end: endOf(event, sent), agreed: agreedOf(session) });
  return effects;
}

const UNEXPECTED = {
  OpenSent: FsmSubcode.UnexpectedInOpenSent,
  OpenConfirm: FsmSubcode.UnexpectedInOpenConfirm,
  Established: FsmSubcode.UnexpectedInEstablished,
} as const;

/** @see RFC 4271 §6.6; RFC 6608 §3 */
export function fsmError(session: Session & { state: keyof typeof UNEXPECTED }): NotificationMessage {
  return notification(ErrorCode.FiniteStateMachine, UNEXPECTED[session.state]);
}

export const HOLD_TIMER_EXPIRED = notification(ErrorCode.HoldTimerExpired);
export const COLLISION = notification(ErrorCode.Cease, CeaseSubcode.ConnectionCollisionResolution);
