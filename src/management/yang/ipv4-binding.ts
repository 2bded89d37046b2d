import { type Ipv4Prefix, parseIpv4Prefix } from "../../base/index.ts";
import type { Ipv4Configuration } from "../configuration/ipv4.ts";
import { prefixOf } from "./values.ts";

/** As libyang prints it. */
export interface Ipv4Instance {
  readonly prefix: string;
  readonly guests?: string;
  readonly pool?: readonly { readonly tenant: string; readonly prefix: string }[];
}

export function bindIpv4(ipv4: Ipv4Instance): Ipv4Configuration {
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
