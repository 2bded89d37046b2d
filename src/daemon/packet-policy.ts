import { type Ipv6Address, prefixContains } from "../base/index.ts";
import type { PortOptions } from "../dataplane/index.ts";
import type { PacketPolicy, RouterConfiguration } from "../management/index.ts";
import type { Names } from "./names.ts";
import { covers } from "./opened.ts";

type Policies = RouterConfiguration["tenantPolicies"];
type Match = Policies[number]["rules"][number] | Policies[number]["capabilities"][number];

/** The capability that a packet is for. */
export interface Called {
  readonly capability: string;
  readonly tenant: string;
}

/** Whose a packet is that comes in there: by the longest prefix of its source, where the port has any. */
export function tenantBySource(
  { tenantIndex, sources }: Pick<PortOptions, "tenantIndex" | "sources">,
  source: Ipv6Address,
): number | undefined {
  if (sources === undefined) return tenantIndex;
  const fitting = sources.filter(({ prefix }) => prefixContains(prefix, source));
  return fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.tenantIndex;
}

/**
 * What the policy of tenants says about a packet of a client that comes in at `port`: whose it is, the rule that lets it call, and
 * what limits and marks it. By the same rules as the compiler's. `undefined`: it comes from another router, or the port is one.
 */
export function packetPolicy(
  policies: Policies,
  port: Pick<PortOptions, "role" | "tenantIndex" | "sources">,
  packet: { readonly source: Ipv6Address; readonly called: Called | undefined },
  names: Pick<Names, "tenant">,
): PacketPolicy | undefined {
  if (port.role === "core") return undefined;
  const index = tenantBySource(port, packet.source);
  const tenant = index === undefined ? undefined : names.tenant(index);
  if (tenant === undefined)
    return { text: "nobody with this source is behind the port: permitted-source and tenant-source of the interface" };
  const { called } = packet;
  const own = policies.find((one) => one.tenant === tenant)?.clients;
  const terms = [...(own === undefined ? [] : limits(`clients of ${tenant}`, own))];
  if (called === undefined) return { tenant, ...told(terms) };
  const owner = policies.find((one) => one.tenant === called.tenant);
  for (const entry of (owner?.capabilities ?? []).filter((one) => covers(one, called.capability)))
    terms.push(...limits(`${entry.name} of ${called.tenant}`, entry));
  if (called.tenant === tenant) return { tenant, ...told(terms) };
  const rule = owner?.rules.find((one) => one.from.includes(tenant) && covers(one as Match, called.capability));
  if (rule === undefined)
    return { tenant, text: `no rule of ${called.tenant} lets ${tenant} call ${called.capability}` };
  const lets = `the rule ${rule.name} of ${called.tenant} lets ${tenant} call ${called.capability}`;
  return { tenant, rule: rule.name, ruleOwner: called.tenant, text: [lets, ...terms].join("; ") };
}

const told = (terms: readonly string[]): { readonly text?: string } =>
  terms.length === 0 ? {} : { text: terms.join("; ") };

/** What an entry says, in words. */
function limits(of: string, { packets, bits, dscp, tag }: Policies[number]["clients"]): readonly string[] {
  const said = [
    ...(packets === undefined ? [] : [`at most ${packets.perSecond} packets/s`]),
    ...(bits === undefined ? [] : [`at most ${bits.perSecond} bit/s`]),
    ...(dscp === undefined ? [] : [`DSCP ${dscp}`]),
    ...(tag === undefined ? [] : [`tag ${tag}`]),
  ];
  return said.length === 0 ? [] : [`${of}: ${said.join(", ")}`];
}
