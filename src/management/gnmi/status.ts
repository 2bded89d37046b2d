import { type Metadata, status } from "@grpc/grpc-js";
import type { Answer, ErrorTag, ManagementFault } from "../datastore/index.ts";

/** A request that is not carried out, as its client is told. */
export class GnmiError extends Error {
  readonly code: status;
  /** What grpc-js sends. */
  readonly details: string;
  /** What it sends besides. */
  readonly metadata?: Metadata;

  constructor(code: keyof typeof status, message: string, metadata?: Metadata) {
    super(message);
    this.code = status[code];
    this.details = message;
    if (metadata !== undefined) this.metadata = metadata;
  }
}

/** @see gNMI specification §3.4.7; RFC 6241 Appendix A */
const CODES: Readonly<Record<ErrorTag, keyof typeof status>> = {
  "in-use": "FAILED_PRECONDITION",
  "invalid-value": "INVALID_ARGUMENT",
  "too-big": "RESOURCE_EXHAUSTED",
  "missing-attribute": "INVALID_ARGUMENT",
  "bad-attribute": "INVALID_ARGUMENT",
  "unknown-attribute": "INVALID_ARGUMENT",
  "missing-element": "INVALID_ARGUMENT",
  "bad-element": "INVALID_ARGUMENT",
  "unknown-element": "INVALID_ARGUMENT",
  "unknown-namespace": "INVALID_ARGUMENT",
  "access-denied": "PERMISSION_DENIED",
  "lock-denied": "FAILED_PRECONDITION",
  "resource-denied": "RESOURCE_EXHAUSTED",
  "rollback-failed": "INTERNAL",
  "data-exists": "ALREADY_EXISTS",
  "data-missing": "NOT_FOUND",
  "operation-not-supported": "UNIMPLEMENTED",
  "operation-failed": "ABORTED",
  "malformed-message": "INVALID_ARGUMENT",
};

/** Faults that are told at once; the message travels in a header field. */
const MOST_FAULTS = 10;

export function errorOf(faults: readonly ManagementFault[]): GnmiError {
  const first = faults[0]!;
  // What a `must` of the model refuses is the request's fault; what has no such mark went wrong here.
  const isModel = first.errorTag === "operation-failed" && first.appTag !== undefined;
  const lines = faults.slice(0, MOST_FAULTS).map(({ path, message, appTag }) => {
    const where = path === undefined ? "" : `${path}: `;
    return `${where}${message}${appTag === undefined ? "" : ` (${appTag})`}`;
  });
  if (faults.length > MOST_FAULTS) lines.push(`and ${faults.length - MOST_FAULTS} more`);
  return new GnmiError(isModel ? "INVALID_ARGUMENT" : CODES[first.errorTag], lines.join("; "));
}

/** @throws {GnmiError} for what was refused */
export function must<T>(answer: Answer<T>): T {
  if (!answer.ok) throw errorOf(answer.faults);
  return answer.value;
}

/** What a client is told of whatever went wrong. */
export const asGnmiError = (cause: unknown): GnmiError =>
  cause instanceof GnmiError ? cause : new GnmiError("INTERNAL", "a defect of the router; its log says more");
