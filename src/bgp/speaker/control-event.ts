import { unreachable } from "../../base/index.ts";
import type { SessionEvent } from "../session/index.ts";
import { decodeControl, ErrorCode, type Frame, MessageType } from "../wire/index.ts";

/** What a message that is no UPDATE means to the state machines; `undefined`: nothing. */
export function controlEvent(frame: Frame): SessionEvent | undefined {
  const decoded = decodeControl(frame);
  if (!decoded.ok) {
    const type = frame.type === MessageType.Open ? "BGPOpenMsgErr" : "BGPHeaderErr";
    return { type, fault: decoded.fault };
  }
  const message = decoded.value;
  switch (message.type) {
    case "open":
      return { type: "BGPOpen", open: message.open };
    case "keepalive":
      return { type: "KeepAliveMsg" };
    case "notification": {
      const { code, subcode } = message.notification;
      const type = code === ErrorCode.OpenMessage && subcode === 1 ? "NotifMsgVerErr" : "NotifMsg";
      return { type, notification: message.notification };
    }
    case "route-refresh":
      // The marks of enhanced route refresh (subtypes 1 and 2) were not agreed on. @see RFC 7313 §5
      return message.subtype === 0 ? { type: "RouteRefreshMsg", family: message.family } : undefined;
    default:
      return unreachable(message);
  }
}
