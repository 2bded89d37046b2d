import {
  type CapabilityName,
  type Clock,
  type Metrics,
  type Milliseconds,
  milliseconds,
  momentOf,
} from "../base/index.ts";
import { Broadcast, type DirectoryListener } from "./broadcast.ts";
import { type Ended, Endings } from "./endings.ts";
import { DirectoryError } from "./faults.ts";
import { InstanceIndex, type SiteKey } from "./instance-index.ts";
import { summarize } from "./local-site.ts";
import {
  type AgentRecord,
  type AgentRequest,
  type HeldOffer,
  type Hold,
  held,
  type InstanceIds,
  instanceIds,
  registered,
  renewed,
} from "./record.ts";
import { SOURCE_RANK, sameButLease } from "./same.ts";
import type { DirectoryChange, Endpoint, Instance, InstanceHealth, Lease, LocalSite } from "./types.ts";

export interface DirectoryLimits {
  /** Most instances of one agent. */
  readonly perAgent: number;
  /** Most instances of all agents of one tenant. */
  readonly perTenant: number;
}

export interface DirectoryParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export type RemovalCause = Extract<DirectoryChange, { readonly type: "removed" }>["cause"];

interface AgentEntry {
  readonly record: AgentRecord;
  /** In the order of its offers; there are few. */
  readonly instances: readonly Instance[];
}

/**
 * What the agents behind this router can do, and how they are.
 *
 * Every operation is atomic: it throws and changes nothing, or it is done and every listener has been told when it
 * returns.
 */
export class Directory implements Disposable {
  readonly #limits: DirectoryLimits;
  readonly #clock: Clock;
  readonly #agents = new Map<string, AgentEntry>();
  readonly #index = new InstanceIndex();
  readonly #endings: Endings;
  readonly #broadcast = new Broadcast();
  readonly #claims = new Set<(agent: string) => void>();
  readonly #gathered = new Set<() => void>();
  #gathering = 0;
  readonly #expired;
  readonly #size;

  constructor(limits: DirectoryLimits, parts: DirectoryParts) {
    this.#limits = limits;
    this.#clock = parts.clock;
    this.#endings = new Endings(parts.clock, () => this.expire());
    this.#expired = parts.metrics.counter("semrd_directory_leases_expired_total", "Registrations that ran out");
    this.#size = parts.metrics.gauge("semrd_directory_instances", "Instances in the directory");
  }

  /** Tells `listener` of every later change, in order, until the subscription is disposed. */
  subscribe(listener: DirectoryListener): Disposable {
    return this.#broadcast.subscribe(listener);
  }

