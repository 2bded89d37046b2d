import type { Seconds } from "../../base/index.ts";

/** Monitoring stations. @see RFC 7854 */
export interface BmpConfiguration {
  readonly stations: readonly BmpStationConfiguration[];
}

export interface BmpStationConfiguration {
  readonly name: string;
  /** Address, or name of a host; of one that connects to this router the address from which it does. */
  readonly address: string;
  readonly port: number;
  /** Where it connects to; absent: this router connects to it. */
  readonly listen?: string;
  readonly connectRetry: Seconds;
  /** At least one. */
  readonly tables: readonly (
    | "pre-policy"
    | "post-policy"
    | "loc-rib"
    | "adj-rib-out-pre-policy"
    | "adj-rib-out-post-policy"
    | "mirrored"
    | "mirrored-errors"
  )[];
  /** Addresses as text; empty: all. */
  readonly neighbors: readonly string[];
  /** Absent: no reports. */
  readonly statisticsInterval?: Seconds;
}
