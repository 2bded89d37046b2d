import type { BpfMap } from "../../../native/index.ts";
import type { NextHopIndex, PolicyIndex } from "../../forwarding/index.ts";
import {
  EDGE_VERDICTS,
  NEXT_HOP_COUNTERS,
  POLICY_USES,
  TAG_COUNTERS,
  TAGS,
  TENANT_COUNTERS,
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
  readonly nextHops: Iterable<NextHopIndex>;
  readonly tenants: Iterable<number>;
  readonly policies: Iterable<PolicyIndex>;
}

/** Reads and clears the per-processor counters: one system call for each index that is asked for. */
export class Counters {
  readonly #maps: CounterMaps;
  readonly #cpus: number;

  constructor(maps: CounterMaps, cpus: number) {
    this.#maps = maps;
    this.#cpus = cpus;
  }

  read({ nextHops, tenants, policies }: CountedIndexes): DataplaneCounters {
    const { verdicts, edge, tags } = this.#maps;
    const each = <T>(indexes: Iterable<number>, one: (index: number) => T) =>
      new Map(Iterator.from(indexes).map((index) => [index, one(index)]));
    const came = Array.from({ length: TAGS }, (_, tag) => [tag, this.#tag(tags, tag)] as const);
    return {
      verdicts: new Map(VERDICTS.map((name, index) => [name, this.#sum(verdicts, index, 8)[0]!])),
      edge: new Map(
        EDGE_VERDICTS.entries()
          .drop(1) // what is left alone is not counted
          .map(([index, name]) => [name, this.#sum(edge, index, 8)[0]!]),
      ),
      nextHops: each(nextHops, (index) => this.#nextHop(index)),
      tenants: each(tenants, (index) => this.#tenant(index)),
      policies: each(policies, (index) => this.#policy(index)),
      tags: new Map(came.filter(([, { packets }]) => packets > 0n)),
    };
  }

  /** Before an index is used for another next hop. */
  clear(nextHop: NextHopIndex): void {
    this.#maps.nextHops.update(keyOf(nextHop), new Uint8Array(NEXT_HOP_COUNTERS.size * this.#cpus));
  }

  /** Before an index is used for another policy: what processors have leased goes, too. */
  clearPolicy(policy: PolicyIndex): void {
    this.#maps.policies.update(keyOf(policy), new Uint8Array(POLICY_USES.size * this.#cpus));
  }

  /** What processors have leased of a policy's rates and not spent. */
  leased(policy: PolicyIndex): { readonly packets: number; readonly octets: number } {
    const sums = this.#sum(this.#maps.policies, policy, POLICY_USES.size);
    const { leased_packets: packets, leased_octets: octets } = POLICY_USES.offsets;
    return { packets: Number(sums[packets / 8]!), octets: Number(sums[octets / 8]!) };
  }

  #nextHop(index: NextHopIndex): NextHopCounters {
    const sums = this.#sum(this.#maps.nextHops, index, NEXT_HOP_COUNTERS.size);
    const { packets, octets, flows } = NEXT_HOP_COUNTERS.offsets;
    return { packets: sums[packets / 8]!, bytes: sums[octets / 8]!, flows: sums[flows / 8]! };
  }

  /** How an instance answered what began with it. */
  outcomes(index: NextHopIndex): InstanceOutcomes {
    const sums = this.#sum(this.#maps.nextHops, index, NEXT_HOP_COUNTERS.size);
    const { flows, answered, refused } = NEXT_HOP_COUNTERS.offsets;
    return { flows: sums[flows / 8]!, answered: sums[answered / 8]!, refused: sums[refused / 8]! };
  }

  #tenant(index: number): TenantCounters {
    const sums = this.#sum(this.#maps.tenants, index, TENANT_COUNTERS.size);
    const at = (offset: number): bigint => sums[offset / 8]!;
    const { packets, octets, denied, limited, spoofed } = TENANT_COUNTERS.offsets;
    return {
      ...{ packets: at(packets), bytes: at(octets) },
      ...{ denied: at(denied), limited: at(limited), spoofed: at(spoofed) },
    };
  }

  #policy(index: PolicyIndex): PolicyCounters {
    const sums = this.#sum(this.#maps.policies, index, POLICY_USES.size);
    const { packets, octets, limited } = POLICY_USES.offsets;
    return { packets: sums[packets / 8]!, bytes: sums[octets / 8]!, limited: sums[limited / 8]! };
  }

  #tag(map: BpfMap, tag: number): TagCounters {
    const sums = this.#sum(map, tag, TAG_COUNTERS.size);
    const { packets, octets } = TAG_COUNTERS.offsets;
    return { packets: sums[packets / 8]!, bytes: sums[octets / 8]! };
  }

  /** The 64-bit words of an entry, each summed over the processors. */
  #sum(map: BpfMap, index: number, size: number): bigint[] {
    const octets = map.lookup(keyOf(index));
    const sums = Array.from({ length: size / 8 }, () => 0n);
    if (octets === undefined) return sums;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    for (let cpu = 0; cpu < this.#cpus; cpu++)
      for (const word of sums.keys()) sums[word]! += view.getBigUint64(cpu * size + word * 8, true);
    return sums;
  }
}

function keyOf(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}
