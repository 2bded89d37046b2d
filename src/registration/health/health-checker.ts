import { type Clock, type Log, type Metrics, milliseconds, type Random, Scope, type Timer } from "../../base/index.ts";
import { type Directory, type HealthCheck, type Instance, sameCheck } from "../../directory/index.ts";
import { networkProbe, type Probe, type ProbeResult } from "./probe.ts";

export interface HealthCheckerOptions {
  /** Probes at the same time; further ones wait for their turn. */
  readonly concurrency?: number;
}

export interface HealthCheckerParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How an endpoint is asked; over the network when absent. */
  readonly probe?: Probe;
}

export interface HealthChecker extends AsyncDisposable {
  /** Resolves when every instance that was there at the start has had its first verdict. */
  readonly settled: Promise<void>;
}

interface Watched {
  readonly id: string;
  readonly check: HealthCheck;
  instance: Instance;
  verdict: "unknown" | "up" | "down";
  /** Results in a row that speak against the verdict. */
  against: number;
  timer: Timer | undefined;
  gone: boolean;
}

const CONCURRENCY = 256;
/** After a first failure the next probe comes this soon: a second opinion, not a second interval. */
const RECHECK_AFTER = milliseconds(20);
/** Probes of many instances do not stay in step: each interval is this share longer or shorter. */
const JITTER = 0.1;

/**
 * Probes every instance that has a check and tells the directory when its health changes.
 *
 * The first success decides at once. `fall` failures in a row, of which the second comes right behind the first, make an
 * instance down, after a restart too; from then on `rise` successes in a row make it up.
 */
export function startHealthChecker(
  options: HealthCheckerOptions,
  parts: HealthCheckerParts,
  signal: AbortSignal,
): HealthChecker {
  return new Checker(options.concurrency ?? CONCURRENCY, parts, signal);
}

class Checker implements HealthChecker {
  readonly settled: Promise<void>;
  readonly #concurrency: number;
  readonly #parts: HealthCheckerParts;
  readonly #probe: Probe;
  readonly #scope: Scope;
  readonly #watched = new Map<string, Watched>();
  readonly #due: Watched[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Instances of the start without a verdict. */
  readonly #unsettled = new Set<string>();
  readonly #settle = Promise.withResolvers<void>();

  constructor(concurrency: number, parts: HealthCheckerParts, signal: AbortSignal) {
    this.#concurrency = concurrency;
    this.#parts = parts;
    this.#probe = parts.probe ?? networkProbe;
    this.#scope = new Scope(signal);
    this.settled = this.#settle.promise;
    this.#scope.defer(async () => {
      for (const watched of this.#watched.values()) this.#forget(watched);
      this.#due.length = 0;
      this.#settle.resolve();
      await Promise.all(this.#running);
    });
    this.#scope.own(
      parts.directory.subscribe((changes) => {
        for (const change of changes) {
          if (change.type === "removed") this.#drop(change.instance.id);
          else this.#watch(change.instance);
        }
      }),
    );
    for (const instance of parts.directory.instances()) {
      if (instance.check !== undefined) this.#unsettled.add(instance.id);
      this.#watch(instance);
    }
    this.#settleIfDone();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #watch(instance: Instance): void {
    const { id, check } = instance;
    const known = this.#watched.get(id);
    if (known !== undefined && sameCheck(known.check, check)) {
      known.instance = instance;
      return;
    }
    if (known !== undefined) this.#drop(id);
    if (check === undefined) return;
    const verdict = known?.verdict ?? "unknown";
    const watched: Watched = { id, check, instance, verdict, against: 0, timer: undefined, gone: false };
    this.#watched.set(id, watched);
    this.#enqueue(watched);
  }

  #drop(id: string): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined) this.#forget(watched);
    this.#watched.delete(id);
    this.#unsettled.delete(id);
    this.#settleIfDone();
  }

  #forget(watched: Watched): void {
    watched.gone = true;
    watched.timer?.cancel();
  }

  #enqueue(watched: Watched): void {
    this.#due.push(watched);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < this.#concurrency && !this.#scope.signal.aborted) {
      const watched = this.#due.shift();
      if (watched === undefined) return;
      if (watched.gone) continue;
      const run = this.#run(watched).finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
  }

  async #run(watched: Watched): Promise<void> {
    const { clock, metrics } = this.#parts;
    const began = clock.monotonic();
    const result = await this.#probe(watched.instance.endpoint, watched.check, this.#scope.signal);
    if (watched.gone || this.#scope.signal.aborted) return;
    const { outcome } = result;
    metrics.counter("semrd_health_probes_total", "Health probes by outcome", { outcome }).add();
    metrics.histogram("semrd_health_probe_seconds", "Time a probe took").observe((clock.monotonic() - began) / 1000);
    if (outcome !== "inconclusive") this.#judge(watched, result);
    if (watched.gone) return; // a listener of the directory took it out
    const failing = watched.verdict !== "down" && watched.against > 0;
    const interval = watched.check.interval * (1 + JITTER * (2 * this.#parts.random.next() - 1));
    const delay = failing ? Math.min(RECHECK_AFTER, interval) : began + interval - clock.monotonic();
    watched.timer = clock.after(milliseconds(Math.max(0, delay)), () => this.#enqueue(watched));
  }

  #judge(watched: Watched, result: ProbeResult): void {
    const { verdict, check } = watched;
    const speaks = result.outcome === "passed" ? "up" : "down";
    if (speaks === verdict) {
      watched.against = 0;
      return;
    }
    watched.against++;
    const enough = speaks === "down" ? check.fall : verdict === "unknown" ? 1 : check.rise;
    if (watched.against < enough) return;
    watched.verdict = speaks;
    watched.against = 0;
    const reason = "reason" in result ? result.reason : undefined;
    const { id, agent, capability } = watched.instance;
    const { log, metrics, directory } = this.#parts;
    log.info(`health.${speaks}`, { instance: id, agent, capability, ...(reason === undefined ? {} : { reason }) });
    metrics.counter("semrd_health_transitions_total", "Changes of health", { to: speaks }).add();
    try {
      directory.setHealth(id, speaks, reason);
    } catch (cause) {
      // A listener's mistake; the directory has the verdict, and the other instances go on being checked.
      log.error("health.listener-failed", { instance: id, cause });
    }
    this.#unsettled.delete(id);
    this.#settleIfDone();
  }

  #settleIfDone(): void {
    if (this.#unsettled.size === 0) this.#settle.resolve();
  }
}
