import { capabilityFamily, octetsEqual } from "../../base/index.ts";
import type { RouterState } from "./binder.ts";
import type { DataplaneConfiguration } from "./dataplane.ts";
import type {
  InterfaceConfiguration,
  RouterConfiguration,
  TaxonomyConfiguration,
  TenantConfiguration,
} from "./types.ts";

/** What can change while the router runs. What is not here, and what is in {@link LASTING}, holds from the next start on. */
export const LIVE: ReadonlySet<string> = new Set([
  "router-id",
  "nodes",
  "advertisement",
  "keystore",
  "truststore",
  "taxonomy",
  "tenants",
  "tenant-policies",
  "interfaces",
  "ipv4",
  "routing-policy",
  "bgp",
  "registration",
  "agents",
  "discovery",
  "dataplane",
  "telemetry",
  "management",
]);

/** Parts of the live ones that last until the restart, with the reason. Paths of local names; everything below counts. */
export const LASTING: readonly { readonly path: readonly string[]; readonly why: string }[] = [
  { path: ["advertisement", "instances"], why: "what is said is chosen when the router starts" },
  { path: ["advertisement", "prefix"], why: "what is said is chosen when the router starts" },
  { path: ["advertisement", "unknown-tlvs-outside"], why: "what is passed on is chosen when the router starts" },
  { path: ["dataplane", "driver"], why: "the tables are its own" },
  { path: ["dataplane", "pin-directory"], why: "the tables lie there" },
  { path: ["dataplane", "fib-service"], why: "the executor is connected to when the router starts" },
  { path: ["dataplane", "ovs"], why: "the switch is connected to when the router starts" },
  { path: ["dataplane", "hash-seed"], why: "flows would move" },
  { path: ["dataplane", "tunnel-mtu"], why: "the program holds it" },
  { path: ["dataplane", "max-capabilities"], why: "the tables have been made for it" },
  { path: ["management", "control-socket"], why: "those who operate the router are connected to it" },
];

/** What cannot change while there is a state to find again, and what to do instead. */
export const NEVER: ReadonlyMap<string, string> = new Map([
  [
    "state-directory",
    "commits are kept there themselves: stop the router, move the folder, change the startup file and start",
  ],
]);

/**
 * What the router does once `intended` is committed: what is live as intended, everything else as before. The counterpart of
 * {@link LIVE} and {@link LASTING}. What has not changed stays the same object.
 */
export function inUseOf(intended: RouterConfiguration, before: RouterState): RouterConfiguration {
  const { intended: was, inUse } = before;
  const tenants = intended.tenants === was.tenants ? inUse.tenants : tenantsInUse(intended.tenants, inUse.tenants);
  const isRewired = intended.interfaces !== was.interfaces || tenants !== inUse.tenants;
  const { bgp: _, ipv4: _4, ...others } = inUse;
  // BGP is started and ended with the router.
  const bgp =
    intended.bgp === was.bgp || intended.bgp === undefined || inUse.bgp === undefined ? inUse.bgp : intended.bgp;
  return {
    ...others,
    routerId: intended.routerId,
    nodes: intended.nodes,
    keystore: intended.keystore,
    truststore: intended.truststore,
    routingPolicy: intended.routingPolicy,
    tenantPolicies: intended.tenantPolicies,
    registration: intended.registration,
    agents: intended.agents,
    discovery: intended.discovery,
    telemetry: intended.telemetry,
    nacm: intended.nacm,
    alarms: intended.alarms,
    tenants,
    ...(bgp === undefined ? {} : { bgp }),
    advertisement: { ...inUse.advertisement, damping: intended.advertisement.damping },
    dataplane:
      intended.dataplane === was.dataplane ? inUse.dataplane : dataplaneInUse(intended.dataplane, inUse.dataplane),
    ...(intended.ipv4 === undefined ? {} : { ipv4: intended.ipv4 }),
    management: { ...intended.management, controlSocket: inUse.management.controlSocket },
    taxonomy: intended.taxonomy === was.taxonomy ? inUse.taxonomy : taxonomyInUse(intended.taxonomy, inUse.taxonomy),
    interfaces: isRewired ? interfacesInUse(intended.interfaces, tenants) : inUse.interfaces,
  };
}

/** Tables and program are made once. */
function dataplaneInUse(intended: DataplaneConfiguration, before: DataplaneConfiguration): DataplaneConfiguration {
  const { clampMss, tunnels, heartbeat, passiveHealth } = intended;
  const { heartbeat: _, passiveHealth: __, ...lasting } = before;
  return {
    ...{ ...lasting, clampMss, tunnels },
    ...(heartbeat === undefined ? {} : { heartbeat }),
    ...(passiveHealth === undefined ? {} : { passiveHealth }),
  };
}

function interfacesInUse(
  intended: readonly InterfaceConfiguration[],
  tenants: readonly TenantConfiguration[],
): readonly InterfaceConfiguration[] {
  const indexes = new Map(tenants.map(({ name, index }) => [name, index]));
  return intended.map((port) => ({
    ...port,
    tenantIndex: port.tenant === undefined ? 0 : indexes.get(port.tenant)!,
    tenantSources: port.tenantSources.map((source) => ({ ...source, tenantIndex: indexes.get(source.tenant)! })),
  }));
}

/** Numbers of tenants that exist are in every address and route of theirs. */
function tenantsInUse(
  intended: readonly TenantConfiguration[],
  before: readonly TenantConfiguration[],
): readonly TenantConfiguration[] {
  const known = new Map(before.map((tenant) => [tenant.name, tenant]));
  return intended.map((tenant) => {
    const old = known.get(tenant.name);
    if (old === undefined || !isRenumbered(old, tenant)) return tenant;
    return { ...tenant, index: old.index, routeDistinguisher: old.routeDistinguisher };
  });
}

/** Whether a tenant that is there gets another number, which is for the next start. */
export function isRenumbered(before: TenantConfiguration, after: TenantConfiguration): boolean {
  return before.index !== after.index || !octetsEqual(before.routeDistinguisher, after.routeDistinguisher);
}

/** The code of a family is in every address of its capabilities. */
function taxonomyInUse(intended: TaxonomyConfiguration, before: TaxonomyConfiguration): TaxonomyConfiguration {
  const held = recodedFamilies(intended, before);
  if (held.length === 0) return intended;
  const familyCodes = new Map(intended.familyCodes);
  for (const label of held) {
    const code = before.familyCodes.get(label);
    if (code === undefined) familyCodes.delete(label);
    else familyCodes.set(label, code);
  }
  return { ...intended, familyCodes };
}

/** Families with capabilities that get another code. */
export function recodedFamilies(intended: TaxonomyConfiguration, before: TaxonomyConfiguration): readonly string[] {
  const used = new Set(before.capabilities.map(({ name }) => capabilityFamily(name)));
  return [...used].filter((label) => intended.familyCodes.get(label) !== before.familyCodes.get(label));
}
