import type { DataplaneDriver, Feature } from "../../dataplane/index.ts";
import type { Compiler, TenantPolicy } from "../../forwarding/index.ts";
import {
  answered,
  fault,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
  refused,
} from "../../management/index.ts";
import { indexes } from "./current.ts";

/** What is configured for tenants, with their numbers. */
export function tenantPolicies({ tenants, tenantPolicies: policies }: RouterConfiguration): readonly TenantPolicy[] {
  const known = indexes(tenants);
  const numbers = (names: readonly string[]) => names.flatMap((name) => known.get(name) ?? []);
  return policies.flatMap(({ tenant, clients, rules, capabilities }) => {
    const tenantIndex = known.get(tenant);
    if (tenantIndex === undefined) return [];
    return [
      {
        ...{ tenantIndex, clients },
        rules: rules.map(({ name: _, ...rule }) => ({ ...rule, from: numbers(rule.from) })),
        capabilities: capabilities.map(({ name: _, ...entry }) => entry),
      },
    ];
  });
}

/** What of the policies the data plane does not carry out, each in one sentence. */
export function unenforced(
  { tenantPolicies: policies }: RouterConfiguration,
  driver: DataplaneDriver,
): readonly string[] {
  const terms = policies.flatMap(({ clients, capabilities }) => [clients, ...capabilities]);
  const used: readonly (readonly [Feature, boolean])[] = [
    ["allow-lists", policies.some(({ rules }) => rules.length > 0)],
    ["rate-limits", terms.some(({ packets, bits }) => packets !== undefined || bits !== undefined)],
    ["dscp", terms.some(({ dscp }) => dscp !== undefined)],
    ["tags", terms.some(({ tag }) => tag !== undefined)],
  ];
  return used.flatMap(([feature, is]) => (is ? (driver.cannot.get(feature) ?? []) : []));
}

/** Rules, rates and marks of tenants. What the data plane cannot enforce is refused: nobody takes it for enforced. */
export function tenantPoliciesProvider(parts: {
  readonly compiler: Compiler;
  readonly driver: DataplaneDriver;
}): Provider<RouterChange> {
  const { compiler, driver } = parts;
  const differs = ({ before, after }: RouterChange): boolean =>
    before.tenantPolicies !== after.tenantPolicies || before.tenants !== after.tenants;
  return {
    name: "tenant policies",
    plan(change) {
      if (change.before.tenantPolicies === change.after.tenantPolicies) return answered([]);
      const [lack] = unenforced(change.after, driver);
      if (lack === undefined) return answered([]);
      const path = "/semrd-router:router/semrd-tenant-policy:tenant-policies";
      const message = `the ${driver.name} data plane cannot carry it out: ${lack}`;
      return refused(fault("operation-not-supported", message, { path, appTag: "policy-not-enforced" }));
    },
    prepare(change) {
      if (!differs(change)) return answered(undefined);
      return answered({
        apply: () => compiler.policies(tenantPolicies(change.after)),
        revert: () => compiler.policies(tenantPolicies(change.before)),
      });
    },
  };
}
