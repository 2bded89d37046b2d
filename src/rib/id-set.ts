/** So few that V8 has seen a set grow before it compiles what adds to it. */
const FIRST_WORDS = 1;

/**
 * A set of small numbers as a bitmap with one summary level, so that finding the next member of a sparse set is quick.
 * One bit and a thirty-second up to the largest member there has been.
 */
export class IdSet {
  #words = new Int32Array(FIRST_WORDS);
  /** Bit i: word i is not empty. */
  #summary = new Int32Array(1);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    const index = id >>> 5;
    return index < this.#words.length && ((this.#words[index]! >>> (id & 31)) & 1) !== 0;
  }

  /** False when it was a member already. */
  add(id: number): boolean {
    const index = id >>> 5;
    if (index >= this.#words.length) this.#grow(index);
    const word = this.#words[index]!;
    const bit = 1 << (id & 31);
    if ((word & bit) !== 0) return false;
    this.#words[index] = word | bit;
    if (word === 0) this.#summary[index >>> 5]! |= 1 << (index & 31);
    this.#size++;
    return true;
  }

  /** False when it was not a member. */
  delete(id: number): boolean {
    const index = id >>> 5;
    if (index >= this.#words.length) return false;
    const word = this.#words[index]!;
    const bit = 1 << (id & 31);
    if ((word & bit) === 0) return false;
    this.#words[index] = word & ~bit;
    if ((word & ~bit) === 0) this.#summary[index >>> 5]! &= ~(1 << (index & 31));
    this.#size--;
    return true;
  }

  /** Makes every number from 1 to `last` a member: a neighbour that has just come waits for it, and nothing has been compiled yet. */
  addUpTo(last: number): void {
    if (last < 1) return;
    const index = last >>> 5;
    if (index >= this.#words.length) this.#grow(index);
    const words = this.#words;
    const above = this.#size === 0 ? 0 : this.#countFrom(last + 1);
    words.fill(-1, 0, index);
    words[index]! |= -1 >>> (31 - (last & 31));
    words[0]! &= ~1; // 0 is nobody
    this.#summary.fill(-1, 0, index >>> 5);
    this.#summary[index >>> 5]! |= -1 >>> (31 - (index & 31));
    this.#size = last + above;
  }

  #countFrom(from: number): number {
    let count = 0;
    for (let id = this.next(from); id !== 0; ) {
      const index = id >>> 5;
      count += populationCount(this.#words[index]! & (-1 << (id & 31)));
      id = this.next((index + 1) << 5);
    }
    return count;
  }

  /** Room for the word at `index`, and as much again. */
  #grow(index: number): void {
    const [words, summary] = [this.#words, this.#summary];
    const length = 2 ** (32 - Math.clz32(index));
    this.#words = new Int32Array(length);
    this.#words.set(words);
    this.#summary = new Int32Array(Math.max(1, length >>> 5));
    this.#summary.set(summary);
  }

  /** The smallest member that is at least `from`; 0 when there is none. */
  next(from: number): number {
    let index = from >>> 5;
    if (index >= this.#words.length) return 0;
    const rest = this.#words[index]! & (-1 << (from & 31));
    if (rest !== 0) return (index << 5) + lowestBit(rest);
    index++;
    let group = index >>> 5;
    if (group >= this.#summary.length) return 0;
    let groups = this.#summary[group]! & (-1 << (index & 31));
    while (groups === 0) {
      if (++group >= this.#summary.length) return 0;
      groups = this.#summary[group]!;
    }
    index = (group << 5) + lowestBit(groups);
    return (index << 5) + lowestBit(this.#words[index]!);
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function populationCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
