import type { BpfMap } from "../../../native/index.ts";
import type { NextHopIndex, PolicyIndex } from "../../forwarding/index.ts";
import {
  EDGE_VERDICTS,
  NEXT_HOP_COUNTERS,
  POLICY_USES,
  TAG_COUNTERS,
  TAGS,
  TENANT_COUNTERS,
  TENANTS_IN_BLOCK,
  VERDICTS,
} from "../abi.ts";
import type {
  DataplaneCounters,
  InstanceOutcomes,
  NextHopCounters,
  PolicyCounters,
  TagCounters,
  TenantCounters,
} from "../driver.ts";
import { CounterArray, CounterRows, type IndexesInUse, type RowReader } from "./counter-rows.ts";

/** The arrays of counters, one value for each processor. */
export interface CounterMaps {
  readonly verdicts: BpfMap;
  readonly edge: BpfMap;
  readonly nextHops: BpfMap;
  readonly tenants: BpfMap;
  readonly policies: BpfMap;
  readonly tags: BpfMap;
}

/** What is asked for of those that have many entries. */
export interface CountedIndexes {
  nextHops(): IndexesInUse;
  tenants(): IndexesInUse;
  policies(): IndexesInUse;
}

const word = (offset: number) => (words: BigUint64Array, at: number) => words[at + offset / 8]!;

const nextHop = {
  packets: word(NEXT_HOP_COUNTERS.offsets.packets),
  bytes: word(NEXT_HOP_COUNTERS.offsets.octets),
  flows: word(NEXT_HOP_COUNTERS.offsets.flows),
  answered: word(NEXT_HOP_COUNTERS.offsets.answered),
  refused: word(NEXT_HOP_COUNTERS.offsets.refused),
};

const readNextHop: RowReader<NextHopCounters> = (words, at) => ({
  packets: nextHop.packets(words, at),
  bytes: nextHop.bytes(words, at),
  flows: nextHop.flows(words, at),
});

const readOutcomes: RowReader<InstanceOutcomes> = (words, at) => ({
  flows: nextHop.flows(words, at),
  answered: nextHop.answered(words, at),
  refused: nextHop.refused(words, at),
});

const tenant = {
  packets: word(TENANT_COUNTERS.offsets.packets),
  bytes: word(TENANT_COUNTERS.offsets.octets),
  denied: word(TENANT_COUNTERS.offsets.denied),
  limited: word(TENANT_COUNTERS.offsets.limited),
  spoofed: word(TENANT_COUNTERS.offsets.spoofed),
};

const readTenant: RowReader<TenantCounters> = (words, at) => ({
  packets: tenant.packets(words, at),
  bytes: tenant.bytes(words, at),
  denied: tenant.denied(words, at),
  limited: tenant.limited(words, at),
  spoofed: tenant.spoofed(words, at),
});

const policy = {
  packets: word(POLICY_USES.offsets.packets),
  bytes: word(POLICY_USES.offsets.octets),
  limited: word(POLICY_USES.offsets.limited),
  leasedPackets: word(POLICY_USES.offsets.leased_packets),
  leasedOctets: word(POLICY_USES.offsets.leased_octets),
};

const readPolicy: RowReader<PolicyCounters> = (words, at) => ({
  packets: policy.packets(words, at),
  bytes: policy.bytes(words, at),
  limited: policy.limited(words, at),
});

const tag = { packets: word(TAG_COUNTERS.offsets.packets), bytes: word(TAG_COUNTERS.offsets.octets) };

const readTag: RowReader<TagCounters> = (words, at) => ({
  packets: tag.packets(words, at),
  bytes: tag.bytes(words, at),
});

/** Reads and clears the per-processor counters. */
export class Counters {
  readonly #maps: CounterMaps;
  readonly #cpus: number;

  constructor(maps: CounterMaps, cpus: number) {
    this.#maps = maps;
    this.#cpus = cpus;
  }

  /** Verdicts as they are now; rows of next hops, tenants and policies when they are first looked at. */
  read(indexes: CountedIndexes): DataplaneCounters {
    return new CountersRead(this.#maps, indexes);
  }

  /** Before an index is used for another next hop. */
  clear(index: NextHopIndex): void {
    this.#maps.nextHops.update(keyOf(index), new Uint8Array(NEXT_HOP_COUNTERS.size * this.#cpus));
  }

  /** Before an index is used for another policy: what processors have leased goes, too. */
  clearPolicy(index: PolicyIndex): void {
    this.#maps.policies.update(keyOf(index), new Uint8Array(POLICY_USES.size * this.#cpus));
  }

  /** What processors have leased of a policy's rates and not spent. */
  leased(index: PolicyIndex): { readonly packets: number; readonly octets: number } {
    const words = this.#maps.policies.sums(index, 1);
    return { packets: Number(policy.leasedPackets(words, 0)), octets: Number(policy.leasedOctets(words, 0)) };
  }

  /** How instances answered what began with them: read now, a block of next hops at a time, as they are asked for. */
  outcomes(): (index: NextHopIndex) => InstanceOutcomes {
    const rows = new CounterArray(this.#maps.nextHops);
    return (index) => rows.row(index, readOutcomes);
  }
}

class CountersRead implements DataplaneCounters {
  readonly verdicts: ReadonlyMap<string, bigint>;
  readonly edge: ReadonlyMap<string, bigint>;
  readonly #maps: CounterMaps;
  readonly #indexes: CountedIndexes;
  readonly #read: { -readonly [Part in keyof DataplaneCounters]?: DataplaneCounters[Part] } = {};

  constructor(maps: CounterMaps, indexes: CountedIndexes) {
    this.#maps = maps;
    this.#indexes = indexes;
    this.verdicts = named(maps.verdicts, VERDICTS);
    const edge = named(maps.edge, EDGE_VERDICTS);
    edge.delete(EDGE_VERDICTS[0]); // what is left alone is not counted
    this.edge = edge;
  }

  get nextHops(): ReadonlyMap<NextHopIndex, NextHopCounters> {
    this.#read.nextHops ??= new CounterRows(
      new CounterArray(this.#maps.nextHops),
      this.#indexes.nextHops(),
      readNextHop,
    );
    return this.#read.nextHops;
  }

  get tenants(): ReadonlyMap<number, TenantCounters> {
    this.#read.tenants ??= new CounterRows(
      new CounterArray(this.#maps.tenants, TENANTS_IN_BLOCK),
      this.#indexes.tenants(),
      readTenant,
    );
    return this.#read.tenants;
  }

  get policies(): ReadonlyMap<PolicyIndex, PolicyCounters> {
    this.#read.policies ??= new CounterRows(
      new CounterArray(this.#maps.policies),
      this.#indexes.policies(),
      readPolicy,
    );
    return this.#read.policies;
  }

  get tags(): ReadonlyMap<number, TagCounters> {
    if (this.#read.tags === undefined) {
      const all = new CounterRows(new CounterArray(this.#maps.tags), new Set(Array(TAGS).keys()), readTag);
      this.#read.tags = new Map(all.entries().filter(([, { packets }]) => packets > 0n));
    }
    return this.#read.tags;
  }
}

function named(map: BpfMap, names: readonly string[]): Map<string, bigint> {
  const counts = map.sums(0, names.length);
  return new Map(names.map((name, index) => [name, counts[index]!]));
}

function keyOf(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}
