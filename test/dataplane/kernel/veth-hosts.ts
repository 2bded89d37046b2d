/** A client and an agent behind veths of a router of one capability, and the words of python that they run. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { formatIpv6, parseIpv6 } from "../../../src/base/index.ts";
import { GROUP_SLOTS, type Operation } from "../../../src/forwarding/index.ts";
import { firstLine, killed } from "../../host/child.ts";
import { CAPABILITY } from "../memory/story.ts";
import { whyNoKernelDataplane } from "./isolated.ts";

export const AGENT = "2001:db8:7c:a::2";
export const TENANT = new DataView(CAPABILITY.buffer, CAPABILITY.byteOffset).getUint16(6);
export const SERVICE_PORT = 53;
/** Debian's own, as the other packages are: what else is called so may be a script that looks for it first. */
export const PYTHON = "/usr/bin/python3";
const AGENT_PORT = 5353;

/** A router with a client and an agent, each in a namespace of its own behind a veth. */
export const HOSTS = `
  mkdir -p /run/netns
  mount -t tmpfs tmpfs /run/netns
  sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.forwarding=1
  ip link set lo up
  for host in client agent; do
    ip netns add $host
    ip link add \${host}0 type veth peer name up0 netns $host
    ip link set \${host}0 up
    nsenter --net=/run/netns/$host sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.up0.accept_dad=0
    ip -n $host link set lo up
    ip -n $host link set up0 up
  done
  ip -6 address add 2001:db8:7c:c::1/64 dev client0 nodad
  ip -6 address add 2001:db8:7c:a::1/64 dev agent0 nodad
  ip -6 -n client address add 2001:db8:7c:c::2/64 dev up0 nodad
  ip -6 -n agent address add ${AGENT}/64 dev up0 nodad
  ip -6 -n client route add default via 2001:db8:7c:c::1
  ip -6 -n agent route add default via 2001:db8:7c:a::1
`;

const ECHO = `
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", int(sys.argv[1])))
print("ready", flush=True)
while True:
    octets, who = s.recvfrom(2048)
    s.sendto(octets, who)
`;

/** Asks one after the other, again where nothing comes back, and says how many were answered. */
const ASK = `
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(1)
s.connect((sys.argv[1], int(sys.argv[2])))
came = 0
for i in range(int(sys.argv[3])):
    for again in range(5):
        s.send(b"%d" % i)
        try:
            came += s.recv(2048) == b"%d" % i
            break
        except TimeoutError:
            pass
print(came)
`;

const all = (nextHop: number) =>
  Array.from({ length: GROUP_SLOTS }, (_, slot) => ({ slot, current: nextHop, previous: nextHop }));

export const PLAN: readonly Operation[] = [
  { type: "set-next-hop", index: 1, nextHop: { kind: "local" }, state: "up" },
  {
    type: "set-next-hop",
    index: 2,
    nextHop: {
      ...{ kind: "instance", instance: "echo", address: parseIpv6(AGENT)! },
      ...{ port: AGENT_PORT, servicePort: SERVICE_PORT, protocol: "udp" },
    },
    state: "up",
  },
  { type: "set-slots", group: 1, slots: all(1), backup: 0 },
  { type: "set-slots", group: 2, slots: all(2), backup: 0 },
  { type: "set-capability", entry: { address: CAPABILITY, group: 1, localGroup: 2 } },
];

export const sh = (command: string): string =>
  execFileSync("sh", ["-ec", command], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

export function whyNoHosts(): string | undefined {
  try {
    execFileSync(PYTHON, ["-V"], { stdio: "ignore" });
  } catch {
    return "python3 is not installed";
  }
  return whyNoKernelDataplane();
}

/** The agent, which sends back what it gets. */
export async function startAgent(): Promise<AsyncDisposable> {
  const agent: ChildProcess = spawn("nsenter", ["--net=/run/netns/agent", PYTHON, "-c", ECHO, `${AGENT_PORT}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await firstLine(agent);
  return {
    [Symbol.asyncDispose]: () => killed(agent),
  };
}

/** How many of so many datagrams of the client to the capability are answered. */
export function answers(datagrams: number): number {
  const words = ["--net=/run/netns/client", PYTHON, "-c", ASK, formatIpv6(CAPABILITY), `${SERVICE_PORT}`];
  return Number(execFileSync("nsenter", [...words, `${datagrams}`], { encoding: "utf8", timeout: 30_000 }));
}
