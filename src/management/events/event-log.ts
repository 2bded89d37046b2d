import type { Clock, Milliseconds } from "../../base/index.ts";
import type { Path } from "../datastore/index.ts";

/** Something that happened, as a notification of the model says it. */
export interface Notification {
  /** Wall clock. */
  readonly time: Milliseconds;
  /** `module:name`. */
  readonly name: string;
  /** The node that it belongs to; empty for one at the top of its module. */
  readonly target: Path;
  /** RFC 7951 JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

export type NotificationSource = Omit<Notification, "time">;

/** So many are kept for those who come later. */
const KEPT = 10_000;

/** What happened since the router was started: the newest of it is kept, and whoever watches hears of more. */
export class EventLog {
  readonly created: Milliseconds;
  readonly #clock: Clock;
  readonly #kept: Notification[] = [];
  readonly #watches = new Set<(event: Notification) => void>();
  /** Index of the oldest, once the log is full. */
  #oldest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.created = clock.wall();
  }

  publish({ name, target, content }: NotificationSource): void {
    const event: Notification = { time: this.#clock.wall(), name, target, content };
    if (this.#kept.length < KEPT) this.#kept.push(event);
    else {
      this.#kept[this.#oldest] = event;
      this.#oldest = (this.#oldest + 1) % KEPT;
    }
    for (const watch of this.#watches) watch(event);
  }

  /** Those from `since` on, oldest first. */
  *from(since: Milliseconds): Iterable<Notification> {
    for (let i = 0; i < this.#kept.length; i++) {
      const event = this.#kept[(this.#oldest + i) % this.#kept.length]!;
      if (event.time >= since) yield event;
    }
  }

  subscribe(watch: (event: Notification) => void): Disposable {
    this.#watches.add(watch);
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }
}
