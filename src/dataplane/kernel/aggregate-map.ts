import type { BpfMap } from "../../../native/index.ts";
import { formatIpv6Prefix, type Ipv6Address, type Ipv6Prefix } from "../../base/index.ts";
import { type AggregateEntry, FAMILY_BITS, TENANT_BITS } from "../../forwarding/index.ts";
import { AGGREGATE, AGGREGATE_KEY } from "../abi.ts";
import type { AggregateStore } from "./table-memory.ts";

/** The domain is the same for all, so the trie begins behind it. */
const DOMAIN_BITS = 48;
const DOMAIN_OCTETS = DOMAIN_BITS / 8;

/** The trie `aggregates`, and the same beside it: there are few, and each look would be a system call. */
export class AggregateMap implements AggregateStore {
  readonly #map: BpfMap;
  readonly #domain: Ipv6Prefix;
  readonly #entries = new Map<string, AggregateEntry>();

  constructor(map: BpfMap, domain: Ipv6Prefix) {
    this.#map = map;
    this.#domain = domain;
  }

  *takeOver(): Generator<void> {
    const map = this.#map;
    for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) {
      yield;
      const value = map.lookup(key);
      if (value === undefined) continue;
      const entry = entryOf(key, value, this.#domain);
      this.#entries.set(formatIpv6Prefix(entry.prefix), entry);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get(prefix: Ipv6Prefix): AggregateEntry | undefined {
    return this.#entries.get(formatIpv6Prefix(prefix));
  }

  longest(address: Ipv6Address): AggregateEntry | undefined {
    return this.get(prefixOf(address, FAMILY_BITS)) ?? this.get(prefixOf(address, TENANT_BITS));
  }

  all(): MapIterator<AggregateEntry> {
    return this.#entries.values();
  }

  set(entry: AggregateEntry): void {
    this.#map.update(keyOf(entry.prefix), octetsOf(entry));
    this.#entries.set(formatIpv6Prefix(entry.prefix), entry);
  }

  delete(prefix: Ipv6Prefix): void {
    this.#map.delete(keyOf(prefix));
    this.#entries.delete(formatIpv6Prefix(prefix));
  }
}

function prefixOf(address: Ipv6Address, length: number): Ipv6Prefix {
  const begin = new Uint8Array(16);
  begin.set(address.subarray(0, length / 8));
  return { address: begin, length };
}

function keyOf({ address, length }: Ipv6Prefix): Uint8Array {
  const key = new Uint8Array(AGGREGATE_KEY.size);
  new DataView(key.buffer).setUint32(AGGREGATE_KEY.offsets.prefix_length, length - DOMAIN_BITS, true);
  const { tenant } = AGGREGATE_KEY.offsets;
  key.set(address.subarray(DOMAIN_OCTETS, DOMAIN_OCTETS + AGGREGATE_KEY.size - tenant), tenant);
  return key;
}

function octetsOf({ group, policy = 0 }: AggregateEntry): Uint8Array {
  const value = new Uint8Array(AGGREGATE.size);
  const view = new DataView(value.buffer);
  view.setUint32(AGGREGATE.offsets.group, group, true);
  view.setUint32(AGGREGATE.offsets.policy, policy, true);
  return value;
}

function entryOf(key: Uint8Array, value: Uint8Array, domain: Ipv6Prefix): AggregateEntry {
  const keyView = new DataView(key.buffer, key.byteOffset, key.length);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const address = new Uint8Array(16);
  address.set(domain.address.subarray(0, DOMAIN_OCTETS));
  address.set(key.subarray(AGGREGATE_KEY.offsets.tenant), DOMAIN_OCTETS);
  const length = DOMAIN_BITS + keyView.getUint32(AGGREGATE_KEY.offsets.prefix_length, true);
  const policy = view.getUint32(AGGREGATE.offsets.policy, true);
  return {
    ...{ prefix: { address, length }, group: view.getUint32(AGGREGATE.offsets.group, true) },
    ...(policy === 0 ? {} : { policy }),
  };
}
