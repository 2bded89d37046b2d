import type { Socket } from "node:net";
import { createServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { messageOf } from "../../base/index.ts";
import { PacedSocket } from "../../pacing/index.ts";
import type { TlsIdentity } from "../../sockets/index.ts";
import { HUNG_UP, handshakeFault, rememberAddresses } from "../access/handshakes.ts";
import { type CertificateRule, fingerprintOf, type ShownCertificate, userOfCertificate } from "./certificate-user.ts";
import { type Logins, sourceOf, type Transport, type TransportOptions, type TransportParts } from "./transport.ts";

export interface TlsOptions extends TransportOptions {
  /** With the authorities of clients. */
  readonly identity: TlsIdentity;
  readonly rules: readonly CertificateRule[];
}

/** NETCONF over TLS, on connections whoever made them. @see RFC 7589 */
export class TlsTransport implements Transport {
  readonly name = "tls";
  readonly #options: TlsOptions;
  readonly #parts: TransportParts;
  readonly #logins: Logins;
  readonly #tls: TlsServer;
  readonly #failed;

  /** @throws {Error} of OpenSSL where a key or certificate is none, or they do not belong together */
  constructor(options: TlsOptions, logins: Logins, parts: TransportParts) {
    const { identity, loginTimeout } = options;
    this.#options = options;
    this.#parts = parts;
    this.#logins = logins;
    this.#failed = parts.metrics.counter("semrd_netconf_logins_failed_total", "Logins that failed.");
    this.#tls = createServer({
      ...{ ...identity, requestCert: true, rejectUnauthorized: true },
      ...{ minVersion: "TLSv1.2", handshakeTimeout: loginTimeout },
    });
    this.#tls.on("secureConnection", (stream) => this.#secured(stream));
    rememberAddresses(this.#tls);
    this.#tls.on("tlsClientError", (cause, stream) => {
      const fault = handshakeFault(cause, stream);
      this.#failed.add();
      // Who only looks whether the port is open is not told of.
      parts.log[fault === undefined ? "debug" : "warn"]("netconf.login-failed", {
        ...{ method: "certificate", source: sourceOf(stream) },
        reason: fault ?? HUNG_UP,
      });
    });
  }

  take(socket: Socket): Promise<boolean> {
    if (!this.#parts.connections.add(socket)) return Promise.resolve(false);
    const over = this.#logins.begin(socket);
    // As node:tls has it for sockets that others have accepted.
    this.#tls.emit("connection", socket);
    return over;
  }

  #secured(stream: TLSSocket): void {
    const { server, users, log, connections } = this.#parts;
    const source = sourceOf(stream);
    stream.on("error", (cause) => log.debug("netconf.tls-failed", { source, reason: messageOf(cause) }));
    const shown = stream.getPeerCertificate(true) as unknown as ShownCertificate;
    const user = userOfCertificate(shown, this.#options.rules);
    if (user === undefined || !users.has(user)) {
      this.#failed.add();
      log.warn("netconf.login-failed", {
        ...{ method: "certificate", source, fingerprint: fingerprintOf(shown.raw) },
        reason: user === undefined ? "no rule names a user for it" : `there is no user ${user}`,
      });
      stream.destroy();
      return;
    }
    const socket = connections.of(source);
    if (socket === undefined || !server.hasRoom) {
      stream.destroy();
      return;
    }
    this.#logins.done(socket);
    void server.serve(new PacedSocket(stream, this.#parts.clock), { user, source, transport: "tls" });
  }
}
