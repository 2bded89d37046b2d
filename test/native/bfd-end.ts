import assert from "node:assert/strict";
import {
  type BfdChange,
  type BfdSession,
  type BfdSessionOptions,
  type BfdThread,
  loadNative,
} from "../../native/index.ts";

/** A wait that is in vain: no bound of what is tested, which other programs on the machine may hold up. */
export const PATIENCE_MS = 20_000;

/** The addon's end of sessions, with its changes in order. */
export class BfdEnd {
  readonly changes: BfdChange[] = [];
  readonly thread: BfdThread;
  #waiting: (() => void)[] = [];

  constructor(options: { realtime?: boolean; bound?: number } = {}) {
    this.thread = loadNative().bfd.start({
      bound: 64,
      ...options,
      change: (change) => {
        this.changes.push(change);
        for (const wake of this.#waiting.splice(0)) wake();
      },
    });
  }

  open(options: Partial<BfdSessionOptions> & { local: string; remote: string }): BfdSession {
    return this.thread.openSession({
      multihop: false,
      desiredMinTx: 50_000,
      requiredMinRx: 50_000,
      detectMultiplier: 3,
      ...options,
    });
  }

  /** The next change that `fits` after the first `from`; bounded. */
  async change(fits: (change: BfdChange) => boolean, from = 0): Promise<BfdChange> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.changes.slice(from).find(fits);
      if (found !== undefined) return found;
      assert.ok(performance.now() < deadline, `no such change among ${JSON.stringify(this.changes)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Looks until it holds; `limit` milliseconds at most. */
  async until(holds: () => boolean, what: string | (() => string), limit = PATIENCE_MS): Promise<void> {
    const deadline = performance.now() + limit;
    while (!holds()) {
      assert.ok(performance.now() < deadline, `not within ${limit} ms: ${typeof what === "string" ? what : what()}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
