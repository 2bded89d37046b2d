import { formatIpv4Prefix, ipv4HostRoom, ipv4PrefixesOverlap, prefixContains } from "../../base/index.ts";
import type { ConfigurationFault } from "./error.ts";
import type { RouterConfiguration } from "./types.ts";

const IPV4 = "/semrd-router:router/semrd-ipv4:ipv4";

/** Address arithmetic of the edge to IPv4: what no model can say. */
export function* ipv4Disagreements({
  ipv4,
  domain,
  site,
  taxonomy,
}: RouterConfiguration): Iterable<ConfigurationFault> {
  if (ipv4 === undefined) return;
  const { prefix, guests, pools } = ipv4;
  if (prefixContains(domain.prefix, prefix.address))
    yield {
      path: `${IPV4}/prefix`,
      reason: "lies in the domain's prefix, which is for capability addresses: take one that the network routes here",
      tag: "ipv4-prefix-in-domain",
    };
  if (prefixContains(prefix, site.locator))
    yield { path: `${IPV4}/prefix`, reason: "holds the locator of this router", tag: "ipv4-prefix-with-locator" };
  const named = pools.map((pool) => ({ path: `${IPV4}/pool[tenant='${pool.tenant}']/prefix`, prefix: pool.prefix }));
  const all = [...named, ...(guests === undefined ? [] : [{ path: `${IPV4}/guests`, prefix: guests }])];
  for (const [i, one] of all.entries()) {
    const other = all.slice(0, i).find((before) => ipv4PrefixesOverlap(before.prefix, one.prefix));
    if (other === undefined) continue;
    const reason = `shares addresses with ${formatIpv4Prefix(other.prefix)}: one address can stand for one thing only`;
    yield { path: one.path, reason, tag: "ipv4-pools-overlap" };
  }
  for (const { path, prefix: pool } of named) {
    const room = ipv4HostRoom(pool);
    if (taxonomy.capabilities.length <= room) continue;
    const reason = `has ${room} addresses for ${taxonomy.capabilities.length} capabilities: take a shorter prefix`;
    yield { path, reason, tag: "ipv4-pool-small" };
  }
}
