import type { Seconds } from "../../base/index.ts";
import type { KeyPairFiles } from "./keystore.ts";
import type { ListenAddress } from "./types.ts";

/** gNMI over gRPC with TLS. */
export interface GrpcConfiguration {
  /** Empty: there is no gNMI server. */
  readonly listen: readonly ListenAddress[];
  /** Present wherever it listens. */
  readonly tls?: KeyPairFiles & {
    /** Present: clients have to show a certificate of one of them. */
    readonly clientCaFiles?: readonly string[];
  };
  /** Whether it is also served on a UNIX socket in the state directory. */
  readonly localSocket: boolean;
  /** Whose access tokens let operators in. */
  readonly issuers: readonly OperatorIssuer[];
  /** Subscriptions at one time. */
  readonly maxStreams: number;
  /** Octets of a request. */
  readonly maxMessage: number;
  /** Of a connection without calls; absent: none. */
  readonly idleTimeout?: Seconds;
}

/** Somebody whose access tokens name users of this router. */
export interface OperatorIssuer {
  readonly name: string;
  /** The `iss` claim. */
  readonly issuer: string;
  /** What `aud` has to contain. */
  readonly audience: string;
  readonly jwksFile: string;
  /** Whether the header has to say `at+jwt`. */
  readonly tokenType: "required" | "any";
  readonly userClaim: string;
}
