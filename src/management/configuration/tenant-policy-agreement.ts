import type { ConfigurationFault } from "./error.ts";
import type { CapabilityMatchConfiguration, RouterConfiguration } from "./types.ts";

const POLICIES = "/semrd-router:router/semrd-tenant-policy:tenant-policies";

/**
 * Names that stand for no capability of the taxonomy: a rule with one opens nothing, and a rate of it limits nothing, which nobody
 * would notice. By a table of names, as a condition of the model would look at every capability for each name. Pure.
 */
export function* tenantPolicyDisagreements({
  tenantPolicies,
  taxonomy,
}: RouterConfiguration): Iterable<ConfigurationFault | undefined> {
  if (tenantPolicies.length === 0) return;
  const known = new Set<string>(["/"]);
  const above = new Set<string>(["/"]);
  for (const { name } of taxonomy.capabilities) {
    known.add(name);
    for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) above.add(name.slice(0, end));
    yield undefined;
  }
  for (const { tenant, rules, capabilities } of tenantPolicies)
    for (const [list, entries] of [
      ["rule", rules],
      ["capability-policy", capabilities],
    ] as const)
      for (const entry of entries) {
        yield undefined;
        yield* inEntry(`${POLICIES}/tenant[name='${tenant}']/${list}[name='${entry.name}']`, entry, { known, above });
      }
}

function* inEntry(
  place: string,
  { names, prefixes }: CapabilityMatchConfiguration,
  { known, above }: { readonly known: ReadonlySet<string>; readonly above: ReadonlySet<string> },
): Iterable<ConfigurationFault> {
  for (const name of names)
    if (!known.has(name))
      yield {
        path: `${place}/capability[.='${name}']`,
        value: JSON.stringify(name),
        reason: "this capability is not in the taxonomy: correct the name, or add the capability first",
        tag: "capability-unknown",
      };
  for (const prefix of prefixes)
    if (!above.has(prefix))
      yield {
        path: `${place}/capability-prefix[.='${prefix}']`,
        value: JSON.stringify(prefix),
        reason: "no capability of the taxonomy is below this name: correct it, or add a capability first",
        tag: "capability-unknown",
      };
}
