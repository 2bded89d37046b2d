import { type Clock, type Milliseconds, milliseconds, type Timer } from "../../src/base/index.ts";

interface Armed {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Turns of the `soon` queue without any time passing before it is taken for a livelock. */
const MAX_TURNS = 100_000;

/**
 * Time that only moves when a test says so.
 *
 * `soon` work runs before any timer that is due later, and all of it before `advance` returns; timers that are due at the
 * same instant fire in the order in which they were armed. What `fire` and `run` throw reaches the caller of `advance`.
 */
export class VirtualClock implements Clock {
  #monotonic = 0;
  #wall: number;
  #order = 0;
  #timers: Armed[] = [];
  #soon: (() => void)[] = [];

  /** @param wall what `wall()` answers at the beginning, in milliseconds since the Unix epoch */
  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  wall(): Milliseconds {
    return milliseconds(this.#wall);
  }

  monotonic(): Milliseconds {
    return milliseconds(this.#monotonic);
  }

  after(delay: Milliseconds, fire: () => void): Timer {
    if (!(delay >= 0)) throw new RangeError(`a timer cannot be armed with a delay of ${delay}`);
    const timer: Armed = { at: this.#monotonic + delay, order: this.#order++, fire };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.length;
  }

  /** How long until the next timer fires; `undefined` when none is armed. */
  get untilNext(): Milliseconds | undefined {
    const next = this.#next();
    return next === undefined ? undefined : milliseconds(next.at - this.#monotonic);
  }

  /** Runs what was handed to `soon`, including what that hands on; no time passes. */
  settle(): void {
    for (let turn = 0; this.#soon.length > 0; turn++) {
      if (turn === MAX_TURNS) throw new Error(`the soon queue is not empty after ${MAX_TURNS} turns`);
      const due = this.#soon;
      this.#soon = [];
      for (const run of due) run();
    }
  }

  /** One turn: runs what was handed to `soon` so far, and nothing that this hands on. */
  turn(): void {
    const due = this.#soon;
    this.#soon = [];
    for (const run of due) run();
  }

  /** Lets `span` pass: every timer that becomes due fires at its own instant, in order. */
  advance(span: number): void {
    const end = this.#monotonic + span;
    this.settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#moveTo(next.at);
      this.#timers = this.#timers.filter((other) => other !== next);
      next.fire();
      this.settle();
    }
    this.#moveTo(end);
  }

  /** The wall clock jumps, as after a correction by NTP; timers do not notice. */
  stepWall(by: number): void {
    this.#wall += by;
  }

  #moveTo(at: number): void {
    this.#wall += at - this.#monotonic;
    this.#monotonic = at;
  }

  #next(): Armed | undefined {
    let best: Armed | undefined;
    for (const timer of this.#timers) {
      if (best === undefined || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) best = timer;
    }
    return best;
  }
}
