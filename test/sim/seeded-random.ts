import type { Random } from "../../src/base/index.ts";

/**
 * Chance that can be repeated: the same seed gives the same sequence on every machine. Print `seed` when a test fails.
 * The generator is Mulberry32; good enough for jitter and orderings, not for secrets.
 */
export class SeededRandom implements Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number = (Math.random() * 0x1_0000_0000) >>> 0) {
    this.seed = seed;
    this.#state = seed | 0;
  }

  #u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  next(): number {
    return this.#u32() / 0x1_0000_0000;
  }

  fill(octets: Uint8Array): void {
    for (let i = 0; i < octets.length; i++) octets[i] = this.#u32() >>> 24;
  }
}
