import { type Ipv6Address, toHex } from "../base/index.ts";
import type { OperationBatch } from "./operation-batch.ts";
import { lastLegAddress, type PlannedNode } from "./plan.ts";

/** The routers from which encapsulated packets are accepted. */
export class NodeBook {
  readonly #batch: OperationBatch;
  readonly #installed = new Map<string, PlannedNode>();
  #compared = true;
  #isBehind = false;
  /** Nothing is missing. */
  #hasAdded = false;
  #wanted: ReadonlyMap<string, Ipv6Address> | undefined;
  /** Absent until they are said: until then nodes that were found keep theirs. */
  #networks: ReadonlyMap<string, number> | undefined;

  constructor(batch: OperationBatch) {
    this.#batch = batch;
  }

  adopt(node: PlannedNode): void {
    this.#installed.set(toHex(node.locator), node);
  }

  /**
   * Replaces the list, in a step for each. The answer are those that are not accepted: one whose second tunnel address is the
   * locator of another, since what comes from there would be taken for its first tunnel.
   */
  *set(locators: readonly Ipv6Address[], own: Ipv6Address): Generator<void, readonly Ipv6Address[]> {
    const wanted = new Map<string, Ipv6Address>();
    const refused: Ipv6Address[] = [];
    const ownKey = toHex(own);
    for (const locator of locators) {
      yield;
      const other = toHex(lastLegAddress(locator));
      if (other === ownKey || wanted.has(other)) refused.push(locator);
      else wanted.set(toHex(locator), locator);
    }
    this.#wanted = wanted;
    this.#compared = false;
    this.#hasAdded = false;
    return refused;
  }

  /** VXLAN network identifiers by locator; of routers that are no nodes, too. */
  setNetworks(networks: ReadonlyMap<string, number>): void {
    this.#networks = networks;
    this.#compared = false;
    this.#hasAdded = false;
  }

  /** Not all of what was said last is in the data plane, as far as it is to be. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** At the end of a step: what is missing is added, what was not in the latest list is removed; at most `most`. */
  compare({ keepOthers, most }: { readonly keepOthers: boolean; readonly most: number }): void {
    if (this.#compared || this.#wanted === undefined || (keepOthers && this.#hasAdded)) return;
    let left = most;
    this.#isBehind = true;
    for (const [key, locator] of this.#wanted) {
      const known = this.#installed.get(key);
      const vni = this.#networks === undefined ? known?.vni : this.#networks.get(key);
      if (known !== undefined && known.vni === vni) continue;
      if (left-- === 0) return;
      const node = vni === undefined ? { locator } : { locator, vni };
      this.#installed.set(key, node);
      this.#batch.add({ type: "set-node", ...node });
    }
    this.#hasAdded = true;
    for (const [key, { locator }] of keepOthers ? [] : this.#installed) {
      if (this.#wanted.has(key)) continue;
      if (left-- === 0) return;
      this.#installed.delete(key);
      this.#batch.add({ type: "remove-node", locator });
    }
    this.#isBehind = false;
    this.#compared = !keepOthers;
  }
}
