import { formatIpv6Prefix, toHex } from "../../../src/base/index.ts";
import {
  type AggregateEntry,
  type CapabilityEntry,
  GROUP_SLOTS,
  type HeldPlan,
  type NextHop,
  type NextHopState,
  type Operation,
  ownersIn,
  type PlannedNode,
  type PlanSnapshot,
  type SlotOwner,
  type TunnelNextHop,
} from "../../../src/forwarding/index.ts";

/** What the tables should hold, as plain as can be: operations folded one after the other, nothing checked. */
export class Expected {
  generation = 0;
  readonly nextHops = new Map<number, { nextHop: NextHop; state: NextHopState }>();
  readonly groups = new Map<number, { slots: SlotOwner[]; backup: number }>();
  readonly capabilities = new Map<string, CapabilityEntry>();
  readonly nodes = new Map<string, PlannedNode>();
  readonly aggregates = new Map<string, AggregateEntry>();

  apply(operation: Operation): void {
    switch (operation.type) {
      case "set-next-hop":
        this.nextHops.set(operation.index, { nextHop: operation.nextHop, state: operation.state });
        break;
      case "set-next-hop-state":
        this.nextHops.set(operation.index, { ...this.nextHops.get(operation.index)!, state: operation.state });
        break;
      case "set-encapsulation": {
        const { nextHop, state } = this.nextHops.get(operation.index)!;
        const { kind, locator } = nextHop as TunnelNextHop;
        const { encapsulation } = operation;
        const wrapped = { kind, locator, ...(encapsulation === undefined ? {} : { encapsulation }) };
        this.nextHops.set(operation.index, { nextHop: wrapped, state });
        break;
      }
      case "remove-next-hop":
        this.nextHops.delete(operation.index);
        break;
      case "set-slots": {
        const none = Array.from({ length: GROUP_SLOTS }, (_, slot) => ({ slot, current: 0, previous: 0 }));
        const slots = this.groups.get(operation.group)?.slots ?? none;
        for (const owner of operation.slots) slots[owner.slot] = owner;
        this.groups.set(operation.group, { slots, backup: operation.backup });
        break;
      }
      case "remove-group":
        this.groups.delete(operation.group);
        break;
      case "set-capability":
        this.capabilities.set(toHex(operation.entry.address), operation.entry);
        break;
      case "remove-capability":
        this.capabilities.delete(toHex(operation.address));
        break;
      case "set-aggregate":
        this.aggregates.set(formatIpv6Prefix(operation.aggregate.prefix), operation.aggregate);
        break;
      case "remove-aggregate":
        this.aggregates.delete(formatIpv6Prefix(operation.prefix));
        break;
      case "set-node":
        this.nodes.set(toHex(operation.locator), operation);
        break;
      case "remove-node":
        this.nodes.delete(toHex(operation.locator));
        break;
    }
  }
}

/** The snapshot put together from a walk over what is held: what the next process adopts. */
export function walked(held: HeldPlan): PlanSnapshot {
  const groups = Iterator.from(held.groups).map(({ index, slots, backup }) => {
    return [index, { slots: ownersIn(slots), backup }] as const;
  });
  const capabilities = Iterator.from(held.capabilities).flatMap((batch) =>
    Array.from({ length: batch.length }, (_, at) => batch.entry(at)),
  );
  return {
    ...{ generation: held.generation, nextHops: new Map(held.nextHops), groups: new Map(groups) },
    capabilities: new Map(capabilities.map((entry) => [toHex(entry.address), entry])),
    ...{ nodes: [...held.nodes], aggregates: [...held.aggregates], policies: new Map(held.policies) },
  };
}

/** Plain data with a fixed order, so that two snapshots can be compared whatever order their driver keeps. */
export function comparable(snapshot: PlanSnapshot | Expected): unknown {
  const nodes = [...snapshot.nodes.values()].map(({ locator, vni }) => `${toHex(locator)} ${vni ?? ""}`);
  const aggregates = [...(snapshot.aggregates?.values() ?? [])];
  return {
    aggregates: sorted(new Map(aggregates.map((entry) => [formatIpv6Prefix(entry.prefix), entry]))),
    generation: snapshot.generation,
    nextHops: sorted(snapshot.nextHops),
    groups: sorted(snapshot.groups),
    capabilities: sorted(snapshot.capabilities),
    nodes: nodes.toSorted(),
  };
}

function sorted(map: ReadonlyMap<number | string, unknown>): unknown {
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? toHex(part) : part)));
  return Object.fromEntries([...map].map(([key, value]) => [key, plain(value)]));
}
