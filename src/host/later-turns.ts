/** Nothing more begins in a turn of the event loop that has gone on for so long; slices of work are 2 to 4 ms. */
const TURN_MS = 2;

/** The event loop, and the time that it goes by. */
export interface Loop {
  now(): number;
  /** After those that were given before, in the round that follows. */
  immediate(run: () => void): void;
}

/** Immediates at a time: each round asks for them again, and as many pieces of work as can begin in one are no more. */
const MOST_IMMEDIATES = 256;
/** What is done is taken off the list when there is so much of it, and it is half of the list. */
const FEW = 1_024;

/**
 * Shares turns of the event loop among all who have work for later. Each of them keeps its slices short, but those who happen to
 * work in the same round would follow on each other, and nobody reads a socket meanwhile. Here what has no time waits for the next
 * round, in its order.
 */
export class LaterTurns {
  readonly #loop: Loop;
  #waiting: (() => void)[] = [];
  /** Of what waits, what is done. */
  #done = 0;
  /** That will look at what waits: as many as wait, up to {@link MOST_IMMEDIATES}. */
  #immediates = 0;
  #began: number | undefined;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Each has an immediate of its own, behind which its promises are carried on before the next. */
  soon(run: () => void): void {
    this.#waiting.push(run);
    this.#ask();
  }

  #ask(): void {
    if (this.#immediates >= Math.min(this.#waiting.length - this.#done, MOST_IMMEDIATES)) return;
    this.#immediates++;
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
    if (now - this.#began >= TURN_MS) {
      this.#loop.immediate(this.#next);
      return;
    }
    this.#immediates--;
    const run = this.#take();
    this.#ask();
    run();
  };

  #take(): () => void {
    const run = this.#waiting[this.#done]!;
    this.#waiting[this.#done++] = DONE;
    if (this.#done >= FEW && this.#done * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#done);
      this.#done = 0;
    }
    return run;
  }
}

const DONE = (): void => undefined;
