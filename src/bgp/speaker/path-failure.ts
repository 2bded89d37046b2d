import { milliseconds } from "../../base/index.ts";
import { ErrorCode, notification } from "../wire/index.ts";
import type { Endpoint } from "./transport.ts";

/** That the path to a neighbour failed, as BFD sees it. */
export interface PathFailure {
  /** The C bit of the neighbour: its BFD outlives its control plane. @see RFC 5880 §4.1 */
  readonly independent: boolean;
}

/** What whoever watches the path to a neighbour has to know about its session. */
export type SessionChange =
  | {
      readonly type: "established";
      readonly peer: string;
      readonly local: Endpoint;
      readonly remote: Endpoint;
      /** Its routes outlive a session that ends without a NOTIFICATION. */
      readonly restartAgreed: boolean;
    }
  | {
      readonly type: "ended";
      readonly peer: string;
      /** Its routes are kept for its graceful restart. */
      readonly retained: boolean;
    };

/** Cease, BFD Down. @see RFC 9384 §3 */
export const BFD_DOWN = notification(ErrorCode.Cease, 10);

/**
 * How long the end of a connection may be behind the end of BFD: a process that was killed closes its connection long
 * before BFD notices, but the FIN may have been lost and sent again, or wait for this router's event loop.
 */
export const LATE_END = milliseconds(250);
