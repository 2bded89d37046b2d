import { type Ipv6Address, octetsEqual } from "../base/index.ts";
import type { NextHop, NextHopIndex } from "../forwarding/index.ts";

/** The tunnel to a router among the next hops of a table. */
export function findTunnel(
  tables: { nextHopIndexes(): Iterable<NextHopIndex>; nextHop(index: NextHopIndex): NextHop | undefined },
  locator: Ipv6Address,
): NextHopIndex | undefined {
  for (const index of tables.nextHopIndexes()) {
    const nextHop = tables.nextHop(index);
    if (nextHop?.kind === "tunnel" && octetsEqual(nextHop.locator, locator)) return index;
  }
  return undefined;
}
