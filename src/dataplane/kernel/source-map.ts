import type { BpfMap } from "../../../native/index.ts";
import { type Ipv6Prefix, toHex } from "../../base/index.ts";
import { SOURCE, SOURCE_KEY } from "../abi.ts";

/** Who may be behind a port under a prefix, as the trie `sources` has it. */
export interface SourceEntry {
  readonly ifindex: number;
  readonly prefix: Ipv6Prefix;
  readonly tenantIndex: number;
  /** Of the tenant; 0: none. */
  readonly policy: number;
}

const IFINDEX_BITS = 32;

/** The trie `sources`. Writes what differs from what it has, one system call each. */
export class SourceMap {
  readonly #map: BpfMap;
  readonly #present = new Map<string, { readonly key: Uint8Array; readonly value: string }>();

  /** Takes over what is in the map. */
  constructor(map: BpfMap) {
    this.#map = map;
    for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) {
      const value = map.lookup(key);
      if (value !== undefined) this.#present.set(toHex(key), { key, value: toHex(value) });
    }
  }

  /**
   * Makes these the entries of the interfaces that `concerns` names. What is new is there before `between` is called, what is
   * not wanted goes after it.
   */
  replace(entries: readonly SourceEntry[], concerns: (ifindex: number) => boolean, between: () => void): void {
    const wanted = new Map(entries.map((entry) => [toHex(keyOf(entry)), entry]));
    for (const [name, entry] of wanted) {
      const [key, value] = [keyOf(entry), octetsOf(entry)];
      if (this.#present.get(name)?.value === toHex(value)) continue;
      this.#map.update(key, value);
      this.#present.set(name, { key, value: toHex(value) });
    }
    between();
    for (const [name, { key }] of [...this.#present]) {
      if (wanted.has(name) || !concerns(ifindexOf(key))) continue;
      this.#map.delete(key);
      this.#present.delete(name);
    }
  }
}

function ifindexOf(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.length).getUint32(SOURCE_KEY.offsets.ifindex);
}

function keyOf({ ifindex, prefix }: SourceEntry): Uint8Array {
  const key = new Uint8Array(SOURCE_KEY.size);
  const view = new DataView(key.buffer);
  view.setUint32(SOURCE_KEY.offsets.prefix_length, IFINDEX_BITS + prefix.length, true);
  view.setUint32(SOURCE_KEY.offsets.ifindex, ifindex);
  key.set(prefix.address, SOURCE_KEY.offsets.address);
  return key;
}

function octetsOf({ tenantIndex, policy }: SourceEntry): Uint8Array {
  const value = new Uint8Array(SOURCE.size);
  const view = new DataView(value.buffer);
  view.setUint16(SOURCE.offsets.tenant, tenantIndex); // as it lies in an address
  view.setUint16(SOURCE.offsets.policy, policy, true);
  return value;
}
