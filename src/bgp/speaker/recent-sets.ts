const GENERATION = 512;

/**
 * What was worked out for the sets seen lately, by number. Two generations: when the younger one is full, the older one goes.
 * Remembering all sets of a large table costs the garbage collector more than working it out again.
 */
export class RecentSets<Value> {
  #young = new Map<number, Value>();
  #old = new Map<number, Value>();

  get(number: number): Value | undefined {
    const young = this.#young;
    return young.size === 0 ? undefined : (young.get(number) ?? this.#old.get(number)); // the younger one fills first
  }

  put(number: number, value: Value): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(number, value);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }
}
