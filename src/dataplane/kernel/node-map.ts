import type { BpfMap } from "../../../native/index.ts";
import type { Ipv6Address } from "../../base/index.ts";
import { NODE } from "../abi.ts";
import type { NodeStore } from "./tables.ts";

const PRESENT = new Uint8Array(NODE.size);

/** The hash `nodes` as a set of locators. */
export class NodeMap implements NodeStore {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  has(locator: Ipv6Address): boolean {
    return this.#map.lookup(locator) !== undefined;
  }

  add(locator: Ipv6Address): boolean {
    try {
      this.#map.update(locator, PRESENT);
      return true;
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "E2BIG") return false;
      throw cause;
    }
  }

  delete(locator: Ipv6Address): void {
    this.#map.delete(locator);
  }

  all(): Ipv6Address[] {
    const locators: Ipv6Address[] = [];
    for (let key = this.#map.nextKey(); key !== undefined; key = this.#map.nextKey(key)) locators.push(key);
    return locators;
  }
}