  /** Tells `listener` of every agent that came or said again that it is here, before the changes of its instances. */
  subscribeClaims(listener: (agent: string) => void): Disposable {
    this.#claims.add(listener);
    return { [Symbol.dispose]: () => void this.#claims.delete(listener) };
  }

  /** Many changes come until it is disposed. All are told as ever, but whoever sums them up may wait for the end. */
  gather(): Disposable {
    this.#gathering++;
    return {
      [Symbol.dispose]: () => {
        if (--this.#gathering === 0) for (const listener of [...this.#gathered]) listener();
      },
    };
  }

  get isGathering(): boolean {
    return this.#gathering > 0;
  }

  /** Tells `listener` each time that gathering ends. */
  subscribeGathered(listener: () => void): Disposable {
    this.#gathered.add(listener);
    return { [Symbol.dispose]: () => void this.#gathered.delete(listener) };
  }

  agent(agent: string): AgentRecord | undefined {
    return this.#agents.get(agent)?.record;
  }

  /** Records of all agents, in no particular order. */
  *agents(): Iterable<AgentRecord> {
    for (const entry of this.#agents.values()) yield entry.record;
  }

  instance(id: string): Instance | undefined {
    return this.#index.get(id);
  }

  instancesOf(agent: string): readonly Instance[] {
    return this.#agents.get(agent)?.instances ?? [];
  }

  /** Instances of one capability and major version, ordered by instance ID. */
  instancesFor(site: SiteKey): readonly Instance[] {
    return this.#index.at(site);
  }

  instancesAt(endpoint: Endpoint): readonly Instance[] {
    return this.#index.behind(endpoint);
  }

  /** Every instance, in no particular order. */
  instances(): Iterable<Instance> {
    return this.#index.all();
  }

  get size(): number {
    return this.#index.size;
  }

  /** What this router says about one capability; `undefined` when no instance is known. Cost: its instances. */
  localSite(tenant: string, capability: CapabilityName, majorVersion: number): LocalSite | undefined {
    return summarize([...this.#index.inside({ tenant, capability, majorVersion })]);
  }

  /** The capabilities that have at least one instance. */
  sites(): Iterable<SiteKey> {
    return this.#index.sites();
  }

  /**
   * Whether {@link put} would accept `record`, given `reserved` more instances of its tenant that are on their way. What it says
   * is for `put`: finding out the IDs of instances is half of its work.
   *
   * @throws {DirectoryError} directory.agent-held, directory.duplicate-instance, directory.capability-limit
   */
  check(record: AgentRecord, reserved = 0): InstanceIds {
    return this.#checked(record, reserved, instanceIds(record));
  }

  #checked(record: AgentRecord, reserved: number, ids: InstanceIds): InstanceIds {
    const { agent, tenant, source } = record;
    const before = this.#agents.get(agent);
    if (before !== undefined) {
      const { tenant: holder, source: by } = before.record;
      if (holder !== tenant || SOURCE_RANK[source] < SOURCE_RANK[by]) {
        throw new DirectoryError({ code: "directory.agent-held", agent, source: by });
      }
    }
    const several = ids.length > 1 ? new Set<string>() : undefined;
    for (const instance of ids) {
      const twice = several?.has(instance) === true || (this.#index.get(instance)?.agent ?? agent) !== agent;
      if (twice) throw new DirectoryError({ code: "directory.duplicate-instance", agent, instance });
      several?.add(instance);
    }
    const { perAgent, perTenant } = this.#limits;
    const grows = ids.length - (before?.instances.length ?? 0);
    if (grows <= 0) return ids;
    if (ids.length > perAgent) {
      throw new DirectoryError({ code: "directory.capability-limit", agent, per: "agent", limit: perAgent });
    }
    if (this.#index.countOf(tenant) + reserved + grows > perTenant) {
      throw new DirectoryError({ code: "directory.capability-limit", agent, per: "tenant", limit: perTenant });
    }
    return ids;
  }

  /**
   * Makes `record` all there is about its agent; health of instances that were there before is kept. `ids`: what {@link check}
   * of the same record has said. @throws as {@link check}
   */
  put(record: AgentRecord, ids: InstanceIds = instanceIds(record)): readonly Instance[] {
    this.#store(record, "deregistered", this.#checked(record, 0, ids));
    return this.instancesOf(record.agent);
  }

  /** {@link put} of what `request` asks for. @throws as {@link check} */
  register(request: AgentRequest): readonly Instance[] {
    return this.put(registered(this.agent(request.agent), request, this.#clock.wall()));
  }

  /** Begins the lease of `agent` anew. @throws {DirectoryError} directory.unknown-agent, directory.lease-expired */
  renew(agent: string, span: Milliseconds): readonly Instance[] {
    return this.put(renewed(this.leased(agent), span, this.#clock.wall()));
  }

  /** The record of `agent`, if its lease still holds. @throws {DirectoryError} directory.unknown-agent, directory.lease-expired */
  leased(agent: string): AgentRecord {
    const record = this.known(agent);
    const lateBy = record.lease === undefined ? 0 : this.#clock.monotonic() - this.#endings.end(record.lease);
    if (lateBy <= 0) return record;
    throw new DirectoryError({ code: "directory.lease-expired", agent, lateBy: milliseconds(lateBy) });
  }

  /** How long it still holds, whatever the wall clock has done since it was granted. */
  leaseLeft(lease: Lease): Milliseconds {
    return milliseconds(Math.max(0, this.#endings.end(lease) - this.#clock.monotonic()));
  }

  /** @throws {DirectoryError} directory.unknown-agent */
  known(agent: string): AgentRecord {
    const record = this.agent(agent);
    if (record === undefined) throw new DirectoryError({ code: "directory.unknown-agent", agent });
    return record;
  }

  /** Takes instances (all of the agent's when `instances` is absent) out of service, or back. @throws {DirectoryError} directory.unknown-agent */
  setAdminState(agent: string, hold: Hold | undefined, instances?: ReadonlySet<string>): void {
    this.put(held(this.known(agent), hold, instances));
  }

  /** No new flows from now; down when `deadline` (wall clock) has come. @throws {DirectoryError} directory.unknown-agent */
  drain(agent: string, by: Hold["by"], deadline?: Milliseconds): void {
    this.setAdminState(agent, { state: "draining", by, ...(deadline === undefined ? {} : { deadline }) });
  }

  /** Forgets an agent; nothing happens when it is not known. */
  remove(agent: string, cause: RemovalCause): void {
    const entry = this.#agents.get(agent);
    if (entry === undefined) return;
    this.#store({ ...entry.record, offers: [] }, cause);
    this.#agents.delete(agent);
    this.#endings.forget(agent);
  }

  /** What a check or the data plane found out; nothing happens when the instance is gone or nothing is new. */
  setHealth(id: string, state: InstanceHealth["state"], reason?: string): void {
    const was = this.#index.get(id);
    if (was === undefined || (was.health.state === state && was.health.reason === reason)) return;
    const since = was.health.state === state ? was.health.since : momentOf(this.#clock);
    const instance = { ...was, health: { state, since, ...(reason === undefined ? {} : { reason }) } };
    const entry = this.#agents.get(was.agent)!;
    const instances = entry.instances.map((one) => (one.id === id ? instance : one));
    this.#agents.set(was.agent, { ...entry, instances });
    this.#index.set(instance);
    this.#broadcast.publish([{ type: "changed", instance, was }]);
  }

  /** Ends what is due: leases go stale and run out, drains end. The timer does this by itself. */
  expire(): void {
    const now = this.#clock.monotonic();
    try {
      for (let due = this.#endings.take(now); due !== undefined; due = this.#endings.take(now)) {
        const { record } = this.#agents.get(due)!;
        if (record.lease !== undefined && this.#endings.end(record.lease) <= now) {
          this.#expired.add();
          this.remove(due, "lease-expired");
        } else this.#store(record, "deregistered");
      }
    } finally {
      this.#endings.rearm(); // a listener that failed must not keep the other leases alive
    }
  }

  [Symbol.dispose](): void {
    this.#endings[Symbol.dispose]();
    this.#broadcast.clear();
    this.#claims.clear();
    this.#gathered.clear();
  }

  /** Brings index, deadlines and listeners to `record`; the difference to what was there is what is told. */
  #store(record: AgentRecord, cause: RemovalCause, ids: InstanceIds = instanceIds(record)): void {
    const known = this.#agents.get(record.agent);
    const before = known?.instances ?? NO_INSTANCES;
    const now = this.#clock.monotonic();
    const ended = this.#endings.ended(record, now);
    const instances: Instance[] = [];
    const changes: DirectoryChange[] = [];
    for (let i = 0; i < record.offers.length; i++) {
      const id = ids[i]!;
      // Of as many as before, and in their order, as nearly always.
      const was = before[i]?.id === id ? before[i] : before.find((one) => one.id === id);
      const instance = this.#project(id, record, record.offers[i]!, was, ended);
      instances.push(instance);
      this.#index.set(instance);
      if (was === undefined) changes.push({ type: "added", instance });
      else if (!sameButLease(was, instance)) changes.push({ type: "changed", instance, was });
    }
    const stays = before.length > 0 && ids.length > 0 ? new Set(ids) : undefined;
    for (const instance of before) {
      if (stays?.has(instance.id) === true) continue;
      this.#index.delete(instance);
      changes.push({ type: "removed", instance, cause });
    }
    this.#agents.set(record.agent, { record, instances });
    this.#size.set(this.#index.size);
    this.#endings.follow(record, now);
    if (known === undefined || known.record.claimedAt !== record.claimedAt) {
      for (const listener of [...this.#claims]) listener(record.agent);
    }
    this.#broadcast.publish(changes);
  }

  #project(id: string, record: AgentRecord, offer: HeldOffer, was: Instance | undefined, ended: Ended): Instance {
    const { capability, version, endpoint, servicePort, weight, labels, check, registeredAt, hold } = offer;
    // What every instance has first, and by name: taking the rest of an object is a slow copy.
    const clock = this.#clock;
    const common = {
      ...{ id, agent: record.agent, tenant: record.tenant, source: record.source },
      ...{ capability, version, endpoint, servicePort, weight, labels, registeredAt },
      learntAt: was?.learntAt ?? milliseconds(clock.monotonic() - (clock.wall() - registeredAt)),
      adminState: hold === undefined ? "up" : ended.isOver(hold) ? "down" : hold.state,
      health: was?.health ?? { state: "unknown", since: momentOf(clock) },
    } as const;
    if (check === undefined && hold === undefined && record.lease === undefined) return common;
    return {
      ...common,
      ...(check === undefined ? {} : { check }),
      ...(record.lease === undefined ? {} : { lease: record.lease }),
      ...(ended.isStale ? { stale: true as const } : {}),
      ...(hold?.deadline === undefined ? {} : { drainDeadline: hold.deadline }),
    };
  }
}

const NO_INSTANCES: readonly Instance[] = [];
