import { IdSet } from "./id-set.ts";
import type { NetId } from "./types.ts";

/**
 * Destinations that may be decided otherwise since they were last visited: by their number, or by the net that is alone there.
 * Nothing is kept before somebody has asked for the first time; then all of them have changed.
 */
export class ChangedDestinations {
  readonly #shared = new IdSet();
  readonly #nets = new IdSet();
  #isWatched = false;
  #cursor = 1;
  #isAmongNets = false;

  /** Whether somebody has asked. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** Somebody asks from now on. What is not in use, or not to be told, is among those numbers too. */
  watch(lastShared: number, lastNet: NetId): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#shared.addUpTo(lastShared);
    this.#nets.addUpTo(lastNet);
  }

  get size(): number {
    return this.#shared.size + this.#nets.size;
  }

  /** False when it was one of them already, or nobody wants to know. */
  add(shared: number): boolean {
    return this.#isWatched && this.#shared.add(shared);
  }

  addNet(net: NetId): boolean {
    return this.#isWatched && this.#nets.add(net);
  }

  has(shared: number): boolean {
    return this.#shared.has(shared);
  }

  delete(shared: number): void {
    this.#shared.delete(shared);
  }

  /** False when it was not one of them. */
  deleteNet(net: NetId): boolean {
    return this.#nets.delete(net);
  }

  /** Writes numbers of destinations that `next` will answer soon into `ids`; returns how many. */
  peek(ids: Int32Array): number {
    if (this.#isAmongNets) return 0;
    let count = 0;
    for (let id = this.#shared.next(this.#cursor); id !== 0 && count < ids.length; id = this.#shared.next(id + 1)) {
      ids[count++] = id;
    }
    return count;
  }

  /** The next one in turn, so that none waits for ever: a number above 0, or a net as a number below; 0: there is none. */
  next(): number {
    for (let ends = 0; ends < 3; ends++) {
      const found = (this.#isAmongNets ? this.#nets : this.#shared).next(this.#cursor);
      if (found !== 0) {
        this.#cursor = found + 1;
        return this.#isAmongNets ? -found : found;
      }
      this.#cursor = 1;
      this.#isAmongNets = !this.#isAmongNets;
    }
    return 0;
  }
}
