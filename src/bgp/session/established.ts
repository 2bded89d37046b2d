import { CeaseSubcode, ErrorCode, type NotificationMessage, notification, sameFamily } from "../wire/index.ts";
import type { SessionEvent } from "./events.ts";
import type { Agreement } from "./negotiation.ts";
import type { Session, Step } from "./session.ts";
import type { SessionSettings } from "./settings.ts";
import { arm, armWithJitter, COLLISION, drop, fsmError, HOLD_TIMER_EXPIRED, stay, stop } from "./transitions.ts";

/** Established, one event. @see RFC 4271 §8.2.2; RFC 4724 §5; RFC 9687 §3 */
export function inEstablished(
  session: Extract<Session, { state: "Established" }>,
  event: SessionEvent,
  settings: SessionSettings,
): Step {
  const { agreed } = session;
  const { holdTime } = agreed;
  switch (event.type) {
    case "ManualStart":
    case "AutomaticStart":
      return stay(session);
    case "ManualStop":
      return stop(session, event, event.notification && hard(agreed, event.notification));
    case "OpenCollisionDump":
      return stop(session, event, COLLISION);
    case "AutomaticStop":
      return drop(session, event, settings, hard(agreed, event.notification));
    case "HoldTimer_Expires":
      return drop(session, event, settings, HOLD_TIMER_EXPIRED);
    case "SendHoldTimer_Expires":
      // Nothing that is said now would get through: the connection is just closed.
      return drop(session, event, settings);
    case "KeepaliveTimer_Expires":
      if (agreed.keepaliveTime === undefined) return stay(session);
      return stay(session, { type: "sendKeepalive" }, armWithJitter("keepalive", agreed.keepaliveTime));
    case "TcpConnectionConfirmed": // the peer has restarted and is back before its loss was seen (RFC 4724 §5)
    case "TcpConnectionFails":
      return drop(session, event, settings);
    case "NotifMsgVerErr":
    case "NotifMsg":
      return drop(session, event, settings);
    case "KeepAliveMsg": {
      const good = session.settled ? session : { ...session, failures: 0, settled: true };
      return holdTime === undefined ? stay(good) : stay(good, arm("hold", holdTime));
    }
    case "UpdateMsg":
      return holdTime === undefined ? stay(session) : stay(session, arm("hold", holdTime));
    case "RouteRefreshMsg": {
      // For a family that was not agreed it is ignored. @see RFC 2918 §4
      const { family, mark } = event;
      if (!agreed.families.some((other) => sameFamily(other, family))) return stay(session);
      if (mark === undefined) return stay(session, { type: "refresh", family });
      // Marks that were not agreed on mean nothing. @see RFC 7313 §4
      if (!agreed.enhancedRouteRefresh) return stay(session);
      return stay(session, { type: mark === "begin" ? "refreshBegins" : "refreshEnds", family });
    }
    case "BGPHeaderErr":
      return drop(session, event, settings, (agreed.enhancedRouteRefresh && event.refreshFault) || event.fault);
    case "BGPOpenMsgErr":
    case "UpdateMsgErr":
      return drop(session, event, settings, event.fault);
    default: // events 9, 13, 16, 19
      return drop(session, event, settings, fsmError(session));
  }
}

/** Where both ends keep routes over a NOTIFICATION, one that means the end is wrapped. @see RFC 8538 §3 */
function hard(agreed: Agreement, inner: NotificationMessage): NotificationMessage {
  if (agreed.gracefulRestart?.notification !== true) return inner;
  return notification(ErrorCode.Cease, CeaseSubcode.HardReset, Uint8Array.of(inner.code, inner.subcode, ...inner.data));
}
