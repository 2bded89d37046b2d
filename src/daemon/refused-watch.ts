import type { DataplaneDriver, FlowEvent, FlowWatch } from "../dataplane/index.ts";

/** So many in one round are enough to know what is refused; more are not asked for. */
const ENOUGH = 500;
const COARSER = 16;
const COARSEST = 2 ** 24;

/** A refused packet that stands for so many. */
export type HeardRefused = (event: FlowEvent, packets: number) => void;

/**
 * Samples of refused packets while nobody records flows: all of them, until they are many. Each `round` begins with all again;
 * within one it is asked for ever fewer, so that a flood costs nothing.
 */
export class RefusedWatch implements Disposable {
  readonly #watch: FlowWatch;
  #interval = 1;
  #heard = 0;

  /** `driver` can watch flows, and nobody does. */
  constructor(driver: Pick<DataplaneDriver, "watchFlows">, heard: HeardRefused) {
    this.#watch = driver.watchFlows!((event) => {
      heard(event, this.#interval);
      if (++this.#heard >= ENOUGH) this.#ask(Math.min(this.#interval * COARSER, COARSEST));
    });
    this.#ask(1);
  }

  round(): void {
    if (this.#interval > 1) this.#ask(1);
    this.#heard = 0;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  #ask(interval: number): void {
    this.#interval = interval;
    this.#heard = 0;
    this.#watch.tell({ flows: 0, refused: interval });
  }
}
