import { octetsEqual, sameValue } from "../../base/index.ts";
import type {
  BgpConfiguration,
  NeighborConfiguration,
  RouterConfiguration,
  TaxonomyConfiguration,
  TenantConfiguration,
} from "./types.ts";

/** Nodes of `/semrd-router:router` that hold from the next start on, and why. Paths of local names; everything below counts. */
export const AT_RESTART: readonly { readonly path: readonly string[]; readonly why: string }[] = [
  { path: ["name"], why: "the name is in what this router has said already" },
  { path: ["router-id"], why: "every route and session of this router carries it" },
  { path: ["domain"], why: "every capability address and DNS name is made of it" },
  { path: ["site"], why: "every route and forwarding entry of this router carries it" },
  { path: ["bgp", "local-as"], why: "every session begins with it" },
  { path: ["bgp", "address"], why: "every session is bound to it" },
  { path: ["bgp", "port"], why: "the speaker listens there" },
  { path: ["bgp", "cluster-id"], why: "reflected routes carry it" },
  { path: ["bgp", "graceful-restart"], why: "every session begins with it" },
  { path: ["dataplane"], why: "the tables are laid out by it" },
  { path: ["management", "control-socket"], why: "it is where this router is operated from" },
];

/** Nodes that cannot change while there is a state to find again. */
export const NEVER: readonly { readonly path: readonly string[]; readonly why: string }[] = [
  {
    path: ["state-directory"],
    why: "this configuration is kept there itself: stop the router, move the folder, change the startup file and start",
  },
];

/**
 * What the router does once `intended` is committed: as intended, but with the values of `before` where they last until
 * the restart. The counterpart of {@link AT_RESTART}.
 */
export function inUseOf(intended: RouterConfiguration, before: RouterConfiguration): RouterConfiguration {
  const tenants = tenantsInUse(intended.tenants, before.tenants);
  const { bgp: wanted, ...others } = intended;
  const bgp = bgpInUse(wanted, before.bgp);
  const taxonomy = taxonomyInUse(intended.taxonomy, before.taxonomy);
  const indexes = new Map(tenants.map(({ name, index }) => [name, index]));
  return {
    ...others,
    name: before.name,
    routerId: before.routerId,
    domain: before.domain,
    site: before.site,
    ...(bgp === undefined ? {} : { bgp }),
    taxonomy,
    tenants,
    interfaces: intended.interfaces.map((port) => {
      const tenantIndex = port.tenant === undefined ? 0 : indexes.get(port.tenant)!;
      return tenantIndex === port.tenantIndex ? port : { ...port, tenantIndex };
    }),
    dataplane: before.dataplane,
    management: { ...intended.management, controlSocket: before.management.controlSocket },
    stateDirectory: before.stateDirectory,
  };
}

/** Numbers of tenants that exist are in every address and route of theirs. */
function tenantsInUse(
  intended: readonly TenantConfiguration[],
  before: readonly TenantConfiguration[],
): readonly TenantConfiguration[] {
  const known = new Map(before.map((tenant) => [tenant.name, tenant]));
  const inUse = intended.map((tenant) => {
    const old = known.get(tenant.name);
    if (old === undefined || !isRenumbered(old, tenant)) return tenant;
    return { ...tenant, index: old.index, routeDistinguisher: old.routeDistinguisher };
  });
  return sameValue(inUse, before) ? before : inUse;
}

/** Whether a tenant that is there gets another number, which is for the next start. */
export function isRenumbered(before: TenantConfiguration, after: TenantConfiguration): boolean {
  return before.index !== after.index || !octetsEqual(before.routeDistinguisher, after.routeDistinguisher);
}

/** The code of a family is in every address of its capabilities. */
function taxonomyInUse(intended: TaxonomyConfiguration, before: TaxonomyConfiguration): TaxonomyConfiguration {
  if (intended === before) return before;
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
  const used = new Set(before.capabilities.map(({ name }) => name.split("/")[1]!));
  return [...used].filter((label) => intended.familyCodes.get(label) !== before.familyCodes.get(label));
}

function bgpInUse(intended: BgpConfiguration | undefined, before: BgpConfiguration | undefined) {
  if (intended === undefined || before === undefined || intended === before) return before;
  const { clusterId: _c, gracefulRestart: _g, ...others } = intended;
  const { localAs, address, port, clusterId, gracefulRestart } = before;
  return {
    ...others,
    ...{ localAs, address, port },
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
    neighbors:
      localAs === intended.localAs ? intended.neighbors : intended.neighbors.map((one) => seenFrom(one, localAs)),
  };
}

/** Whether a neighbour is of the same AS depends on ours. */
function seenFrom(neighbor: NeighborConfiguration, localAs: number): NeighborConfiguration {
  const kind = neighbor.remoteAs === localAs ? "internal" : "external";
  const { bfd } = neighbor;
  const multihop = kind === "internal" || neighbor.multihop !== undefined;
  return { ...neighbor, kind, ...(bfd === undefined ? {} : { bfd: { ...bfd, multihop } }) };
}
