import type { Taxonomy } from "../directory/index.ts";
import type { RouterConfiguration } from "../management/index.ts";

type Capability = Taxonomy["capabilities"][number];

/** What other tenants let a tenant call: the counterpart of what the compiler lets through, by the same rules. */
export function* opened(
  policies: RouterConfiguration["tenantPolicies"],
  { tenants, capabilities }: Taxonomy,
  tenant: string,
): Generator<{ readonly tenant: string; readonly capability: Capability }> {
  for (const { tenant: owner, rules } of policies) {
    const fitting = rules.filter(({ from }) => from.includes(tenant));
    if (owner === tenant || fitting.length === 0 || !tenants.has(owner)) continue;
    for (const capability of capabilities)
      if (fitting.some((rule) => covers(rule, capability.name))) yield { tenant: owner, capability };
  }
}

/** Whether a rule or an entry is about a capability. */
export function covers(
  { names, prefixes }: { readonly names: readonly string[]; readonly prefixes: readonly string[] },
  name: string,
): boolean {
  return names.includes(name) || prefixes.some((prefix) => prefix === "/" || `${name}/`.startsWith(`${prefix}/`));
}
