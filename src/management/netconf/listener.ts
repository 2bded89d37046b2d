import { createServer, type Socket } from "node:net";
import { type Clock, type Counter, type Log, type Metrics, SourceRates } from "../../base/index.ts";
import { ListeningSocket } from "../../sockets/index.ts";
import type { Door, TransportName } from "./transport.ts";

export interface ListenerParts {
  readonly transport: TransportName;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** New connections of one source. */
const RATE = { perSecond: 20, burst: 60 } as const;

/** One address on which a transport is spoken. Its connections outlive it. */
export class Listener implements AsyncDisposable {
  /** For connections from now on; absent: nobody is let in. */
  door: Door | undefined;
  readonly transport: TransportName;
  readonly #socket: ListeningSocket;
  readonly #rates: SourceRates;
  readonly #dropped: { readonly rate: Counter; readonly tooMany: Counter };

  private constructor(socket: ListeningSocket, parts: ListenerParts) {
    const { metrics } = parts;
    this.#socket = socket;
    this.transport = parts.transport;
    this.#rates = new SourceRates(RATE, parts.clock);
    const dropped = (reason: string): Counter =>
      metrics.counter("semrd_netconf_connections_dropped_total", "Connections dropped before a login.", { reason });
    this.#dropped = { rate: dropped("rate"), tooMany: dropped("too-many") };
  }

  /** @throws {Error} with `code` of the system call where the address cannot be listened on. */
  static async listen(address: string, port: number, parts: ListenerParts): Promise<Listener> {
    const { clock, log, metrics } = parts;
    const tcp = createServer({ noDelay: true }, (socket) => listener.#connected(socket));
    const own = { name: `netconf-${parts.transport}`, isOpenToMany: true, clock, log, metrics };
    // There before the first connection: that one comes with a later turn of the event loop.
    const listener = new Listener(await ListeningSocket.open(tcp, { host: address, port }, own), parts);
    log.info("netconf.listening", { address, port: listener.port, transport: parts.transport });
    return listener;
  }

  get port(): number {
    return this.#socket.port;
  }

  /** Nobody comes in any more, and the address is free. Who is in stays: whoever waited for them would wait for a client. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }

  #connected(socket: Socket): void {
    const { door } = this;
    if (door === undefined) {
      socket.destroy();
      return;
    }
    const isTooFast = !this.#rates.take(socket.remoteAddress ?? "");
    if (isTooFast || door.logins.isFull) {
      (isTooFast ? this.#dropped.rate : this.#dropped.tooMany).add();
      socket.destroy();
      return;
    }
    void door.transport.take(socket);
  }
}
