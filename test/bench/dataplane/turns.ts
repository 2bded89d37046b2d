/**
 * How much of a processor the longest turn of the event loop had, and all of them, from here until it is disposed of.
 *
 * The kernel knows what one thread had only at ticks of 4 ms, of all threads together always: a turn has at most that, and at most what
 * the clock says. So neither other processes nor the garbage collector's helpers make a turn longer, unless both do at once. It asks
 * for a turn after each, which is only no burden where there is work all the time.
 */
export class Turns implements Disposable {
  /** In milliseconds, as the next one. */
  longest = 0;
  all = 0;
  #used = used();
  #began = performance.now();
  #isOver = false;

  constructor() {
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    if (this.#isOver) return;
    const [usedNow, now] = [used(), performance.now()];
    const turn = Math.min(usedNow - this.#used, now - this.#began);
    this.longest = Math.max(this.longest, turn);
    this.all += turn;
    this.#used = usedNow;
    this.#began = now;
    setImmediate(this.#turn);
  };

  [Symbol.dispose](): void {
    this.#isOver = true;
  }
}

/** Of all threads, in milliseconds. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
