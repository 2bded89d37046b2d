import { createConnection, type Socket } from "node:net";
import {
  type Clock,
  type Log,
  type Metrics,
  type Moment,
  milliseconds,
  momentOf,
  type Timer,
} from "../../base/index.ts";
import { CacheData } from "./cache-data.ts";
import {
  type CacheEffect,
  type CacheEvent,
  type CacheState,
  type CacheTimer,
  NEW_CACHE,
  stepCache,
} from "./cache-session.ts";
import type { Vrp, VrpTable } from "./vrp-table.ts";
import { encodeErrorReport, encodePdu, PduFramer, RtrError } from "./wire/index.ts";

export interface CacheOptions {
  readonly name: string;
  /** Host name or address. */
  readonly address: string;
  readonly port: number;
  /** The lowest of those that have data counts. */
  readonly preference: number;
}

export interface CacheParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly table: VrpTable;
  /** Two bits of its own in the table. */
  readonly sayers: readonly [number, number];
  /** This VRP is said, or not said any more. */
  readonly changed: (vrp: Vrp) => void;
  /** Data is there, or gone, or all of it another: what counts has to be looked at. */
  readonly settled: () => void;
}

export interface CacheStatus extends CacheOptions {
  readonly state: CacheState["phase"];
  readonly version: number;
  readonly sessionId: number | undefined;
  readonly serial: number | undefined;
  /** VRPs that it says. */
  readonly vrps: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** The last End of Data. */
  readonly updated: Moment | undefined;
  readonly connections: number;
  readonly failures: number;
  readonly lastError: string | undefined;
}

