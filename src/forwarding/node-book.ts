import { type Ipv6Address, toHex } from "../base/index.ts";
import type { OperationBatch } from "./operation-batch.ts";
import { lastLegAddress, type PlannedNode } from "./plan.ts";

/** The routers from which encapsulated packets are accepted. */
export class NodeBook {
  readonly #batch: OperationBatch;
  readonly #installed = new Map<string, PlannedNode>();
  #compared = true;
  #wanted: ReadonlyMap<string, Ipv6Address> | undefined;
  /** Absent until they are said: until then nodes that were found keep theirs. */
  #networks: ReadonlyMap<string, number> | undefined;

  constructor(batch: OperationBatch) {
    this.#batch = batch;
  }

  adopt(nodes: Iterable<PlannedNode>): void {
    for (const node of nodes) this.#installed.set(toHex(node.locator), node);
  }

  /**
   * Replaces the list. The answer are those that are accepted: not one whose second tunnel address is the locator of
   * another, since what comes from there would be taken for its first tunnel.
   */
  set(locators: readonly Ipv6Address[], own: Ipv6Address): ReadonlySet<Ipv6Address> {
    const wanted = new Map<string, Ipv6Address>();
    const accepted = new Set<Ipv6Address>();
    const taken = new Set([toHex(own)]);
    for (const locator of locators) {
      if (taken.has(toHex(lastLegAddress(locator)))) continue;
      taken.add(toHex(locator));
      wanted.set(toHex(locator), locator);
      accepted.add(locator);
    }
    this.#wanted = wanted;
    this.#compared = false;
    return accepted;
  }

  /** VXLAN network identifiers by locator; of routers that are no nodes, too. */
  setNetworks(networks: ReadonlyMap<string, number>): void {
    this.#networks = networks;
    this.#compared = false;
  }

  /** At the end of a step: what is missing is added, what was not in the latest list is removed. */
  compare({ keepOthers }: { readonly keepOthers: boolean }): void {
    if (this.#compared || this.#wanted === undefined) return;
    for (const [key, locator] of this.#wanted) {
      const known = this.#installed.get(key);
      const vni = this.#networks === undefined ? known?.vni : this.#networks.get(key);
      if (known !== undefined && known.vni === vni) continue;
      const node = vni === undefined ? { locator } : { locator, vni };
      this.#installed.set(key, node);
      this.#batch.add({ type: "set-node", ...node });
    }
    if (keepOthers) return;
    this.#compared = true;
    for (const [key, { locator }] of this.#installed) {
      if (this.#wanted.has(key)) continue;
      this.#installed.delete(key);
      this.#batch.add({ type: "remove-node", locator });
    }
  }
}
