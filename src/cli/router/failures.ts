import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ProblemReport } from "../../management/index.ts";
import { CommandFailure, EXIT } from "../exit.ts";
import { VERSION } from "../version.ts";
import { placeOf, type RouterTarget } from "./target.ts";

const unreachable = (text: string): CommandFailure => new CommandFailure(EXIT.unreachable, text);

export const silence = (place: string, timeoutSeconds: number): CommandFailure =>
  unreachable(
    `the router at ${place} has been silent for ${timeoutSeconds} s: look at its log, or wait longer with --timeout`,
  );

export const brokeOff = (place: string): CommandFailure =>
  unreachable(`the answer of the router at ${place} broke off: look at its log, then try again`);

export const notGrpc = (place: string): CommandFailure =>
  unreachable(`what is at ${place} speaks no gRPC: name the port of gNMI, as management/grpc of the router has it`);

/**
 * How far a connection had come when it ended. Whoever refuses a certificate may close without a word, but only when it was shown one
 * and before it speaks HTTP.
 */
export type Stage = "silent" | "certificate" | "open";

/** A connection that is closed or reset without a word. */
export function hungUp(target: RouterTarget, stage: Stage, detail?: string): CommandFailure {
  const place = placeOf(target);
  const why =
    target.kind === "socket" || stage !== "certificate"
      ? "look at its log, then try again"
      : target.cert === undefined
        ? "it may want a client certificate: give --tls-cert and --tls-key, or look at its log"
        : `it may not take ${target.cert}: ${anotherThan(target.cert)}`;
  const how = detail === undefined ? "" : ` (${detail})`;
  return unreachable(`the router at ${place} did not answer, and closed the connection${how}: ${why}`);
}

/** A router of a time when control sockets knew no gRPC. */
export const onlyHttp = (place: string, version: string): CommandFailure =>
  new CommandFailure(
    EXIT.refused,
    `the router at ${place} is semrd ${version}, which speaks no gNMI there: it is older than semrctl ${VERSION}, so use a semrctl of its version`,
  );

/** A connection that did not come about. */
export function cannotConnect(cause: NodeJS.ErrnoException, target: RouterTarget, stage: Stage): CommandFailure {
  if (target.kind === "socket") return noSocket(cause, target.path);
  const place = placeOf(target);
  switch (cause.code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return unreachable(`${target.host} has no address that can be found (${cause.code}): check the name, or the DNS`);
    case "ECONNREFUSED":
      return unreachable(
        `no router answers at ${place} (nobody listens): check the address, and management/grpc of the router`,
      );
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return unreachable(`${place} cannot be reached (${cause.code}): check the address, and the network on the way`);
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return unreachable(
        `the certificate of ${place} is for another name (${namesOf(cause)}): reach the router by that, or say it with --tls-server-name`,
      );
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return unreachable(
        `the certificate of ${place} is of nobody whom this host trusts: name the file of its authority with --tls-ca`,
      );
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return unreachable(`the certificate of ${place} is not valid now: renew it, or set the clock of this host`);
    case "INVALID_PURPOSE":
    case "INVALID_CA":
    case "CERT_REVOKED":
    case "CERT_SIGNATURE_FAILURE":
      return unreachable(`the certificate of ${place} is not good (${cause.message}): give the router another one`);
    case "ECONNRESET":
    case "EPIPE":
      return hungUp(target, stage);
    case "ERR_SSL_UNSUPPORTED_PROTOCOL":
    case "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION":
      return unreachable(
        `what is at ${place} speaks no TLS of version 1.2 or 1.3: name the port of gNMI, or renew what is in between`,
      );
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
    case "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
      return notGrpc(place);
    default:
      return unreachable(alerted(cause, target) ?? `the router at ${place} did not answer: ${cause.message}`);
  }
}

/** Alerts about a certificate, by the names that OpenSSL has for them. @see RFC 8446 §6.2 */
const REFUSED =
  /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)$/;

/** What a router says in TLS, where it says something, which may come when the connection is open already. */
function alerted({ code = "" }: NodeJS.ErrnoException, target: RouterTarget): string | undefined {
  const place = placeOf(target);
  const shown = target.kind === "router" ? target.cert : undefined;
  if (/_ALERT_HANDSHAKE_FAILURE$/.test(code) && shown === undefined)
    return `the router at ${place} has nothing in common with this host in TLS, or wants a client certificate (${code}): give --tls-cert and --tls-key, or look at its log`;
  if (/UNRECOGNIZED_NAME$/.test(code))
    return `the router at ${place} knows no such name as it was called by: say another with --tls-server-name`;
  if (!REFUSED.test(code)) return undefined;
  if (shown === undefined) return `the router at ${place} wants a client certificate: give --tls-cert and --tls-key`;
  return `the router at ${place} does not take ${shown} (${code}): ${anotherThan(shown)}`;
}

