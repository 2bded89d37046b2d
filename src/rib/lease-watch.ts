import type { Clock, Milliseconds, Timer } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";

/** Looks at the leases at least this often while one runs, so that a stepping wall clock is noticed. */
const LONGEST_WAIT = 60_000;

/** Ends leases when they end: one timer, for the earliest of them. Leases are in whole seconds, so it fires at most once a second. */
export class LeaseWatch implements Disposable {
  readonly #attributes: AttributeStore;
  readonly #clock: Clock;
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(attributes: AttributeStore, clock: Clock, changed: () => void) {
    this.#attributes = attributes;
    this.#clock = clock;
    this.#changed = changed;
    attributes.onLease = (validUntil) => {
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
    if (this.#attributes.judgeLeases(this.#clock.wall() / 1000)) this.#changed();
    this.#arm(this.#attributes.nextExpiry());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#attributes.onLease = undefined;
  }
}
