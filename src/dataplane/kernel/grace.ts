/** Longer than a program on another processor holds what it has read of a table. */
const GRACE_MS = 2;

/**
 * Keeps an index from getting a new meaning while a program may still act on the old one.
 *
 * A program that read an index just before it was removed finishes within microseconds; the one store after the next must
 * not turn its packet into somebody else's. `settle` waits what is left of the grace period: nothing in the usual case.
 */
export class Grace {
  readonly #retired = new Map<number, number>();
  readonly #never = new Int32Array(new SharedArrayBuffer(4));

  retire(index: number): void {
    this.#retired.delete(index);
    this.#retired.set(index, performance.now());
  }

  /** Blocks for at most GRACE_MS. */
  settle(index: number): void {
    const since = this.#retired.get(index);
    if (since === undefined) return;
    const left = since + GRACE_MS - performance.now();
    if (left > 0) Atomics.wait(this.#never, 0, 0, left);
    this.#forget(since);
  }

  /** Whatever was retired up to `time` is settled too; the map is in order of time. */
  #forget(time: number): void {
    for (const [index, since] of this.#retired) {
      if (since > time) return;
      this.#retired.delete(index);
    }
  }
}
