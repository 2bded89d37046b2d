import { createServer } from "node:net";
import type { Clock, Log, Metrics, Place } from "../../base/index.ts";
import { ListeningSocket } from "../../sockets/index.ts";
import type { TlsDoor } from "./tls-door.ts";

/** More connections than operators have; those of one connection share what it may do. */
const MOST_CONNECTIONS = 1_024;

/** One address that is listened on. Its connections outlive it. */
export class GnmiListener implements AsyncDisposable {
  /** For connections from now on; absent: nobody is let in. */
  door: TlsDoor | undefined;
  readonly #socket: ListeningSocket;

  private constructor(socket: ListeningSocket) {
    this.#socket = socket;
  }

  /** @throws {Error} with `code` of the system call where the address cannot be listened on */
  static async listen(
    { address, port }: Place,
    { clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
  ): Promise<GnmiListener> {
    const dropped = metrics.counter("semrd_gnmi_connections_dropped_total", "Connections beyond the limit.");
    const tcp = createServer({ noDelay: true }, (socket) => {
      if (listener.door === undefined) socket.destroy();
      else listener.door.take(socket);
    });
    tcp.maxConnections = MOST_CONNECTIONS;
    tcp.on("drop", () => dropped.add());
    const own = { name: "gnmi", isOpenToMany: true, clock, log, metrics };
    // There before the first connection: that one comes with a later turn of the event loop.
    const listener = new GnmiListener(await ListeningSocket.open(tcp, { host: address, port }, own));
    log.info("gnmi.listening", { address, port: listener.port });
    return listener;
  }

  get port(): number {
    return this.#socket.port;
  }

  /** Nobody comes in any more, and the address is free. Who is in stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }
}
