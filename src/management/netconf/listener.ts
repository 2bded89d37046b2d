import { createServer, type Socket, type Server as TcpServer } from "node:net";
import { type Clock, type Counter, type Log, type Metrics, SourceRates } from "../../base/index.ts";
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
  readonly #tcp: TcpServer;
  readonly #rates: SourceRates;
  readonly #dropped: { readonly rate: Counter; readonly tooMany: Counter };

  private constructor(parts: ListenerParts) {
    const { metrics } = parts;
    this.transport = parts.transport;
    this.#rates = new SourceRates(RATE, parts.clock);
    this.#tcp = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    const dropped = (reason: string): Counter =>
      metrics.counter("semrd_netconf_connections_dropped_total", "Connections dropped before a login.", { reason });
    this.#dropped = { rate: dropped("rate"), tooMany: dropped("too-many") };
  }

  /** @throws {Error} with `code` of the system call where the address cannot be listened on. */
  static async listen(address: string, port: number, parts: ListenerParts): Promise<Listener> {
    const listener = new Listener(parts);
    await new Promise<void>((resolve, reject) => {
      listener.#tcp.once("error", reject);
      listener.#tcp.listen({ host: address, port }, resolve);
    });
    parts.log.info("netconf.listening", { address, port: listener.port, transport: parts.transport });
    return listener;
  }

  get port(): number {
    const at = this.#tcp.address();
    return typeof at === "object" && at !== null ? at.port : 0;
  }

  /** Nobody comes in any more, and the address is free. Who is in stays: whoever waited for them would wait for a client. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#tcp.close();
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
