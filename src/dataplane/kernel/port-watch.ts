import type { Bpf } from "../../../native/index.ts";

/** For what nobody tells of: tcx programs of others, and ports that failed. */
const LOOK_AGAIN_MS = 1000;

/** Interfaces that the kernel has told of and nobody has looked at since; `all`: it may have told of any. */
export interface Touched {
  readonly indexes: ReadonlySet<number>;
  readonly all: boolean;
}

/**
 * When it is time to look at the ports: when the kernel tells of interfaces, and each second. What is done with ports is done in turn,
 * one after the other.
 */
export class PortWatch implements AsyncDisposable {
  readonly #bpf: Pick<Bpf, "watchEgress">;
  readonly #look: (touched: Touched) => Promise<void>;
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #events: Disposable | undefined;
  #indexes = new Set<number>();
  #all = false;
  /** A look waits for its turn. */
  #isAsked = false;

  /** Looks after nothing yet. */
  constructor(bpf: Pick<Bpf, "watchEgress">, look: (touched: Touched) => Promise<void>) {
    this.#bpf = bpf;
    this.#look = look;
  }

  begin(): void {
    if (this.#events !== undefined) return;
    this.#timer = setInterval(() => this.#ask(), LOOK_AGAIN_MS).unref();
    this.#events = this.#bpf.watchEgress((indexes) => this.#told(indexes));
    // What happened before anybody listened
    this.#told(undefined);
  }

  /** Does it when all that was asked for before is done. */
  inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined); // who asked is told
    return done;
  }

  #told(indexes: readonly number[] | undefined): void {
    if (indexes === undefined) this.#all = true;
    else for (const index of indexes) this.#indexes.add(index);
    this.#ask();
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    void this.inTurn(() => {
      const touched = { indexes: this.#indexes, all: this.#all };
      this.#isAsked = false;
      this.#indexes = new Set();
      this.#all = false;
      return this.#look(touched);
    });
  }

  /** Resolves when nothing is done any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#events?.[Symbol.dispose]();
    await this.#last;
  }
}
