import type { Seconds } from "../../base/index.ts";
import type { ListenAddress } from "./types.ts";

/** gNMI over gRPC with TLS. */
export interface GrpcConfiguration {
  /** Empty: there is no gNMI server. */
  readonly listen: readonly ListenAddress[];
  /** Present wherever it listens. */
  readonly tls?: {
    readonly certificateFile: string;
    readonly keyFile: string;
    /** Present: clients have to show a certificate of it. */
    readonly clientCaFile?: string;
  };
  /** Subscriptions at one time. */
  readonly maxStreams: number;
  /** Octets of a request. */
  readonly maxMessage: number;
  /** Of a connection without calls; absent: none. */
  readonly idleTimeout?: Seconds;
}
