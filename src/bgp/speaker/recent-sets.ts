import type { AttributeSet } from "../../rib/index.ts";

/** As many as `OutcomeCache` keeps in step: what is older will not come again as the same object. */
const GENERATION = 512;

/**
 * What was worked out for the attribute sets seen lately. Two generations: when the younger one is full, the older one goes.
 * A `WeakMap` over all sets of a large table costs the garbage collector more than working it out again.
 */
export class RecentSets<Value> {
  #young = new Map<AttributeSet, Value>();
  #old = new Map<AttributeSet, Value>();

  get(set: AttributeSet): Value | undefined {
    return this.#young.get(set) ?? this.#old.get(set);
  }

  put(set: AttributeSet, value: Value): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(set, value);
  }
}
