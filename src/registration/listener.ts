import { constants } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import {
  type Clock,
  type Log,
  type Metrics,
  messageOf,
  milliseconds,
  SourceQuota,
  SourceRates,
} from "../base/index.ts";
import { PacedSocket } from "../pacing/index.ts";
import { ListeningSocket } from "../sockets/index.ts";
import { type Certificate, RegistrationStartError } from "./certificate.ts";

export interface ListenAddress {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface Listener extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Until then whoever comes is turned away. */
  letIn(): void;
  useCertificate(certificate: Certificate): void;
}

export interface ListenerParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Agents keep few connections; whoever opens many or sends slowly must not keep others out. */
const LIMITS = {
  connections: 1_024,
  connectionsPerSource: 64,
  handshakeTimeout: 5_000,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 30_000,
  headerOctets: 16 * 1024,
  checkEvery: 1_000,
} as const;
/** Failed handshakes of one source that are logged: a flood of them fills no disk, and the counter has them all. */
const HANDSHAKES_LOGGED = { perSecond: 1, burst: 10 } as const;
/** How long requests that are being answered may take when the server closes. */
const CLOSE_GRACE = milliseconds(2_000);

/**
 * Accepts HTTPS connections: TLS 1.3, HTTP/1.1. A client certificate is asked for and not demanded: tokens may be bound to it.
 *
 * Sessions are not resumed: what the first handshake proved about a certificate would be taken over unseen.
 * @throws {RegistrationStartError} registration.listen-failed
 */
export async function listenHttps(
  at: ListenAddress,
  certificate: Certificate,
  parts: ListenerParts,
): Promise<Listener> {
  const { clock, metrics, log } = parts;
  const logged = new SourceRates(HANDSHAKES_LOGGED, clock);
  const refused = metrics.counter("semrd_registration_connections_refused_total", "Connections over a limit");
  const broken = (reason: string) =>
    metrics.counter("semrd_registration_connections_broken_total", "Connections given up, by reason", { reason });
  const server = createServer(
    {
      ...contextOf(certificate),
      ALPNProtocols: ["http/1.1"],
      requestCert: true,
      rejectUnauthorized: false, // checked against the token's cnf claim: the token's issuer vouches for it
      handshakeTimeout: LIMITS.handshakeTimeout,
      headersTimeout: LIMITS.headersTimeout,
      requestTimeout: LIMITS.requestTimeout,
      keepAliveTimeout: LIMITS.keepAliveTimeout,
      connectionsCheckingInterval: LIMITS.checkEvery,
      maxHeaderSize: LIMITS.headerOctets,
    },
    parts.handle,
  );
  server.maxConnections = LIMITS.connections;
  const [serveHttp] = server.listeners("secureConnection");
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (stream) => serveHttp!.call(server, new PacedSocket(stream, clock)));
  const open = limitPerSource(server, () => refused.add());
  server.on("drop", () => refused.add());
  // Its own listener would answer inside the handshake, which waits for ever on a peer that says nothing.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (cause: Error & { readonly reason?: string }, socket) => {
    broken("tls").add();
    const { remoteAddress: source } = socket;
    // Who has hung up has no address any more, and is at most counted.
    if (source !== undefined && logged.take(source))
      log.info("registration.handshake-failed", { source, reason: cause.reason ?? messageOf(cause) });
    socket.destroy();
  });
  server.on("clientError", (cause: NodeJS.ErrnoException, socket) => {
    // What follows is no HTTP either, and the answer is on its way.
    if (socket.writableEnded && cause.code !== REQUEST_TIMEOUT) return;
    broken("http").add();
    const status = CLIENT_ERRORS[cause.code ?? ""] ?? "400 Bad Request";
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    else socket.destroy();
  });
  const where = { host: at.address, port: at.port, ipv6Only: true, exclusive: true };
  const own = { name: "registration", isOpenToMany: true, opensLater: true, clock, log, metrics };
  const listening = await ListeningSocket.open(server, where, own).catch((cause) => {
    throw listenFailed(at, cause);
  });
  return {
    address: at.address,
    port: listening.port,
    letIn: () => listening.letIn(),
    useCertificate: (next) => server.setSecureContext(contextOf(next)),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const timer = clock.after(CLOSE_GRACE, () => {
        server.closeAllConnections();
        for (const socket of open) socket.destroy(); // also those still shaking hands
      });
      await closed;
      timer.cancel();
    },
  };
}

function contextOf({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.3", secureOptions: constants.SSL_OP_NO_TICKET };
}

const REQUEST_TIMEOUT = "ERR_HTTP_REQUEST_TIMEOUT";
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  [REQUEST_TIMEOUT]: "408 Request Timeout",
};

/** Closes connections beyond what one source may have; returns those that are open. */
function limitPerSource(server: Server, onRefused: () => void): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  const quota = new SourceQuota(LIMITS.connectionsPerSource);
  server.on("connection", (socket: Socket) => {
    const giveBack = quota.take(socket.remoteAddress ?? "");
    if (giveBack === undefined) {
      onRefused();
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      giveBack();
    });
  });
  return open;
}

function listenFailed({ address, port }: ListenAddress, cause: unknown): RegistrationStartError {
  const errno = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  return new RegistrationStartError(
    { code: "registration.listen-failed", address, port, errno },
    `registration cannot listen at [${address}]:${port} (${errno}): check registration/listen, and what else uses that port`,
    { cause },
  );
}
