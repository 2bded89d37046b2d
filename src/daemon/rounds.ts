import type { Clock } from "../base/index.ts";

/** Goes through many, a few in each turn of the event loop. A round that begins takes the place of the one under way. */
export class Rounds implements Disposable {
  readonly #clock: Clock;
  readonly #perTurn: number;
  #under: Iterator<unknown> | undefined;

  constructor(clock: Clock, perTurn: number) {
    this.#clock = clock;
    this.#perTurn = perTurn;
  }

  /** The first ones at once. What comes while it is under way may be among `all`, or not. */
  begin<T>(all: Iterator<T>, each: (one: T) => void): void {
    this.#under = all;
    const next = (): void => {
      for (let left = this.#perTurn; left > 0; left--) {
        if (this.#under !== all) return;
        const { done, value } = all.next();
        if (done === true) return;
        each(value);
      }
      this.#clock.soon(next);
    };
    next();
  }

  [Symbol.dispose](): void {
    this.#under = undefined;
  }
}
