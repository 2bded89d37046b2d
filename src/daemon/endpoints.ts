import { networkInterfaces } from "node:os";
import {
  embeddedIpv4,
  embedIpv4,
  formatIpv4,
  formatIpv6,
  type Ipv6Address,
  type Ipv6Prefix,
  parseIpv4,
  parseIpv6,
} from "../base/index.ts";
import type { RouterConfiguration } from "../management/index.ts";

/**
 * The networks of this router's agent interfaces: where an agent that registers may listen, so that none can draw
 * traffic to an address of somebody else.
 */
export function agentNetworks(configuration: RouterConfiguration): Ipv6Prefix[] {
  const known = networkInterfaces();
  const ipv4Prefix = agentIpv4Prefix(configuration);
  return configuration.interfaces
    .filter(({ role }) => role === "agent")
    .flatMap(({ name }) => known[name] ?? [])
    .flatMap(({ family, scopeid, cidr }) => {
      if (family === "IPv4") return ipv4Prefix === undefined ? [] : (ipv4NetworkOf(cidr, ipv4Prefix) ?? []);
      return scopeid ? [] : (networkOf(cidr) ?? []);
    });
}

/** The /96 in which agents have addresses that know IPv4 only; `undefined`: this router serves none. */
export function agentIpv4Prefix({ ipv4 }: RouterConfiguration): Ipv6Prefix | undefined {
  return ipv4?.guests === undefined ? undefined : ipv4.prefix;
}

/** What this router itself calls an agent's address, since its own packets go where the agent is. */
export function probeHost({ ipv4 }: RouterConfiguration, address: Ipv6Address): string {
  const embedded = ipv4 === undefined ? undefined : embeddedIpv4(ipv4.prefix, address);
  return embedded === undefined ? formatIpv6(address) : formatIpv4(embedded);
}

function ipv4NetworkOf(cidr: string | null, prefix: Ipv6Prefix): Ipv6Prefix | undefined {
  const [text, bits] = cidr?.split("/") ?? [];
  const address = text === undefined ? undefined : parseIpv4(text);
  if (address === undefined) return undefined;
  const length = Number(bits);
  return { address: embedIpv4(prefix, address - (address % 2 ** (32 - length))), length: 96 + length };
}

function networkOf(cidr: string | null): Ipv6Prefix | undefined {
  const [text, bits] = cidr?.split("/") ?? [];
  const address = text === undefined ? undefined : parseIpv6(text);
  if (address === undefined) return undefined;
  const length = Number(bits);
  const network = address.map((octet, i) => octet & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - length))));
  return { address: network, length };
}
