import type { Clock } from "../base/index.ts";
import { IdSet } from "./id-set.ts";
import type { NetStore } from "./net-store.ts";
import type { NetId } from "./types.ts";

/** A millisecond or less of a turn that inputs and outputs share. */
const NETS_PER_TURN = 2048;

/** Nets without a path that somebody has still to be told about; then they are forgotten. */
export class LostNets {
  readonly #store: NetStore;
  readonly #clock: Clock;
  /** Whether some neighbour needs to hear of a net, or of its end. */
  readonly #isWanted: (net: NetId) => boolean;
  readonly #members: IdSet;
  #reapFrom: NetId = 0;
  #closed = false;

  constructor(store: NetStore, clock: Clock, isWanted: (net: NetId) => boolean) {
    this.#store = store;
    this.#clock = clock;
    this.#isWanted = isWanted;
    this.#members = new IdSet();
  }

  get size(): number {
    return this.#members.size;
  }

  add(net: NetId): void {
    this.#store.lose(net, this.#store.hashOf(net));
    if (this.#isWanted(net)) this.#members.add(net);
    else this.#store.removeNet(net);
  }

  /** The same for many whose hashes are known to the store (`NetStore.lose`); the array is written over. */
  addAll(nets: Int32Array, count: number): void {
    let left = 0;
    for (let i = 0; i < count; i++) {
      const net = nets[i]!;
      if (this.#isWanted(net)) this.#members.add(net);
      else nets[left++] = net;
    }
    if (left > 0) this.#store.removeNets(nets, left);
  }

  /** It has a path again. */
  revive(net: NetId): void {
    this.#members.delete(net);
  }

  /** Forgets a net when nobody has to be told any more that it is lost. */
  settle(net: NetId): void {
    if (!this.#isSettled(net)) return;
    this.#members.delete(net);
    this.#store.removeNet(net);
  }

  /** The same for many, each once; the array is written over. */
  settleAll(nets: Int32Array, count: number): void {
    let left = 0;
    for (let i = 0; i < count; i++) {
      const net = nets[i]!;
      if (!this.#isSettled(net)) continue;
      this.#members.delete(net);
      nets[left++] = net;
    }
    if (left > 0) this.#store.removeNets(nets, left);
  }

  #isSettled(net: NetId): boolean {
    return this.#members.has(net) && !this.#isWanted(net);
  }

  /** Looks at all of them again, on later turns: somebody who was to be told is no more. */
  settleLater(): void {
    if (this.#members.size === 0) return;
    const running = this.#reapFrom !== 0;
    this.#reapFrom = 1;
    if (!running) this.#clock.soon(() => this.#reap());
  }

  #reap(): void {
    if (this.#closed) return;
    const members = this.#members;
    let net = members.next(this.#reapFrom);
    for (let visited = 0; net !== 0 && visited < NETS_PER_TURN; visited++, net = members.next(net + 1))
      this.settle(net);
    this.#reapFrom = net;
    if (net !== 0) this.#clock.soon(() => this.#reap());
  }

  close(): void {
    this.#closed = true;
  }
}
