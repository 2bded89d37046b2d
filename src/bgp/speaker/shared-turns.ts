import type { Clock } from "../../base/index.ts";

/** Work for all neighbours together before other sockets and timers get their turn, in milliseconds. */
const TURN_BUDGET = 4;

const BY_CLOCK = new WeakMap<Clock, SharedTurns>();

/**
 * Shares turns of the event loop among the inputs and outputs of all neighbours: those that there is no time for come first on the
 * next turn, those that want more come last. However many neighbours say something or have to be told it, a turn is no longer.
 */
export class SharedTurns {
  readonly #clock: Clock;
  #jobs: (() => void)[] = [];
  #scheduled = false;
  /** Somebody has used time that counts. */
  #open = false;
  /** It began outside `#run`, which then goes on with what is left of it. */
  #fresh = false;
  #began = 0;

  /** One for all that go by the same clock. */
  static of(clock: Clock): SharedTurns {
    const known = BY_CLOCK.get(clock) ?? new SharedTurns(clock);
    BY_CLOCK.set(clock, known);
    return known;
  }

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the job at hand may go on in this turn. */
  get inTime(): boolean {
    return this.#clock.monotonic() - this.#began <= TURN_BUDGET;
  }

  later(job: () => void): void {
    this.#jobs.push(job);
    this.#schedule();
  }

  /** At once where nobody waits and this turn has time for it; false: later. Only for who is called on a turn of its own. */
  now(job: () => void): boolean {
    if (!this.#open) {
      this.#open = true;
      this.#fresh = true;
      this.#began = this.#clock.monotonic();
      this.#schedule();
    }
    const isNow = this.#jobs.length === 0 && this.inTime;
    if (isNow) job();
    else this.later(job);
    return isNow;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    if (!this.#fresh) this.#began = this.#clock.monotonic();
    this.#fresh = false;
    const jobs = this.#jobs;
    this.#jobs = [];
    let done = 0;
    try {
      while (done < jobs.length && (done === 0 || this.inTime)) jobs[done++]!();
    } finally {
      if (done < jobs.length) {
        const more = this.#jobs;
        this.#jobs = jobs.slice(done);
        for (const job of more) this.#jobs.push(job);
      }
      // What comes before the next run belongs to the turn that has been used.
      this.#open = done > 0;
      if (this.#open) this.#schedule();
    }
  };
}
