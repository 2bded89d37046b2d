/** @see RFC 6241 Appendix A */
export type ErrorTag =
  | "in-use"
  | "invalid-value"
  | "too-big"
  | "missing-attribute"
  | "bad-attribute"
  | "unknown-attribute"
  | "missing-element"
  | "bad-element"
  | "unknown-element"
  | "unknown-namespace"
  | "access-denied"
  | "lock-denied"
  | "resource-denied"
  | "rollback-failed"
  | "data-exists"
  | "data-missing"
  | "operation-not-supported"
  | "operation-failed"
  | "malformed-message";

/** One thing that was wrong, in the words of RFC 6241 §4.3; the edges say it in those of their protocol. */
export interface ManagementFault {
  readonly errorType: "transport" | "rpc" | "protocol" | "application";
  readonly errorTag: ErrorTag;
  readonly errorSeverity: "error" | "warning";
  /** The model's error-app-tag, or one of ours; stable. */
  readonly appTag?: string;
  /** Data path. */
  readonly path?: string;
  /** A sentence for people: what, where, and what to do. Never the value of a secret. */
  readonly message: string;
  readonly info?: {
    readonly badElement?: string;
    readonly badAttribute?: string;
    readonly badNamespace?: string;
    /** Who holds the lock; 0: no session of a protocol. */
    readonly sessionId?: number;
  };
}

/** A value, or at least one fault. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly ManagementFault[] };

/** The answer of who could. */
export const answered = <T>(value: T): Answer<T> => ({ ok: true, value });

/** The answer of who cannot do what was asked for: every reason. */
export const refused = (...faults: readonly ManagementFault[]): Answer<never> => ({ ok: false, faults });

/** A fault of the application layer; `details` may say otherwise. */
export const fault = (
  errorTag: ErrorTag,
  message: string,
  details: Partial<Omit<ManagementFault, "errorTag" | "message">> = {},
): ManagementFault => ({ errorType: "application", errorSeverity: "error", ...details, errorTag, message });
