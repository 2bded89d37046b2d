import type { Seconds } from "../../base/index.ts";

/** Tables and messages that are written to files. @see RFC 6396 */
export interface MrtConfiguration {
  readonly tables: readonly TableDumpConfiguration[];
  readonly updates: readonly UpdateLogConfiguration[];
}

export interface TableDumpConfiguration {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly view: "loc-rib" | "adj-rib-in";
  readonly families: readonly ("capability" | "ipv6-unicast" | "ipv4-unicast")[];
  readonly interval: Seconds;
  readonly retain: number;
}

export interface UpdateLogConfiguration {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** Addresses as text; empty: all. */
  readonly neighbors: readonly string[];
  readonly interval: Seconds;
  readonly maximumOctets: number;
  readonly retain: number;
}
