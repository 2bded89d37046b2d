import type { NetStore } from "./net-store.ts";
import type { KeyTypes, OutputVisitor } from "./route-table.ts";
import type { NetId, PeerIndex } from "./types.ts";

/** Policy's answer for the latest (attribute set, source): consecutive nets usually share them. */
export class Verdicts {
  readonly #visitor: OutputVisitor;
  #attributes = 0;
  #source = -1;
  #admitted = false;
  /** Nets with such keys are asked about. */
  #asked: KeyTypes = 0;
  #refused = 0;

  constructor(visitor: OutputVisitor) {
    this.#visitor = visitor;
  }

  admit(attributes: number, source: PeerIndex, store: NetStore, net: NetId): boolean {
    if (attributes !== this.#attributes || source !== this.#source) {
      this.close();
      const answer = this.#visitor.admit(attributes, source);
      this.#admitted = answer !== false;
      this.#asked = typeof answer === "number" ? answer : 0;
      this.#attributes = attributes;
      this.#source = source;
    }
    if (this.#asked !== 0) {
      const start = store.keyStart(net);
      // A shift is by the low five bits.
      if (((this.#asked >>> store.keyOctets[start]!) & 1) !== 0) {
        return this.#visitor.admitKey!(attributes, source, store.keyOctets, start);
      }
    }
    if (!this.#admitted) this.#refused++;
    return this.#admitted;
  }

  /** Says how many nets were refused so far. */
  close(): void {
    if (this.#refused > 0) this.#visitor.refused?.(this.#attributes, this.#source, this.#refused);
    this.#refused = 0;
  }
}
