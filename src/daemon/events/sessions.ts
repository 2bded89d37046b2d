import { type Clock, milliseconds, type Timer } from "../../base/index.ts";
import { kebab } from "../state/neighbors.ts";
import type { SessionNews, SessionWatch } from "../state/session-watch.ts";
import type { Publish } from "./publish.ts";

/** How often refused routes of one neighbour are told of, at most. */
const REFUSED_INTERVAL = milliseconds(10_000);

/** Sessions that come up and end, paths that break, routes that policy refuses. */
export class SessionEvents implements Disposable {
  readonly #clock: Clock;
  readonly #lastError: (peer: string) => string | undefined;
  readonly #publish: Publish;
  readonly #subscription: Disposable;
  /** Neighbours whose refused routes were told of less than the interval ago, with what has come since. */
  readonly #refused = new Map<string, { timer: Timer; routes: number }>();

  /** `lastError`: why the last session with a neighbour ended. */
  constructor(
    watch: SessionWatch,
    parts: { readonly clock: Clock; readonly lastError: (peer: string) => string | undefined },
    publish: Publish,
  ) {
    this.#clock = parts.clock;
    this.#lastError = parts.lastError;
    this.#publish = publish;
    this.#subscription = watch.subscribe((news) => this.#hear(news));
  }

  #hear(news: SessionNews): void {
    const { peer: address } = news;
    switch (news.type) {
      case "path":
        this.#publish("failover", { address, event: news.event });
        return;
      case "refused":
        this.#refuse(address, news.routes);
        return;
      case "state": {
        const [was, is] = [news.from === "Established", news.to === "Established"];
        if (was === is) return;
        const error = is ? undefined : this.#lastError(address);
        this.#publish("peer-change", {
          address,
          event: is ? "established" : "lost",
          "session-state": kebab(news.to),
          ...(error === undefined ? {} : { error }),
        });
      }
    }
  }

  #refuse(address: string, routes: number): void {
    const waiting = this.#refused.get(address);
    if (waiting !== undefined) {
      waiting.routes += routes;
      return;
    }
    this.#publish("routes-refused", { address, routes });
    const timer = this.#clock.after(REFUSED_INTERVAL, () => {
      const more = this.#refused.get(address)!.routes;
      this.#refused.delete(address);
      if (more > 0) this.#refuse(address, more);
    });
    this.#refused.set(address, { timer, routes: 0 });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    for (const { timer } of this.#refused.values()) timer.cancel();
    this.#refused.clear();
  }
}
