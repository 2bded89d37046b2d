import { type Milliseconds, messageOf, type Timer } from "../../../base/index.ts";
import type { Leaf } from "../leaves.ts";
import type { OperationParts } from "../parts.ts";
import { pathOf } from "../wire.ts";
import type { Outbox } from "./outbox.ts";

/** Leaves that are remembered of one path; a larger table is sent whole each time, without word of what is gone. */
const MOST_REMEMBERED = 200_000;

export interface SamplerOptions {
  readonly interval: Milliseconds;
  /** Only what differs from what was sent last. */
  readonly suppress: boolean;
  /** What differs or not is sent so often. */
  readonly heartbeat?: Milliseconds;
  /** The first sample is due at once, and part of what was there. */
  readonly read: () => AsyncIterable<readonly Leaf[]>;
}

/** Reads the leaves of a path again and again. One that takes longer than its interval leaves samples out. */
export class Sampler implements Disposable {
  readonly #options: SamplerOptions;
  readonly #parts: OperationParts;
  readonly #outbox: Outbox;
  #sent = new Map<string, Buffer>();
  #remembers = true;
  #lastWhole = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: SamplerOptions, parts: OperationParts, outbox: Outbox) {
    this.#options = options;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#lastWhole = parts.clock.monotonic();
  }

  /** Samples from now on, for the first time after an interval. */
  start(): void {
    this.#arm(this.#options.interval);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#sent.clear();
  }

  /** Who has been told what is there, or does not want to be, is told of what differs from it. */
  async prime(): Promise<void> {
    if (this.#options.suppress) await this.#look(() => {});
  }

  /** One sample. */
  async sample(): Promise<void> {
    const { suppress, heartbeat } = this.#options;
    const now = this.#parts.clock.monotonic();
    const isWhole = !suppress || (heartbeat !== undefined && now - this.#lastWhole >= heartbeat);
    if (isWhole) this.#lastWhole = now;
    const before = this.#sent;
    const isComplete = await this.#look((leaf) => {
      if (isWhole || before.get(leaf.key)?.equals(leaf.octets) !== true) this.#outbox.put(leaf);
    });
    if (!isComplete || !this.#remembers) return;
    for (const [key, octets] of before) if (!this.#sent.has(key)) this.#outbox.remove(key, pathOf(octets));
  }

  /** Remembers all that is there. False: it was closed meanwhile. */
  async #look(seen: (leaf: Leaf) => void): Promise<boolean> {
    const after = new Map<string, Buffer>();
    for await (const leaves of this.#options.read()) {
      if (this.#isClosed) return false;
      for (const leaf of leaves) {
        if (this.#remembers) after.set(leaf.key, leaf.octets);
        seen(leaf);
      }
      if (after.size > MOST_REMEMBERED) {
        this.#remembers = false;
        after.clear();
      }
      await this.#outbox.room();
    }
    this.#sent = after;
    return true;
  }

  #arm(delay: Milliseconds): void {
    if (this.#isClosed) return;
    const due = this.#parts.clock.monotonic() + delay;
    this.#timer = this.#parts.clock.after(delay, () => {
      void this.sample()
        .catch((cause) => this.#parts.log.error("gnmi.sample-failed", { reason: messageOf(cause) }))
        .finally(() => {
          const { interval } = this.#options;
          const late = this.#parts.clock.monotonic() - due;
          // On the beat again, whatever a sample took.
          this.#arm((interval - (late % interval)) as Milliseconds);
        });
    });
  }
}
