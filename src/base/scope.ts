/** Something that must be closed. */
export type Closeable = Disposable | AsyncDisposable;

/**
 * Owns what was opened and closes it in reverse order, once, reporting every failure.
 *
 * `signal` aborts as soon as closing begins, or when the parent's signal aborts; owners of a scope then dispose it.
 */
export class Scope implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #controller = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(parent?: AbortSignal) {
    if (parent === undefined) return;
    if (parent.aborted) this.#controller.abort(parent.reason);
    const forward = (): void => this.#controller.abort(parent.reason);
    parent.addEventListener("abort", forward, { once: true });
    this.#stack.defer(() => parent.removeEventListener("abort", forward));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Takes ownership of `thing` and returns it. */
  own<T extends Closeable>(thing: T): T {
    return this.#stack.use(thing);
  }

  /** Runs `close` when the scope closes. */
  defer(close: () => void | Promise<void>): void {
    this.#stack.defer(close);
  }

  /** Closes after a failed start. Returns what to throw: the cause, with a failure to close attached to it. */
  async abandon(cause: unknown): Promise<unknown> {
    try {
      await this[Symbol.asyncDispose]();
      return cause;
    } catch (closing) {
      return new SuppressedError(cause, closing, "start failed, and so did closing what it had opened");
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#controller.abort(new DOMException("scope closed", "AbortError"));
    await this.#stack.disposeAsync();
  }
}
