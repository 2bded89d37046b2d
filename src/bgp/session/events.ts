import type { Seconds } from "../../base/index.ts";
import type { Family, NotificationMessage, OpenMessage } from "../wire/index.ts";

/** Events of one connection under their names in the RFC. @see RFC 4271 §8.1; RFC 9687 §3 (29); RFC 2918 (ROUTE-REFRESH) */
export type SessionEvent =
  /** 1 */
  | { readonly type: "ManualStart" }
  /** 2: without `notification` the connection is just closed, as before a restart. */
  | { readonly type: "ManualStop"; readonly notification?: NotificationMessage }
  /** 3 */
  | { readonly type: "AutomaticStart" }
  /** 8: the session comes back after its idle hold time, or after `idleHold`. */
  | { readonly type: "AutomaticStop"; readonly notification: NotificationMessage; readonly idleHold?: Seconds }
  /** 9 */
  | { readonly type: "ConnectRetryTimer_Expires" }
  /** 10 */
  | { readonly type: "HoldTimer_Expires" }
  /** 11 */
  | { readonly type: "KeepaliveTimer_Expires" }
  /** 12 */
  | { readonly type: "DelayOpenTimer_Expires" }
  /** 13 */
  | { readonly type: "IdleHoldTimer_Expires" }
  /** 16: our SYN was answered. */
  | { readonly type: "Tcp_CR_Acked" }
  /** 17: the peer's connection was accepted. */
  | { readonly type: "TcpConnectionConfirmed" }
  /** 18 */
  | { readonly type: "TcpConnectionFails" }
  /** 19; 20 while the OPEN of this router is delayed */
  | { readonly type: "BGPOpen"; readonly open: OpenMessage }
  /** 21 */
  | {
      readonly type: "BGPHeaderErr";
      readonly fault: NotificationMessage;
      /** What is wrong where marks of a refresh were agreed on. @see RFC 7313 §5 */
      readonly refreshFault?: NotificationMessage;
    }
  /** 22 */
  | { readonly type: "BGPOpenMsgErr"; readonly fault: NotificationMessage }
  /** 23 */
  | { readonly type: "OpenCollisionDump" }
  /** 24 */
  | { readonly type: "NotifMsgVerErr"; readonly notification: NotificationMessage }
  /** 25 */
  | { readonly type: "NotifMsg"; readonly notification: NotificationMessage }
  /** 26 */
  | { readonly type: "KeepAliveMsg" }
  /** 27 */
  | { readonly type: "UpdateMsg" }
  /** 28 */
  | { readonly type: "UpdateMsgErr"; readonly fault: NotificationMessage }
  /** 29 */
  | { readonly type: "SendHoldTimer_Expires" }
  /** `mark`: what follows is a refresh, or it is complete. @see RFC 7313 §3.2 */
  | { readonly type: "RouteRefreshMsg"; readonly family: Family; readonly mark?: "begin" | "end" };

export type SessionEventType = SessionEvent["type"];
