import type { AttributeOutcome } from "./attributes.ts";

const SLOTS = 256;
/** Longer ones, which only extended messages hold, are decoded each time: all slots together stay below a megabyte. */
const LONGEST = 4096;
const NOTHING = new Uint8Array(0);

/** Outcomes of the attribute octets seen last, one per slot of their hash; a bounded number, so a peer cannot fill memory. */
export class OutcomeCache {
  /** One buffer a slot, used again for what comes next. */
  readonly #octets: Uint8Array[] = new Array(SLOTS).fill(NOTHING);
  readonly #lengths = new Int32Array(SLOTS);
  readonly #outcomes: (AttributeOutcome | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The outcome of equal octets, or what `decode` says (and then keeps it with a copy of `octets`). */
  find(octets: Uint8Array, decode: () => AttributeOutcome): AttributeOutcome {
    if (octets.length > LONGEST) return decode();
    let hash = 0x811c9dc5;
    for (let i = 0; i < octets.length; i++) hash = Math.imul(hash ^ octets[i]!, 0x01000193);
    const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    const known = this.#outcomes[slot];
    if (known !== undefined && this.#holds(slot, octets)) return known;
    const outcome = decode();
    if (this.#octets[slot]!.length < octets.length) this.#octets[slot] = new Uint8Array(Math.max(512, octets.length));
    this.#octets[slot]!.set(octets);
    this.#lengths[slot] = octets.length;
    this.#outcomes[slot] = outcome;
    return outcome;
  }

  #holds(slot: number, octets: Uint8Array): boolean {
    if (this.#lengths[slot] !== octets.length) return false;
    const own = this.#octets[slot]!;
    for (let i = 0; i < octets.length; i++) if (own[i] !== octets[i]) return false;
    return true;
  }
}
