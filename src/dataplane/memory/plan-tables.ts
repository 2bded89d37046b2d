import { formatIpv6Prefix, type Ipv6Address, type Ipv6Prefix, prefixContains, toHex } from "../../base/index.ts";
import {
  type AggregateEntry,
  type CapabilityEntry,
  GROUP_SLOTS,
  type GroupIndex,
  type HeldPlan,
  inBatches,
  inWords,
  type NextHop,
  type NextHopIndex,
  type NextHopState,
  type Operation,
  type PlannedGroup,
  type PlannedNextHop,
  type PlannedNode,
  type PlanSnapshot,
  type Policy,
  type PolicyIndex,
  type SlotOwner,
  type TunnelNextHop,
} from "../../forwarding/index.ts";
import { tableFull } from "../error.ts";
import { checkOperation, type TableView } from "../operation.ts";
import { type TableSizes, tableSizes } from "../sizes.ts";
import type { GroupEntry, NextHopEntry, PassPlan } from "./outcome.ts";

/** The tables that a plan fills, in plain structures: what `dataplane/README.md` says about them and nothing else. */
export class PlanTables implements TableView, PassPlan {
  readonly domain: Ipv6Prefix;
  readonly sizes: TableSizes;
  readonly #maxCapabilities: number;
  readonly #nextHops = new Map<NextHopIndex, NextHopEntry>();
  readonly #groups = new Map<GroupIndex, GroupEntry>();
  readonly #capabilities = new Map<string, CapabilityEntry>();
  readonly #nodes = new Map<string, PlannedNode>();
  /** By their text. */
  readonly #aggregates = new Map<string, AggregateEntry>();
  readonly #nextHopUses = new Map<NextHopIndex, number>();
  readonly #groupUses = new Map<GroupIndex, number>();
  readonly #policies = new Map<PolicyIndex, Policy>();
  readonly #ofTenants = new Map<number, PolicyIndex>();
  #pairs = 0;
  readonly #policyUses = new Map<PolicyIndex, number>();
  readonly #generations = new Map<NextHopIndex, number>();

  constructor(domain: Ipv6Prefix, maxCapabilities: number) {
    this.domain = domain;
    this.sizes = tableSizes(maxCapabilities);
    this.#maxCapabilities = maxCapabilities;
  }

  nextHop(index: NextHopIndex): NextHop | undefined {
    return this.#nextHops.get(index)?.nextHop;
  }

  nextHopEntry(index: NextHopIndex): NextHopEntry | undefined {
    return this.#nextHops.get(index);
  }

  nextHopIndexes(): MapIterator<NextHopIndex> {
    return this.#nextHops.keys();
  }

  nextHopUses(index: NextHopIndex): number {
    return this.#nextHopUses.get(index) ?? 0;
  }

  hasGroup(index: GroupIndex): boolean {
    return this.#groups.has(index);
  }

  groupEntry(index: GroupIndex): GroupEntry | undefined {
    return this.#groups.get(index);
  }

  groupUses(index: GroupIndex): number {
    return this.#groupUses.get(index) ?? 0;
  }

  capability(address: Ipv6Address): CapabilityEntry | undefined {
    return this.#capabilities.get(toHex(address));
  }

  groupIndexes(): MapIterator<GroupIndex> {
    return this.#groups.keys();
  }

  hasNode(locator: Ipv6Address): boolean {
    return this.#nodes.has(toHex(locator));
  }

  node(locator: Ipv6Address): PlannedNode | undefined {
    return this.#nodes.get(toHex(locator));
  }

  aggregateAt(prefix: Ipv6Prefix): AggregateEntry | undefined {
    return this.#aggregates.get(formatIpv6Prefix(prefix));
  }

  /** The longest prefix of an address. */
  aggregate(address: Ipv6Address): AggregateEntry | undefined {
    return this.#aggregates
      .values()
      .filter(({ prefix }) => prefixContains(prefix, address))
      .reduce<AggregateEntry | undefined>(
        (longest, other) => (longest !== undefined && longest.prefix.length > other.prefix.length ? longest : other),
        undefined,
      );
  }

  get aggregates(): number {
    return this.#aggregates.size;
  }

  plannedAggregates(): MapIterator<AggregateEntry> {
    return this.#aggregates.values();
  }

