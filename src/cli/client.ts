import http from "node:http";
import type { ProblemReport } from "../management/index.ts";
import { CommandFailure, EXIT } from "./exit.ts";

export interface ClientOptions {
  readonly socket: string;
  /** How long the router may be silent. */
  readonly timeoutSeconds: number;
  /** Who asks, for the commit log. */
  readonly user?: string;
  /** Session that the requests belong to, where they are not sessions of their own. */
  readonly session?: number;
}

export interface ControlRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** With query, behind `/v1`. */
  readonly path: string;
  readonly body?: unknown;
  /** JSON as it is, instead of `body`. */
  readonly text?: string;
  /** The answer may be silent for as long as it likes once it has begun. */
  readonly lasting?: boolean;
}

/** Octets of a successful answer, as they arrive. */
export type AnswerBody = AsyncIterable<Uint8Array>;

/**
 * Sends one request to the router.
 *
 * @throws {CommandFailure} `refused` with what the router said, `unreachable` when nobody answers.
 */
export async function send(options: ClientOptions, wanted: ControlRequest): Promise<AnswerBody> {
  const response = await exchange(options, wanted);
  if (response.statusCode !== undefined && response.statusCode < 300) return checked(response, options);
  throw refusal(response.statusCode ?? 0, await textOf(checked(response, options)));
}

export async function textOf(body: AnswerBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The one JSON value of an answer. */
export async function fetchReport<T>(options: ClientOptions, wanted: ControlRequest): Promise<T> {
  return JSON.parse(await textOf(await send(options, wanted))) as T;
}

function exchange(options: ClientOptions, wanted: ControlRequest): Promise<http.IncomingMessage> {
  const body = wanted.text ?? (wanted.body === undefined ? undefined : JSON.stringify(wanted.body));
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        socketPath: options.socket,
        method: wanted.method,
        path: `/v1${wanted.path}`,
        headers: {
          host: "localhost",
          ...(options.user === undefined ? {} : { "semrd-user": options.user }),
          ...(options.session === undefined ? {} : { "semrd-session": String(options.session) }),
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
        },
        agent: false,
      },
      (response) => {
        if (wanted.lasting === true) request.setTimeout(0);
        resolve(response);
      },
    );
    request.setTimeout(options.timeoutSeconds * 1000, () => request.destroy(silence(options)));
    request.on("error", (error: NodeJS.ErrnoException) => reject(unreachable(error, options)));
    request.end(body);
  });
}

const silence = ({ socket, timeoutSeconds }: ClientOptions): CommandFailure =>
  new CommandFailure(
    EXIT.unreachable,
    `the router at ${socket} has been silent for ${timeoutSeconds} s: look at its log, or wait longer with --timeout`,
  );

function unreachable(error: NodeJS.ErrnoException, { socket }: ClientOptions): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const failure = (text: string): CommandFailure => new CommandFailure(EXIT.unreachable, text);
  if (error.code === "ENOENT")
    return failure(`no router at ${socket} (there is no such socket): start semrd, or name its socket with --socket`);
  if (error.code === "ECONNREFUSED")
    return failure(`no router answers at ${socket} (nobody listens): start semrd, or name its socket with --socket`);
  if (error.code === "EACCES" || error.code === "EPERM")
    return failure(`no permission to connect to ${socket}: be root, or a member of the group of the socket`);
  return failure(`the router at ${socket} did not answer: ${error.message}`);
}

/** The body; an answer that breaks off is a failure, never a short answer. */
async function* checked(response: http.IncomingMessage, options: ClientOptions): AnswerBody {
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(
      EXIT.unreachable,
      `the answer of the router at ${options.socket} broke off: look at its log, then try again`,
    );
  }
}

function refusal(status: number, text: string): CommandFailure {
  const problem = problemOf(text);
  if (problem === undefined)
    return new CommandFailure(EXIT.refused, `the router answered ${status} in a form that semrctl does not know`);
  const faults = problem.faults ?? [];
  const details = faults.map(({ path, value, reason }) =>
    [[path, value === undefined ? undefined : `is ${value}`].filter(Boolean).join(" "), reason]
      .filter(Boolean)
      .join(": "),
  );
  const message =
    faults.length > 0 ? `${problem.title.toLowerCase()} (${problem.code})` : `${problem.detail} (${problem.code})`;
  return new CommandFailure(EXIT.refused, message, { details, document: problem, faults });
}

function problemOf(text: string): ProblemReport | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProblemReport> | null;
    return typeof value?.code === "string" && typeof value.detail === "string" && typeof value.title === "string"
      ? (value as ProblemReport)
      : undefined;
  } catch {
    return undefined; // not JSON: the caller says so
  }
}
