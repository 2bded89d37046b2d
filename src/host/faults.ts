import { FaultError } from "../base/index.ts";

/** What the machine does not give, and where. */
export type HostFault =
  /** Another process works in this directory. */
  | { readonly code: "host.state-directory-in-use"; readonly path: string; readonly owner?: string }
  | { readonly code: "host.state-directory-unusable"; readonly path: string; readonly errno: string }
  /** A file cannot be written, as its file system is full, or what this user may have of it. */
  | { readonly code: "host.no-room"; readonly path: string; readonly errno: string; readonly octets: number }
  /** Another process of this network namespace holds the name. */
  | { readonly code: "host.name-in-use"; readonly name: string; readonly errno: string }
  /** The journal cannot be opened at all. */
  | { readonly code: "host.journal-unreadable"; readonly path: string; readonly errno: string }
  /** A record was not made durable; those acknowledged before are. */
  | { readonly code: "host.journal-write-failed"; readonly path: string; readonly errno: string }
  /** More records are waiting for the disk than the journal will hold. */
  | { readonly code: "host.journal-overloaded"; readonly path: string; readonly limit: number };

/** What opening and writing the state of a router throws. */
export class HostError extends FaultError<HostFault> {}

/** The system's name of what went wrong, such as `ENOSPC`; the error's own name when the system did not say. */
export function errnoOf(cause: unknown): string {
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.name : "unknown";
}
