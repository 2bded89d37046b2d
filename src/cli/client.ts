import { MalformedMessage } from "../base/protobuf.ts";
import { CommandFailure, EXIT } from "./exit.ts";
import type { RouterLink } from "./router/connection.ts";
import { callBroken } from "./router/failures.ts";
import {
  type AnswerPart,
  type ResourcePath,
  readSetResponse,
  readSubscribeResponse,
  setRequest,
  subscribeRequest,
} from "./router/messages.ts";

export interface ClientOptions {
  readonly link: RouterLink;
  /** How long the router may be silent. */
  readonly timeoutSeconds: number;
  /** Session that the requests belong to, where they are not sessions of their own. */
  readonly session?: number;
}

/** Where to ask; read when the first request is made, as options come before. */
export type Client = () => Promise<ClientOptions>;

/** What is asked of a resource of the router; ../management/control/README.md lists them. */
export interface ControlRequest extends ResourcePath {
  /** `SESSION`: what is there as long as its answer is read. */
  readonly method: "GET" | "POST" | "DELETE" | "SESSION";
  readonly body?: unknown;
  /** JSON as it is, instead of `body`. */
  readonly text?: string;
  /** Ends a `SESSION`. */
  readonly signal?: AbortSignal;
}

/** A successful answer, as it arrives. */
export type Answer = AsyncGenerator<AnswerPart, void, void>;

/**
 * Sends one request to the router, and resolves when the answer has begun.
 *
 * @throws {CommandFailure} `refused` with what the router said, `unreachable` when nobody answers.
 */
export async function send(client: ClientOptions, wanted: ControlRequest): Promise<Answer> {
  const parts = understood(answerOf(client, wanted), client.link);
  const first = await parts.next();
  return (async function* (): Answer {
    try {
      if (first.done === true) return;
      yield first.value;
      yield* parts;
    } finally {
      await parts.return();
    }
  })();
}

async function* understood(parts: Answer, link: RouterLink): Answer {
  try {
    yield* parts;
  } catch (cause) {
    throw cause instanceof MalformedMessage ? callBroken(cause, link.target, "open") : cause;
  }
}

async function* answerOf({ link, timeoutSeconds, session }: ClientOptions, wanted: ControlRequest): Answer {
  // HTTP/2 is half of what there is to load: help and completion do without.
  const { call } = await import("./router/call.ts");
  const { method, body, text, signal, ...resource } = wanted;
  const fields = session === undefined ? {} : { "semrd-session": String(session) };
  if (method === "POST" || method === "DELETE") {
    const octets = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const message = setRequest(method === "DELETE", resource, octets === undefined ? undefined : Buffer.from(octets));
    for await (const response of call(link, "Set", message, { timeoutSeconds, fields }))
      yield* readSetResponse(response);
    return;
  }
  const isLasting = method === "SESSION";
  const message = subscribeRequest(isLasting ? "STREAM" : "ONCE", resource);
  let isWhole = isLasting;
  const ends = signal === undefined ? {} : { signal };
  for await (const response of call(link, "Subscribe", message, {
    timeoutSeconds,
    lasting: isLasting,
    fields,
    ...ends,
  })) {
    const { parts, sync } = readSubscribeResponse(response);
    yield* parts;
    isWhole ||= sync;
  }
  if (!isWhole)
    throw new CommandFailure(EXIT.unreachable, `the answer of the router at ${link.place} is not whole: try again`);
}

const OPEN = Buffer.from("[\n");
const BETWEEN = Buffer.from(",\n");
const CLOSE = Buffer.from("\n]\n");

/** An answer as one text, in portions: the slices of a list as one array. */
export async function* textOf(answer: Answer): AsyncGenerator<Uint8Array, void, void> {
  let list: "none" | "empty" | "begun" = "none";
  for await (const { kind, octets } of answer) {
    if (kind !== "rows") {
      yield octets;
      continue;
    }
    if (list === "none") yield OPEN;
    const inner = withoutBrackets(octets);
    if (inner.length === 0) list = list === "none" ? "empty" : list;
    else {
      if (list === "begun") yield BETWEEN;
      yield inner;
      list = "begun";
    }
  }
  if (list !== "none") yield CLOSE;
}

/** Of an array with a row on each line. */
function withoutBrackets(slice: Uint8Array): Uint8Array {
  const text = Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength);
  const [start, end] = [text.indexOf("["), text.lastIndexOf("]")];
  let [from, to] = [start + 1, end];
  while (from < to && text[from]! <= 0x20) from++;
  while (to > from && text[to - 1]! <= 0x20) to--;
  return text.subarray(from, to);
}

/** The one JSON value of an answer; of a list all of its rows. */
export async function fetchReport<T>(client: ClientOptions, wanted: ControlRequest): Promise<T> {
  let rows: unknown[] | undefined;
  const chunks: Uint8Array[] = [];
  for await (const { kind, octets } of await send(client, wanted)) {
    if (kind === "rows") {
      rows ??= [];
      for (const row of parsed(octets, client) as readonly unknown[]) rows.push(row);
    } else chunks.push(octets);
  }
  return (rows ?? parsed(Buffer.concat(chunks), client)) as T;
}

/** The rows of a list, as they come. */
export async function* rowsOf<Row>(
  client: ClientOptions,
  wanted: ControlRequest,
): AsyncGenerator<readonly Row[], void, void> {
  for await (const { octets } of await send(client, wanted)) yield parsed(octets, client) as readonly Row[];
}

function parsed(octets: Uint8Array, { link }: ClientOptions): unknown {
  try {
    return JSON.parse(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("utf8"));
  } catch {
    throw new CommandFailure(EXIT.refused, `the router at ${link.place} answered in a form that semrctl does not know`);
  }
}
