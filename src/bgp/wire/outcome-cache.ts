import { octetsEqual } from "../../base/index.ts";
import type { AttributeOutcome } from "./attributes.ts";

const SLOTS = 256;

/** Outcomes of the attribute octets seen last, one per slot of their hash; a bounded number, so a peer cannot fill memory. */
export class OutcomeCache {
  readonly #octets: (Uint8Array | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #outcomes: (AttributeOutcome | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The outcome of equal octets, or what `decode` says (and then keeps it with a copy of `octets`). */
  find(octets: Uint8Array, decode: () => AttributeOutcome): AttributeOutcome {
    let hash = 0x811c9dc5;
    for (let i = 0; i < octets.length; i++) hash = Math.imul(hash ^ octets[i]!, 0x01000193);
    const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    const known = this.#octets[slot];
    if (known !== undefined && octetsEqual(known, octets)) return this.#outcomes[slot]!;
    const outcome = decode();
    this.#octets[slot] = octets.slice();
    this.#outcomes[slot] = outcome;
    return outcome;
  }
}
