import { inspect } from "node:util";

/** A value that must not appear in logs, dumps or messages: every way of printing it gives stars. */
export class Secret {
  readonly #octets: Uint8Array;

  /** Copied. */
  constructor(octets: Uint8Array) {
    this.#octets = Uint8Array.from(octets);
  }

  /** How many octets it has: that may be told. */
  get length(): number {
    return this.#octets.length;
  }

  /** A copy of the octets, for the one place that needs them. */
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
