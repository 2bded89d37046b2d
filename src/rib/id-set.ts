/**
 * A set of small numbers as a bitmap with one summary level, so that finding the next member of a sparse set is quick.
 * One bit and a thirty-second per possible member; memory is committed where members are.
 */
export class IdSet {
  readonly #words: Int32Array;
  /** Bit i: word i is not empty. */
  readonly #summary: Int32Array;
  #size = 0;

  constructor(capacity: number) {
    this.#words = new Int32Array((capacity + 31) >>> 5);
    this.#summary = new Int32Array((this.#words.length + 31) >>> 5);
  }

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return ((this.#words[id >>> 5]! >>> (id & 31)) & 1) !== 0;
  }

  /** False when it was a member already. */
  add(id: number): boolean {
    const index = id >>> 5;
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
    const word = this.#words[index]!;
    const bit = 1 << (id & 31);
    if ((word & bit) === 0) return false;
    this.#words[index] = word & ~bit;
    if ((word & ~bit) === 0) this.#summary[index >>> 5]! &= ~(1 << (index & 31));
    this.#size--;
    return true;
  }

  /** Makes every number from 1 to `last` a member. */
  addUpTo(last: number): void {
    for (let id = 1; id <= last; ) {
      if ((id & 31) === 0 && id + 31 <= last) {
        const index = id >>> 5;
        this.#size += 32 - populationCount(this.#words[index]!);
        this.#words[index] = -1;
        this.#summary[index >>> 5]! |= 1 << (index & 31);
        id += 32;
      } else this.add(id++);
    }
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
