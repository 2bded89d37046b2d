import type { BpfMap } from "../../../native/index.ts";
import type { NextHopIndex } from "../../forwarding/index.ts";
import { EDGE_VERDICTS, NEXT_HOP_COUNTERS, VERDICTS } from "../abi.ts";
import type { DataplaneCounters, NextHopCounters } from "../driver.ts";

/** Reads and clears the per-processor counters: one system call for each index that is asked for. */
export class Counters {
  readonly #verdicts: BpfMap;
  readonly #edge: BpfMap;
  readonly #nextHops: BpfMap;
  readonly #cpus: number;

  constructor(maps: { readonly verdicts: BpfMap; readonly edge: BpfMap; readonly nextHops: BpfMap }, cpus: number) {
    this.#verdicts = maps.verdicts;
    this.#edge = maps.edge;
    this.#nextHops = maps.nextHops;
    this.#cpus = cpus;
  }

  read(nextHops: Iterable<NextHopIndex>): DataplaneCounters {
    return {
      verdicts: new Map(VERDICTS.map((name, index) => [name, this.#sum(this.#verdicts, index, 8)[0]!])),
      edge: new Map(
        EDGE_VERDICTS.entries()
          .drop(1) // what is left alone is not counted
          .map(([index, name]) => [name, this.#sum(this.#edge, index, 8)[0]!]),
      ),
      nextHops: new Map(Iterator.from(nextHops).map((index) => [index, this.#nextHop(index)])),
    };
  }

  /** Before an index is used for another next hop. */
  clear(nextHop: NextHopIndex): void {
    this.#nextHops.update(keyOf(nextHop), new Uint8Array(NEXT_HOP_COUNTERS.size * this.#cpus));
  }

  #nextHop(index: NextHopIndex): NextHopCounters {
    const sums = this.#sum(this.#nextHops, index, NEXT_HOP_COUNTERS.size);
    const { packets, octets, flows } = NEXT_HOP_COUNTERS.offsets;
    return { packets: sums[packets / 8]!, bytes: sums[octets / 8]!, flows: sums[flows / 8]! };
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
