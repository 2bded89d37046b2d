import { type Fault, FaultError, type Ipv6Address, type Milliseconds } from "../base/index.ts";
import type { Source } from "./types.ts";

export type DirectoryFault =
  | { readonly code: "directory.unknown-agent"; readonly agent: string }
  | { readonly code: "directory.unknown-instance"; readonly agent: string; readonly instance: string }
  | { readonly code: "directory.lease-expired"; readonly agent: string; readonly lateBy: Milliseconds }
  /** The agent ID is held by another tenant or by a source that this caller may not overrule. */
  | { readonly code: "directory.agent-held"; readonly agent: string; readonly source: Source }
  | { readonly code: "directory.duplicate-instance"; readonly agent: string; readonly instance: string }
  | {
      readonly code: "directory.capability-limit";
      readonly agent: string;
      readonly per: "agent" | "tenant";
      readonly limit: number;
    }
  /** Nothing was acknowledged; what was acknowledged before is untouched. */
  | { readonly code: "directory.store-failed"; readonly errno: string }
  | {
      readonly code: "directory.address-collision";
      readonly tenant: string;
      readonly names: readonly [string, string];
      readonly address: Ipv6Address;
    };

/** What the directory or its store refuses. */
export class DirectoryError extends FaultError<DirectoryFault & Fault> {}
