import { createConnection, type Socket } from "node:net";
import {
  type Clock,
  type Log,
  type Metrics,
  type Milliseconds,
  milliseconds,
  type Seconds,
  type Timer,
} from "../../base/index.ts";
import { encodeTermination, TerminationReason } from "./wire/index.ts";

/** Where a station is, or from where it connects. */
export interface StationPlace {
  readonly name: string;
  /** Address, or name of a host; of one that connects to this router the address from which it does. */
  readonly address: string;
  /** Of the station; of one that connects to this router the port that it connects to. */
  readonly port: number;
  /** The station connects to this address of this router. Default: this router connects to it. @see RFC 7854 §3.2 */
  readonly listen?: string;
  /** At first; doubled with every failure, up to {@link LONGEST_RETRY}. */
  readonly connectRetry: Seconds;
}

export interface LinkParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface LinkEvents {
  /** There is a connection. */
  up(): void;
  /** Everything that waited has been handed to the kernel. */
  drained(): void;
  /** The connection is gone. */
  down(): void;
}

export interface LinkStatus {
  readonly state: "down" | "listening" | "connecting" | "up";
  /** Monotonic: when the last connection was made. */
  readonly since: Milliseconds | undefined;
  readonly messages: number;
  readonly octets: number;
  readonly queued: number;
  readonly connections: number;
  readonly failures: number;
  readonly lastError: string | undefined;
}

/** What may wait for a station. Beyond, a neighbour's routes are told anew when it has caught up. */
export const MOST_QUEUED = 4 * 1024 * 1024;
/** Below, more is read from the tables. */
const LOW_WATER = 256 * 1024;
/** @see RFC 7854 §3.2 */
const LONGEST_RETRY = 720_000;

/** The connection with one station: made and made again by this router, or by the station. @see RFC 7854 §3.2 */
export class StationLink implements AsyncDisposable {
  readonly #place: StationPlace;
  readonly #parts: LinkParts;
  readonly #events: LinkEvents;
  readonly #messagesCounter;
  readonly #upGauge;
  #socket: Socket | undefined;
  #isUp = false;
  #closing = false;
  #retry: Timer | undefined;
  #backOff: number;
  #since: Milliseconds | undefined;
  #messages = 0;
  #octets = 0;
  #connections = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(place: StationPlace, parts: LinkParts, events: LinkEvents) {
    this.#place = place;
    this.#parts = parts;
    this.#events = events;
    this.#backOff = place.connectRetry * 1000;
    const labels = { station: place.name };
    const { metrics } = parts;
    this.#messagesCounter = metrics.counter("semrd_bmp_messages_total", "Messages to a monitoring station", labels);
    this.#upGauge = metrics.gauge("semrd_bmp_up", "Whether a monitoring station is connected", labels);
    if (place.listen === undefined) this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** There is a connection, or one is being made. */
  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Another number for each connection. */
  get connection(): number {
    return this.#connections;
  }

  /** Octets that wait. */
  get queued(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** More may be read from the tables. */
  get hasRoom(): boolean {
    return this.queued < LOW_WATER;
  }

  status(): LinkStatus {
    return {
      state: this.#isUp ? "up" : this.#stateWithout(),
      since: this.#since,
      messages: this.#messages,
      octets: this.#octets,
      queued: this.queued,
      connections: this.#connections,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  #stateWithout(): "down" | "listening" | "connecting" {
    if (this.#place.listen !== undefined) return "listening";
    return this.#socket === undefined ? "down" : "connecting";
  }

  write(message: Uint8Array): void {
    this.#messages++;
    this.#messagesCounter.add();
    this.#octets += message.length;
    this.#socket?.write(message);
  }

  /** The station has connected to this router. */
  accept(socket: Socket): void {
    socket.setKeepAlive(true);
    this.#follow(socket);
    this.#connected();
  }

  #connect(): void {
    const { address, port } = this.#place;
    const socket = createConnection({ host: address, port, keepAlive: true });
    this.#follow(socket);
    socket.on("connect", () => this.#connected());
  }

  #follow(socket: Socket): void {
    this.#socket = socket;
    let reason = "the station closed the connection";
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("drain", () => {
      if (socket === this.#socket && this.#isUp) this.#events.drained();
    });
    socket.on("close", () => this.#gone(socket, reason));
    // A station says nothing (RFC 7854 §3.2); what it says all the same must not fill a buffer.
    socket.resume();
  }

  #connected(): void {
    this.#isUp = true;
    this.#connections++;
    this.#since = this.#parts.clock.monotonic();
    this.#upGauge.set(1);
    this.#lastError = undefined;
    this.#parts.log.info("bmp.station.up", { station: this.#place.name });
    this.#events.up();
  }

  /** A turn for others, and room for more, or the end of the connection. */
  async room(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || this.hasRoom) {
      await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      const go = (): void => {
        socket.off("drain", go).off("close", go);
        resolve();
      };
      socket.on("drain", go).on("close", go);
    });
  }

  /** Ends the connection that is up and begins another one, or has the station do so. */
  beginAnew(): void {
    const socket = this.#socket;
    if (!this.#isUp || socket === undefined) return;
    this.write(encodeTermination(TerminationReason.NoReason));
    this.#end(socket);
    this.#forget();
    if (this.#place.listen === undefined) this.#connect();
  }

  /** A station that does not take what waits for it is not waited for. */
  #end(socket: Socket): void {
    socket.end();
    this.#parts.clock.after(milliseconds(1000), () => socket.destroy());
  }

  #gone(socket: Socket, reason: string): void {
    if (socket !== this.#socket) return;
    const { clock, log } = this.#parts;
    this.#forget();
    this.#failures++;
    if (this.#lastError === undefined) log.warn("bmp.station.lost", { station: this.#place.name, reason });
    this.#lastError = reason;
    if (this.#closing || this.#place.listen !== undefined) return;
    this.#retry = clock.after(milliseconds(this.#backOff), () => this.#connect());
    this.#backOff = Math.min(LONGEST_RETRY, 2 * this.#backOff);
  }

  #forget(): void {
    // A connection that held for a while was no failure of connecting.
    if (this.#isUp) this.#backOff = this.#place.connectRetry * 1000;
    this.#isUp = false;
    this.#upGauge.set(0);
    this.#socket = undefined;
    this.#events.down();
  }

  /** Says that it ends. @see RFC 7854 §4.5 */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#retry?.cancel();
    const socket = this.#socket;
    const wasUp = this.#isUp;
    if (wasUp) this.write(encodeTermination(TerminationReason.AdministrativelyClosed));
    this.#forget();
    if (socket === undefined) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (wasUp) this.#end(socket);
    else socket.destroy();
    await closed;
  }
}
