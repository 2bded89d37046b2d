import type { SessionEnd } from "../session/index.ts";
import { CeaseSubcode, ErrorCode, type NotificationMessage, notification, shutdownText } from "../wire/index.ts";

/** @see RFC 4271 §4.5, RFC 4486 §3, RFC 6608 §3, RFC 9234 §4.2 and their registries */
const TEXTS: Readonly<Record<number, { readonly name: string; readonly subcodes: readonly string[] }>> = {
  1: { name: "message header error", subcodes: ["", "connection not synchronized", "bad length", "bad type"] },
  2: {
    name: "OPEN error",
    subcodes: [
      "malformed parameter",
      "unsupported version",
      "bad peer AS",
      "bad BGP identifier",
      "unsupported parameter",
      "",
      "unacceptable hold time",
      "unsupported capability",
      "",
      "",
      "",
      "role mismatch",
    ],
  },
  3: {
    name: "UPDATE error",
    subcodes: [
      "",
      "malformed attribute list",
      "unrecognized well-known attribute",
      "missing well-known attribute",
      "attribute flags",
      "attribute length",
      "invalid ORIGIN",
      "",
      "invalid next hop",
      "optional attribute",
      "invalid network",
      "malformed AS_PATH",
    ],
  },
  4: { name: "hold timer expired", subcodes: [] },
  5: {
    name: "FSM error",
    subcodes: ["", "unexpected in OpenSent", "unexpected in OpenConfirm", "unexpected in Established"],
  },
  6: {
    name: "cease",
    subcodes: [
      "",
      "maximum number of prefixes reached",
      "administrative shutdown",
      "peer deconfigured",
      "administrative reset",
      "connection rejected",
      "other configuration change",
      "connection collision",
      "out of resources",
      "hard reset",
      "BFD down",
    ],
  },
  7: { name: "ROUTE-REFRESH error", subcodes: [] },
  8: { name: "send hold timer expired", subcodes: [] },
};

/** `cease: administrative shutdown ("back at ten")` */
export function notificationText(message: NotificationMessage): string {
  const { code, subcode, data } = message;
  if (code === ErrorCode.Cease && subcode === CeaseSubcode.HardReset && data.length >= 2) {
    return `hard reset, ${notificationText(notification(data[0]!, data[1]!, data.subarray(2)))}`;
  }
  const known = TEXTS[code];
  const name = known?.name ?? `error ${code}`;
  const detail = known?.subcodes[subcode] || (subcode === 0 ? "" : `subcode ${subcode}`);
  const said = shutdownText(message);
  return name + (detail === "" ? "" : `: ${detail}`) + (said === undefined ? "" : ` (${JSON.stringify(said)})`);
}

/** Why a connection ended that nobody sent a NOTIFICATION for. */
export function endText(end: SessionEnd, lost: string | undefined): string {
  switch (end.cause) {
    case "TcpConnectionFails":
      return `connection lost: ${lost ?? "closed"}`;
    case "TcpConnectionConfirmed":
      return "the peer connected anew";
    case "SendHoldTimer_Expires":
      return TEXTS[ErrorCode.SendHoldTimerExpired]!.name;
    case "ManualStop":
      return "stopped";
    default:
      return end.cause;
  }
}
