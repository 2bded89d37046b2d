import { type Clock, toHex } from "../../base/index.ts";
import type { PolicyBook } from "../../bgp/policy/index.ts";
import { Taxonomy } from "../../directory/index.ts";
import type { KnownCapability } from "../../forwarding/index.ts";
import type { RouterConfiguration } from "../../management/index.ts";
import { domainNodes } from "../bgp.ts";
import { Names } from "../names.ts";

/** What the router goes by now. Providers put other values here; whoever needs one asks again each time. */
export interface Current {
  /** In use: without what waits for a restart. */
  configuration: RouterConfiguration;
  taxonomy: Taxonomy;
  names: Names;
  policies: PolicyBook;
}

/** Over many turns where there is much. @throws {DirectoryError} directory.address-collision */
export function taxonomyOf({ taxonomy, domain, tenants, ipv4 }: RouterConfiguration, clock: Clock): Promise<Taxonomy> {
  const options = {
    revision: taxonomy.revision,
    domain: domain.prefix,
    dnsZone: domain.dnsZone,
    families: taxonomy.familyCodes,
    capabilities: taxonomy.capabilities,
    tenants: indexes(tenants),
    ipv4Pools: new Map(ipv4?.pools.map(({ tenant, prefix }) => [tenant, prefix])),
  };
  return Taxonomy.inSlices(options, clock);
}

export const indexes = (tenants: RouterConfiguration["tenants"]): ReadonlyMap<string, number> =>
  new Map(tenants.map(({ name, index }) => [name, index]));

export function namesOf(configuration: RouterConfiguration, taxonomy: Taxonomy): Names {
  const { name, site } = configuration;
  const routers = new Map([[toHex(site.locator), name]]);
  for (const { locator, name: called } of domainNodes(configuration)) {
    if (called !== undefined) routers.set(toHex(locator), called);
  }
  return new Names(taxonomy, routers, site.selector);
}

/** Every capability of every tenant, as they are asked for: there may be a million. */
export function* knownCapabilities({
  tenants,
  taxonomy,
}: Pick<RouterConfiguration, "tenants" | "taxonomy">): Generator<KnownCapability> {
  for (const { index } of tenants)
    for (const { name, majorVersion, affinity } of taxonomy.capabilities)
      yield { tenantIndex: index, name, majorVersion, ...(affinity && { affinity }) };
}
