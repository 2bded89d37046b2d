import type { Ipv6Address, Ipv6Prefix } from "../../base/index.ts";
import type { AggregateEntry, NextHopIndex, PlannedNode } from "../../forwarding/index.ts";
import type { FillCapabilities } from "./capability-table.ts";
import type { PolicyMemory } from "./policy-table.ts";

/** The tables of a plan as the kernel shares them: mapped arrays and hashes. */
export interface TableMemory extends PolicyMemory {
  readonly capabilities: Uint8Array;
  readonly fillCapabilities: FillCapabilities;
  readonly groups: Uint8Array;
  readonly nextHops: Uint8Array;
  readonly encapsulations: Uint8Array;
  readonly nodes: NodeStore;
  readonly aggregates: AggregateStore;
}

/** Prefixes of capability addresses, of which the pass finds the longest. */
export interface AggregateStore {
  /** Notes those that an earlier process has left, one a step. Before all else. */
  takeOver(): Generator<void>;
  readonly size: number;
  get(prefix: Ipv6Prefix): AggregateEntry | undefined;
  longest(address: Ipv6Address): AggregateEntry | undefined;
  all(): IterableIterator<AggregateEntry>;
  /** Also one that is there. */
  set(entry: AggregateEntry): void;
  delete(prefix: Ipv6Prefix): void;
}

/** The known routers, by locator. */
export interface NodeStore {
  get(locator: Ipv6Address): PlannedNode | undefined;
  /** Also one that is there, with the tunnel to it (0: none). False when there is no room. */
  set(node: PlannedNode, tunnel: NextHopIndex): boolean;
  delete(locator: Ipv6Address): void;
  /** Read as they are asked for. */
  all(): IterableIterator<PlannedNode>;
}
