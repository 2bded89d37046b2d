import type { Milliseconds } from "./duration.ts";

/** A timer that was armed; cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the core sees it. Tests drive a virtual one. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may step. For leases and what people read. */
  wall(): Milliseconds;
  /** Milliseconds that never step back. For intervals and budgets. */
  monotonic(): Milliseconds;
  /** Calls `fire` once, at least `delay` from now. */
  after(delay: Milliseconds, fire: () => void): Timer;
  /** Calls `run` on a later turn of the event loop, before further input is read where possible. */
  soon(run: () => void): void;
}

/** When something happened: `wall` for people to read, `monotonic` for how long ago that is, whatever the wall clock did since. */
export interface Moment {
  readonly wall: Milliseconds;
  readonly monotonic: Milliseconds;
}

/** Now. */
export function momentOf(clock: Pick<Clock, "wall" | "monotonic">): Moment {
  return { wall: clock.wall(), monotonic: clock.monotonic() };
}

/** Chance as the core sees it. Tests use a seeded one and print the seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** Fills `octets` with unpredictable values. */
  fill(octets: Uint8Array): void;
}

/** What belongs to an event, by name; no secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log sink: a constant dotted event name, then fields. `error` needs a person, `warn` may. */
export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

/** A metric that only grows. */
export interface Counter {
  add(value?: number): void;
}

/** A metric that goes up and down. */
export interface Gauge {
  set(value: number): void;
}

/** A metric of how often values were how large, in the unit of its name. */
export interface Histogram {
  observe(value: number): void;
}

/**
 * Where a part makes its metrics. The same name and labels give the same object.
 *
 * Names end in their unit (`_total`, `_seconds`, `_bytes`); labels are never text that a peer chose.
 */
export interface Metrics {
  counter(name: string, help: string, labels?: Readonly<Record<string, string>>): Counter;
  gauge(name: string, help: string, labels?: Readonly<Record<string, string>>): Gauge;
  histogram(name: string, help: string, labels?: Readonly<Record<string, string>>): Histogram;
  /**
   * What these count is gone, and is shown no more; who has one of them still counts for nobody. The same name and labels give another
   * object then. Absent: nothing is kept for them.
   */
  release?(counters: Iterable<Counter>): void;
}
