import { createServer, type Socket, type Server as TcpServer } from "node:net";
import { type Clock, type Counter, type Log, type Metrics, SourceRates } from "../../base/index.ts";
import type { Logins, Transport } from "./transport.ts";

export interface ListenerParts {
  readonly transport: Transport;
  readonly logins: Logins;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** New connections of one source. */
const RATE = { perSecond: 20, burst: 60 } as const;

/** One address on which a transport is spoken. Its connections outlive it: they are the transport's. */
export class Listener implements AsyncDisposable {
  readonly #parts: ListenerParts;
  readonly #tcp: TcpServer;
  readonly #rates: SourceRates;
  readonly #dropped: { readonly rate: Counter; readonly tooMany: Counter };

  private constructor(parts: ListenerParts) {
    const { metrics } = parts;
    this.#parts = parts;
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
    parts.log.info("netconf.listening", { address, port: listener.port, transport: parts.transport.name });
    return listener;
  }

  get port(): number {
    const at = this.#tcp.address();
    return typeof at === "object" && at !== null ? at.port : 0;
  }

  /** Nobody comes in any more. Who is in is the transport's, which ends after it: whoever waited for them would wait for a client. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#tcp.close();
  }

  #connected(socket: Socket): void {
    const { transport, logins } = this.#parts;
    const isTooFast = !this.#rates.take(socket.remoteAddress ?? "");
    if (isTooFast || logins.isFull) {
      (isTooFast ? this.#dropped.rate : this.#dropped.tooMany).add();
      socket.destroy();
      return;
    }
    void transport.take(socket);
  }
}
