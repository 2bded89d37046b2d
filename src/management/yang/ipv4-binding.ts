import { type Ipv4Prefix, parseIpv4Prefix } from "../../base/index.ts";
import type { Ipv4Configuration } from "../configuration/ipv4.ts";
import type { Ipv4 } from "../schema/instance/semrd-ipv4.ts";
import { prefixOf } from "./values.ts";

export function bindIpv4(ipv4: Ipv4): Ipv4Configuration {
  return {
    prefix: prefixOf(ipv4.prefix),
    ...(ipv4.guests === undefined ? {} : { guests: poolOf(ipv4.guests) }),
    pools: (ipv4.pool ?? []).map(({ tenant, prefix }) => ({ tenant, prefix: poolOf(prefix) })),
  };
}

function poolOf(text: string): Ipv4Prefix {
  const prefix = parseIpv4Prefix(text);
  if (prefix === undefined) throw new Error(`the YANG model accepts ${text} as ipv4-prefix: please report it`);
  return prefix;
}
