import { type CapabilityName, type Clock, sameValue } from "../base/index.ts";
import { IndexPool } from "./index-pool.ts";
import type { OperationBatch } from "./operation-batch.ts";
import { FIRST_CAPABILITY_POLICY, type Policy, type PolicyIndex, samePolicy } from "./policy.ts";
import type { Reports } from "./reports.ts";
import { RuleIndex, type RulePlace, type TenantPolicy } from "./tenant-policy.ts";

interface PolicyRecord {
  readonly index: PolicyIndex;
  /** By which it is found; `undefined` for one that was adopted and that nobody has asked for yet. */
  key: string | undefined;
  policy: Policy;
  /** Entries of the capability table that name it. */
  uses: number;
}

export interface PolicyBookParts {
  readonly limits: { readonly policies: number; readonly allowed: number };
  readonly quarantine: number;
  readonly clock: Clock;
  readonly batch: OperationBatch;
  readonly reports: Reports;
}

/** A capability that a policy is for. */
export interface PolicySubject {
  readonly tenantIndex: number;
  readonly name: string;
  /** Of no other capability. */
  readonly key: string;
  /** The policy that the data plane has for it; 0: none. */
  readonly named: PolicyIndex;
}

interface Tenant {
  readonly said: TenantPolicy;
  readonly rules: RuleIndex;
}

/**
 * The policies of the plan: one for each tenant that has one, one for all capabilities of a tenant with the same longest
 * match, and one for each capability with rates or counters of its own. A rule that changes is one changed policy.
 */
export class PolicyBook {
  readonly #parts: PolicyBookParts;
  readonly #tenants = new Map<number, Tenant>();
  readonly #pool: IndexPool;
  readonly #tenantPool: IndexPool;
  readonly #ofTenants = new Map<number, { readonly index: PolicyIndex; policy: Policy }>();
  /** Tenants whose policy goes at the end of the step. */
  readonly #leaving = new Set<number>();
  readonly #byKey = new Map<string, PolicyRecord>();
  readonly #byIndex = new Map<PolicyIndex, PolicyRecord>();
  readonly #unused = new Set<PolicyRecord>();
  #pairs = 0;

  constructor(parts: PolicyBookParts) {
    this.#parts = parts;
    this.#pool = new IndexPool(parts.limits.policies, parts.quarantine);
    this.#tenantPool = new IndexPool(FIRST_CAPABILITY_POLICY - 1, parts.quarantine);
  }

  get size(): number {
    return this.#byIndex.size + this.#ofTenants.size;
  }

  /** As the data plane has it. Before the entries that name it. */
  adopt(index: PolicyIndex, policy: Policy): void {
    if (policy.use === "tenant") {
      this.#tenantPool.claim(index);
      this.#ofTenants.set(policy.tenantIndex, { index, policy });
      return;
    }
    this.#pool.claim(poolIndex(index));
    this.#enter({ index, key: undefined, policy, uses: 0 });
  }

  /** Takes over what is configured for one tenant. False: it is what was known. */
  take(said: TenantPolicy): boolean {
    const known = this.#tenants.get(said.tenantIndex);
    if (known !== undefined && sameValue(known.said, said)) return false;
    this.#tenants.set(said.tenantIndex, { said, rules: new RuleIndex(said) });
    this.#setClients(said);
    return true;
  }

