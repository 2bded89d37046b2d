import { createConnection, type Socket } from "node:net";
import { type Clock, type Log, type Metrics, milliseconds, type Timer } from "../../base/index.ts";
import {
  type CacheEffect,
  type CacheEvent,
  type CacheState,
  type CacheTimer,
  NEW_CACHE,
  stepCache,
} from "./cache-session.ts";
import { applyRecord, inSlices, type LoadFault, Staging } from "./staging.ts";
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
  /** Wall clock of the last End of Data. */
  readonly updated: number | undefined;
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
  readonly #staging = new Staging();
  readonly #timers = new Map<CacheTimer | "connect", Timer>();
  readonly #failed;
  readonly #gauge;
  #state: CacheState = NEW_CACHE;
  #socket: Socket | undefined;
  #framer = new PduFramer();
  #full = false;
  #loading: Promise<void> | undefined;
  /** What was forgotten is being taken out of the table. */
  #clearing: Promise<void> = Promise.resolve();
  /** Of `sayers`: the bit of what it says now. */
  #current = 0;
  #hasData = false;
  #vrps = 0;
  #backOff = FIRST_RETRY;
  #updated: number | undefined;
  #connections = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(options: CacheOptions, parts: CacheParts) {
    this.options = options;
    this.#parts = parts;
    const labels = { cache: options.name };
    this.#failed = parts.metrics.counter("semrd_rpki_failures_total", "Connections to RPKI caches that failed", labels);
    this.#gauge = parts.metrics.gauge("semrd_rpki_cache_vrps", "VRPs that an RPKI cache says", labels);
    this.#connect();
  }

  /** The bit of what it says; 0: nothing. */
  get sayer(): number {
    return this.#hasData ? this.#parts.sayers[this.#current]! : 0;
  }

  status(): CacheStatus {
    const { phase, version, held, intervals } = this.#state;
    return {
      ...this.options,
      state: phase,
      version,
      sessionId: held?.sessionId,
      serial: held?.serial,
      vrps: this.#vrps,
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
        this.#full = effect.full;
        this.#staging.clear();
        return;
      case "stage":
        if (!this.#staging.add(effect.pdu)) {
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
        if (this.#loading === undefined) this.#staging.clear();
        return;
      case "flush":
        this.#parts.log.warn("rpki.cache.flushed", {
          cache: this.options.name,
          reason: effect.reason,
          vrps: this.#vrps,
        });
        this.#forget();
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
      this.#parts.log.warn("rpki.cache.lost", { cache: this.options.name, reason, vrpsKept: this.#vrps });
    }
    this.#lastError = reason;
    // A query that failed waits for as long as the cache asks, while there is data to go by. @see RFC 8210 §6
    const asked = kind === "failed" && this.#hasData ? this.#state.intervals.retry * 1000 : 0;
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
    await this.#clearing;
    const { table, sayers, clock, log, settled, changed } = this.#parts;
    const { signal } = this.#closing;
    const staging = this.#staging;
    const target = this.#full && this.#hasData ? 1 - this.#current : this.#current;
    const sayer = sayers[target]!;
    const isIncremental = !this.#full;
    const fault = await inSlices<LoadFault>(
      staging.count,
      (index) => {
        const found = applyRecord(staging, index, table, sayer);
        if (found === undefined && isIncremental) {
          this.#vrps += staging.announces(index) ? 1 : -1;
          const vrp = staging.vrp(index);
          changed({ ...vrp, address: vrp.address.slice() });
        }
        return found;
      },
      clock,
      signal,
    );
    if (signal.aborted) return;
    const count = staging.count;
    staging.clear();
    if (fault === undefined) {
      if (this.#full) {
        this.#vrps = count;
        await this.#replaceBy(target);
      }
      this.#updated = clock.wall();
      this.#backOff = FIRST_RETRY;
      this.#lastError = undefined;
      this.#gauge.set(this.#vrps);
      const { version, incoming } = this.#state;
      log.info("rpki.cache.loaded", {
        cache: this.options.name,
        version,
        serial: incoming?.serial,
        full: this.#full,
        records: count,
        vrps: this.#vrps,
      });
    } else if (this.#full) await this.#sweep(sayer);
    settled();
    this.#step({ type: "loaded", ...(fault === undefined ? {} : { fault }) });
  }

  /** What was loaded counts from now on; what it replaces goes. */
  async #replaceBy(target: number): Promise<void> {
    const { sayers, settled, table, changed, clock } = this.#parts;
    const before = this.#hasData && target !== this.#current ? sayers[this.#current]! : 0;
    const now = sayers[target]!;
    this.#current = target;
    this.#hasData = true;
    settled();
    // The first data of a cache: whoever listens has heard that it counts, and nothing is replaced.
    if (before === 0) return;
    for (const octets of [4, 16] as const) {
      const trie = table.trie(octets);
      await inSlices(
        trie.entryTop,
        (id) => {
          const said = trie.sayersOf(id) & (now | before);
          if (said === now || (said !== 0 && said === before)) changed(trie.vrpOf(id, octets));
          trie.dropEntry(id, before);
          return undefined;
        },
        clock,
        this.#closing.signal,
      );
    }
  }

  async #sweep(sayer: number): Promise<void> {
    for (const octets of [4, 16] as const) {
      const trie = this.#parts.table.trie(octets);
      const drop = (id: number): undefined => {
        if ((trie.sayersOf(id) & sayer) === 0) return undefined;
        this.#parts.changed(trie.vrpOf(id, octets));
        trie.dropEntry(id, sayer);
        return undefined;
      };
      await inSlices(trie.entryTop, drop, this.#parts.clock, this.#closing.signal);
    }
  }

  /** Nothing of what it said counts any more, at once; it is taken out of the table in slices. */
  #forget(): void {
    if (!this.#hasData) return;
    const sayer = this.sayer;
    this.#hasData = false;
    this.#vrps = 0;
    this.#gauge.set(0);
    // The other bit is free: what comes next does not mix with what is being taken out.
    this.#current = 1 - this.#current;
    this.#parts.settled();
    this.#clearing = this.#sweep(sayer).then(() => this.#parts.settled());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers.values()) timer.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    await this.#loading;
    await this.#clearing;
  }
}
