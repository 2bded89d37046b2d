import type { Clock } from "../../base/index.ts";

/** Work for all neighbours together before sockets and timers get their turn, in milliseconds. */
const TURN_BUDGET = 4;

const BY_CLOCK = new WeakMap<Clock, OutputTurns>();

/**
 * Shares turns of the event loop among the outputs of all neighbours: those that there is no time for come first on the next turn,
 * those that want more come last. However many neighbours have to be told something, a turn is no longer.
 */
export class OutputTurns {
  readonly #clock: Clock;
  #jobs: (() => void)[] = [];
  #scheduled = false;
  /** Somebody was let in at once in this turn. */
  #open = false;
  #began = 0;

  /** One for all that go by the same clock. */
  static of(clock: Clock): OutputTurns {
    const known = BY_CLOCK.get(clock) ?? new OutputTurns(clock);
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
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => this.#run());
  }

  /** At once where nobody waits and this turn has time for it. Only for who is called on a turn of its own. */
  now(job: () => void): void {
    if (!this.#open) {
      this.#open = true;
      this.#began = this.#clock.monotonic();
      this.#clock.soon(() => {
        this.#open = false;
      });
    }
    if (this.#jobs.length === 0 && this.inTime) job();
    else this.later(job);
  }

  #run(): void {
    this.#scheduled = false;
    this.#began = this.#clock.monotonic();
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
      if (this.#jobs.length > 0 && !this.#scheduled) {
        this.#scheduled = true;
        this.#clock.soon(() => this.#run());
      }
    }
  }
}