/** What to do where a certificate of this host is refused: a router has seldom words for why. */
function anotherThan(file: string): string {
  const [from, to] = validityOf(file);
  const now = Date.now();
  if (to !== undefined && to.getTime() < now) return `it was good until ${to.toISOString()}: renew it`;
  if (from !== undefined && from.getTime() > now)
    return `it is good from ${from.toISOString()} on: wait, or give another`;
  return "give one that its client CA has signed";
}

/** Of the first certificate of a file, which has been read before. */
function validityOf(file: string): readonly [Date?, Date?] {
  try {
    const { validFromDate, validToDate } = new X509Certificate(readFileSync(file));
    return [validFromDate, validToDate];
  } catch {
    return []; // it has changed meanwhile
  }
}

function namesOf(cause: Error): string {
  const { cert } = cause as { cert?: { subjectaltname?: string; subject?: { CN?: string } } };
  return cert?.subjectaltname ?? cert?.subject?.CN ?? "it names none";
}

function noSocket(cause: NodeJS.ErrnoException, path: string): CommandFailure {
  const advice = "start semrd, or name its socket with --socket";
  switch (cause.code) {
    case "ENOENT":
      return unreachable(`no router at ${path} (there is no such socket): ${advice}`);
    case "ECONNREFUSED":
      return unreachable(`no router answers at ${path} (nobody listens): ${advice}`);
    case "EACCES":
    case "EPERM":
      return unreachable(`no permission to connect to ${path}: be root, or a member of the group of the socket`);
    default:
      return unreachable(`the router at ${path} did not answer: ${cause.message}`);
  }
}

/** A call that ended without a status. */
export function callBroken(cause: NodeJS.ErrnoException, target: RouterTarget, stage: Stage): CommandFailure {
  if (cause instanceof CommandFailure) return cause;
  // What refuses a certificate may have closed before it has read what was asked: then its reason is lost to a reset
  if (cause.code === "ECONNRESET" || cause.code === "EPIPE") return hungUp(target, stage);
  if (cause.code === "ERR_HTTP2_SESSION_ERROR" || cause.code === "ERR_HTTP2_STREAM_ERROR")
    return hungUp(target, stage, cause.message);
  const text = alerted(cause, target) ?? `the router at ${placeOf(target)} did not answer: ${cause.message}`;
  return unreachable(text);
}

/** How a call has ended. @see gRPC status codes */
export interface CallStatus {
  readonly code: number;
  readonly message: string;
  readonly problem?: ProblemReport;
  /** Of semrd, where it says. */
  readonly version?: string;
}

const STATUS = {
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What the router refused, or why it is not one that can be asked. */
export function refusal(status: CallStatus, place: string): CommandFailure {
  const { code, message, problem } = status;
  if (problem !== undefined) return problemFailure(problem, status.version);
  switch (code) {
    case STATUS.unauthenticated:
      return new CommandFailure(
        EXIT.refused,
        `the router at ${place} does not let you in: ${message}. Give --username, --token-file, or --tls-cert and --tls-key`,
      );
    case STATUS.unavailable:
      return unreachable(`the router at ${place} cannot answer: ${message}`);
    case STATUS.resourceExhausted:
      if (/larger than max/.test(message))
        return new CommandFailure(
          EXIT.refused,
          `the router at ${place} takes no message as long as this one (${message}): send it in parts, or raise management/grpc/maximum-message-size`,
        );
      return new CommandFailure(EXIT.refused, `the router at ${place} takes no more: ${message}`);
    default:
      if (code === STATUS.unimplemented || /\borigin\b/.test(message))
        return new CommandFailure(
          EXIT.refused,
          `the router at ${place} does not know this semrctl's requests (${message}): its semrd is older than semrctl ${VERSION}, so use a semrctl of its version`,
        );
      return new CommandFailure(EXIT.refused, `the router at ${place} refused: ${message} (gRPC status ${code})`);
  }
}

/** What is refused by those only who know other requests. */
const UNKNOWN = new Set(["control.not-found", "control.method"]);

function problemFailure(problem: ProblemReport, version: string | undefined): CommandFailure {
  const faults = problem.faults ?? [];
  const details = faults.map(({ path, value, reason }) =>
    [[path, value === undefined ? undefined : `is ${value}`].filter(Boolean).join(" "), reason]
      .filter(Boolean)
      .join(": "),
  );
  const what = faults.length > 0 ? problem.title.toLowerCase() : problem.detail;
  const isOther = UNKNOWN.has(problem.code) || (problem.code === "control.bad-request" && version !== VERSION);
  const skew =
    isOther && version !== undefined
      ? `: its semrd has version ${version}, and this is semrctl ${VERSION}; use one of its version`
      : "";
  return new CommandFailure(EXIT.refused, `${what} (${problem.code})${skew}`, { details, document: problem, faults });
}
