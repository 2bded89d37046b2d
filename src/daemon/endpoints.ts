import { networkInterfaces } from "node:os";
import { type Ipv6Prefix, parseIpv6 } from "../base/index.ts";
import type { RouterConfiguration } from "../management/index.ts";

/**
 * The networks of this router's agent interfaces: where an agent that registers may listen, so that none can draw
 * traffic to an address of somebody else.
 */
export function agentNetworks(configuration: RouterConfiguration): Ipv6Prefix[] {
  const known = networkInterfaces();
  return configuration.interfaces
    .filter(({ role }) => role === "agent")
    .flatMap(({ name }) => known[name] ?? [])
    .filter(({ family, scopeid }) => family === "IPv6" && !scopeid)
    .flatMap(({ cidr }) => networkOf(cidr) ?? []);
}

function networkOf(cidr: string | null): Ipv6Prefix | undefined {
  const [text, bits] = cidr?.split("/") ?? [];
  const address = text === undefined ? undefined : parseIpv6(text);
  if (address === undefined) return undefined;
  const length = Number(bits);
  const network = address.map((octet, i) => octet & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - length))));
  return { address: network, length };
}
