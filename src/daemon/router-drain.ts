import type { Speaker } from "../bgp/speaker/index.ts";
import type { Origination } from "./origination.ts";

/**
 * Takes the router out of service without losing a flow: its sites are draining, and its routes are marked and least
 * preferred. Ends with the process; what shall last is in the configuration.
 * @see RFC 8326
 */
export class RouterDrain {
  readonly #speaker: Pick<Speaker, "gracefulShutdown">;
  readonly #origination: Pick<Origination, "draining">;

  constructor(speaker: Pick<Speaker, "gracefulShutdown">, origination: Pick<Origination, "draining">) {
    this.#speaker = speaker;
    this.#origination = origination;
  }

  get on(): boolean {
    return this.#speaker.gracefulShutdown;
  }

  set on(on: boolean) {
    this.#origination.draining = on;
    this.#speaker.gracefulShutdown = on;
  }
}
