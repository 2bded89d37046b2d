/** Nothing more begins in a turn of the event loop that has gone on for so long; slices of work are 2 to 4 ms. */
const TURN_MS = 2;

/** The event loop, and the time that it goes by. */
export interface Loop {
  now(): number;
  /** After those that were given before, in the round that follows. */
  immediate(run: () => void): void;
}

/**
 * Shares turns of the event loop among all who have work for later. Each of them keeps its slices short, but those who happen to
 * work in the same round would follow on each other, and nobody reads a socket meanwhile. Here what has no time waits for the next
 * round, in its order.
 */
export class LaterTurns {
  readonly #loop: Loop;
  readonly #waiting: (() => void)[] = [];
  #began: number | undefined;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Each has an immediate of its own, behind which its promises are carried on before the next. */
  soon(run: () => void): void {
    this.#waiting.push(run);
    this.#loop.immediate(this.#next);
  }

  readonly #next = (): void => {
    const now = this.#loop.now();
    if (this.#began === undefined) {
      this.#began = now;
      // The first of the round that follows
      this.#loop.immediate(() => {
        this.#began = undefined;
      });
    }
    if (now - this.#began < TURN_MS) this.#waiting.shift()!();
    else this.#loop.immediate(this.#next);
  };
}
