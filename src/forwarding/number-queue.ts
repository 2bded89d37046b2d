/** Room at first, and again when it has become empty: powers of two. */
const FEW = 64;
const MOST_KEPT = 1 << 14;

/** Numbers above 0, first in, first out, in a ring that grows. A million of them are 4 MB while they wait. */
export class NumberQueue {
  #ring = new Int32Array(FEW);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#length++) & (this.#ring.length - 1)] = number;
  }

  /** 0: there is none. */
  shift(): number {
    if (this.#length === 0) return 0;
    const number = this.#ring[this.#first]!;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    if (--this.#length === 0 && this.#ring.length > MOST_KEPT) {
      this.#ring = new Int32Array(FEW);
      this.#first = 0;
    }
    return number;
  }

  /** Writes down those that come next, and 0 where there are no more. They stay. */
  peek(into: Int32Array): void {
    const mask = this.#ring.length - 1;
    for (let i = 0; i < into.length; i++) into[i] = i < this.#length ? this.#ring[(this.#first + i) & mask]! : 0;
  }

  #grow(): void {
    const ring = new Int32Array(2 * this.#ring.length);
    ring.set(this.#ring.subarray(this.#first));
    ring.set(this.#ring.subarray(0, this.#first), this.#ring.length - this.#first);
    this.#ring = ring;
    this.#first = 0;
  }
}
