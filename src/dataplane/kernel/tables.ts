import { type Ipv6Address, type Ipv6Prefix, toHex } from "../../base/index.ts";
import {
  type AggregateEntry,
  type CapabilityBatch,
  type CapabilityEntry,
  GROUP_SLOTS,
  type GroupIndex,
  type GroupRun,
  type HeldPlan,
  type NextHop,
  type NextHopIndex,
  type NextHopState,
  type Operation,
  ownersIn,
  type PlannedGroup,
  type PlannedNextHop,
  type PlannedNode,
  type PlanSnapshot,
  type Policy,
  type PolicyIndex,
} from "../../forwarding/index.ts";
import { tableFull } from "../error.ts";
import type { GroupEntry, NextHopEntry, PassPlan } from "../memory/outcome.ts";
import { checkOperation, type TableView } from "../operation.ts";
import type { TableSizes } from "../sizes.ts";
import { areThere, firstWrong } from "./batch-checks.ts";
import { CapabilityTable } from "./capability-table.ts";
import type { IndexesInUse } from "./counter-rows.ts";
import { EncapsulationTable } from "./encapsulation-table.ts";
import { GroupTable } from "./group-table.ts";
import { NextHopTable } from "./next-hop-table.ts";
import { PolicyTable } from "./policy-table.ts";
import type { AggregateStore, NodeStore, TableMemory } from "./table-memory.ts";
import { UseCounts } from "./use-counts.ts";

/**
 * Carries operations out in the tables. They are the only copy of the plan: what is there when it starts is taken over, and
 * only how often an index is named is counted beside them.
 */
export class KernelTables implements TableView, PassPlan {
  readonly domain: Ipv6Prefix;
  readonly sizes: TableSizes;
  readonly #maxCapabilities: number;
  readonly #capabilities: CapabilityTable;
  readonly #groups: GroupTable;
  readonly #nextHops: NextHopTable;
  readonly #nodes: NodeStore;
  readonly #aggregates: AggregateStore;
  readonly #encapsulations: EncapsulationTable;
  readonly #policies: PolicyTable;
  readonly #uses: UseCounts;

  constructor(memory: TableMemory, domain: Ipv6Prefix, sizes: TableSizes, maxCapabilities: number) {
    this.domain = domain;
    this.sizes = sizes;
    this.#maxCapabilities = maxCapabilities;
    this.#capabilities = new CapabilityTable(memory.capabilities, memory.fillCapabilities);
    this.#groups = new GroupTable(memory.groups);
    this.#encapsulations = new EncapsulationTable(memory.encapsulations);
    this.#nextHops = new NextHopTable(memory.nextHops, this.#encapsulations);
    this.#nodes = memory.nodes;
    this.#aggregates = memory.aggregates;
    this.#policies = new PolicyTable(memory);
    this.#uses = new UseCounts(sizes);
  }

