import { createServer, type Socket, type Server as TcpServer } from "node:net";
import ssh2, { type AuthContext, type Connection } from "ssh2";
import { type Clock, type Log, type Metrics, type Milliseconds, messageOf, SourceRates } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import type { NetconfServer } from "./server.ts";

export interface SshListenerOptions {
  readonly address: string;
  readonly port: number;
  /** OpenSSH or PEM. */
  readonly hostKeys: readonly string[];
  /** From connection to the end of the login. */
  readonly loginTimeout: Milliseconds;
  /** Connections whose login has not ended. */
  readonly maxLogins: number;
  /** Wrong logins of one connection. */
  readonly maxAttempts: number;
}

export interface SshListenerParts {
  readonly users: UserBook;
  readonly server: NetconfServer;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** New connections of one source. */
const RATE = { perSecond: 20, burst: 60 } as const;
/** NETCONF sessions on one connection. */
const MAX_CHANNELS = 16;
const METHODS = ["publickey", "password"] as const;

/** NETCONF over SSH on one address. Ends its connections when it is disposed. @see RFC 6242 §3 */
export class SshListener implements AsyncDisposable {
  readonly #options: SshListenerOptions;
  readonly #parts: SshListenerParts;
  readonly #ssh: ssh2.Server;
  readonly #tcp: TcpServer;
  readonly #sockets = new Set<Socket>();
  readonly #rates: SourceRates;
  readonly #count;
  #logins = 0;

  private constructor(options: SshListenerOptions, parts: SshListenerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#rates = new SourceRates(RATE, parts.clock);
    this.#ssh = new ssh2.Server({ hostKeys: [...options.hostKeys], ident: "semrd" }, () => undefined);
    this.#tcp = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    const dropped = (reason: string) =>
      parts.metrics.counter("semrd_netconf_connections_dropped_total", "Connections dropped before a login.", {
        reason,
      });
    this.#count = {
      rate: dropped("rate"),
      tooMany: dropped("too-many"),
      login: parts.metrics.counter("semrd_netconf_logins_failed_total", "Logins that failed."),
    };
    this.#ssh.on("connection", (connection, { ip, port }) => this.#session(connection, `${ip} port ${port}`));
  }

  /** @throws {Error} with `code` of the system call where the address cannot be listened on. */
  static async listen(options: SshListenerOptions, parts: SshListenerParts): Promise<SshListener> {
    const listener = new SshListener(options, parts);
    const { address, port } = options;
    await new Promise<void>((resolve, reject) => {
      listener.#tcp.once("error", reject);
      listener.#tcp.listen({ host: address, port }, resolve);
    });
    parts.log.info("netconf.listening", { address, port: listener.port, transport: "ssh" });
    return listener;
  }

  get port(): number {
    const at = this.#tcp.address();
    return typeof at === "object" && at !== null ? at.port : this.#options.port;
  }

  /** Speaks the server's part on a connection that was made elsewhere, as call home does. @see RFC 8071 §3 */
  take(socket: Socket): void {
    this.#serve(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(socket: Socket): void {
    const source = socket.remoteAddress ?? "";
    if (!this.#rates.take(source)) {
      this.#count.rate.add();
      socket.destroy();
      return;
    }
    if (this.#logins >= this.#options.maxLogins) {
      this.#count.tooMany.add();
      socket.destroy();
      return;
    }
    this.#serve(socket);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", (cause) => this.#parts.log.debug("netconf.connection-failed", { reason: messageOf(cause) }));
    // Accepts any of Node's sockets; its types say only which one it makes itself.
    this.#ssh.injectSocket(socket);
  }

  #session(connection: Connection, source: string): void {
    const { clock, log, server } = this.#parts;
    let user = "";
    let attempts = 0;
    let channels = 0;
    let isIn = false;
    this.#logins++;
    const timer = clock.after(this.#options.loginTimeout, () => connection.end());
    const loginOver = (): void => {
      if (isIn) return;
      isIn = true;
      this.#logins--;
      timer.cancel();
    };
    connection.on("error", (cause) => log.debug("netconf.ssh-failed", { source, reason: messageOf(cause) }));
    connection.on("close", loginOver);
    connection.on("authentication", (context) => {
      void this.#authenticate(context).then((accepted) => {
        if (accepted === "ask") return context.reject([...METHODS]);
        if (accepted === "yes") {
          user = context.username;
          return context.accept();
        }
        attempts++;
        this.#count.login.add();
        log.warn("netconf.login-failed", { user: context.username, method: context.method, source, attempts });
        context.reject([...METHODS]);
        if (attempts >= this.#options.maxAttempts) connection.end();
      });
    });
    connection.on("ready", loginOver);
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
