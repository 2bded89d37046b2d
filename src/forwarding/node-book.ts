import { type Ipv6Address, toHex } from "../base/index.ts";
import type { OperationBatch } from "./operation-batch.ts";

/** The routers from which encapsulated packets are accepted. */
export class NodeBook {
  readonly #batch: OperationBatch;
  readonly #installed = new Map<string, Ipv6Address>();
  #wanted: ReadonlySet<string> | undefined;

  constructor(batch: OperationBatch) {
    this.#batch = batch;
  }

  adopt(locators: readonly Ipv6Address[]): void {
    for (const locator of locators) this.#installed.set(toHex(locator), locator);
  }

  set(locators: readonly Ipv6Address[], { keepOthers }: { readonly keepOthers: boolean }): void {
    this.#wanted = new Set(locators.map(toHex));
    for (const locator of locators) {
      const key = toHex(locator);
      if (this.#installed.has(key)) continue;
      this.#installed.set(key, locator);
      this.#batch.add({ type: "set-node", locator });
    }
    if (!keepOthers) this.converged();
  }

  /** Removes what was not in the latest list; nothing when there has been none. */
  converged(): void {
    for (const [key, locator] of this.#installed) {
      if (this.#wanted?.has(key) !== false) continue;
      this.#installed.delete(key);
      this.#batch.add({ type: "remove-node", locator });
    }
  }
}
