import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  type Clock,
  capabilityAddress,
  capabilityFamily,
  capabilityId,
  formatIpv6,
  hashedFamilyCode,
  type Ipv6Address,
  type Log,
  type Metrics,
  toHex,
} from "../base/index.ts";
import type { Instance, InstanceState } from "../directory/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import { CapabilityPlan, type EntryPlan, type Side } from "./capability-plan.ts";
import { EntryTable } from "./entry-table.ts";
import { Fulfilment } from "./fulfilment.ts";
import { contentOf } from "./group-content.ts";
import { GroupTable } from "./group-table.ts";
import type { CompilerOptions, KnownCapability, Tunnel } from "./inputs.ts";
import { InstanceBook } from "./instance-book.ts";
import { NextHopTable, nextHopKey } from "./next-hop-table.ts";
import { NodeBook } from "./node-book.ts";
import { OperationBatch } from "./operation-batch.ts";
import type { NextHopIndex, OperationSink, PlanSnapshot } from "./plan.ts";
import { PolicyBook } from "./policy-book.ts";
import { type RefusalCount, Reports } from "./reports.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { WorkQueue } from "./work-queue.ts";

export interface CompilerParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly sink: OperationSink;
}

/**
 * Turns what the RIB decided and what the directory knows into a plan, and every change into ordered operations.
 *
 * One changed capability or instance costs work for that capability alone. Work is done on later turns, in slices; what
 * must not wait, the state of a next hop, is carried out at once. What the sink throws is not caught: the plan and the
 * data plane have parted then, and a restart brings them together again (`adopt`).
 */
export class Compiler implements Disposable {
  #options: CompilerOptions;
  readonly #clock: Clock;
  readonly #sink: OperationSink;
  readonly #reports: Reports;
  readonly #batch = new OperationBatch();
  readonly #nextHops: NextHopTable;
  readonly #groups: GroupTable;
  readonly #instances: InstanceBook;
  readonly #nodes: NodeBook;
  readonly #policies: PolicyBook;
  readonly #entries: EntryTable;
  readonly #fulfilment: Fulfilment;
  readonly #plans = new Map<string, CapabilityPlan>();
  readonly #ofTenants = new Map<number, Set<CapabilityPlan>>();
  readonly #work: WorkQueue;
  #generation = 0;
  #taxonomy = 0;
  #adopting = false;

