import { createServer, type Server as TcpServer } from "node:net";
import type { Log, Metrics, Place } from "../../base/index.ts";
import type { TlsDoor } from "./tls-door.ts";

/** More connections than operators have; those of one connection share what it may do. */
const MOST_CONNECTIONS = 1_024;

/** One address that is listened on. Its connections outlive it. */
export class GnmiListener implements AsyncDisposable {
  /** For connections from now on; absent: nobody is let in. */
  door: TlsDoor | undefined;
  readonly #tcp: TcpServer;

  private constructor(metrics: Metrics) {
    const dropped = metrics.counter("semrd_gnmi_connections_dropped_total", "Connections beyond the limit.");
    this.#tcp = createServer({ noDelay: true }, (socket) => {
      if (this.door === undefined) socket.destroy();
      else this.door.take(socket);
    });
    this.#tcp.maxConnections = MOST_CONNECTIONS;
    this.#tcp.on("drop", () => dropped.add());
  }

  /** @throws {Error} with `code` of the system call where the address cannot be listened on */
  static async listen(
    { address, port }: Place,
    { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  ): Promise<GnmiListener> {
    const listener = new GnmiListener(metrics);
    await new Promise<void>((resolve, reject) => {
      listener.#tcp.once("error", reject);
      listener.#tcp.listen({ host: address, port }, resolve);
    });
    log.info("gnmi.listening", { address, port: listener.port });
    return listener;
  }

  get port(): number {
    const at = this.#tcp.address();
    return typeof at === "object" && at !== null ? at.port : 0;
  }

  /** Nobody comes in any more, and the address is free. Who is in stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#tcp.close();
  }
}
