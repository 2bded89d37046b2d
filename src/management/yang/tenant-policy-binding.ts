import type {
  CapabilityMatchConfiguration,
  PolicyTermsConfiguration,
  TenantPolicyConfiguration,
} from "../configuration/types.ts";
import type { Clients, Tenant } from "../schema/instance/semrd-tenant-policy.ts";
import { capabilityNameOf } from "./values.ts";

/** The policies in the order of their names, which decides where two say something of the same place. */
export function bindTenantPolicies(tenants: readonly Tenant[] | undefined): readonly TenantPolicyConfiguration[] {
  return (tenants ?? []).map(({ name, clients, rule, "capability-policy": entries }) => ({
    tenant: name,
    clients: bindTerms(clients ?? {}),
    rules: inOrder(rule ?? []).map((one) => ({ ...bindMatch(one), name: one.name, from: one.from })),
    capabilities: inOrder(entries ?? []).map((one) => ({
      ...bindMatch(one),
      ...bindTerms(one),
      name: one.name,
      counted: one.counted,
    })),
  }));
}

function inOrder<T extends { readonly name: string }>(entries: readonly T[]): readonly T[] {
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function bindMatch(match: {
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
}): CapabilityMatchConfiguration {
  return { names: (match.capability ?? []).map(capabilityNameOf), prefixes: match["capability-prefix"] ?? [] };
}

function bindTerms(terms: Clients): PolicyTermsConfiguration {
  const { "packet-rate": packets, "bit-rate": bits, dscp, tag } = terms;
  return {
    ...(packets === undefined ? {} : { packets: { perSecond: Number(packets.rate), burst: packets.burst } }),
    ...(bits === undefined ? {} : { bits: { perSecond: Number(bits.rate), burst: bits.burst } }),
    ...(dscp === undefined ? {} : { dscp }),
    ...(tag === undefined ? {} : { tag }),
  };
}
