import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, sensitiveHeaders } from "node:http2";
import { MalformedMessage } from "../../base/protobuf.ts";
import type { ProblemReport } from "../../management/index.ts";
import { CommandFailure } from "../exit.ts";
import { VERSION } from "../version.ts";
import type { RouterLink } from "./connection.ts";
import { brokeOff, type CallStatus, callBroken, hungUp, notGrpc, onlyHttp, refusal, silence } from "./failures.ts";
import { framed, MessageFramer } from "./framing.ts";
import { httpVersion } from "./http-version.ts";

export interface CallOptions {
  /** How long the router may be silent. */
  readonly timeoutSeconds: number;
  /** It may be silent for as long as it likes once it has begun. */
  readonly lasting?: boolean;
  /** Ends the call from our side. */
  readonly signal?: AbortSignal;
  /** Besides those of the connection. */
  readonly fields?: Readonly<Record<string, string>>;
}

/**
 * Makes one call with one message, and gives those that answer it, at the reader's pace. Who leaves early ends the call.
 *
 * @throws {CommandFailure} `refused` with what the router said, `unreachable` when nobody answers, or not to the end.
 */
export async function* call(
  link: RouterLink,
  method: "Set" | "Subscribe",
  message: Uint8Array,
  { timeoutSeconds, lasting = false, signal, fields = {} }: CallOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { connection, fields: own } = await link.open(timeoutSeconds);
  const stream = connection.session.request({
    ...{ ":method": "POST", ":path": `/gnmi.gNMI/${method}`, "content-type": "application/grpc+proto" },
    ...{ te: "trailers", "user-agent": `semrctl/${VERSION}`, ...own, ...fields },
    // Nobody on the way keeps them in a table. RFC 7541 §7.1.3
    [sensitiveHeaders]: ["authorization", "password"],
  });
  const ending = new CallEnding(stream);
  const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
  signal?.addEventListener("abort", cancel, { once: true });
  stream.end(framed(message));
  const framer = new MessageFramer();
  const chunks = stream[Symbol.asyncIterator]();
  let hasBegun = false;
  try {
    for (;;) {
      const isPatient = lasting && hasBegun;
      const timer = setTimeout(
        () => stream.destroy(silence(link.place, timeoutSeconds)),
        isPatient ? LONGEST_TIMER : timeoutSeconds * 1000,
      );
      const chunk = await chunks.next().finally(() => clearTimeout(timer));
      if (chunk.done === true) break;
      for (const one of framer.push(chunk.value as Buffer)) {
        hasBegun = true;
        yield one;
      }
    }
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause;
    if (signal?.aborted === true) return;
    if (hasBegun) throw brokeOff(link.place);
    if (cause instanceof MalformedMessage) throw callBroken(cause, link.target, connection.stage);
    const older = link.target.kind === "socket" ? await httpVersion(link.target.path) : undefined;
    throw older === undefined
      ? callBroken(connection.failure ?? (cause as Error), link.target, connection.stage)
      : onlyHttp(link.place, older);
  } finally {
    signal?.removeEventListener("abort", cancel);
    if (!stream.closed) cancel();
  }
  if (signal?.aborted === true) return;
  const status = ending.status;
  if (status === undefined && hasBegun) throw brokeOff(link.place);
  if (status === undefined) throw ending.hasHead ? notGrpc(link.place) : hungUp(link.target, connection.stage);
  if (status.code !== 0) throw hasBegun ? brokeOff(link.place) : refusal(status, link.place);
  if (framer.waiting > 0) throw brokeOff(link.place);
}

/** Timers cannot be longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What is said of how a call ends: in its head where there is nothing else, or behind all. */
class CallEnding {
  status: CallStatus | undefined;
  /** Something was said, if only in HTTP. */
  hasHead = false;

  constructor(stream: ClientHttp2Stream) {
    const look = (headers: IncomingHttpHeaders): void => {
      this.hasHead = true;
      this.status ??= statusOf(headers);
    };
    stream.on("response", look).on("trailers", look);
  }
}

function statusOf(headers: IncomingHttpHeaders): CallStatus | undefined {
  const { "grpc-status": code, "grpc-message": message = "", "semrd-version": version } = headers;
  if (typeof code !== "string" || !/^\d{1,3}$/.test(code)) return undefined;
  const problem = problemOf(headers["semrd-problem-bin"]);
  return {
    ...{ code: Number(code), message: decoded(String(message)) },
    ...(problem === undefined ? {} : { problem }),
    ...(typeof version === "string" ? { version } : {}),
  };
}

/** @see gRPC over HTTP/2, Status-Message */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function problemOf(base64: string | readonly string[] | undefined): ProblemReport | undefined {
  if (typeof base64 !== "string") return undefined;
  try {
    const value = JSON.parse(Buffer.from(base64, "base64").toString("utf8")) as Partial<ProblemReport> | null;
    const isProblem =
      typeof value?.code === "string" && typeof value.detail === "string" && typeof value.title === "string";
    return isProblem && Array.isArray(value.faults ?? []) ? (value as ProblemReport) : undefined;
  } catch {
    return undefined; // the status has a message, too
  }
}
