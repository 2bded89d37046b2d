import { type Seconds, unreachable } from "../../base/index.ts";
import type { Family, NotificationMessage, OpenMessage } from "../wire/index.ts";
import { inActive, inConnect, inIdle } from "./connecting.ts";
import { inEstablished } from "./established.ts";
import type { SessionEvent, SessionEventType } from "./events.ts";
import type { Agreement } from "./negotiation.ts";
import { inOpenConfirm, inOpenSent } from "./opening.ts";
import type { SessionSettings } from "./settings.ts";

/**
 * One connection's state machine. `failures` counts attempts that ended badly since the last good session; waiting times
 * double with it.
 * @see RFC 4271 §8.2.2
 */
export type Session =
  | { readonly state: "Idle"; readonly failures: number }
  /** `delaying`: the connection stands, and the peer's OPEN is waited for before ours is said (DelayOpen). */
  | { readonly state: "Connect"; readonly failures: number; readonly delaying?: true }
  | { readonly state: "Active"; readonly failures: number; readonly delaying?: true }
  | { readonly state: "OpenSent"; readonly failures: number; readonly sent: OpenMessage }
  | { readonly state: "OpenConfirm"; readonly failures: number; readonly agreed: Agreement }
  | {
      readonly state: "Established";
      readonly failures: number;
      readonly agreed: Agreement;
      /** It has lasted a keepalive interval: what looks like a collision now is a peer that has restarted. */
      readonly settled: boolean;
    };

export type SessionState = Session["state"];

export type SessionTimer = "connectRetry" | "hold" | "keepalive" | "idleHold" | "delayOpen" | "sendHold";

/** Whether there is a connection on which the OPEN of this router is delayed. */
export function isDelaying(session: Session | undefined): boolean {
  return (session?.state === "Connect" || session?.state === "Active") && session.delaying === true;
}

/** How a connection ended. */
export interface SessionEnd {
  readonly cause: SessionEventType;
  readonly sent?: NotificationMessage;
  readonly received?: NotificationMessage;
}

/** What the driver has to do, in this order. */
export type SessionEffect =
  /** Open a TCP connection; answer with Tcp_CR_Acked or TcpConnectionFails. */
  | { readonly type: "connect" }
  /** Close the TCP connection, after what was sent; it gives no more events. */
  | { readonly type: "close" }
  | { readonly type: "sendOpen"; readonly open: OpenMessage }
  /** What comes may be extended from now on: the OPEN that offers it is on its way, and what the peer offers is of the other direction. @see RFC 8654 §4 */
  | { readonly type: "allowExtendedMessages" }
  | { readonly type: "sendKeepalive" }
  | { readonly type: "sendNotification"; readonly notification: NotificationMessage }
  /** Start or restart a timer. With jitter the delay is cut by up to a quarter (RFC 4271 §10). */
  | { readonly type: "arm"; readonly timer: SessionTimer; readonly delay: Seconds; readonly jitter: boolean }
  | { readonly type: "disarm"; readonly timer: SessionTimer }
  | { readonly type: "disarmAll" }
  | { readonly type: "established"; readonly agreed: Agreement }
  /** `agreed` when the session had been established. */
  | { readonly type: "ended"; readonly end: SessionEnd; readonly agreed: Agreement | undefined }
  /** Send the family's routes again. */
  | { readonly type: "refresh"; readonly family: Family }
  /** The peer sends the family's routes again from here on, or has done so. @see RFC 7313 §4 */
  | { readonly type: "refreshBegins"; readonly family: Family }
  | { readonly type: "refreshEnds"; readonly family: Family };

export interface Step {
  readonly session: Session;
  readonly effects: readonly SessionEffect[];
}

export const IDLE: Session = { state: "Idle", failures: 0 };

/** One event of one connection. Pure: no clock, no socket, no log. @see RFC 4271 §8.2.2 */
export function step(session: Session, event: SessionEvent, settings: SessionSettings): Step {
  switch (session.state) {
    case "Idle":
      return inIdle(session, event, settings);
    case "Connect":
      return inConnect(session, event, settings);
    case "Active":
      return inActive(session, event, settings);
    case "OpenSent":
      return inOpenSent(session, event, settings);
    case "OpenConfirm":
      return inOpenConfirm(session, event, settings);
    case "Established":
      return inEstablished(session, event, settings);
    default:
      return unreachable(session);
  }
}