  /** Notes what an earlier process has left there, in small steps; to be walked to its end before all else. */
  *takeOver(): Generator<void> {
    const uses = this.#uses;
    yield* this.#nextHops.takeOver();
    yield* this.#policies.takeOver();
    yield* this.#capabilities.takeOver((group, localGroup, policy) => uses.addEntry(group, localGroup, policy));
    yield* this.#aggregates.takeOver();
    for (const aggregate of this.#aggregates.all()) uses.countEntry(aggregate, 1);
    yield* this.#groups.takeOver((slots, first, backup) => uses.addGroup(slots, first, backup));
  }

  nextHop(index: NextHopIndex): NextHop | undefined {
    return this.#nextHops.get(index);
  }

  nextHopEntry(index: NextHopIndex): NextHopEntry | undefined {
    const nextHop = this.nextHop(index);
    return nextHop && { nextHop, state: this.#nextHops.state(index), generation: this.#nextHops.generation(index) };
  }

  nextHopIndexes(): IndexesInUse {
    return this.#nextHops;
  }

  /** The tunnel to a router, and all of them. */
  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return this.#nextHops.tunnelTo(locator);
  }

  *tunnels(): Generator<readonly [NextHopIndex, Extract<NextHop, { kind: "tunnel" }>]> {
    for (const index of this.#nextHops.tunnels()) {
      const nextHop = this.nextHop(index);
      if (nextHop?.kind === "tunnel") yield [index, nextHop];
    }
  }

  nextHopUses(index: NextHopIndex): number {
    return this.#uses.ofNextHop(index);
  }

  hasGroup(index: GroupIndex): boolean {
    return this.#groups.has(index);
  }

  groupEntry(index: GroupIndex): GroupEntry | undefined {
    return this.#groups.get(index);
  }

  groupUses(index: GroupIndex): number {
    return this.#uses.ofGroup(index);
  }

  capability(address: Ipv6Address): CapabilityEntry | undefined {
    const groups = this.#capabilities.get(address);
    return groups && { address, ...groups };
  }

  policy(index: PolicyIndex): Policy | undefined {
    return this.#policies.get(index);
  }

  policyIndexes(): IndexesInUse {
    return this.#policies;
  }

  policyTenants(): Iterable<number> {
    return this.#policies.tenants();
  }

  policyUses(index: PolicyIndex): number {
    return this.#uses.ofPolicy(index);
  }

  policyOfTenant(tenantIndex: number): PolicyIndex {
    return this.#policies.ofTenant(tenantIndex);
  }

  get allowedPairs(): number {
    return this.#policies.pairs;
  }

  isAllowed(index: PolicyIndex, tenantIndex: number): boolean {
    return this.#policies.isAllowed(index, tenantIndex);
  }

  /** What of a policy's rates is left at the moment `now` of the monotonic clock, in nanoseconds. */
  left(index: PolicyIndex, now: bigint): { readonly packets: number; readonly octets: number } {
    return this.#policies.left(index, now);
  }

  hasNode(locator: Ipv6Address): boolean {
    return this.#nodes.get(locator) !== undefined;
  }

  node(locator: Ipv6Address): PlannedNode | undefined {
    return this.#nodes.get(locator);
  }

  aggregateAt(prefix: Ipv6Prefix): AggregateEntry | undefined {
    return this.#aggregates.get(prefix);
  }

  aggregate(address: Ipv6Address): AggregateEntry | undefined {
    return this.#aggregates.longest(address);
  }

  get aggregates(): number {
    return this.#aggregates.size;
  }

  plannedAggregates(): IterableIterator<AggregateEntry> {
    return this.#aggregates.all();
  }

  encapsulations(): number {
    return this.#encapsulations.used;
  }

  get generation(): number {
    return this.#groups.generation;
  }

  set generation(generation: number) {
    this.#groups.generation = generation;
  }

  /** @throws {DataplaneError} `dataplane.bad-operation`, `dataplane.table-full`; nothing has changed then. */
  apply(operation: Operation, position: number): void {
    checkOperation(operation, position, this);
    switch (operation.type) {
      case "set-next-hop":
        if (this.nextHop(operation.index) === undefined) {
          this.#nextHops.add(operation.index, operation.nextHop, operation.state);
          this.#tellNode(operation.nextHop, operation.index);
        } else this.#nextHops.setState(operation.index, operation.state);
        break;
      case "set-next-hop-state":
        this.#nextHops.setState(operation.index, operation.state);
        break;
      case "set-encapsulation":
        this.#nextHops.setEncapsulation(operation.index, operation.encapsulation);
        break;
      case "remove-next-hop":
        this.#tellNode(this.nextHop(operation.index)!, 0);
        this.#nextHops.delete(operation.index);
        break;
      case "set-slots":
        this.#recount(operation.group, () => this.#groups.set(operation.group, operation.slots, operation.backup));
        break;
      case "remove-group":
        this.#recount(operation.group, () => this.#groups.delete(operation.group));
        break;
      case "set-policy":
        this.#policies.set(operation.index, operation.policy);
        break;
      case "remove-policy":
        this.#policies.delete(operation.index);
        break;
      case "set-capability":
        this.#setCapability(operation.entry, position);
        break;
      case "remove-capability":
        this.#uses.countEntry(this.#capabilities.get(operation.address)!, -1);
        this.#capabilities.delete(operation.address);
        break;
      case "set-aggregate":
        this.#setAggregate(operation.aggregate.prefix, operation.aggregate);
        break;
      case "remove-aggregate":
        this.#setAggregate(operation.prefix, undefined);
        break;
      case "set-node":
        if (!this.#nodes.set(operation, this.tunnelTo(operation.locator) ?? 0))
          throw tableFull("nodes", this.sizes.nodes, position);
        break;
      case "remove-node":
        this.#nodes.delete(operation.locator);
        break;
    }
  }

  /** @throws {DataplaneError} as `apply` with a set-capability of each; those before the one that is named are in effect then. */
  fill(batch: CapabilityBatch): void {
    const { length } = batch;
    const good = firstWrong(batch, { domain: this.domain, groups: this.#groups, policies: this.#policies });
    // What was taken over may be more than there may be now
    const room = Math.max(0, this.#maxCapabilities - this.#capabilities.size);
    const { end, replaced } = this.#capabilities.fill(batch, 0, good, room);
    this.#uses.addEntries(batch, end);
    this.#uses.dropEntries(replaced);
    // One by one: throws for the one that is wrong, or has no room
    for (let at = end; at < length; at++) this.apply({ type: "set-capability", entry: batch.entry(at) }, at);
  }

  /** @throws {DataplaneError} as `apply` with a set-slots of each; those before the one that is named are in effect then. */
  setGroups({ count, groups, slots, backups }: GroupRun): void {
    for (let at = 0; at < count; at++) {
      const [index, first, backup] = [groups[at]!, at * GROUP_SLOTS, backups[at]!];
      const isNew = index > 0 && index < this.sizes.groups && !this.#groups.has(index);
      if (!isNew || !areThere(this.#nextHops, slots, first, backup)) {
        // Another way to say it, and why not
        this.apply({ type: "set-slots", group: index, slots: ownersIn(slots, first), backup }, at);
        continue;
      }
      this.#groups.add(index, slots, first, backup);
      this.#uses.addGroup(slots, first, backup);
    }
  }

  /** Whose heartbeats are for which next hop. */
  #tellNode(nextHop: NextHop, index: NextHopIndex): void {
    const node = nextHop.kind === "tunnel" ? this.node(nextHop.locator) : undefined;
    if (node !== undefined) this.#nodes.set(node, index);
  }

  /** @throws {RangeError} when there is no such next hop. */
  setState(index: NextHopIndex, state: NextHopState): void {
    if (this.nextHop(index) === undefined) throw new RangeError(`there is no next hop ${index}`);
    this.#nextHops.setState(index, state);
  }

  plannedNextHop(index: NextHopIndex): PlannedNextHop | undefined {
    const nextHop = this.nextHop(index);
    return nextHop && { nextHop, state: this.#nextHops.state(index) };
  }

  *plannedNextHops(): Generator<readonly [NextHopIndex, PlannedNextHop]> {
    for (const index of this.#nextHops) {
      const planned = this.plannedNextHop(index);
      if (planned !== undefined) yield [index, planned];
    }
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

  *plannedGroups(): Generator<readonly [GroupIndex, PlannedGroup]> {
    for (const index of this.#groups.indexes()) yield [index, this.#groups.get(index)!];
  }

  *plannedPolicies(): Generator<readonly [PolicyIndex, Policy]> {
    for (const index of this.#policies) yield [index, this.#policies.get(index)!];
  }

  *plannedCapabilities(): Generator<CapabilityEntry> {
    for (const [address, groups] of this.#capabilities.entries(this.domain.address)) yield { address, ...groups };
  }

  held(): HeldPlan {
    return {
      ...{ generation: this.generation, nodes: this.#nodes.all(), nextHops: this.plannedNextHops() },
      ...{ groups: this.#groups.held(), policies: this.plannedPolicies() },
      capabilities: this.#capabilities.held(this.domain.address),
      aggregates: this.#aggregates.all(),
    };
  }

  snapshot(): PlanSnapshot {
    const capabilities = this.plannedCapabilities().map((entry) => [toHex(entry.address), entry] as const);
    return {
      ...{ generation: this.generation, nodes: [...this.#nodes.all()], aggregates: [...this.#aggregates.all()] },
      ...{ nextHops: new Map(this.plannedNextHops()), groups: new Map(this.plannedGroups()) },
      ...{ policies: new Map(this.plannedPolicies()), capabilities: new Map(capabilities) },
    };
  }

  #setCapability(entry: CapabilityEntry, position: number): void {
    const present = this.#capabilities.get(entry.address);
    if (present === undefined && this.#capabilities.size >= this.#maxCapabilities)
      throw tableFull("capabilities", this.#maxCapabilities, position);
    if (!this.#capabilities.set(entry.address, entry))
      throw tableFull("capabilities", this.#capabilities.size, position);
    this.#uses.countEntry(entry, 1);
    if (present !== undefined) this.#uses.countEntry(present, -1);
  }

  #setAggregate(prefix: Ipv6Prefix, entry: AggregateEntry | undefined): void {
    const present = this.#aggregates.get(prefix);
    if (entry === undefined) this.#aggregates.delete(prefix);
    else this.#aggregates.set(entry);
    if (entry !== undefined) this.#uses.countEntry(entry, 1);
    if (present !== undefined) this.#uses.countEntry(present, -1);
  }

  /** Keeps the counts right over a change of a group. */
  #recount(index: GroupIndex, change: () => void): void {
    const before = this.#groups.get(index);
    change();
    const after = this.#groups.get(index);
    if (after !== undefined) this.#uses.countGroup(after, 1);
    if (before !== undefined) this.#uses.countGroup(before, -1);
  }
}
