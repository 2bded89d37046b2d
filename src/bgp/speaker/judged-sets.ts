import type { AttributeId, AttributeTable } from "../../rib/index.ts";
import { RecentSets } from "./recent-sets.ts";

/** Answers that sets share are remembered up to this many; beyond it everything is worked out again. */
const MOST_SHARED = 4096;
/** A power of two, and so few that V8 has seen more being made before it compiles what asks for it. */
const FIRST = 32;
/** Room for more sets than there can be. */
const EVERY = 2 ** 30;
/** Room of those that remember the sets of late. */
const LATELY = 1 << 14;

/**
 * What was worked out about interned sets. An answer that many sets have is one number a set, as long as the set is there, or
 * until others that came since take its place (`lately`); one that only this set has is kept for the sets seen lately.
 */
export class JudgedSets<Answer extends object> {
  readonly #attributes: AttributeTable;
  #serials = new Uint32Array(FIRST);
  #numbers = new Uint16Array(FIRST);
  readonly #shared: Answer[] = [];
  readonly #numberOf = new Map<Answer, number>();
  /** The answer that was given last, and its number. */
  #latest: Answer | undefined;
  #latestNumber = 0;
  readonly #own = new RecentSets<{ readonly serial: number; readonly answer: Answer }>();

  /** Numbers of sets are cut to this; grows with them, up to a bound. */
  #mask = FIRST - 1;
  readonly #bound: number;

  constructor(attributes: AttributeTable, remember: "all" | "lately") {
    this.#attributes = attributes;
    this.#bound = remember === "all" ? EVERY : LATELY;
  }

  get(id: AttributeId): Answer | undefined {
    const serial = this.#attributes.serial(id);
    const place = id & this.#mask;
    if (this.#serials[place] === serial) return this.#shared[this.#numbers[place]!];
    const own = this.#own.get(id);
    return own?.serial === serial ? own.answer : undefined;
  }

  /** The same object again is the same answer. */
  putShared(id: AttributeId, answer: Answer): void {
    if (id > this.#mask && this.#mask + 1 < this.#bound) this.#grow(id);
    let number = this.#latest === answer ? this.#latestNumber : this.#numberOf.get(answer);
    if (number === undefined) {
      if (this.#shared.length === MOST_SHARED) this.#forgetShared();
      number = this.#shared.push(answer) - 1;
      this.#numberOf.set(answer, number);
    }
    this.#latest = answer;
    this.#latestNumber = number;
    const place = id & this.#mask;
    this.#serials[place] = this.#attributes.serial(id);
    this.#numbers[place] = number;
  }

  putOwn(id: AttributeId, answer: Answer): void {
    this.#own.put(id, { serial: this.#attributes.serial(id), answer });
  }

  clear(): void {
    this.#forgetShared();
    this.#own.clear();
  }

  #forgetShared(): void {
    this.#serials.fill(0);
    this.#shared.length = 0;
    this.#numberOf.clear();
    this.#latest = undefined;
  }

  #grow(id: AttributeId): void {
    const [serials, numbers] = [this.#serials, this.#numbers];
    const size = Math.min(this.#bound, 2 ** (32 - Math.clz32(id)));
    this.#mask = size - 1;
    this.#serials = new Uint32Array(size);
    this.#numbers = new Uint16Array(size);
    this.#serials.set(serials);
    this.#numbers.set(numbers);
  }
}
