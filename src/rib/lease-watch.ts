import type { Clock, Milliseconds, Timer } from "../base/index.ts";
import type { SetJudgements } from "./set-judgements.ts";

/** Looks at the leases at least this often while one runs, so that a stepping wall clock is noticed. */
const LONGEST_WAIT = 60_000;

/** Ends leases when they end: one timer, for the earliest of them. Leases are in whole seconds, so it fires at most once a second. */
export class LeaseWatch implements Disposable {
  readonly #judged: SetJudgements;
  readonly #clock: Clock;
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(judged: SetJudgements, clock: Clock, changed: () => void) {
    this.#judged = judged;
    this.#clock = clock;
    this.#changed = changed;
    judged.onLease = (validUntil) => {
      if (validUntil < this.#armedFor) this.#arm(validUntil);
    };
  }

  #arm(validUntil: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = validUntil;
    if (validUntil === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(LONGEST_WAIT, Math.max(0, Math.ceil(1000 * validUntil - this.#clock.wall())));
    this.#timer = this.#clock.after(wait as Milliseconds, () => this.#look());
  }

  #look(): void {
    if (this.#judged.judgeLeases(this.#clock.wall() / 1000)) this.#changed();
    this.#arm(this.#judged.nextExpiry());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#judged.onLease = undefined;
  }
}
