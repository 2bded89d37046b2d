import type { Policy, PolicyIndex } from "../../forwarding/index.ts";
import type { DataplaneCounters, PolicyCounters, TagCounters, TenantCounters } from "../driver.ts";
import type { Effect } from "./outcome.ts";

const NO_TENANT: TenantCounters = { packets: 0n, bytes: 0n, denied: 0n, limited: 0n, spoofed: 0n };
const NO_POLICY: PolicyCounters = { packets: 0n, bytes: 0n, limited: 0n };
const NO_TAG: TagCounters = { packets: 0n, bytes: 0n };

type PolicyEffect = Extract<Effect, { readonly type: "apply-policy" | "count-tenant" | "count-tag" }>;

/** What the model counts by tenant, policy and tag, and what its policies' rates have let through. Time stands still. */
export class PolicyCounts {
  readonly #policyOf: (index: PolicyIndex) => Policy | undefined;
  readonly #tenants = new Map<number, TenantCounters>();
  readonly #policies = new Map<PolicyIndex, PolicyCounters>();
  readonly #tags = new Map<number, TagCounters>();
  readonly #spent = new Map<PolicyIndex, { readonly packets: number; readonly octets: number }>();

  constructor(policyOf: (index: PolicyIndex) => Policy | undefined) {
    this.#policyOf = policyOf;
  }

  left(index: PolicyIndex): { readonly packets: number; readonly octets: number } {
    const policy = this.#policyOf(index);
    const spent = this.#spent.get(index) ?? { packets: 0, octets: 0 };
    const of = (burst: number | undefined, gone: number): number => (burst ?? Number.POSITIVE_INFINITY) - gone;
    return { packets: of(policy?.packets?.burst, spent.packets), octets: of(policy?.bits?.burst, spent.octets) };
  }

  /** The index has another meaning from now on, or none. */
  forget(index: PolicyIndex): void {
    this.#policies.delete(index);
    this.#spent.delete(index);
  }

  carryOut(effect: PolicyEffect): void {
    const octets = BigInt(effect.octets);
    switch (effect.type) {
      case "apply-policy":
        this.#apply(effect);
        break;
      case "count-tenant": {
        const { tenantIndex, as } = effect;
        const before = this.#tenants.get(tenantIndex) ?? NO_TENANT;
        const after =
          as === "sent"
            ? { ...before, packets: before.packets + 1n, bytes: before.bytes + octets }
            : { ...before, [as]: before[as] + 1n };
        this.#tenants.set(tenantIndex, after);
        break;
      }
      case "count-tag": {
        const before = this.#tags.get(effect.tag) ?? NO_TAG;
        this.#tags.set(effect.tag, { packets: before.packets + 1n, bytes: before.bytes + octets });
        break;
      }
    }
  }

  #apply({ policy, octets, limited }: Extract<PolicyEffect, { readonly type: "apply-policy" }>): void {
    const before = this.#policies.get(policy) ?? NO_POLICY;
    if (limited) {
      this.#policies.set(policy, { ...before, limited: before.limited + 1n });
      return;
    }
    const spent = this.#spent.get(policy) ?? { packets: 0, octets: 0 };
    this.#spent.set(policy, { packets: spent.packets + 1, octets: spent.octets + octets });
    if (this.#policyOf(policy)?.counted !== true) return;
    this.#policies.set(policy, {
      ...before,
      packets: before.packets + 1n,
      bytes: before.bytes + BigInt(octets),
    });
  }

  read(
    tenants: Iterable<number>,
    policies: Iterable<PolicyIndex>,
  ): Required<Pick<DataplaneCounters, "tenants" | "policies" | "tags">> {
    const each = <T>(indexes: Iterable<number>, known: ReadonlyMap<number, T>, none: T) =>
      new Map(Iterator.from(indexes).map((index) => [index, known.get(index) ?? none]));
    return {
      tenants: each(tenants, this.#tenants, NO_TENANT),
      policies: each(policies, this.#policies, NO_POLICY),
      tags: new Map(this.#tags),
    };
  }
}
