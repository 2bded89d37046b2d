import type { Socket } from "node:net";
import { createServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { type Clock, type Counter, type Log, type Metrics, messageOf, SourceRates } from "../../base/index.ts";
import type { TlsIdentity } from "../../sockets/index.ts";
import { HUNG_UP, handshakeFault, rememberAddresses } from "../access/handshakes.ts";

export interface TlsDoorParts {
  /** Who has come in. */
  readonly connect: (stream: TLSSocket) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Longest handshake. */
const HANDSHAKE_MS = 5_000;
/** Failed handshakes of one source that are logged at `warn`: a flood of them fills no disk, and the counter has them all. */
const LOGGED = { perSecond: 1, burst: 10 } as const;

/** TLS in front of gRPC, with one certificate. */
export class TlsDoor {
  readonly #parts: TlsDoorParts;
  readonly #tls: TlsServer;
  /** By source: why it has failed, where it has. */
  readonly #handshakes = new Map<string, string | undefined>();
  readonly #failed: Counter;
  readonly #logged: SourceRates;
  #isRetired = false;

  /** @throws {Error} of OpenSSL where a key or certificate is none, or they do not belong together */
  constructor(identity: TlsIdentity, parts: TlsDoorParts) {
    const { clock, metrics } = parts;
    this.#parts = parts;
    this.#failed = metrics.counter("semrd_gnmi_handshakes_failed_total", "Connections that did not get through TLS.");
    this.#logged = new SourceRates(LOGGED, clock);
    this.#tls = createServer({
      ...identity,
      ...{ ALPNProtocols: ["h2"], minVersion: "TLSv1.2", handshakeTimeout: HANDSHAKE_MS },
      requestCert: identity.ca !== undefined,
    });
    this.#tls.on("secureConnection", (stream) => this.#secured(stream));
    rememberAddresses(this.#tls);
    this.#tls.on("tlsClientError", (cause, stream) => {
      const source = sourceOf(stream);
      if (this.#handshakes.has(source)) this.#handshakes.set(source, handshakeFault(cause, stream));
    });
  }

  take(socket: Socket): void {
    const { clock, log } = this.#parts;
    const source = sourceOf(socket);
    socket.on("error", (cause) => log.debug("gnmi.connection-failed", { reason: messageOf(cause) }));
    this.#handshakes.set(source, undefined);
    const address = socket.remoteAddress ?? "";
    // TLS tells of it after that, and of who says nothing at all without an address.
    socket.once("close", () => clock.soon(() => this.#closed(source, address)));
    // As node:tls has it for sockets that others have accepted.
    this.#tls.emit("connection", socket);
  }

  /** Handshakes that have not ended were about another certificate or authority: they begin anew. */
  retire(): void {
    this.#isRetired = true;
  }

  #closed(source: string, address: string): void {
    if (!this.#handshakes.has(source)) return;
    const fault = this.#handshakes.get(source);
    this.#handshakes.delete(source);
    this.#failed.add();
    // Who only looks whether the port is open is not told of.
    const level = fault !== undefined && this.#logged.take(address) ? "warn" : "debug";
    this.#parts.log[level]("gnmi.handshake-failed", { source, reason: fault ?? HUNG_UP });
  }

  #secured(stream: TLSSocket): void {
    this.#handshakes.delete(sourceOf(stream));
    if (this.#isRetired) stream.destroy();
    else this.#parts.connect(stream);
  }
}

/** As gRPC says it. */
const sourceOf = ({ remoteAddress = "", remotePort = 0 }: Socket): string => `${remoteAddress}:${remotePort}`;