/** Work on what came before other things get their turn, in milliseconds. */
const TURN_BUDGET = 4;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/** The connection to one cache, and what it has said. Connects until it is disposed. */
export class CacheClient implements AsyncDisposable {
  readonly options: CacheOptions;
  readonly #parts: CacheParts;
  readonly #closing = new AbortController();
  readonly #data: CacheData;
  readonly #timers = new Map<CacheTimer | "connect", Timer>();
  readonly #failed;
  #state: CacheState = NEW_CACHE;
  #socket: Socket | undefined;
  #framer = new PduFramer();
  #loading: Promise<void> | undefined;
  #backOff = FIRST_RETRY;
  #updated: Moment | undefined;
  #connections = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(options: CacheOptions, parts: CacheParts) {
    this.options = options;
    this.#parts = parts;
    const labels = { cache: options.name };
    this.#failed = parts.metrics.counter("semrd_rpki_failures_total", "Connections to RPKI caches that failed", labels);
    const gauge = parts.metrics.gauge("semrd_rpki_cache_vrps", "VRPs that an RPKI cache says", labels);
    this.#data = new CacheData({ ...parts, gauge }, this.#closing.signal);
    this.#connect();
  }

  /** The bit of what it says; 0: nothing. */
  get sayer(): number {
    return this.#data.sayer;
  }

  status(): CacheStatus {
    const { phase, version, held, intervals } = this.#state;
    return {
      ...this.options,
      state: phase,
      version,
      sessionId: held?.sessionId,
      serial: held?.serial,
      vrps: this.#data.vrps,
      refreshSeconds: intervals.refresh,
      retrySeconds: intervals.retry,
      expireSeconds: intervals.expire,
      updated: this.#updated,
      connections: this.#connections,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  #connect(): void {
    const { address, port } = this.options;
    const socket = createConnection({ host: address, port, keepAlive: true, noDelay: true });
    this.#socket = socket;
    this.#framer = new PduFramer();
    let reason = "the cache closed the connection";
    socket.on("connect", () => {
      this.#connections++;
      this.#step({ type: "connected" });
    });
    socket.on("data", (chunk) => {
      if (socket !== this.#socket) return;
      this.#framer.feed(chunk);
      this.#pump(socket);
    });
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("close", () => {
      if (socket === this.#socket) this.#lost(reason);
    });
  }

  /** PDUs of one chunk, with pauses: a whole table comes at once. */
  #pump(socket: Socket): void {
    const { clock } = this.#parts;
    const started = clock.monotonic();
    while (socket === this.#socket) {
      const answer = this.#framer.next();
      if (answer.kind === "need-more") {
        socket.resume();
        return;
      }
      if (answer.kind === "malformed") {
        const { version, code, reason, isReport } = answer;
        this.#step({ type: "malformed", version, code, reason, isReport }, answer.octets);
        return;
      }
      this.#step({ type: "pdu", version: answer.version, pdu: answer.pdu });
      if (clock.monotonic() - started < TURN_BUDGET) continue;
      socket.pause();
      clock.soon(() => this.#pump(socket));
      return;
    }
  }

  #step(event: CacheEvent, octets?: Uint8Array): void {
    const { state, effects } = stepCache(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect, octets);
  }

  #perform(effect: CacheEffect, octets: Uint8Array | undefined): void {
    switch (effect.type) {
      case "send":
        this.#socket?.write(encodePdu(this.#state.version, effect.pdu));
        return;
      case "report":
        this.#socket?.write(encodeErrorReport(this.#state.version, effect.code, effect.reason, octets));
        return;
      case "close":
        this.#close(effect.reason, effect.soon);
        return;
      case "arm":
        this.#arm(effect.timer, effect.seconds * 1000, () => this.#step({ type: "timer", timer: effect.timer }));
        return;
      case "disarm":
        this.#timers.get(effect.timer)?.cancel();
        return;
      case "begin":
        this.#data.begin({ full: effect.full });
        return;
      case "stage":
        if (!this.#data.stage(effect.pdu)) {
          this.#perform(
            { type: "report", code: RtrError.InternalError, reason: "more VRPs than there is room for" },
            undefined,
          );
          this.#step({ type: "closed" });
          this.#close("more VRPs than there is room for", false);
        }
        return;
      case "load":
        this.#loading = this.#load().finally(() => {
          this.#loading = undefined;
        });
        return;
      case "discard":
        // What is being loaded is seen through: half of it would be no state that the cache ever had.
        if (this.#loading === undefined) this.#data.discard();
        return;
      case "flush":
        this.#parts.log.warn("rpki.cache.flushed", {
          cache: this.options.name,
          reason: effect.reason,
          vrps: this.#data.vrps,
        });
        this.#data.forget();
        return;
    }
  }

  #arm(timer: CacheTimer | "connect", delay: number, fire: () => void): void {
    this.#timers.get(timer)?.cancel();
    this.#timers.set(timer, this.#parts.clock.after(milliseconds(delay), fire));
  }

  /** Our end closes, after what was sent. */
  #close(reason: string, soon: boolean): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.end();
    socket?.once("finish", () => socket.destroy());
    // A cache that takes nothing any more must not keep the socket.
    socket?.setTimeout(5000, () => socket.destroy());
    this.#retry(reason, soon, "failed");
  }

  #lost(reason: string): void {
    this.#socket = undefined;
    this.#step({ type: "closed" });
    this.#retry(reason, false, "lost");
  }

  /** @param kind the connection was lost, or this router ended it since what was asked for did not come */
  #retry(reason: string, soon: boolean, kind: "lost" | "failed"): void {
    if (this.#closing.signal.aborted) return;
    this.#failures++;
    this.#failed.add();
    if (this.#lastError === undefined) {
      this.#parts.log.warn("rpki.cache.lost", { cache: this.options.name, reason, vrpsKept: this.#data.vrps });
    }
    this.#lastError = reason;
    // A query that failed waits for as long as the cache asks, while there is data to go by. @see RFC 8210 §6
    const asked = kind === "failed" && this.#data.isThere ? this.#state.intervals.retry * 1000 : 0;
    const delay = soon ? 0 : Math.max(this.#backOff, asked);
    this.#backOff = Math.min(LONGEST_RETRY, 2 * this.#backOff);
    this.#arm("connect", delay, () => void this.#reconnect());
  }

  /** The next query continues from what is being loaded. */
  async #reconnect(): Promise<void> {
    await this.#loading;
    if (!this.#closing.signal.aborted) this.#connect();
  }

  async #load(): Promise<void> {
    const records = this.#data.staged;
    const { full } = this.#data;
    const fault = await this.#data.load();
    if (this.#closing.signal.aborted) return;
    if (fault === undefined) {
      this.#updated = momentOf(this.#parts.clock);
      this.#backOff = FIRST_RETRY;
      this.#lastError = undefined;
      const { version, incoming } = this.#state;
      this.#parts.log.info("rpki.cache.loaded", {
        ...{ cache: this.options.name, version, serial: incoming?.serial },
        ...{ full, records, vrps: this.#data.vrps },
      });
    }
    this.#parts.settled();
    this.#step({ type: "loaded", ...(fault === undefined ? {} : { fault }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers.values()) timer.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    await this.#loading;
    await this.#data.cleared;
  }
}
