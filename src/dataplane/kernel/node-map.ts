import type { BpfMap } from "../../../native/index.ts";
import type { Ipv6Address } from "../../base/index.ts";
import type { NextHopIndex, PlannedNode } from "../../forwarding/index.ts";
import { NODE } from "../abi.ts";
import type { NodeStore } from "./table-memory.ts";

/** The hash `nodes`. */
export class NodeMap implements NodeStore {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  get(locator: Ipv6Address): PlannedNode | undefined {
    const value = this.#map.lookup(locator);
    if (value === undefined) return undefined;
    const vni = new DataView(value.buffer, value.byteOffset).getUint32(NODE.offsets.vni, true);
    return vni === 0 ? { locator } : { locator, vni };
  }

  set({ locator, vni = 0 }: PlannedNode, tunnel: NextHopIndex): boolean {
    const value = new Uint8Array(NODE.size);
    const view = new DataView(value.buffer);
    view.setUint32(NODE.offsets.vni, vni, true);
    view.setUint16(NODE.offsets.next_hop, tunnel, true);
    try {
      this.#map.update(locator, value);
      return true;
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "E2BIG") return false;
      throw cause;
    }
  }

  delete(locator: Ipv6Address): void {
    this.#map.delete(locator);
  }

  *all(): Generator<PlannedNode> {
    for (let locator = this.#map.nextKey(); locator !== undefined; locator = this.#map.nextKey(locator)) {
      const node = this.get(locator);
      if (node !== undefined) yield node;
    }
  }
}
