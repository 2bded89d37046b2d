import type { BpfMap } from "../../../native/index.ts";
import { FLOW, RETURN } from "../abi.ts";
import type { NextHopRef } from "../memory/choice.ts";
import type { WayBack } from "../memory/outcome.ts";
import { AFFINITIES } from "./capability-table.ts";

/** Flows that the pass remembers, by the name that the model gives them: the key's octets in hexadecimal. One system call a look. */
export class KernelFlows {
  readonly #map: BpfMap;

  /** Borrows `flows` or `transitions`. */
  constructor(map: BpfMap) {
    this.#map = map;
  }

  get(key: string): NextHopRef | undefined {
    const value = this.#map.lookup(Buffer.from(key, "hex"));
    if (value === undefined) return undefined;
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const { next_hop: nextHop, generation } = FLOW.offsets;
    return { nextHop: view.getUint32(nextHop, true), generation: view.getUint32(generation, true) };
  }
}

/** The ways back, likewise. */
export class KernelReturns {
  readonly #map: BpfMap;

  /** Borrows `returns`. */
  constructor(map: BpfMap) {
    this.#map = map;
  }

  get(key: string): WayBack | undefined {
    const value = this.#map.lookup(Buffer.from(key, "hex"));
    if (value === undefined) return undefined;
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const { capability, capability_port: port, closed, flags, seen } = RETURN.offsets;
    const affinity = AFFINITIES.get(value[flags]!);
    return {
      address: value.slice(capability, capability + 16),
      port: view.getUint16(port),
      closed: value[closed]!,
      seen: view.getUint32(seen, true),
      ...(affinity && { affinity }),
    };
  }
}

/** The clock of `seen`: monotonic, in units of 2^30 ns, of 32 bits. */
export function coarseNow(): number {
  return Number(BigInt.asUintN(32, process.hrtime.bigint() >> 30n));
}

/** Whose turn it is on the first processor. */
export function firstTurn(turns: BpfMap): number {
  const value = turns.lookup(new Uint8Array(4))!;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}
