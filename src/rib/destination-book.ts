import type { Clock } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { INSTANCE_LIST, isPrefixKey, listAt, NO_LIST } from "./capability-key.ts";
import type { DestinationId, DestinationIndex } from "./destination-index.ts";
import type { NetStore } from "./net-store.ts";
import { KEY, recordOf, SET, setIn } from "./path-record.ts";
import type { PrefixIndex } from "./prefix-index.ts";
import type { NetId } from "./types.ts";

/** A piece of a turn, and many enough that the cache misses of their destinations overlap. */
const MOST_WAITING = 1024;

export interface DestinationBookParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly clock: Clock;
  readonly destinations: DestinationIndex;
  readonly prefixes: PrefixIndex;
  readonly keyOf: (net: NetId) => Uint8Array;
  /** There are changed destinations. */
  readonly changed: () => void;
}

/**
 * Keeps the nets of the capability table at the destinations that they add up to. Nets whose best path is another one wait for
 * others, until there are many, or the next turn, or somebody asks (`settle`); a net that is lost leaves at once.
 */
export class DestinationBook {
  readonly #parts: DestinationBookParts;
  readonly #waiting = new Int32Array(MOST_WAITING);
  #count = 0;
  #scheduled = false;
  /** Made once: a closure inside `put` would cost every call of it. */
  readonly #laterTurn = (): void => {
    this.#scheduled = false;
    this.settle();
  };

  constructor(parts: DestinationBookParts) {
    this.#parts = parts;
  }

  /** How many nets wait. */
  get waiting(): number {
    return this.#count;
  }

  /** The best path of `net` is another one, is gone, or is judged anew. */
  put(net: NetId): void {
    if (this.#parts.store.nets[recordOf(net) + SET] === 0) {
      this.#place(net, 0);
      return;
    }
    this.#waiting[this.#count++] = net;
    if (this.#count === MOST_WAITING) this.settle();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#parts.clock.soon(this.#laterTurn);
    }
  }

  /** Whatever waits finds its place now. */
  settle(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    const { destinations, attributes } = this.#parts;
    const hashes = destinations.lookAhead(this.#waiting, count, attributes.tenant);
    for (let i = 0; i < count; i++) this.#place(this.#waiting[i]!, hashes[i]!);
  }

  /** Says the same however often it is asked: a net that has waited may be lost, or its number be that of another one. */
  #place(net: NetId, hash: number): void {
    const { store, attributes: sets, destinations, prefixes, keyOf } = this.#parts;
    const { nets, keyOctets } = store;
    const record = recordOf(net);
    if (nets[record + KEY] === 0) return;
    const start = store.keyStart(net);
    const attributes = setIn(nets, record);
    const tenant = attributes === 0 ? undefined : sets.tenant[attributes]!;
    const list = listAt(keyOctets, start);
    if (list === NO_LIST) {
      if (!isPrefixKey(keyOctets, start)) return;
      prefixes.put(net, tenant, keyOf(net));
      if (prefixes.changes > 0) this.#parts.changed();
      return;
    }
    const now = destinations.of(net);
    if (now !== 0) {
      this.#note(now);
      if (destinations.tenant(now) === tenant) return;
      destinations.remove(net);
    }
    if (tenant !== undefined) this.#note(destinations.place(net, tenant, list, start, hash));
  }

  #note(destination: DestinationId): void {
    const { destinations, changed } = this.#parts;
    if (destinations.tenant(destination) === 0 || destinations.list(destination) === INSTANCE_LIST) return;
    if (destinations.changed.add(destination)) changed();
  }
}
