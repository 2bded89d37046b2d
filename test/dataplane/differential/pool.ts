import { parseIpv6Prefix } from "../../../src/base/index.ts";
import type { DataplaneOptions } from "../../../src/dataplane/index.ts";
import { address } from "../memory/frames.ts";

/** A small world, so that random choices meet each other. */
export const OWN = address("2001:db8:f::1");
export const DOMAIN = parseIpv6Prefix("fd5e::/48")!;

export const ROUTERS = ["2001:db8:f::2", "2001:db8:5::2", "2001:dead::2"].map(address);
export const CLIENTS = ["2001:db8:c::1", "2001:db8:5::c", "2001:dead::c"].map(address);
export const AGENTS = ["2001:db8:a::1", "2001:db8:5::a", "2001:dead::a"].map(address);
/** Sources that no forwarded packet may have. */
export const BAD_SOURCES = ["ff02::1", "::", "::1", "fe80::1", "fd5e:0:0:1:8001:1:1:0"].map(address);

export const CAPABILITIES = [
  "fd5e:0:0:1:8001:1111:1111:0",
  "fd5e:0:0:1:8001:1111:1111:1",
  "fd5e:0:0:1:8001:2222:2222:0",
  "fd5e:0:0:1:9:3333:3333:0",
  "fd5e:0:0:2:8001:1111:1111:0",
  "fd5e:0:0:2:8001:4444:4444:0",
].map(address);

/** What of them may be known to others: all of a tenant's, those of a family. */
export const AGGREGATES = ["fd5e:0:0:1::/64", "fd5e:0:0:1:8001::/80", "fd5e:0:0:2:8001::/80"].map(
  (prefix) => parseIpv6Prefix(prefix)!,
);

/** VXLAN network identifiers. */
export const VNIS = [7, 0xabcdef];
/** What may be behind a port, for tenants 1 and 2: prefixes in prefixes. */
export const SOURCES = [
  ["2001:db8::/32", 1],
  ["2001:db8:c::/64", 2],
  ["2001:db8:c::1/128", 1],
  ["2001:db8:a::/64", 1],
  ["::/0", 2],
].map(([prefix, tenantIndex]) => ({ prefix: parseIpv6Prefix(String(prefix))!, tenantIndex: Number(tenantIndex) }));

export const CLIENT_PORTS = [4000, 4001];
export const SERVICE_PORTS = [80, 53];
export const AGENT_PORTS = [8080, 5353];

const MTU = { wide: 3000, narrow: 1400 };

/** Routes to 2001:db8::/32, of which 2001:db8:5::/48 takes less; none to anywhere else. Mirrored by {@link routeTo}. */
export const SETUP = `
  sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.lo.forwarding=1
  ip link set lo up
  ip link add st-dp-out type veth peer name st-dp-peer
  ip link set st-dp-peer up
  ip link set st-dp-out mtu ${MTU.wide} up
  ip -6 address add fe80::1/64 dev st-dp-out nodad
  ip -6 neighbour add fe80::2 lladdr 02:00:00:00:0a:02 dev st-dp-out
  ip -6 route add 2001:db8::/32 via fe80::2 dev st-dp-out
  ip -6 route add 2001:db8:5::/48 via fe80::2 dev st-dp-out mtu lock ${MTU.narrow}
`;

const WIDE = parseIpv6Prefix("2001:db8::/32")!;
const NARROW = parseIpv6Prefix("2001:db8:5::/48")!;

/** What the kernel's routing says about an address, as SETUP made it. */
export function routeTo(destination: Uint8Array): { readonly mtu: number } | undefined {
  const begins = (prefix: typeof WIDE): boolean =>
    destination.subarray(0, prefix.length / 8).every((octet, i) => octet === prefix.address[i]);
  if (begins(NARROW)) return { mtu: MTU.narrow };
  return begins(WIDE) ? { mtu: MTU.wide } : undefined;
}

export const OPTIONS: DataplaneOptions = {
  domain: DOMAIN,
  locator: OWN,
  ports: [],
  pinDirectory: "/sys/fs/bpf/semrd",
  hashSeed: 0x5eed,
  tunnelMtu: 1480,
  maxCapabilities: 64,
};
