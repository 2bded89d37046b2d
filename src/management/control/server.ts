import type http from "node:http";
import type { Socket } from "node:net";
import { type Clock, type Log, type Metrics, messageOf, Scope } from "../../base/index.ts";
import { PacedSocket, paceConnections } from "../../pacing/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import { distinguish } from "./first-octets.ts";
import type { ControlHandlers } from "./handlers.ts";
import { httpRequest } from "./http-request.ts";
import { LocalSocket } from "./local-socket.ts";
import { type LocalUser, type LocalUserOf, localUserOf } from "./local-users.ts";
import { problemOf } from "./problem.ts";
import { parseTarget } from "./request.ts";
import { allowedMethods, answer } from "./resources.ts";
import { socketFailure } from "./socket.ts";
import { sendOctets, sendRows } from "./stream.ts";
import type { ProblemReport } from "./types.ts";

/** An import statement reads all that the module has, also WebSocket: Node then loads its whole client, which takes 40 ms of each start. */
const { createServer } = process.getBuiltinModule("node:http");

export interface ControlServerOptions {
  /** Path of the UNIX socket. */
  readonly path: string;
}

export interface ControlServerParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: connections that could not be accepted are not counted. */
  readonly metrics?: Metrics;
  readonly access: AccessBook;
  /** Default: as the kernel says. */
  readonly localUserOf?: LocalUserOf;
  /** Takes over connections that speak HTTP/2, which is gRPC here. Without it they are no HTTP. */
  readonly connectGrpc?: (socket: Socket, who: LocalUser) => Promise<void>;
}

/** The control socket while it is open. Disposing closes it, cuts off what is being answered, and removes the file. */
export interface ControlServer extends AsyncDisposable {
  readonly path: string;
}

/** Owner and group may operate the router, nobody else may connect. */
const MODE = 0o660;
const MAX_CONNECTIONS = 64;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT = "ERR_HTTP_REQUEST_TIMEOUT";
/** How often both are looked at; with Node's own half minute, 64 silent connections would keep everybody out for so long. */
const CHECK_EVERY_MS = 1_000;

/**
 * Serves local management over a UNIX socket: gRPC for those who begin so, else HTTP/1.1 with JSON. Resources are listed in the
 * folder's README.
 *
 * Lists are sent as a JSON array, or as one object a line for `Accept: application/x-ndjson`, at the reader's pace.
 *
 * @throws {ControlSocketError} `control.in-use`, `control.path-taken`, `control.no-permission`, `control.failed`
 */
