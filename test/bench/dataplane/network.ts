import { execFileSync } from "node:child_process";

/** The namespace of the bench itself is the router; the other two are only seen by its processes. */
export const NETWORK = {
  generatorNamespace: "generator",
  sinkNamespace: "sinks",
  generator: "sb-g0",
  /** The router's ports: where frames come in, and the links behind which odd and even tunnels are. */
  arrival: "sb-r0",
  links: ["sb-r1", "sb-r2"],
  sinks: ["sb-s1", "sb-s2"],
} as const;

/** Of frames from the generator to the router: destination and source. */
export const MACS = Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);

const SETUP = `
  mount -t bpf bpf /sys/fs/bpf
  mkdir -p /run/netns
  mount -t tmpfs tmpfs /run/netns
  ip netns add generator
  ip netns add sinks
  sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
  ip link set lo up
  ip link add sb-r0 address 02:00:00:00:00:02 type veth peer name sb-g0 address 02:00:00:00:00:01 netns generator
  ip link add sb-r1 address 02:00:00:00:00:03 type veth peer name sb-s1 address 02:00:00:00:00:04 netns sinks
  ip link add sb-r2 address 02:00:00:00:00:05 type veth peer name sb-s2 address 02:00:00:00:00:06 netns sinks
  sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.lo.forwarding=1
  for name in sb-r0 sb-r1 sb-r2; do
    sysctl -qw net.ipv6.conf.$name.forwarding=1
    ip link set $name up
  done
  ip -n generator link set sb-g0 up
  ip -n sinks link set sb-s1 up
  ip -n sinks link set sb-s2 up
  ip -6 address add fe80::b1/64 dev sb-r1 nodad
  ip -6 address add fe80::b2/64 dev sb-r2 nodad
  ip -6 neighbour add fe80::51 lladdr 02:00:00:00:00:04 dev sb-r1
  ip -6 neighbour add fe80::52 lladdr 02:00:00:00:00:06 dev sb-r2
  ip -6 route add 2001:db8:b1::/48 via fe80::51 dev sb-r1
  ip -6 route add 2001:db8:b2::/48 via fe80::52 dev sb-r2
  ip -6 route add fd5e:3d00:1::/48 via fe80::51 dev sb-r1
`;

/** All tunnels behind one link, as the yardsticks' one route is; else they are behind both. */
export function tunnelsBehind(links: "one" | "both"): void {
  const way = links === "one" ? "via fe80::51 dev sb-r1" : "via fe80::52 dev sb-r2";
  execFileSync("ip", ["-6", "route", "replace", "2001:db8:b2::/48", ...way.split(" ")]);
}

/** Makes the three namespaces' links and routes. They, and everything on them, go with the bench's processes. */
export function setUpNetwork(): void {
  execFileSync("sh", ["-ec", SETUP], { stdio: ["ignore", "inherit", "inherit"] });
}
