import { FaultError } from "../base/index.ts";
import type { Operation } from "../forwarding/index.ts";

export type DataplaneFault =
  /** A table has no room. `limit` is what it holds at most. */
  | { readonly code: "dataplane.table-full"; readonly table: string; readonly limit: number }
  /** An operation that the tables as they are do not allow: a mistake of the caller. */
  | { readonly code: "dataplane.bad-operation"; readonly type: Operation["type"] }
  /** Somebody else's program sits on the hook. */
  | { readonly code: "dataplane.foreign-program"; readonly interface: string }
  | { readonly code: "dataplane.no-rights" }
  | { readonly code: "dataplane.interface-missing"; readonly interface: string }
  | { readonly code: "dataplane.unsupported-kernel" };

/** What a data plane refuses or cannot do. The message says what, where, and what to do about it. */
export class DataplaneError extends FaultError<DataplaneFault> {}
