import { CAPABILITY } from "../abi.ts";

/** Words of 64 bits in a slot. */
const WORDS = CAPABILITY.size / 8;
const KEY_WORD = CAPABILITY.offsets.key / 8;
const MOST = 1024;

/** Slots whose entries are there but for the key. */
export class UnpublishedKeys {
  readonly #slots = new Int32Array(MOST);
  readonly #keys = new BigUint64Array(this.#slots.length);
  readonly #halves = new Int32Array(this.#keys.buffer);
  readonly #fence = new Int32Array(1);
  #length = 0;

  get isFull(): boolean {
    return this.#length === this.#slots.length;
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
