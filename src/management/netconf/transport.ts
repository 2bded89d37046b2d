import type { Socket } from "node:net";
import { type Clock, type Log, type Metrics, type Milliseconds, messageOf, type Timer } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import type { NetconfServer } from "./server.ts";

export interface TransportOptions {
  /** From connection to the end of the login. */
  readonly loginTimeout: Milliseconds;
  /** Connections whose login has not ended. */
  readonly maxLogins: number;
}

export interface TransportParts {
  readonly users: UserBook;
  readonly server: NetconfServer;
  /** Of all transports; ends them. */
  readonly connections: Connections;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type TransportName = "ssh" | "tls";

/** What makes sessions of connections. */
export interface Transport {
  readonly name: TransportName;
  /** Speaks the server's part on a connection, whoever made it; resolves when it is closed: had anybody logged in? */
  take(socket: Socket): Promise<boolean>;
}

/** By which connections come in. */
export interface Door {
  readonly transport: Transport;
  readonly logins: Logins;
}

/** The other end, as logs and ietf-netconf-monitoring show it. */
export const sourceOf = (socket: Socket): string => `${socket.remoteAddress ?? ""} port ${socket.remotePort ?? 0}`;

/** Connections on which nobody has logged in yet: so many and no more, and not for ever. */
export class Logins {
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #timers = new Map<Socket, Timer>();

  constructor(options: TransportOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#timers.size >= this.#options.maxLogins;
  }

  /** Resolves when the connection is closed: was {@link done} called? */
  begin(socket: Socket): Promise<boolean> {
    this.#timers.set(
      socket,
      this.#clock.after(this.#options.loginTimeout, () => socket.destroy()),
    );
    return new Promise((resolve) => socket.once("close", () => resolve(!this.done(socket))));
  }

  /** The login of `socket` has ended. False where it had already. */
  done(socket: Socket): boolean {
    this.#timers.get(socket)?.cancel();
    return this.#timers.delete(socket);
  }
}

/** Connections by address and port, each until it closes: the libraries tell no more of what they were given. */
export class Connections implements Disposable {
  readonly #sockets = new Map<string, Socket>();
  readonly #log: Log;
  #isLast: (() => void) | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** False: there is one of the same address and port, and this one is closed. */
  add(socket: Socket): boolean {
    const source = sourceOf(socket);
    socket.on("error", (cause) => this.#log.debug("netconf.connection-failed", { reason: messageOf(cause) }));
    if (this.#sockets.has(source)) {
      socket.destroy();
      return false;
    }
    this.#sockets.set(source, socket);
    socket.once("close", () => {
      this.#sockets.delete(source);
      if (this.#sockets.size === 0) this.#isLast?.();
    });
    return true;
  }

  /** Resolves when there is none. Asked for once. */
  allClosed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#sockets.size === 0) resolve();
      else this.#isLast = resolve;
    });
  }

  /** @param source as {@link sourceOf} says it */
  of(source: string): Socket | undefined {
    return this.#sockets.get(source);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}
