import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { BlockList, isIPv6 } from "node:net";
import {
  type Clock,
  FaultError,
  type Log,
  messageOf,
  milliseconds,
  type Place,
  Places,
  type PreparedPlaces,
  Scope,
} from "../base/index.ts";
import { paceConnections } from "../pacing/index.ts";
import { ListeningSocket } from "../sockets/index.ts";
import type { MetricsRegistry } from "./metrics.ts";

/** An address that is not for this, or that cannot be had. */
export type TelemetryFault =
  /** Metrics would leave this machine unencrypted and for everybody. */
  | { readonly code: "telemetry.not-loopback"; readonly address: string }
  | {
      readonly code: "telemetry.listen-failed";
      readonly address: string;
      readonly port: number;
      readonly errno: string;
    };

/** What `startMetricsServer` throws. */
export class TelemetryError extends FaultError<TelemetryFault> {}

/** Where metrics are served, over HTTP and without authentication. */
export interface MetricsServerOptions {
  /** `::1` or another loopback address. */
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Only with `anywhere` may the address be another than loopback. */
  readonly exposure?: "loopback" | "anywhere";
}

/** A server that runs; disposing it closes it, and cuts off what is being answered. */
export interface MetricsServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /**
   * To be as `options` say: what is being answered at an address that goes has its end.
   * @throws {TelemetryError} telemetry.not-loopback, telemetry.listen-failed; nothing has changed
   */
  prepare(options: MetricsServerOptions): Promise<PreparedPlaces>;
}

export interface MetricsServerParts {
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

const MOST_CONNECTIONS = 16;
/** For what is being answered where it is not served any more. */
const LAST_ANSWERS = milliseconds(5_000);
const REQUEST_TIMEOUT = 5_000;
/** Requests that wait for their answer, which are as many as somebody likes to send on one connection. */
const MOST_WAITING = 32;

/** One place where they are served. */
interface MetricsListener extends AsyncDisposable {
  readonly at: Place;
  /** Until then whoever comes is turned away. */
  letIn(): void;
}

/**
 * Answers `GET /metrics` with the registry's text.
 * @throws {TelemetryError} telemetry.not-loopback, telemetry.listen-failed
 */
export async function startMetricsServer(
  options: MetricsServerOptions,
  parts: MetricsServerParts,
  signal: AbortSignal,
): Promise<MetricsServer> {
  const { registry, clock, log } = parts;
  const scope = new Scope(signal);
  const servers = new Set<Server>();
  const exposition = { text: shared(() => registry.expose()), contentType: registry.contentType };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response, exposition).catch((cause: unknown) => {
      log.error("telemetry.expose-failed", { reason: messageOf(cause) });
      response.destroy();
    });
  };

  async function listen(place: Place): Promise<MetricsListener> {
    const { createServer } = await import("node:http"); // 10 MB that a router without this face does not need
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT }, handle);
    server.maxConnections = MOST_CONNECTIONS;
    paceConnections(server, clock);
    const listening = await listenAt(server, place, parts);
    const at = { address: place.address, port: listening.port };
    servers.add(server.once("close", () => servers.delete(server)));
    log.info("telemetry.listening", { ...at });
    return {
      at,
      letIn: () => listening.letIn(),
      // Nobody who changes the configuration waits for who reads slowly.
      async [Symbol.asyncDispose]() {
        const timer = clock.after(LAST_ANSWERS, () => server.closeAllConnections());
        server.once("close", () => timer.cancel()).close();
      },
    };
  }

  const places = new Places<Place, MetricsListener>({
    listen,
    left: (place) => log.info("telemetry.listening-ended", { ...place }),
  });
  scope.defer(async () => {
    await places.leaveAll();
    const all = [...servers];
    const closed = all.map((server) => once(server, "close"));
    for (const server of all) server.closeAllConnections();
    await Promise.all(closed);
  });
  async function prepare(next: MetricsServerOptions): Promise<PreparedPlaces> {
    checkExposure(next);
    return await places.prepare([{ address: next.address, port: next.port }]);
  }

  try {
    await (await prepare(options)).apply();
    return {
      get address() {
        return places.listeners[0]!.at.address;
      },
      get port() {
        return places.listeners[0]!.at.port;
      },
      prepare,
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

function checkExposure({ address, exposure = "loopback" }: MetricsServerOptions): void {
  if (exposure === "anywhere" || LOOPBACK.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return;
  throw new TelemetryError(
    { code: "telemetry.not-loopback", address },
    `metrics are served in clear text and to everybody, so not at ${address}: use ::1 and an authenticating proxy`,
  );
}

/**
 * Whoever asks while it is being made gets the same: a text takes many turns of the event loop, and requests for it may come in one.
 * `undefined`: there are too many already.
 */
function shared(make: () => Promise<string>): () => Promise<string> | undefined {
  let making: Promise<string> | undefined;
  let waiting = 0;
  return () => {
    if (waiting >= MOST_WAITING) return undefined;
    waiting++;
    making ??= make().finally(() => {
      making = undefined;
      waiting = 0;
    });
    return making;
  };
}

interface Exposition {
  readonly text: () => Promise<string> | undefined;
  readonly contentType: string;
}

async function answer(request: IncomingMessage, response: ServerResponse, exposition: Exposition): Promise<void> {
  request.resume(); // a body that nobody wants is let go as it comes: a chunk may be one octet
  if (request.url !== "/metrics") response.writeHead(404).end("the metrics are at /metrics\n");
  else if (request.method !== "GET" && request.method !== "HEAD") response.writeHead(405, { allow: "GET, HEAD" }).end();
  else {
    const text = await exposition.text();
    if (text === undefined) {
      response.writeHead(503, { "retry-after": "1" }).end("too many ask for the metrics at once\n");
      return;
    }
    response.writeHead(200, { "content-type": exposition.contentType, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : text);
  }
}

async function listenAt(
  server: Server,
  { address, port }: Place,
  { registry, clock, log }: MetricsServerParts,
): Promise<ListeningSocket> {
  const own = { name: "metrics", isOpenToMany: true, opensLater: true, clock, log, metrics: registry };
  try {
    return await ListeningSocket.open(server, { host: address, port }, own);
  } catch (cause) {
    const errno = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new TelemetryError(
      { code: "telemetry.listen-failed", address, port, errno },
      `metrics cannot be served at [${address}]:${port} (${errno}): choose another prometheus address or port`,
      { cause },
    );
  }
}
