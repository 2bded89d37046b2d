import type { Seconds } from "../../base/index.ts";
import type { User } from "../access/index.ts";
import type { CallHomeClient } from "../netconf/call-home.ts";
import type { CertificateRule } from "../netconf/certificate-user.ts";
import type { KeyPairFiles } from "./keystore.ts";
import type { ListenAddress } from "./types.ts";

export type { User };

/** What a transport of NETCONF listens on, and how long it is patient. */
export interface NetconfTransportConfiguration {
  readonly listen: readonly ListenAddress[];
  readonly loginTimeout: Seconds;
  readonly maxLogins: number;
}

/** @see RFC 6241 */
export interface NetconfConfiguration {
  /** Over SSH. @see RFC 6242 */
  readonly ssh: NetconfTransportConfiguration & { readonly maxAttempts: number };
  /** Over TLS; present wherever it is spoken. @see RFC 7589 */
  readonly tls?: NetconfTransportConfiguration &
    KeyPairFiles & {
      readonly clientCaFiles: readonly string[];
      readonly rules: readonly CertificateRule[];
    };
  /** @see RFC 8071 */
  readonly callHome: {
    readonly clients: readonly (CallHomeClient & { readonly transport: "ssh" | "tls" })[];
    readonly retry: Seconds;
    readonly maxRetry: Seconds;
  };
  readonly maxSessions: number;
  /** Octets. */
  readonly maxMessage: number;
  readonly helloTimeout: Seconds;
  /** Absent: sessions are never idle for too long. */
  readonly idleTimeout?: Seconds;
}
