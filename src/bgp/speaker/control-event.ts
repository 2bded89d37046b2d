import { unreachable } from "../../base/index.ts";
import type { SessionEvent } from "../session/index.ts";
import { decodeControl, ErrorCode, type Frame, MessageType, RefreshSubtype } from "../wire/index.ts";

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
    case "route-refresh": {
      const { family, subtype } = message;
      if (subtype === RefreshSubtype.Request) return { type: "RouteRefreshMsg", family };
      // Any other subtype is ignored. @see RFC 7313 §5
      if (subtype !== RefreshSubtype.Begin && subtype !== RefreshSubtype.End) return undefined;
      return { type: "RouteRefreshMsg", family, mark: subtype === RefreshSubtype.Begin ? "begin" : "end" };
    }
    case "bad-refresh":
      return { type: "BGPHeaderErr", fault: message.plain, refreshFault: message.fault };
    default:
      return unreachable(message);
  }
}
