import { createSocket, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { type Clock, type Log, type Milliseconds, messageOf, milliseconds, type Timer } from "../../base/index.ts";
import { IpfixWriter } from "./ipfix.ts";
import type { FlowRecord } from "./record.ts";

export interface CollectorOptions {
  readonly name: string;
  /** Address, or name of a host. */
  readonly address: string;
  readonly port: number;
  readonly observationDomain: number;
}

/** A collector of flow records (IPFIX), with what was sent to it since the start. */
export interface CollectorState {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly records: number;
  readonly messages: number;
  /** Messages that could not be sent. */
  readonly failures: number;
  readonly lastError?: string;
}

/** Every link takes 1280 octets; headers of IPv6 and UDP are 48. @see RFC 7011 §10.3.3 */
const MESSAGE_LIMIT = 1232;
const FLUSH_EVERY = milliseconds(1000);
const TEMPLATE_EVERY = milliseconds(60_000);
/** Messages that wait for the socket; more are given up. */
const MOST_IN_FLIGHT = 256;

/** Sends records to one IPFIX collector over UDP. @see RFC 7011 §10.3 */
export class Collector implements Disposable {
  readonly #options: CollectorOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #socket: Socket;
  readonly #writer: IpfixWriter;
  #timer: Timer | undefined;
  #templateAt: Milliseconds | undefined;
  #inFlight = 0;
  #closing = false;
  #records = 0;
  #messages = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(options: CollectorOptions, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#socket = createSocket(isIP(options.address) === 4 ? "udp4" : "udp6").unref();
    this.#socket.on("error", (cause) => this.#failed(cause));
    this.#writer = new IpfixWriter(options.observationDomain, MESSAGE_LIMIT, (message) => this.#send(message));
  }

  get state(): CollectorState {
    const { name, address, port } = this.#options;
    const counts = { records: this.#records, messages: this.#messages, failures: this.#failures };
    return { name, address, port, ...counts, ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }) };
  }

  add(record: FlowRecord): void {
    const now = this.#clock.monotonic();
    const wall = this.#clock.wall();
    if (this.#templateAt === undefined || now - this.#templateAt >= TEMPLATE_EVERY) {
      this.#templateAt = now;
      this.#writer.template(wall);
    }
    this.#writer.add(record, wall);
    this.#records++;
    this.#timer ??= this.#clock.after(FLUSH_EVERY, () => {
      this.#timer = undefined;
      this.#writer.flush(this.#clock.wall());
    });
  }

  /** What is there is sent first. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#writer.flush(this.#clock.wall());
    if (this.#inFlight === 0) this.#socket.close();
    else this.#closing = true;
  }

  #send(message: Uint8Array): void {
    if (this.#inFlight >= MOST_IN_FLIGHT) {
      this.#failed(new Error("messages are made faster than they are sent"));
      return;
    }
    const { address, port } = this.#options;
    this.#inFlight++;
    this.#socket.send(message, port, address, (cause) => {
      this.#inFlight--;
      if (cause === null) this.#messages++;
      else this.#failed(cause);
      if (this.#closing && this.#inFlight === 0) this.#socket.close();
    });
  }

  #failed(cause: unknown): void {
    this.#failures++;
    const reason = messageOf(cause);
    if (reason !== this.#lastError)
      this.#log.warn("flows.collector-unreachable", { collector: this.#options.name, reason });
    this.#lastError = reason;
  }
}
