import { createServer, type Server, type Socket } from "node:net";
import {
  type Clock,
  type Counter,
  formatIpv6,
  type Log,
  type Metrics,
  messageOf,
  milliseconds,
  parseIpv4,
  parseIpv6,
  SourceRates,
  type Timer,
} from "../../base/index.ts";
import { ListeningSocket } from "../../sockets/index.ts";
import type { Station } from "./station.ts";
import { encodeTermination, TerminationReason } from "./wire/index.ts";

/** Sessions of one station. @see RFC 7854 §3.2 */
const RATE = { perSecond: 2 / 60, burst: 2, ipv6: "address" } as const;
/** Until a listener is tried again that could not be had. */
const RETRY = milliseconds(30_000);

/** Addresses by which stations are known, IPv4 in mapped form; `undefined` for names. */
function canonical(text: string): string | undefined {
  const plain = text.split("%", 1)[0]!;
  const octets = parseIpv6(parseIpv4(plain) === undefined ? plain : `::ffff:${plain}`);
  return octets && formatIpv6(octets);
}

/**
 * Where stations connect to this router, those of configuration and nobody else: one connection of each, two a minute.
 * @see RFC 7854 §3.2
 */
export class StationDoor implements Disposable {
  readonly #local: { readonly address: string; readonly port: number };
  readonly #stations: ReadonlyMap<string, Station>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #rates: SourceRates;
  readonly #refused: (reason: "stranger" | "rate" | "redundant") => Counter;
  #server: Server | undefined;
  #retry: Timer | undefined;
  #closed = false;

  /** @param stations that connect here, each from an address of its own */
  constructor(
    local: { readonly address: string; readonly port: number },
    stations: readonly Station[],
    parts: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
  ) {
    this.#local = local;
    this.#stations = new Map(stations.flatMap((one) => [[canonical(one.options.address) ?? one.options.address, one]]));
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#metrics = parts.metrics;
    this.#rates = new SourceRates(RATE, parts.clock);
    const help = "Connections to this router for BMP that were turned away";
    this.#refused = (reason) => parts.metrics.counter("semrd_bmp_refused_connections_total", help, { reason });
    this.#listen();
  }

  #listen(): void {
    const { address, port } = this.#local;
    const server = createServer((socket) => this.#knocked(socket));
    this.#server = server;
    const where = { host: address, port, ipv6Only: address.includes(":") };
    const own = { name: "bmp", clock: this.#clock, log: this.#log, metrics: this.#metrics };
    ListeningSocket.open(server, where, own).then(
      () => {
        if (this.#closed) server.close();
      },
      (cause: unknown) => {
        this.#log.error("bmp.listen-failed", {
          ...{ address, port, reason: messageOf(cause) },
          advice: `stations that connect to this router cannot: it is tried again every ${RETRY / 1000} s`,
        });
        if (!this.#closed) this.#retry = this.#clock.after(RETRY, () => this.#listen());
      },
    );
  }

  #knocked(socket: Socket): void {
    socket.on("error", () => undefined); // its end is what matters
    const from = canonical(socket.remoteAddress ?? "");
    const station = from === undefined ? undefined : this.#stations.get(from);
    if (from === undefined || station === undefined) this.#turnAway(socket, "stranger");
    else if (station.isConnected) this.#turnAway(socket, "redundant");
    else if (!this.#rates.take(from)) this.#turnAway(socket, "rate");
    else station.accept(socket);
  }

  /** Whoever is here already hears why: it is one of the stations. */
  #turnAway(socket: Socket, reason: "stranger" | "rate" | "redundant"): void {
    this.#refused(reason).add();
    this.#log.debug("bmp.connection.refused", { address: socket.remoteAddress, reason });
    if (reason === "redundant") socket.end(encodeTermination(TerminationReason.RedundantConnection));
    else socket.destroy();
  }

  /** Where it listens; `undefined` while it does not. */
  get listening(): { readonly address: string; readonly port: number } | undefined {
    const at = this.#server?.address();
    return typeof at === "object" && at !== null ? { address: at.address, port: at.port } : undefined;
  }

  /** Nobody is let in any more; who is in is the station's. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#retry?.cancel();
    if (this.#server?.listening === true) this.#server.close();
  }
}