  encapsulations(): number {
    const wrapped = ({ nextHop }: NextHopEntry): boolean =>
      nextHop.kind === "tunnel" && nextHop.encapsulation !== undefined;
    return this.#nextHops.values().filter(wrapped).toArray().length;
  }

  policy(index: PolicyIndex): Policy | undefined {
    return this.#policies.get(index);
  }

  policyIndexes(): MapIterator<PolicyIndex> {
    return this.#policies.keys();
  }

  plannedPolicies(): MapIterator<[PolicyIndex, Policy]> {
    return this.#policies.entries();
  }

  policyUses(index: PolicyIndex): number {
    return this.#policyUses.get(index) ?? 0;
  }

  policyOfTenant(tenantIndex: number): PolicyIndex {
    return this.#ofTenants.get(tenantIndex) ?? 0;
  }

  isAllowed(index: PolicyIndex, tenantIndex: number): boolean {
    return this.#policies.get(index)?.allowed.includes(tenantIndex) === true;
  }

  get allowedPairs(): number {
    return this.#pairs;
  }

  #setPolicy(index: PolicyIndex, policy: Policy | undefined): void {
    const before = this.#policies.get(index);
    this.#pairs += (policy?.allowed.length ?? 0) - (before?.allowed.length ?? 0);
    if (before?.use === "tenant") this.#ofTenants.delete(before.tenantIndex);
    if (policy?.use === "tenant") this.#ofTenants.set(policy.tenantIndex, index);
    if (policy === undefined) this.#policies.delete(index);
    else this.#policies.set(index, policy);
  }

  /** @throws {DataplaneError} `dataplane.bad-operation`, `dataplane.table-full`; nothing has changed then. */
  apply(operation: Operation, position: number): void {
    checkOperation(operation, position, this);
    switch (operation.type) {
      case "set-next-hop":
        this.#setNextHop(operation.index, operation.nextHop, operation.state);
        break;
      case "set-next-hop-state":
        this.setState(operation.index, operation.state);
        break;
      case "set-encapsulation": {
        const { nextHop, ...entry } = this.#nextHops.get(operation.index)!;
        const { locator } = nextHop as TunnelNextHop;
        const { encapsulation } = operation;
        const wrapped = { kind: "tunnel", locator, ...(encapsulation === undefined ? {} : { encapsulation }) } as const;
        this.#nextHops.set(operation.index, { ...entry, nextHop: wrapped });
        break;
      }
      case "remove-next-hop":
        this.#nextHops.delete(operation.index);
        break;
      case "set-slots":
        this.#setSlots(operation.group, operation.slots, operation.backup);
        break;
      case "remove-group":
        this.#countNextHops(this.#groups.get(operation.group)!, -1);
        this.#groups.delete(operation.group);
        break;
      case "set-policy":
        this.#setPolicy(operation.index, operation.policy);
        break;
      case "remove-policy":
        this.#setPolicy(operation.index, undefined);
        break;
      case "set-capability":
        this.#setCapability(operation.entry, position);
        break;
      case "remove-capability": {
        const key = toHex(operation.address);
        this.#countGroups(this.#capabilities.get(key)!, -1);
        this.#capabilities.delete(key);
        break;
      }
      case "set-aggregate":
        this.#setAggregate(formatIpv6Prefix(operation.aggregate.prefix), operation.aggregate);
        break;
      case "remove-aggregate":
        this.#setAggregate(formatIpv6Prefix(operation.prefix), undefined);
        break;
      case "set-node":
        if (!this.hasNode(operation.locator) && this.#nodes.size >= this.sizes.nodes)
          throw tableFull("nodes", this.sizes.nodes, position);
        this.#nodes.set(toHex(operation.locator), plannedNode(operation));
        break;
      case "remove-node":
        this.#nodes.delete(toHex(operation.locator));
        break;
    }
  }

  setState(index: NextHopIndex, state: NextHopState): void {
    const entry = this.#nextHops.get(index);
    if (entry === undefined) throw new RangeError(`there is no next hop ${index}`);
    this.#nextHops.set(index, { ...entry, state });
  }

  plannedNextHop(index: NextHopIndex): PlannedNextHop | undefined {
    const entry = this.#nextHops.get(index);
    return entry && { nextHop: entry.nextHop, state: entry.state };
  }

  *plannedNextHops(): Generator<readonly [NextHopIndex, PlannedNextHop]> {
    for (const [index, { nextHop, state }] of this.#nextHops) yield [index, { nextHop, state }];
  }

  plannedGroup(index: GroupIndex): PlannedGroup | undefined {
    return this.#groups.get(index);
  }

  plannedCapability(address: Ipv6Address): CapabilityEntry | undefined {
    return this.capability(address);
  }

  plannedPolicy(index: PolicyIndex): Policy | undefined {
    return this.policy(index);
  }

  *plannedCapabilities(): Generator<CapabilityEntry> {
    yield* this.#capabilities.values();
  }

  *plannedGroups(): Generator<readonly [GroupIndex, PlannedGroup]> {
    yield* this.#groups;
  }

  nodes(): MapIterator<PlannedNode> {
    return this.#nodes.values();
  }

  held(generation: number): HeldPlan {
    return {
      ...{ generation, nodes: this.nodes(), nextHops: this.plannedNextHops(), groups: inWords(this.#groups) },
      ...{ policies: this.plannedPolicies(), capabilities: inBatches(this.#capabilities.values()) },
      aggregates: this.plannedAggregates(),
    };
  }

  snapshot(generation: number): PlanSnapshot {
    return {
      generation,
      nextHops: new Map(this.#nextHops.entries().map(([index, { nextHop, state }]) => [index, { nextHop, state }])),
      groups: new Map(this.#groups),
      capabilities: new Map(this.#capabilities),
      nodes: [...this.#nodes.values()],
      aggregates: [...this.#aggregates.values()],
      policies: new Map(this.#policies),
    };
  }

  #setNextHop(index: NextHopIndex, nextHop: NextHop, state: NextHopState): void {
    const present = this.#nextHops.get(index);
    const generation = present?.generation ?? (this.#generations.get(index) ?? 0) + 1;
    this.#generations.set(index, generation);
    this.#nextHops.set(index, { nextHop, state, generation });
  }

  #setSlots(index: GroupIndex, changed: readonly SlotOwner[], backup: NextHopIndex): void {
    const present = this.#groups.get(index);
    const slots: SlotOwner[] = present
      ? [...present.slots]
      : Array.from({ length: GROUP_SLOTS }, (_, slot) => ({ slot, current: 0, previous: 0 }));
    for (const { slot, current, previous } of changed) slots[slot] = { slot, current, previous };
    const entry = { slots, backup };
    this.#countNextHops(entry, 1);
    if (present !== undefined) this.#countNextHops(present, -1);
    this.#groups.set(index, entry);
  }

  #setCapability(entry: CapabilityEntry, position: number): void {
    const key = toHex(entry.address);
    const present = this.#capabilities.get(key);
    if (present === undefined && this.#capabilities.size >= this.#maxCapabilities)
      throw tableFull("capabilities", this.#maxCapabilities, position);
    this.#countGroups(entry, 1);
    if (present !== undefined) this.#countGroups(present, -1);
    this.#capabilities.set(key, entry);
  }

  #setAggregate(key: string, entry: AggregateEntry | undefined): void {
    const present = this.#aggregates.get(key);
    if (entry !== undefined) this.#countGroups({ ...entry, localGroup: 0 }, 1);
    if (present !== undefined) this.#countGroups({ ...present, localGroup: 0 }, -1);
    if (entry === undefined) this.#aggregates.delete(key);
    else this.#aggregates.set(key, entry);
  }

  #countNextHops(group: GroupEntry, by: 1 | -1): void {
    for (const { current, previous } of group.slots) {
      count(this.#nextHopUses, current, by);
      count(this.#nextHopUses, previous, by);
    }
    count(this.#nextHopUses, group.backup, by);
  }

  #countGroups(entry: Omit<CapabilityEntry, "address">, by: 1 | -1): void {
    count(this.#groupUses, entry.group, by);
    count(this.#groupUses, entry.localGroup, by);
    if (entry.policy !== undefined) count(this.#policyUses, entry.policy, by);
  }
}

function plannedNode({ locator, vni }: PlannedNode): PlannedNode {
  return vni === undefined ? { locator } : { locator, vni };
}

function count(uses: Map<number, number>, index: number, by: 1 | -1): void {
  const left = (uses.get(index) ?? 0) + by;
  if (left === 0) uses.delete(index);
  else uses.set(index, left);
}
