import { threadMilliseconds } from "../thread-time.ts";

/**
 * How much of a processor the longest turn of the event loop had, and all of them, from here until it is disposed of: what this thread
 * had, so that neither other processes nor threads that compile and collect beside it make a turn longer. It asks for a turn after
 * each, which is only no burden where there is work all the time.
 */
export class Turns implements Disposable {
  /** In milliseconds, as the next one. */
  longest = 0;
  all = 0;
  #used = threadMilliseconds();
  #isOver = false;

  constructor() {
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    if (this.#isOver) return;
    const used = threadMilliseconds();
    const turn = used - this.#used;
    this.longest = Math.max(this.longest, turn);
    this.all += turn;
    this.#used = used;
    setImmediate(this.#turn);
  };

  [Symbol.dispose](): void {
    this.#isOver = true;
  }
}
