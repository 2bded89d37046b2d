import {
  type CapabilityId,
  type Clock,
  formatIpv6,
  type Ipv6Address,
  type Log,
  type Metrics,
  type Random,
  toHex,
} from "../base/index.ts";
import type { Instance, InstanceState } from "../directory/index.ts";
import type { CapabilitySelection, PrefixSelection } from "../rib/index.ts";
import { AddressClaims } from "./address-claims.ts";
import { adoption } from "./adoption.ts";
import { AggregateBook } from "./aggregate-book.ts";
import { CapabilityBook, type PlanId } from "./capability-book.ts";
import { CapabilityIds } from "./capability-ids.ts";
import { ChoiceBook } from "./choice-book.ts";
import { EntryRecords } from "./entry-records.ts";
import { EntryTable } from "./entry-table.ts";
import { Fulfilment } from "./fulfilment.ts";
import { GroupTable } from "./group-table.ts";
import type { CompilerOptions, KnownCapability, Tunnel } from "./inputs.ts";
import { InstanceBook } from "./instance-book.ts";
import { NextHopTable } from "./next-hop-table.ts";
import { NodeBook } from "./node-book.ts";
import { OperationBatch } from "./operation-batch.ts";
import type { HeldPlan, OperationSink } from "./plan.ts";
import { PolicyBook } from "./policy-book.ts";
import { type RefusalCount, Reports } from "./reports.ts";
import { StepEnd } from "./step-end.ts";
import { Sweeps } from "./sweeps.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { UnnamedChoices } from "./unnamed-choices.ts";
import { WorkQueue } from "./work-queue.ts";

/** What is known of an instance now; without a state it is gone. */
export interface InstanceNews {
  readonly instance: Instance;
  readonly state: InstanceState | undefined;
}

/** What a compiler works with, and where its operations go. */
export interface CompilerParts {
  readonly clock: Clock;
  /** Keeps whoever chooses names from choosing where they are kept. */
  readonly random: Random;
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
  readonly #reports: Reports;
  readonly #batch: OperationBatch;
  readonly #book: CapabilityBook;
  readonly #choices: ChoiceBook;
  readonly #nextHops: NextHopTable;
  readonly #groups: GroupTable;
  readonly #instances: InstanceBook;
  readonly #nodes: NodeBook;
  readonly #policies: PolicyBook;
  readonly #entries: EntryTable;
  readonly #fulfilment: Fulfilment;
  readonly #aggregates: AggregateBook;
  readonly #claims: AddressClaims;
  readonly #ids = new CapabilityIds();
  readonly #work: WorkQueue;
  readonly #sweeps: Sweeps;
  readonly #unnamed: UnnamedChoices;
  /** Of the taxonomy. */
  #listsToTake = 0;
  readonly #stepEnd: StepEnd;

