import { ipv4PrefixSize, type Log } from "../base/index.ts";
import { type DataplaneDriver, type EdgePlan, MOST_POOL_ADDRESSES } from "../dataplane/index.ts";
import type { Taxonomy } from "../directory/index.ts";
import type { RouterConfiguration } from "../management/index.ts";

/** What the data plane translates at the edge; `undefined` without IPv4 in the configuration. */
export function edgePlanOf({ ipv4, tenants }: RouterConfiguration, taxonomy: Taxonomy): EdgePlan | undefined {
  if (ipv4 === undefined) return undefined;
  const indexes = new Map(tenants.map(({ name, index }) => [name, index]));
  return {
    prefix: ipv4.prefix.address.slice(0, 12),
    ...(ipv4.guests === undefined ? {} : { guests: ipv4.guests }),
    pools: ipv4.pools.map(({ tenant, prefix }) => ({
      tenantIndex: indexes.get(tenant)!, // a leafref that libyang has checked
      prefix,
      capabilities: taxonomy.capabilities.flatMap(({ name, majorVersion }) => {
        const address = taxonomy.ipv4Address(tenant, name, majorVersion);
        const capability = taxonomy.address(tenant, name, majorVersion);
        return address === undefined || capability === undefined ? [] : [{ address, capability }];
      }),
    })),
  };
}

/** Why a data plane cannot carry the configuration's IPv4 out, `undefined` when it can. */
export function edgeRefusal({ ipv4 }: RouterConfiguration, driver: DataplaneDriver): string | undefined {
  if (ipv4 === undefined) return undefined;
  if (driver.setEdge === undefined)
    return `the ${driver.name} data plane translates no IPv4: use the kernel's, or leave the container ipv4 out`;
  const size = ipv4.pools.reduce((sum, { prefix }) => sum + ipv4PrefixSize(prefix), 0);
  if (size <= MOST_POOL_ADDRESSES) return undefined;
  return `the pools have ${size} addresses together, and the data plane has room for ${MOST_POOL_ADDRESSES}: take longer prefixes`;
}

/** Lets the data plane begin with what the configuration says. */
export function startEdge(
  configuration: RouterConfiguration,
  taxonomy: Taxonomy,
  driver: DataplaneDriver,
  log: Log,
): void {
  const reason = edgeRefusal(configuration, driver);
  if (reason !== undefined) log.error("dataplane.edge.not-translating", { reason });
  driver.setEdge?.(reason === undefined ? edgePlanOf(configuration, taxonomy) : undefined);
}
