import { type Milliseconds, milliseconds } from "./duration.ts";
import type { Clock } from "./ports.ts";

/** Longest run of a sweep before other work of the process gets its turn. */
const SLICE = milliseconds(3);

/** Work in many small steps that gives the event loop a turn whenever its time is over: `if (slices.isOver) await slices.next()`. */
export class Slices {
  readonly #clock: Clock;
  readonly #span: Milliseconds;
  readonly #stepsPerLook: number;
  #steps = 0;
  #ends: number;

  /** `stepsPerLook`: a look at the clock costs more than a small step. */
  constructor(clock: Clock, { span = SLICE, stepsPerLook = 8 } = {}) {
    this.#clock = clock;
    this.#span = span;
    this.#stepsPerLook = stepsPerLook;
    this.#ends = clock.monotonic() + span;
  }

  get isOver(): boolean {
    return ++this.#steps % this.#stepsPerLook === 0 && this.#clock.monotonic() >= this.#ends;
  }

  /** Makes all steps; answers what they come to. */
  async through<T>(steps: Iterator<void, T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver) await this.next();
    }
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.soon(() => {
        this.#ends = this.#clock.monotonic() + this.#span;
        resolve();
      });
    });
  }
}