export async function startControlServer(
  options: ControlServerOptions,
  handlers: ControlHandlers,
  parts: ControlServerParts,
  signal: AbortSignal,
): Promise<ControlServer> {
  const scope = new Scope(signal);
  try {
    const server = createServer({ connectionsCheckingInterval: CHECK_EVERY_MS }, (request, response) => {
      void serve(request, response, handlers, parts);
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.on("clientError", (error, socket) => refuseUnreadable(error, socket as Socket));
    paceConnections(server, parts.clock);
    const connections = parts.connectGrpc === undefined ? undefined : shareWithGrpc(server, parts, parts.connectGrpc);
    scope.defer(() => endAll(server, connections));
    const { clock, log, metrics } = parts;
    const own = { name: "control", clock, log, metrics };
    scope.own(await LocalSocket.open(server, { path: options.path, mode: MODE }, own));
    return { path: options.path, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (cause) {
    throw await scope.abandon(socketFailure(cause, options.path));
  }
}

/** Nobody comes in any more. */
async function endAll(server: http.Server, connections: Iterable<Socket> = []): Promise<void> {
  server.closeAllConnections();
  for (const connection of connections) connection.destroy();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.getConnections((_, count) => (count === 0 ? resolve() : server.once("close", resolve)));
  await closed;
}

/** Connections go to whom their first octets are for; the answer is those that there are. */
function shareWithGrpc(
  server: http.Server,
  parts: ControlServerParts,
  connect: NonNullable<ControlServerParts["connectGrpc"]>,
): Iterable<Socket> {
  const serveHttp = server.listeners("connection");
  server.removeAllListeners("connection");
  const connections = new Set<Socket>();
  const accept = async (socket: Socket): Promise<void> => {
    switch (await distinguish(socket, parts.clock)) {
      case "http/2": {
        const who = await (parts.localUserOf ?? localUserOf)(socket);
        await connect(socket, who).catch((cause) => {
          parts.log.error("control.grpc-failed", { reason: messageOf(cause) });
          socket.destroy();
        });
        return;
      }
      case "other":
        // Every request asks for it: those that come meanwhile would all go on in the same turn.
        await (parts.localUserOf ?? localUserOf)(socket);
        for (const listener of serveHttp) listener.call(server, socket);
        return;
      default:
        refuseUnreadable({ name: "", message: "", code: REQUEST_TIMEOUT }, socket);
    }
  };
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    // Also while nobody else has it yet.
    socket.on("error", (cause) => parts.log.debug("control.connection.failed", { error: cause.message }));
    void accept(socket).catch((cause) => {
      parts.log.debug("control.connection.failed", { error: messageOf(cause) });
      socket.destroy();
    });
  });
  return connections;
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  handlers: ControlHandlers,
  parts: ControlServerParts,
): Promise<void> {
  response.on("error", (error) => parts.log.debug("control.response.failed", { error: error.message }));
  try {
    const asked = httpRequest(request);
    const who = await (parts.localUserOf ?? localUserOf)(connectionOf(request));
    const answered = await answer({ target: asked.target, request: asked, handlers, who }, parts.access);
    if (answered.type === "report") {
      sendJson(response, answered.status, answered.body);
      return;
    }
    if (answered.type === "octets") {
      response.writeHead(200, { "content-type": answered.contentType });
      await sendOctets(response, answered.chunks, parts.clock);
      return;
    }
    const lines = request.headers.accept?.includes("application/x-ndjson") ?? false;
    response.writeHead(200, { "content-type": lines ? "application/x-ndjson" : "application/json" });
    await sendRows(response, answered.rows, { ...answered, form: lines ? "lines" : "array" }, parts.clock);
  } catch (error) {
    fail(request, response, error, parts.log);
  }
}

/** What a request came over. */
function connectionOf({ socket }: http.IncomingMessage): Socket {
  const stream: unknown = socket;
  return stream instanceof PacedSocket ? stream.socket : socket;
}

function sendJson(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

function fail(request: http.IncomingMessage, response: http.ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent) {
    // Part of a list is out already: cutting it off is the only way to say that it is not complete.
    if (!response.destroyed) log.warn("control.answer.cut-off", { target: request.url, error: messageOf(error) });
    response.destroy();
    return;
  }
  const { status, problem } = problemOf(error);
  if (status === 500)
    log.error("control.defect", { target: request.url, error: messageOf(error), stack: stackOf(error) });
  if (status === 405) response.setHeader("allow", allowedMethods(parseTarget(request.url ?? "/")).join(", "));
  // What is left of a body that nobody reads would be taken for the next request.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(`${JSON.stringify(problem)}\n`);
}

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);

/** What is no HTTP is answered once, and the connection closed. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  // What follows is no HTTP either, and the answer is on its way.
  if (socket.writableEnded && error.code !== REQUEST_TIMEOUT) return;
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, code, detail] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "control.too-large", "the header fields are too large"]
      : error.code === REQUEST_TIMEOUT
        ? ["408 Request Timeout", "control.timeout", "the request did not arrive in time"]
        : ["400 Bad Request", "control.bad-request", `not an HTTP request: ${error.message}`];
  const body = `${JSON.stringify({ code, title: status.slice(4), detail } satisfies ProblemReport)}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
