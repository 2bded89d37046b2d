import { OctetView } from "../base/index.ts";
import type { NetStore } from "./net-store.ts";
import type { KeyBatch } from "./route-table.ts";

/** The keys of a batch on their way to their nets: hashes all keys, then touches all slots, then all records, so that cache misses overlap. */
export class KeyLookup {
  /** By place in the batch. */
  hashes = new Int32Array(256);
  readonly #store: NetStore;
  readonly #view = new OctetView();

  constructor(store: NetStore) {
    this.#store = store;
  }

  /**
   * The octets that the keys are in.
   * @throws {RangeError} for what is not one key of this table
   */
  begin(keys: KeyBatch): DataView {
    const { options } = this.#store;
    const view = this.#view.over(keys.octets);
    const count = keys.count;
    if (this.hashes.length < count) this.hashes = new Int32Array(2 * count);
    const hashes = this.hashes;
    for (let i = 0; i < count; i++) {
      const start = keys.starts[i]!;
      const length = keys.lengths[i]!;
      if (start < 0 || start + length > keys.octets.length || options.keyLength(keys.octets, start) !== length) {
        throw new RangeError(`key ${i} of ${count}, ${length} octets at ${start}, is not one key of this table`);
      }
      hashes[i] = this.#store.hash(view, start, length);
    }
    if (count > 1) this.#store.lookAhead(keys, view, hashes);
    return view;
  }
}
