const SLAB = 16 * 1024;
/** Larger ones get a buffer of their own. */
const LARGEST = SLAB / 8;

/**
 * Copies of many short runs of octets that live long. A small buffer of its own costs several times its octets, and the
 * garbage collector as much work as hundreds of them: here they share buffers of 16 KiB, each of which goes when the last
 * view of it is gone.
 */
export class OctetSlab {
  #slab = new Uint8Array(0);
  #used = 0;

  /** A copy of `octets[start..start+length)`. Not to be changed. */
  copy(octets: Uint8Array, start = 0, length = octets.length - start): Uint8Array {
    if (length > LARGEST) return octets.slice(start, start + length);
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used + length);
    for (let i = 0; i < length; i++) copy[i] = octets[start + i]!;
    this.#used += length;
    return copy;
  }
}
