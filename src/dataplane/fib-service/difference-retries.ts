import { type Clock, milliseconds, type Timer } from "../../base/index.ts";

const WAIT = { first: milliseconds(1_000), longest: milliseconds(60_000) } as const;
const WHOLE_EACH = 4;
/** More differences are put right by the whole plan. */
const MOST_ONE_BY_ONE = 1024;

export interface DifferenceRetriesParts {
  readonly clock: Pick<Clock, "after">;
  /** Parts of the plan that the executor refused, or holds otherwise, and can be told now. */
  readonly differences: () => number;
  readonly oneByOne: () => void;
  readonly whole: () => void;
}

/**
 * When an executor is told again what it has not carried out: after a second, then after twice the time, up to a minute. First
 * object by object, each fourth time by the whole plan, which puts right whatever can be.
 */
export class DifferenceRetries {
  readonly #parts: DifferenceRetriesParts;
  #timer: Timer | undefined;
  #retries = 0;

  constructor(parts: DifferenceRetriesParts) {
    this.#parts = parts;
  }

  /** Something differs. */
  later(): void {
    if (this.#timer !== undefined) return;
    const delay = Math.min(WAIT.first * 2 ** this.#retries, WAIT.longest);
    this.#timer = this.#parts.clock.after(milliseconds(delay), () => {
      this.#timer = undefined;
      this.#retry();
    });
  }

  /** Nothing differs: what will is tried again after a second. */
  none(): void {
    this.#retries = 0;
  }

  /** There is nobody to tell. */
  rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #retry(): void {
    const differences = this.#parts.differences();
    if (differences === 0) return;
    this.#retries++;
    if (differences > MOST_ONE_BY_ONE || this.#retries % WHOLE_EACH === 0) this.#parts.whole();
    else this.#parts.oneByOne();
  }
}
