import { type Ipv6Address, toHex } from "../base/index.ts";
import type { OperationBatch } from "./operation-batch.ts";

/** The routers from which encapsulated packets are accepted. */
export class NodeBook {
  readonly #batch: OperationBatch;
  readonly #installed = new Map<string, Ipv6Address>();
  #compared = true;
  #wanted: ReadonlyMap<string, Ipv6Address> | undefined;

  constructor(batch: OperationBatch) {
    this.#batch = batch;
  }

  adopt(locators: readonly Ipv6Address[]): void {
    for (const locator of locators) this.#installed.set(toHex(locator), locator);
  }

  set(locators: readonly Ipv6Address[]): void {
    this.#wanted = new Map(locators.map((locator) => [toHex(locator), locator]));
    this.#compared = false;
  }

  /** At the end of a step: what is missing is added, what was not in the latest list is removed. */
  compare({ keepOthers }: { readonly keepOthers: boolean }): void {
    if (this.#compared || this.#wanted === undefined) return;
    for (const [key, locator] of this.#wanted) {
      if (this.#installed.has(key)) continue;
      this.#installed.set(key, locator);
      this.#batch.add({ type: "set-node", locator });
    }
    if (keepOthers) return;
    this.#compared = true;
    for (const [key, locator] of this.#installed) {
      if (this.#wanted.has(key)) continue;
      this.#installed.delete(key);
      this.#batch.add({ type: "remove-node", locator });
    }
  }
}
