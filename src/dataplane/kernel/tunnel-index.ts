import { type Ipv6Address, toHex } from "../../base/index.ts";
import type { NextHopIndex } from "../../forwarding/index.ts";

/** Which next hops are tunnels, and to whom: among tens of thousands of instances nobody looks for them one by one. */
export class TunnelIndex {
  /** By locator; mostly one. The lowest index first. */
  readonly #to = new Map<string, readonly NextHopIndex[]>();

  add(locator: Ipv6Address, index: NextHopIndex): void {
    const key = toHex(locator);
    const known = this.#to.get(key) ?? [];
    this.#to.set(
      key,
      [...known, index].sort((a, b) => a - b),
    );
  }

  /** One that was added. */
  delete(locator: Ipv6Address, index: NextHopIndex): void {
    const key = toHex(locator);
    const left = this.#to.get(key)!.filter((other) => other !== index);
    if (left.length > 0) this.#to.set(key, left);
    else this.#to.delete(key);
  }

  find(locator: Ipv6Address): NextHopIndex | undefined {
    return this.#to.get(toHex(locator))?.[0];
  }

  *all(): Generator<NextHopIndex> {
    for (const indexes of this.#to.values()) yield* indexes;
  }
}
