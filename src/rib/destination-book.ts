import type { Clock } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { INSTANCE_LIST, isPrefixKey, listAt, NO_LIST } from "./capability-key.ts";
import type { CapabilityStore } from "./capability-store.ts";
import type { DestinationId, DestinationIndex } from "./destination-index.ts";
import { KEY, recordOf, SET, setIn } from "./path-record.ts";
import type { PrefixIndex } from "./prefix-index.ts";
import type { NetId } from "./types.ts";

/** A piece of a turn, and many enough that the cache misses of their destinations overlap. */
const MOST_WAITING = 1024;
/** In `CapabilityStore.places`: at a destination that no tenant imports. What is below is one of a tenant. */
const OF_NOBODY = -1;

export interface DestinationBookParts {
  readonly store: CapabilityStore;
  readonly attributes: AttributeStore;
  readonly clock: Clock;
  readonly destinations: DestinationIndex;
  readonly prefixes: PrefixIndex;
  readonly keyOf: (net: NetId) => Uint8Array;
  /** There are changed destinations. */
  readonly changed: () => void;
}

/**
 * Keeps the nets of the capability table at the destinations that they add up to. A net that is alone with its identifier has its
 * destination at once. Others whose best path is another one wait, until there are many, or the next turn, or somebody asks
 * (`settle`); a net that is lost leaves at once.
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
    const { store } = this.#parts;
    if (store.isAlone(net)) {
      this.#placeAlone(net);
      return;
    }
    if (store.nets[recordOf(net) + SET] === 0) {
      this.#place(net);
      return;
    }
    this.#waiting[this.#count++] = net;
    if (this.#count === MOST_WAITING) this.settle();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#parts.clock.soon(this.#laterTurn);
    }
  }

  /** The same of many. Nearly all stay where they are, or come to where nobody has asked about. */
  putAll(changed: Int32Array, count: number): void {
    const { store, attributes: sets, destinations } = this.#parts;
    const { nets, places, keyOctets } = store;
    const { tenant } = sets.judged;
    if (destinations.changed.isWatched) {
      for (let i = 0; i < count; i++) this.put(changed[i]!);
      return;
    }
    for (let i = 0; i < count; i++) {
      const net = changed[i]!;
      const record = recordOf(net);
      const attributes = setIn(nets, record);
      const place = places[net]!;
      const now = -1 - tenant[attributes]!;
      if (attributes === 0 || place > 0 || (place === 0 && listAt(keyOctets, 4 * nets[record + KEY]!) === NO_LIST)) {
        this.put(net);
      } else if (place === 0) places[net] = now;
      else if (place !== now) this.put(net);
    }
  }

  /** Whatever waits finds its place now. */
  settle(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#parts.destinations.lookAhead(this.#waiting, count);
    for (let i = 0; i < count; i++) this.#place(this.#waiting[i]!);
  }

  /** Says the same however often it is asked. */
  #placeAlone(net: NetId): void {
    const { store, attributes: sets, destinations, prefixes, keyOf, changed } = this.#parts;
    const { nets, keyOctets, places } = store;
    const attributes = setIn(nets, recordOf(net));
    const tenant = attributes === 0 ? undefined : sets.judged.tenant[attributes]!;
    const now = tenant === undefined ? 0 : -1 - tenant;
    const start = store.keyStart(net);
    const list = listAt(keyOctets, start);
    if (list === NO_LIST) {
      if (!isPrefixKey(keyOctets, start)) return;
      prefixes.put(net, tenant, keyOf(net));
      if (prefixes.changes > 0) changed();
      return;
    }
    const was = places[net]!;
    if (was !== now) {
      places[net] = now;
      if (was < OF_NOBODY && list !== INSTANCE_LIST) {
        destinations.changed.deleteNet(net);
        destinations.abandon(net, -1 - was, list);
        changed();
      }
    }
    if (now < OF_NOBODY && list !== INSTANCE_LIST && destinations.changed.addNet(net)) changed();
  }

  /** Says the same however often it is asked: a net that has waited may be lost, or its number be that of another one. */
  #place(net: NetId): void {
    const { store, attributes: sets, destinations } = this.#parts;
    const { nets, keyOctets } = store;
    const record = recordOf(net);
    if (nets[record + KEY] === 0) return;
    if (store.isAlone(net)) {
      this.#placeAlone(net);
      return;
    }
    const start = store.keyStart(net);
    const attributes = setIn(nets, record);
    const tenant = attributes === 0 ? undefined : sets.judged.tenant[attributes]!;
    const now = destinations.of(net);
    if (now !== 0) {
      this.#note(now);
      if (destinations.tenant(now) === tenant) return;
      destinations.remove(net);
    }
    if (tenant !== undefined) {
      this.#note(destinations.place(net, tenant, listAt(keyOctets, start), start));
    }
  }

  #note(destination: DestinationId): void {
    const { destinations, changed } = this.#parts;
    if (!destinations.isTold(destination)) return;
    if (destinations.changed.add(destination)) changed();
  }
}
