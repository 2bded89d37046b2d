import { inspect } from "node:util";

/** A value that must not appear in logs, dumps or messages: every way of printing it gives stars. */
export class Secret {
  readonly #octets: Uint8Array;

  constructor(text: string) {
    this.#octets = new TextEncoder().encode(text);
  }

  /** A copy of the octets (UTF-8), for the one place that needs them. */
  octets(): Uint8Array {
    return this.#octets.slice();
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}
