import { type Clock, milliseconds } from "../base/index.ts";

/** Below the 5 ms that a turn may take, with what the last step before it costs. */
const SLICE = milliseconds(3);

/** Gives the event loop a turn whenever 3 ms are over. */
export class Turn {
  readonly #clock: Clock;
  #started: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.monotonic();
  }

  async pass(): Promise<void> {
    if (this.#clock.monotonic() - this.#started < SLICE) return;
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#started = this.#clock.monotonic();
  }
}