  /** Tenants that are known, and not among those: each is not known any more when it is handed out. */
  *dropOthers(tenants: ReadonlySet<number>): Generator<number> {
    for (const tenantIndex of this.#tenants.keys()) if (!tenants.has(tenantIndex)) yield this.#drop(tenantIndex);
    // What was adopted and nobody has spoken of
    for (const tenantIndex of this.#ofTenants.keys())
      if (!tenants.has(tenantIndex) && !this.#leaving.has(tenantIndex)) yield this.#drop(tenantIndex);
  }

  #drop(tenantIndex: number): number {
    this.#tenants.delete(tenantIndex);
    this.#setClients({ tenantIndex, rules: [], capabilities: [] });
    return tenantIndex;
  }

  /** There may be rules for the tenant's capabilities. */
  concerns(tenantIndex: number): boolean {
    return this.#tenants.has(tenantIndex);
  }

  /** The policy that the capability's entries are to name; 0: none. Brings it up to what the rules say. */
  assign(plan: PolicySubject & { readonly name: CapabilityName }): PolicyIndex {
    return this.#assign(this.#tenants.get(plan.tenantIndex)?.rules.of(plan.name), plan);
  }

  /** The same for all that is below a prefix of names, which is `name` of the subject. */
  assignBelow(prefix: PolicySubject): PolicyIndex {
    return this.#assign(this.#tenants.get(prefix.tenantIndex)?.rules.below(prefix.name), prefix);
  }

  #assign(place: RulePlace | undefined, plan: PolicySubject): PolicyIndex {
    if (place === undefined) return 0;
    const { key, effective } = place;
    const policy: Policy = { use: "capabilities", tenantIndex: plan.tenantIndex, ...effective };
    // What is limited or counted is so for each capability by itself.
    const isOwn = policy.packets !== undefined || policy.bits !== undefined || policy.counted;
    const record = this.#obtain(isOwn ? plan.key : `${plan.tenantIndex} ${key}`, policy, plan);
    if (record === undefined) this.#parts.reports.refuse("policies-full", { capability: plan.name });
    return record?.index ?? 0;
  }

  #obtain(key: string, policy: Policy, plan: PolicySubject): PolicyRecord | undefined {
    const known = this.#byKey.get(key) ?? this.#claimAdopted(key, policy, plan);
    const added = policy.allowed.length - (known?.policy.allowed.length ?? 0);
    if (added > 0 && this.#pairs + added > this.#parts.limits.allowed) return known;
    if (known !== undefined) {
      if (!samePolicy(known.policy, policy)) this.#change(known, policy);
      return known;
    }
    const free = this.#pool.take(this.#parts.clock.monotonic());
    if (free === undefined) return undefined;
    const record: PolicyRecord = { index: free + FIRST_CAPABILITY_POLICY - 1, key, policy, uses: 0 };
    this.#enter(record);
    this.#byKey.set(key, record);
    this.#parts.batch.add({ type: "set-policy", index: record.index, policy });
    return record;
  }

  /** After a restart the entry names the policy that it had: it is the same one if it says the same. */
  #claimAdopted(key: string, policy: Policy, { named }: PolicySubject): PolicyRecord | undefined {
    const record = this.#byIndex.get(named);
    if (record === undefined || record.key !== undefined || !samePolicy(record.policy, policy)) return undefined;
    record.key = key;
    this.#byKey.set(key, record);
    return record;
  }

  #enter(record: PolicyRecord): void {
    this.#byIndex.set(record.index, record);
    this.#unused.add(record);
    this.#pairs += record.policy.allowed.length;
  }

  #change(record: PolicyRecord, policy: Policy): void {
    this.#pairs += policy.allowed.length - record.policy.allowed.length;
    record.policy = policy;
    this.#parts.batch.add({ type: "set-policy", index: record.index, policy });
  }

  /** One more entry names it. */
  retain(index: PolicyIndex): void {
    const record = this.#byIndex.get(index);
    if (record !== undefined && record.uses++ === 0) this.#unused.delete(record);
  }

  release(index: PolicyIndex): void {
    const record = this.#byIndex.get(index);
    if (record !== undefined && --record.uses === 0) this.#unused.add(record);
  }

  /** Some that no entry names, or that are of tenants without any, are left. */
  get hasUnused(): boolean {
    return this.#unused.size + this.#leaving.size > 0;
  }

  /** At the end of a step, when its entries have been compared; at most `most`. */
  removeUnused(most: number): void {
    if (this.#unused.size === 0) return;
    const now = this.#parts.clock.monotonic();
    for (const record of this.#unused.values().take(most)) {
      this.#unused.delete(record);
      if (record.key !== undefined) this.#byKey.delete(record.key);
      this.#byIndex.delete(record.index);
      this.#pairs -= record.policy.allowed.length;
      this.#pool.give(poolIndex(record.index), now);
      this.#parts.batch.add({ type: "remove-policy", index: record.index });
    }
  }

  /** At the end of a step: policies of tenants that have none any more; at most `most`. */
  removeLeaving(most: number): void {
    const { batch, clock } = this.#parts;
    for (const tenantIndex of this.#leaving.values().take(most)) {
      this.#leaving.delete(tenantIndex);
      const { index } = this.#ofTenants.get(tenantIndex)!;
      this.#ofTenants.delete(tenantIndex);
      this.#tenantPool.give(index, clock.monotonic());
      batch.add({ type: "remove-policy", index });
    }
  }

  /** What is done to all that the clients of a tenant send is in force with the next step. */
  #setClients({ tenantIndex, clients }: TenantPolicy): void {
    const { batch, clock, reports } = this.#parts;
    const known = this.#ofTenants.get(tenantIndex);
    const isEmpty = clients === undefined || Object.values(clients).every((value) => value === undefined);
    if (isEmpty) {
      if (known !== undefined) this.#leaving.add(tenantIndex);
      return;
    }
    this.#leaving.delete(tenantIndex);
    const policy: Policy = { use: "tenant", tenantIndex, counted: false, allowed: [], ...clients };
    if (known !== undefined && samePolicy(known.policy, policy)) return;
    const index = known?.index ?? this.#tenantPool.take(clock.monotonic());
    if (index === undefined) {
      reports.refuse("policies-full", { tenantIndex });
      return;
    }
    this.#ofTenants.set(tenantIndex, { index, policy });
    batch.add({ type: "set-policy", index, policy });
  }
}

const poolIndex = (index: PolicyIndex): number => index - FIRST_CAPABILITY_POLICY + 1;
