import type { Socket } from "node:net";
import ssh2, { type AuthContext, type Connection } from "ssh2";
import { messageOf } from "../../base/index.ts";
import { PacedSocket } from "../../pacing/index.ts";
import type { Logins, Transport, TransportOptions, TransportParts } from "./transport.ts";

export interface SshOptions extends TransportOptions {
  /** OpenSSH or PEM. */
  readonly hostKeys: readonly string[];
  /** Wrong logins of one connection. */
  readonly maxAttempts: number;
}

/** NETCONF sessions on one connection. */
const MAX_CHANNELS = 16;
const METHODS = ["publickey", "password"] as const;

/** NETCONF over SSH, on connections whoever made them. @see RFC 6242 §3 */
export class SshTransport implements Transport {
  readonly name = "ssh";
  readonly #options: SshOptions;
  readonly #parts: TransportParts;
  readonly #logins: Logins;
  readonly #ssh: ssh2.Server;
  readonly #failed;

  constructor(options: SshOptions, logins: Logins, parts: TransportParts) {
    this.#options = options;
    this.#parts = parts;
    this.#logins = logins;
    this.#failed = parts.metrics.counter("semrd_netconf_logins_failed_total", "Logins that failed.");
    this.#ssh = new ssh2.Server({ hostKeys: [...options.hostKeys], ident: "semrd" }, () => undefined);
    this.#ssh.on("connection", (connection, { ip, port }) => this.#session(connection, `${ip} port ${port}`));
  }

  take(socket: Socket): Promise<boolean> {
    if (!this.#parts.connections.add(socket)) return Promise.resolve(false);
    const over = this.#logins.begin(socket);
    // Accepts any stream with an address; its types say only what it makes itself.
    this.#ssh.injectSocket(new PacedSocket(socket, this.#parts.clock) as unknown as Socket);
    return over;
  }

  #session(connection: Connection, source: string): void {
    const { log, server, connections } = this.#parts;
    const socket = connections.of(source);
    if (socket === undefined) {
      connection.end();
      return;
    }
    let user = "";
    let attempts = 0;
    let channels = 0;
    connection.on("error", (cause) => log.debug("netconf.ssh-failed", { source, reason: messageOf(cause) }));
    connection.on("authentication", (context) => {
      void this.#authenticate(context).then((accepted) => {
        if (accepted === "ask") return context.reject([...METHODS]);
        if (accepted === "yes") {
          user = context.username;
          return context.accept();
        }
        attempts++;
        this.#failed.add();
        log.warn("netconf.login-failed", { user: context.username, method: context.method, source, attempts });
        context.reject([...METHODS]);
        if (attempts >= this.#options.maxAttempts) connection.end();
      });
    });
    connection.on("ready", () => this.#logins.done(socket));
    connection.on("session", (accept) => {
      const session = accept();
      session.on("subsystem", (acceptIt, reject, { name }) => {
        if (name !== "netconf" || channels >= MAX_CHANNELS || !server.hasRoom) return reject();
        channels++;
        const stream = acceptIt();
        void server.serve(stream, { user, source, transport: "ssh" }).finally(() => {
          channels--;
        });
      });
      // There is no terminal; `ssh -tt -s`, which scrapli runs, ends where it is not given one.
      session.on("pty", (acceptIt) => acceptIt?.());
      // Nothing but the subsystem: no shell, no commands, no forwarding (ssh2 refuses what nobody listens for).
    });
  }

  async #authenticate(context: AuthContext): Promise<"yes" | "no" | "ask"> {
    const { users, log } = this.#parts;
    try {
      switch (context.method) {
        case "publickey": {
          const key = users.keyOf(context.username, context.key.data);
          if (key === undefined) return "no";
          // Without a signature the client only asks whether the key would do. RFC 4252 §7
          if (context.signature === undefined) return "yes";
          const good = key.verify(context.blob!, context.signature, context.hashAlgo);
          return good === true ? "yes" : "no";
        }
        case "password":
          return (await users.passwordMatches(context.username, context.password)) ? "yes" : "no";
        case "none":
          return "ask";
        default:
          return "ask";
      }
    } catch (cause) {
      log.error("netconf.login-broken", { user: context.username, reason: messageOf(cause) });
      return "no";
    }
  }
}