  constructor(options: CompilerOptions, parts: CompilerParts) {
    const { clock, random, sink } = parts;
    const { limits, quarantine, transitionHold, hashSeed, locator } = options;
    const batch = new OperationBatch({ groups: sink.setGroups !== undefined, capabilities: sink.fill !== undefined });
    const reports = new Reports(parts.metrics, parts.log);
    const book = new CapabilityBook(random);
    const choices = new ChoiceBook(locator, random);
    const records = new EntryRecords(random);
    const nextHops = new NextHopTable(limits.nextHops, quarantine, batch);
    const groups = new GroupTable({
      ...{ limit: limits.groups, quarantine, transitionHold, clock, random, batch, nextHops, sides: records },
      revisit: (sides) => this.#work.addJob(this.#sweeps.sides(sides)),
      changed: () => this.#work.schedule(),
    });
    const policies = new PolicyBook({
      limits: {
        policies: limits.policies ?? Number.POSITIVE_INFINITY,
        allowed: limits.allowed ?? Number.POSITIVE_INFINITY,
      },
      ...{ quarantine, clock, batch, reports },
    });
    const entries = new EntryTable({
      ...{ limit: limits.capabilities, records, groups, policies, batch, reports },
      nameOf: (plan) => book.name(plan),
    });
    const instances = new InstanceBook(book, nextHops, clock, batch);
    this.#options = options;
    this.#unnamed = new UnnamedChoices(choices, random);
    this.#claims = new AddressClaims(options, {
      ...{ book, records, entries, reports },
      named: (plan, tenantIndex, id) => this.#named(plan, tenantIndex, id),
    });
    this.#reports = reports;
    this.#batch = batch;
    this.#book = book;
    this.#choices = choices;
    this.#nextHops = nextHops;
    this.#groups = groups;
    this.#policies = policies;
    this.#entries = entries;
    this.#instances = instances;
    this.#nodes = new NodeBook(batch);
    this.#fulfilment = new Fulfilment({
      ...{ hashSeed, clock, reports, book, choices, records, entries, groups, nextHops, instances, policies },
      resolvers: (tenantIndex, name) => this.#aggregates.resolvers(tenantIndex, name),
    });
    this.#aggregates = new AggregateBook({
      ...{ domain: options.domain, limit: limits.aggregates ?? 0, records, choices, groups, policies, batch, reports },
      ...{ fulfilment: this.#fulfilment, familyCodeOf: (family) => this.#claims.familyCode(family) },
    });
    this.#stepEnd = new StepEnd({
      ...{ clock, sink, batch, reports, entries, groups, nextHops, policies },
      ...{ nodes: this.#nodes, aggregates: this.#aggregates },
    });
    this.#work = new WorkQueue({
      ...{ clock, book, sink },
      gathered: () => batch.size,
      lookAhead: (plans) => entries.touch(book.touch(plans)),
      compile: (plan) => this.#compile(plan),
      sliceDone: () => this.#carryOut(),
    });
    this.#sweeps = new Sweeps({
      ...{ book, choices, records, entries, policies, ids: this.#ids, claims: this.#claims },
      ...{ aggregates: this.#aggregates, fulfilment: this.#fulfilment },
      mark: (plan) => this.#work.mark(plan),
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
    return this.#work.size + (this.#batch.isEmpty ? 0 : 1) + (this.#stepEnd.isLeft ? 1 : 0);
  }

  /**
   * Starts from what the data plane holds instead of nothing: steps that are all to be made before any other input. Until
   * `converged`, nothing is removed or emptied, but what is known to be gone: a site whose route came and went, an instance
   * found down or removed.
   */
  adopt(held: HeldPlan): Generator<void> {
    this.#stepEnd.keepsAll = true;
    this.#instances.beginAdoption();
    this.#stepEnd.generation = held.generation;
    const [nextHops, groups, policies, entries] = [this.#nextHops, this.#groups, this.#policies, this.#entries];
    const [aggregates, nodes, claims] = [this.#aggregates, this.#nodes, this.#claims];
    return adoption(held, { nextHops, groups, policies, entries, aggregates, nodes, claims });
  }

  /** Routes and agents are back, or were given up: once all that was said before is taken, what nobody asks for is removed. */
  converged(): void {
    if (this.#adopting) this.#work.addJob(this.#endAdoption());
  }

  get #adopting(): boolean {
    return this.#stepEnd.keepsAll;
  }

  *#endAdoption(): Generator<void> {
    if (!this.#adopting) return;
    this.#stepEnd.keepsAll = false;
    this.#instances.endAdoption();
    this.#aggregates.touchAll();
    yield* this.#sweeps.unclaimed();
  }

  /** All capabilities that exist, whoever serves them; replaces the list given before. */
  taxonomy(capabilities: Iterable<KnownCapability>): void {
    this.#listsToTake++;
    this.#work.addJob(this.#takeTaxonomy(this.#sweeps.taxonomy(capabilities)));
  }

  *#takeTaxonomy(steps: Generator<void>): Generator<void> {
    yield* steps;
    this.#listsToTake--;
    if (this.#listsToTake === 0) yield* this.#tellUnnamed();
  }

  #tellUnnamed(): Generator<void> {
    return this.#unnamed.tell((held) => this.#reports.refuse("unnamed", { ...held }));
  }

  /** Its routes may have come before its name. */
  #named(plan: PlanId, tenantIndex: number, id: CapabilityId): void {
    const choice = this.#unnamed.take(tenantIndex, id);
    if (choice === 0) return;
    if (this.#adopting) this.#fulfilment.noteSeen(plan);
    this.#book.setChoice(plan, choice);
  }

  /**
   * What names stand for from now on: indexes of tenants, codes of families. Those that something is planned for must stay
   * what they were.
   */
  numbers(numbers: Pick<CompilerOptions, "tenants" | "familyCodes">): void {
    this.#options = { ...this.#options, ...numbers };
    this.#claims.numbers(this.#options);
  }

  /** What is configured for each tenant; replaces what was given before. Only tenants for which that differs cost work. */
  policies(tenants: readonly TenantPolicy[]): void {
    this.#work.addJob(this.#sweeps.policies(tenants));
  }

  /** The routers from which encapsulated packets are accepted; replaces those given before. */
  nodes(locators: readonly Ipv6Address[]): void {
    this.#work.addJob(this.#takeNodes(locators));
  }

  *#takeNodes(locators: readonly Ipv6Address[]): Generator<void> {
    for (const locator of yield* this.#nodes.set(locators, this.#options.locator))
      this.#reports.refuse("locator-collision", { locator: formatIpv6(locator) });
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
    this.#work.addJob(this.#nextHops.encapsulate(by(({ encapsulation }) => encapsulation)));
    this.#nodes.setNetworks(by(({ vni }) => vni));
  }

  /** What will be told next, as `drainDestinations` says it. */
  lookAhead(destinations: Int32Array, count: number): void {
    this.#book.lookAhead(destinations, count);
  }

  /** A selection of the RIB, as `drainDestinations` hands them out. Nothing of it is kept. */
  capabilityChanged(selection: CapabilitySelection): void {
    const { tenantIndex, capabilityId: id } = selection;
    let plan = this.#book.find(tenantIndex, id);
    if (plan === 0) {
      const { name } = selection;
      if (name === undefined) {
        const before = this.#unnamed.untold;
        this.#unnamed.hold(selection);
        if (this.#listsToTake === 0 && before === 0 && this.#unnamed.untold > 0) this.#work.addJob(this.#tellUnnamed());
        return;
      }
      if (selection.candidates.length === 0) return;
      plan = this.#claims.add(tenantIndex, id, name);
    }
    if (this.#adopting) this.#fulfilment.noteSeen(plan);
    const before = this.#book.choice(plan);
    this.#book.setChoice(plan, this.#choices.obtain(selection));
    this.#choices.release(before);
    this.#work.touch(plan);
  }

  /** The same of a prefix of names, as `drainPrefixes` does. */
  prefixChanged(selection: PrefixSelection): void {
    this.#aggregates.take(selection);
    const { tenantIndex, prefix } = selection;
    this.#work.addSweep(`${tenantIndex} ${prefix}`, () => this.#sweeps.below(selection));
  }

  /** Many of them, in slices and before what is compiled of them: it is asked for the next one when there is time for it. */
  instancesChanged(news: Iterable<InstanceNews>): void {
    this.#work.addJob(this.#takeInstances(news));
  }

  *#takeInstances(news: Iterable<InstanceNews>): Generator<void> {
    for (const { instance, state } of news) {
      const plan = state === undefined ? this.#instances.remove(instance.id) : this.#putInstance(instance, state);
      if (plan !== undefined) this.#work.mark(plan);
      yield;
    }
  }

  /** Also for one that is known: then it is the new record. */
  instanceAdded(instance: Instance, state: InstanceState): void {
    const plan = this.#putInstance(instance, state);
    if (plan === undefined) return;
    this.#carryOutNow();
    this.#work.touch(plan);
  }

  /** The capability that is concerned. */
  #putInstance(instance: Instance, state: InstanceState): PlanId | undefined {
    const tenantIndex = this.#options.tenants.get(instance.tenant);
    if (tenantIndex === undefined) {
      this.#reports.refuse("unknown-tenant", { tenant: instance.tenant, instance: instance.id });
      return undefined;
    }
    const id = this.#ids.of(instance.capability, instance.version.major);
    const plan = this.#claims.plan(tenantIndex, id, instance.capability);
    this.#claims.own(plan, id);
    const member = this.#instances.put(plan, instance, state);
    if (member.index === 0) this.#reports.refuse("next-hops-full", { instance: instance.id });
    return plan;
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

  #compile(plan: PlanId): number {
    const book = this.#book;
    if (!this.#fulfilment.fulfil(plan, this.#adopting)) {
      this.#choices.release(book.choice(plan));
      book.remove(plan);
      return 0;
    }
    return this.#choices.members(book.choice(plan)) + book.instances(plan).size;
  }

  #carryOutNow(): void {
    if (this.#batch.isUrgent) this.#carryOut();
  }

  #carryOut(): void {
    this.#stepEnd.carryOut();
    if (this.#stepEnd.isLeft) this.#work.schedule();
  }

  [Symbol.dispose](): void {
    this.#work.close();
    this.#groups.close();
  }
}
