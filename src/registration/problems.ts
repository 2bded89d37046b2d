import { FaultError } from "../base/index.ts";
import type { DirectoryError } from "../directory/index.ts";

interface ProblemRow {
  readonly status: number;
  readonly title: string;
  /** Error code of the WWW-Authenticate field. @see RFC 6750 §3.1; RFC 9449 §7.1 */
  readonly challenge?: "invalid_token" | "insufficient_scope" | "invalid_dpop_proof" | "none";
}

/** Every refusal of this interface. The code is stable; the title may change. */
export const PROBLEMS = {
  "registration.token-missing": { status: 401, title: "An access token is needed", challenge: "none" },
  "registration.token-invalid": { status: 401, title: "The access token is not valid", challenge: "invalid_token" },
  "registration.token-expired": { status: 401, title: "The access token has expired", challenge: "invalid_token" },
  "registration.proof-invalid": {
    status: 401,
    title: "The token is bound to a key, and possession of that key was not proved",
    challenge: "invalid_dpop_proof",
  },
  "registration.scope-missing": {
    status: 403,
    title: "The token does not cover the capability",
    challenge: "insufficient_scope",
  },
  "registration.tenant-unknown": { status: 403, title: "The token's tenant is not served here" },
  "registration.agent-mismatch": { status: 403, title: "The token belongs to another agent" },
  "registration.endpoint-not-allowed": { status: 403, title: "The endpoint is not behind this router" },
  "registration.body-invalid": { status: 422, title: "The body is not what this request takes" },
  "registration.body-not-json": { status: 400, title: "The body is not JSON" },
  "registration.body-too-large": { status: 413, title: "The body is too large" },
  "registration.media-type": { status: 415, title: "The body must be application/json" },
  "registration.query-invalid": { status: 400, title: "The query is not what this request takes" },
  "registration.unknown-capability": { status: 422, title: "The capability is not in the taxonomy" },
  "registration.unknown-agent": { status: 404, title: "The agent is not registered" },
  "registration.unknown-instance": { status: 404, title: "The agent has no such instance" },
  "registration.lease-expired": { status: 404, title: "The lease has run out: register again" },
  "registration.agent-held": { status: 409, title: "The agent ID is held by somebody with precedence" },
  "registration.limit": { status: 409, title: "No more instances are accepted" },
  "registration.rate-limited": { status: 429, title: "Too many refused tokens from this address" },
  "registration.store-failed": { status: 503, title: "The registration could not be made durable" },
  "registration.not-found": { status: 404, title: "There is no such resource" },
  "registration.method-not-allowed": { status: 405, title: "The resource does not take this method" },
  "registration.internal": { status: 500, title: "The router failed; its log says why" },
} as const satisfies Readonly<Record<string, ProblemRow>>;

export type ProblemCode = keyof typeof PROBLEMS;

export interface RegistrationFault {
  readonly code: ProblemCode;
  /** Where in the body, as a JSON Pointer. @see RFC 6901 */
  readonly path?: string;
  /** Scope that would have been enough. */
  readonly scope?: string;
  readonly retryAfterSeconds?: number;
  readonly allow?: string;
}

/** A refusal, with one sentence for whoever reads the response. The sentence holds no secret. */
export class RegistrationError extends FaultError<RegistrationFault> {}

export function refuse(
  code: ProblemCode,
  detail: string,
  more: Omit<RegistrationFault, "code"> = {},
): RegistrationError {
  return new RegistrationError({ code, ...more }, detail);
}

/** What the directory refused, in the words of this interface. */
export function fromDirectory(error: DirectoryError): RegistrationError {
  const { fault } = error;
  switch (fault.code) {
    case "directory.unknown-agent":
      return refuse("registration.unknown-agent", `${fault.agent} is not registered here`);
    case "directory.unknown-instance":
      return refuse("registration.unknown-instance", `${fault.agent} has no instance ${fault.instance}`);
    case "directory.lease-expired":
      return refuse("registration.lease-expired", `the lease ran out ${Math.ceil(fault.lateBy)} ms ago`);
    case "directory.agent-held": {
      const holder = fault.source === "registration" ? "another tenant" : `this router's ${fault.source}`;
      return refuse("registration.agent-held", `${fault.agent} belongs to ${holder}`);
    }
    case "directory.duplicate-instance":
      return refuse("registration.body-invalid", "the same capability at the same endpoint twice", {
        path: "/capabilities",
      });
    case "directory.capability-limit":
      return refuse("registration.limit", `the ${fault.per} may have ${fault.limit} instances`);
    case "directory.store-failed":
      return refuse("registration.store-failed", `the state directory cannot be written (${fault.errno})`, {
        retryAfterSeconds: 10,
      });
    case "directory.address-collision":
      throw error; // a fault of the taxonomy, which was checked before anything was served
  }
}

/** Relative to the router: `GET` of it says what the code means. */
export function problemType(code: ProblemCode): string {
  return `/v1/problems/${code}`;
}

/** The body of the response. @see RFC 9457 §3 */
export function problemDocument(error: RegistrationError): Readonly<Record<string, unknown>> {
  const { code, path, scope } = error.fault;
  const { status, title } = PROBLEMS[code];
  const more = { ...(path === undefined ? {} : { path }), ...(scope === undefined ? {} : { scope }) };
  return { type: problemType(code), title, status, detail: error.message, code, ...more };
}

/** Header fields that belong to the refusal. */
export function problemFields(error: RegistrationError): Readonly<Record<string, string>> {
  const { code, scope, retryAfterSeconds, allow } = error.fault;
  const row: ProblemRow = PROBLEMS[code];
  return {
    ...(row.challenge === undefined ? {} : { "www-authenticate": challenge(row.challenge, scope) }),
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    ...(allow === undefined ? {} : { allow }),
  };
}

function challenge(error: NonNullable<ProblemRow["challenge"]>, scope: string | undefined): string {
  const scheme = error === "invalid_dpop_proof" ? "DPoP" : "Bearer";
  const parameters = ['realm="semrd"'];
  if (error !== "none") parameters.push(`error="${error}"`);
  if (scope !== undefined) parameters.push(`scope="${scope}"`);
  return `${scheme} ${parameters.join(", ")}`;
}
