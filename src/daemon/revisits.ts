import type { Clock } from "../base/index.ts";
import type { Directory } from "../directory/index.ts";

/** Longest run of visits before other work of the process gets its turn. */
const SLICE_MS = 3;

/**
 * Visits what was asked for: at once, but while the directory gathers once at the end of that, however often it was asked
 * for, in slices. So thousands of agents that come with one commit are one look at each of their capabilities.
 */
export class Revisits<T> implements Disposable {
  readonly #visit: (value: T) => void;
  readonly #directory: Pick<Directory, "isGathering">;
  readonly #clock: Clock;
  readonly #subscription: Disposable;
  /** Asked for while the directory gathers. */
  #waiting = new Map<string, T>();
  /** From a gathering that has ended. */
  readonly #ready = new Map<string, T>();
  #scheduled = false;
  #closed = false;
  /** Those who wait until everything that was asked for is visited. */
  #settled: (() => void)[] = [];

  constructor(
    visit: (value: T) => void,
    parts: { readonly directory: Pick<Directory, "isGathering" | "subscribeGathered">; readonly clock: Clock },
  ) {
    this.#visit = visit;
    this.#directory = parts.directory;
    this.#clock = parts.clock;
    this.#subscription = parts.directory.subscribeGathered(() => this.#gathered());
  }

  /** The value of the last who asked for `key` counts. */
  ask(key: string, value: T): void {
    if (this.#directory.isGathering) {
      (this.#ready.has(key) ? this.#ready : this.#waiting).set(key, value);
      return;
    }
    this.#ready.delete(key);
    this.#visit(value);
  }

  /** As {@link ask}, but on a later turn in any case, with what else waits. */
  askLater(key: string, value: T): void {
    this.#ready.set(key, value);
    this.#schedule();
  }

  /** Resolves when nothing waits for a later turn any more, or when this is disposed. */
  settled(): Promise<void> {
    if (this.#closed || this.#ready.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  #gathered(): void {
    for (const [key, value] of this.#waiting) this.#ready.set(key, value);
    this.#waiting = new Map();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed || this.#ready.size === 0) return;
    this.#scheduled = true;
    this.#clock.soon(() => this.#work());
  }

  #work(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const until = this.#clock.monotonic() + SLICE_MS;
    for (const [key, value] of this.#ready) {
      this.#ready.delete(key);
      this.#visit(value);
      if (this.#clock.monotonic() >= until) break;
    }
    if (this.#ready.size === 0) this.#tellSettled();
    this.#schedule();
  }

  #tellSettled(): void {
    const waiting = this.#settled;
    this.#settled = [];
    for (const resolve of waiting) resolve();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#tellSettled();
    this.#subscription[Symbol.dispose]();
  }
}
