import type { Seconds } from "../../base/index.ts";
import type { User } from "../access/index.ts";
import type { ListenAddress } from "./types.ts";

export type { User };

/** NETCONF over SSH. @see RFC 6242 */
export interface NetconfConfiguration {
  /** Empty: there is no NETCONF server. */
  readonly listen: readonly ListenAddress[];
  readonly loginTimeout: Seconds;
  readonly maxLogins: number;
  readonly maxAttempts: number;
  readonly maxSessions: number;
  /** Octets. */
  readonly maxMessage: number;
  readonly helloTimeout: Seconds;
  /** Absent: sessions are never idle for too long. */
  readonly idleTimeout?: Seconds;
}
