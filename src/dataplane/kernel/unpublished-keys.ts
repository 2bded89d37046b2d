import { CAPABILITY } from "../abi.ts";

/** Words of 64 bits in a slot. */
const WORDS = CAPABILITY.size / 8;
const KEY_WORD = CAPABILITY.offsets.key / 8;

/** Slots whose entries are there but for the key. */
export class UnpublishedKeys {
  readonly #slots: Int32Array;
  readonly #keys: BigUint64Array;
  readonly #halves: Int32Array;
  readonly #fence = new Int32Array(1);
  #length = 0;

  constructor(most: number) {
    this.#slots = new Int32Array(most);
    this.#keys = new BigUint64Array(most);
    this.#halves = new Int32Array(this.#keys.buffer);
  }

  push(slot: number, low: number, high: number): void {
    const at = this.#length++;
    this.#slots[at] = slot;
    this.#halves[2 * at] = low;
    this.#halves[2 * at + 1] = high;
  }

  /** Plain stores of 64 bits; the exchange before them keeps what was stored earlier earlier, for all of them. */
  publish(words: BigUint64Array): void {
    Atomics.exchange(this.#fence, 0, 0);
    for (let at = 0; at < this.#length; at++) words[this.#slots[at]! * WORDS + KEY_WORD] = this.#keys[at]!;
    this.#length = 0;
  }
}