  constructor(options: CompilerOptions, parts: CompilerParts) {
    const { clock } = parts;
    const { limits, quarantine, transitionHold } = options;
    const batch = this.#batch;
    this.#work = new WorkQueue({
      clock,
      compile: (plan) => {
        if (!this.#fulfilment.fulfil(plan, this.#adopting)) this.#forget(plan);
      },
      sliceDone: () => this.#carryOut(),
      sink: parts.sink,
    });
    this.#options = options;
    this.#clock = clock;
    this.#sink = parts.sink;
    this.#reports = new Reports(parts.metrics, parts.log);
    this.#nextHops = new NextHopTable(limits.nextHops, quarantine, batch);
    const revisit = (side: Side): void => {
      if (side.entry.owner !== undefined) this.#work.touch(side.entry.owner);
    };
    this.#groups = new GroupTable({
      ...{ limit: limits.groups, quarantine, transitionHold, clock, batch, nextHops: this.#nextHops },
      revisit: (user) => revisit(user as Side),
      changed: () => this.#work.schedule(),
    });
    this.#policies = new PolicyBook({
      limits: {
        policies: limits.policies ?? Number.POSITIVE_INFINITY,
        allowed: limits.allowed ?? Number.POSITIVE_INFINITY,
      },
      ...{ quarantine, clock, batch, reports: this.#reports },
    });
    this.#entries = new EntryTable(limits.capabilities, this.#groups, this.#policies, batch, this.#reports);
    this.#instances = new InstanceBook(this.#nextHops, clock, batch);
    this.#nodes = new NodeBook(batch);
    this.#fulfilment = new Fulfilment({
      ...{ hashSeed: options.hashSeed, clock, reports: this.#reports, entries: this.#entries },
      ...{ groups: this.#groups, nextHops: this.#nextHops, instances: this.#instances, policies: this.#policies },
    });
  }

  /** What had no place in the plan since the start. */
  get refusals(): readonly RefusalCount[] {
    return this.#reports.refusals;
  }

  /** Entries of the plan's tables. */
  get sizes(): { readonly capabilities: number; readonly groups: number; readonly nextHops: number } {
    return { capabilities: this.#entries.installed, groups: this.#groups.size, nextHops: this.#nextHops.size };
  }

  /** Work that is still to be done; 0 when the data plane has the whole plan. */
  get pending(): number {
    return this.#work.size + (this.#batch.isEmpty ? 0 : 1);
  }

  /**
   * Starts from what the data plane holds instead of nothing. Before any other input. Until `converged`, nothing is
   * removed or emptied, but what is known to be gone: a site whose route came and went, an instance found down or removed.
   */
  adopt(snapshot: PlanSnapshot): void {
    this.#adopting = true;
    this.#generation = snapshot.generation;
    for (const [index, { nextHop, state }] of snapshot.nextHops) this.#nextHops.adopt(index, nextHop, state);
    const present = (index: NextHopIndex): NextHopIndex => (snapshot.nextHops.has(index) ? index : 0);
    for (const [index, { slots, backup }] of snapshot.groups) {
      const known = slots.map(({ slot, current, previous }) => ({
        ...{ slot, current: present(current), previous: present(previous) },
      }));
      this.#groups.adopt(index, contentOf(known, present(backup)));
    }
    for (const [index, policy] of snapshot.policies ?? []) this.#policies.adopt(index, policy);
    for (const installed of snapshot.capabilities.values()) this.#entries.adopt(installed);
    this.#nodes.adopt(snapshot.nodes);
  }

  /** Routes and agents are back, or were given up: from here on what nobody asks for is removed. */
  converged(): void {
    if (!this.#adopting) return;
    this.#adopting = false;
    this.#work.addJob(this.#removeUnclaimed());
  }

  *#removeUnclaimed(): Generator<void> {
    for (const plan of this.#plans.values()) {
      plan.seen.clear();
      this.#work.mark(plan);
      yield;
    }
    for (const entry of this.#entries.all()) {
      if (entry.owner === undefined) this.#entries.remove(entry);
      yield;
    }
  }

  /** All capabilities that exist, whoever serves them; replaces the list given before. */
  taxonomy(capabilities: Iterable<KnownCapability>): void {
    this.#taxonomy++;
    this.#work.addJob(this.#takeTaxonomy(capabilities, this.#taxonomy));
  }

  *#takeTaxonomy(capabilities: Iterable<KnownCapability>, number: number): Generator<void> {
    for (const { tenantIndex, name, majorVersion, affinity } of capabilities) {
      const plan = this.#plan(tenantIndex, capabilityId(name, majorVersion), name);
      plan.taxonomy = number;
      plan.affinity = affinity;
      this.#work.mark(plan);
      yield;
    }
    for (const plan of this.#plans.values()) {
      if (plan.taxonomy !== 0 && plan.taxonomy < number) {
        plan.taxonomy = 0;
        plan.affinity = undefined;
        this.#work.mark(plan);
      }
      yield;
    }
  }

  /**
   * What names stand for from now on: indexes of tenants, codes of families. Those that something is planned for must stay
   * what they were.
   */
  numbers(numbers: Pick<CompilerOptions, "tenants" | "familyCodes">): void {
    this.#options = { ...this.#options, ...numbers };
  }

  /** What is configured for each tenant; replaces what was given before. Only tenants for which that differs cost work. */
  policies(tenants: readonly TenantPolicy[]): void {
    this.#work.addJob(this.#takePolicies(tenants));
  }

  *#takePolicies(tenants: readonly TenantPolicy[]): Generator<void> {
    for (const tenant of tenants) {
      if (this.#policies.take(tenant)) yield* this.#markTenant(tenant.tenantIndex);
      yield;
    }
    const known = new Set(tenants.map(({ tenantIndex }) => tenantIndex));
    for (const tenantIndex of this.#policies.dropOthers(known)) yield* this.#markTenant(tenantIndex);
  }

  *#markTenant(tenantIndex: number): Generator<void> {
    for (const plan of this.#ofTenants.get(tenantIndex) ?? []) {
      this.#work.mark(plan);
      yield;
    }
  }

  /** The routers from which encapsulated packets are accepted; replaces those given before. */
  nodes(locators: readonly Ipv6Address[]): void {
    const accepted = this.#nodes.set(locators, this.#options.locator);
    for (const locator of locators) {
      if (!accepted.has(locator)) this.#reports.refuse("locator-collision", { locator: formatIpv6(locator) });
    }
    this.#work.schedule();
  }

  /** How other routers are reached; replaces those given before. After `adopt`. */
  tunnels(tunnels: readonly Tunnel[]): void {
    const by = <T>(value: (tunnel: Tunnel) => T | undefined): ReadonlyMap<string, T> =>
      new Map(
        tunnels.flatMap((tunnel) => {
          const found = value(tunnel);
          return found === undefined ? [] : [[toHex(tunnel.locator), found] as const];
        }),
      );
    this.#nextHops.encapsulate(by(({ encapsulation }) => encapsulation));
    this.#nodes.setNetworks(by(({ vni }) => vni));
    this.#work.schedule();
  }

  /** A selection of the RIB, as `drainDestinations` hands them out. Nothing of it is kept. */
  capabilityChanged(selection: CapabilitySelection): void {
    const key = planKey(selection.tenantIndex, selection.capabilityId);
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      if (selection.candidates.length === 0) return;
      if (selection.name === undefined) {
        this.#reports.refuse("unnamed", { tenantIndex: selection.tenantIndex, capability: key });
        return;
      }
      plan = this.#plan(selection.tenantIndex, selection.capabilityId, selection.name);
    }
    if (this.#adopting) for (const { nextHop } of plan.sites) plan.seen.add(nextHopKey(nextHop));
    plan.take(selection, this.#options.locator);
    this.#work.touch(plan);
  }

  /** Also for one that is known: then it is the new record. */
  instanceAdded(instance: Instance, state: InstanceState): void {
    const tenantIndex = this.#options.tenants.get(instance.tenant);
    if (tenantIndex === undefined) {
      this.#reports.refuse("unknown-tenant", { tenant: instance.tenant, instance: instance.id });
      return;
    }
    const plan = this.#plan(
      tenantIndex,
      capabilityId(instance.capability, instance.version.major),
      instance.capability,
    );
    const member = this.#instances.put(plan, instance, this.#believed(instance, state));
    if (member.index === 0) this.#reports.refuse("next-hops-full", { instance: instance.id });
    this.#carryOutNow();
    this.#work.touch(plan);
  }

  instanceChanged(instance: Instance, state: InstanceState): void {
    this.instanceAdded(instance, state);
  }

  instanceRemoved(instance: Instance): void {
    const plan = this.#instances.remove(instance.id);
    if (plan === undefined) return;
    this.#carryOutNow();
    this.#work.touch(plan);
  }

  /** The fast path: the next hop's state is carried out before this returns, the slots follow. */
  instanceState(id: string, state: InstanceState): void {
    const plan = this.#instances.setState(id, state);
    if (plan === undefined) return;
    this.#carryOutNow();
    this.#work.touch(plan);
  }

  /** After a restart a checked instance has not been probed yet: what the data plane holds is the better guess. */
  #believed(instance: Instance, state: InstanceState): InstanceState {
    const probed = instance.check === undefined || instance.health.state !== "unknown";
    if (!this.#adopting || probed || instance.adminState === "down") return state;
    return this.#instances.heldState(instance) ?? state;
  }

  #plan(tenantIndex: number, id: CapabilityId, name: CapabilityName): CapabilityPlan {
    const key = planKey(tenantIndex, id);
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const any = this.#claim(tenantIndex, id, name, ANY_SITE);
    const own = this.#claim(tenantIndex, id, name, this.#options.selector);
    const plan = new CapabilityPlan(key, { tenantIndex, capabilityId: id, name }, any, own);
    for (const entry of [any, own]) if (entry !== undefined) entry.owner = plan;
    if (any !== undefined && own !== undefined) this.#entries.shareInstances(own, any);
    this.#plans.set(key, plan);
    const siblings = this.#ofTenants.get(tenantIndex);
    if (siblings === undefined) this.#ofTenants.set(tenantIndex, new Set([plan]));
    else siblings.add(plan);
    return plan;
  }

  #forget(plan: CapabilityPlan): void {
    this.#plans.delete(plan.key);
    const siblings = this.#ofTenants.get(plan.tenantIndex);
    siblings?.delete(plan);
    if (siblings?.size === 0) this.#ofTenants.delete(plan.tenantIndex);
  }

  #claim(tenantIndex: number, id: CapabilityId, name: CapabilityName, selector: number): EntryPlan | undefined {
    const { domain, familyCodes } = this.#options;
    const family = capabilityFamily(name);
    const familyCode = familyCodes.get(family) ?? hashedFamilyCode(family);
    const entry = this.#entries.at(capabilityAddress({ domain, tenantIndex, familyCode, capabilityId: id, selector }));
    if (entry.owner === undefined) return entry;
    this.#reports.refuse("address-collision", { capability: name, with: entry.owner.name, tenantIndex });
    return undefined;
  }

  #carryOutNow(): void {
    if (this.#batch.isUrgent) this.#carryOut();
  }

  #carryOut(): void {
    this.#entries.compare();
    this.#groups.endStep();
    this.#nodes.compare({ keepOthers: this.#adopting });
    this.#policies.removeLeaving();
    if (!this.#adopting) {
      this.#policies.removeUnused();
      this.#groups.removeUnused();
      this.#nextHops.removeUnused(this.#clock.monotonic());
    }
    this.#reports.sizes(this.#entries.installed, this.#groups.size, this.#nextHops.size);
    if (this.#batch.isEmpty) return;
    const operations = this.#batch.take();
    this.#generation++;
    this.#reports.operations(operations.length);
    this.#sink.apply(operations, this.#generation);
  }

  [Symbol.dispose](): void {
    this.#work.close();
    this.#groups.close();
  }
}

function planKey(tenantIndex: number, id: CapabilityId): string {
  return `${tenantIndex} ${toHex(id)}`;
}
