import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { formatIpv6, parseIpv6 } from "../../../src/base/index.ts";
import type { KernelDataplane, PortOptions } from "../../../src/dataplane/index.ts";
import { GROUP_SLOTS, type Operation } from "../../../src/forwarding/index.ts";
import { type Row, row } from "./figures.ts";
import { BUILD } from "./places.ts";
import { capabilityAddress, startDataplane, TENANT } from "./world.ts";

const AGENT = "2001:db8:7c:a::2";
const [AGENT_PORT, SERVICE_PORT] = [5201, 443];
const MILLISECONDS = 200;
/** Both ends never share a processor, so that no round is another experiment than the next. */
const PROCESSOR = { sender: "0", sink: "1" } as const;
const LONGEST_MS = 20_000;

/** Two hosts, each behind a veth with the settings it is born with: checksums and segments are left to the receiver. */
const SETUP = `
  ip netns add streamer
  ip netns add agent
  ip link add sb-t0 type veth peer name t0 netns streamer
  ip link add sb-t1 type veth peer name t0 netns agent
  sysctl -qw net.ipv6.conf.sb-t0.accept_dad=0 net.ipv6.conf.sb-t1.accept_dad=0
  for name in sb-t0 sb-t1; do sysctl -qw net.ipv6.conf.$name.forwarding=1; ip link set $name up; done
  ip -6 address add 2001:db8:7c:c::1/64 dev sb-t0 nodad
  ip -6 address add 2001:db8:7c:a::1/64 dev sb-t1 nodad
  for host in streamer agent; do nsenter --net=/run/netns/$host ip link set lo up; nsenter --net=/run/netns/$host ip link set t0 up; done
  nsenter --net=/run/netns/streamer ip -6 address add 2001:db8:7c:c::2/64 dev t0 nodad
  nsenter --net=/run/netns/agent ip -6 address add ${AGENT}/64 dev t0 nodad
  nsenter --net=/run/netns/streamer ip -6 route add default via 2001:db8:7c:c::1
  nsenter --net=/run/netns/agent ip -6 route add default via 2001:db8:7c:a::1
`;

const PORTS: readonly PortOptions[] = [
  { interface: "sb-t0", role: "client", tenantIndex: TENANT, hook: "tc" },
  { interface: "sb-t1", role: "agent", tenantIndex: TENANT, hook: "tc" },
];

const all = (nextHop: number) =>
  Array.from({ length: GROUP_SLOTS }, (_, slot) => ({ slot, current: nextHop, previous: nextHop }));

const PLAN: readonly Operation[] = [
  { type: "set-next-hop", index: 1, nextHop: { kind: "local" }, state: "up" },
  {
    type: "set-next-hop",
    index: 2,
    nextHop: {
      ...{ kind: "instance", instance: "sink", address: parseIpv6(AGENT)! },
      ...{ port: AGENT_PORT, servicePort: SERVICE_PORT, protocol: "tcp" },
    },
    state: "up",
  },
  { type: "set-slots", group: 1, slots: all(1), backup: 0 },
  { type: "set-slots", group: 2, slots: all(2), backup: 0 },
  { type: "set-capability", entry: { address: capabilityAddress(0), group: 1, localGroup: 2 } },
];

interface Way {
  readonly name: string;
  readonly ports: readonly PortOptions[];
  readonly to: readonly [address: string, port: number];
  /** Gigabits a second. */
  readonly rates: number[];
  /** Nanoseconds of a processor that sender and sink had, and with them the path between, for each kilobyte. */
  readonly costs: number[];
}

/** One TCP stream through this router, with tc on both veths, and through the kernel alone: in turn, so that both meet the same load. */
export async function measureTcp(rounds: number): Promise<Row[]> {
  execFileSync("sh", ["-ec", SETUP], { stdio: ["ignore", "inherit", "inherit"] });
  await using dataplane = await startDataplane("tcp", 64);
  dataplane.apply(PLAN, 1);
  const words = [join(BUILD, "stream"), "sink", `${AGENT_PORT}`];
  const sink = spawn("nsenter", ["--net=/run/netns/agent", "taskset", "-c", PROCESSOR.sink, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: sink.stdout! })[Symbol.asyncIterator]();
  await lines.next();
  const way = (name: string, ports: readonly PortOptions[], to: Way["to"]): Way => ({
    name,
    ports,
    to,
    rates: [],
    costs: [],
  });
  const kernel = way("the kernel forwards", [], [AGENT, AGENT_PORT]);
  const beside = way("the kernel forwards, the pass looks on", PORTS, [AGENT, AGENT_PORT]);
  const capability = way("to a capability, translated both ways", PORTS, [
    formatIpv6(capabilityAddress(0)),
    SERVICE_PORT,
  ]);
  const ways = [kernel, capability, beside];
  try {
    for (let round = 0; round <= rounds; round++)
      for (const one of round % 2 === 0 ? ways : ways.toReversed()) {
        const { rate, cost } = await stream(dataplane, one, lines);
        if (round === 0) continue;
        one.rates.push(rate);
        one.costs.push(cost);
      }
  } finally {
    await end(sink);
    for (const host of ["streamer", "agent"]) execFileSync("ip", ["netns", "del", host]);
  }
  const ratio = (one: Way) => one.rates.map((rate, round) => rate / kernel.rates[round]!);
  const cost = (one: Way) => one.costs.map((each, round) => each / kernel.costs[round]!);
  return [
    ...ways.map(({ name, rates }) => row(name, "Gb/s", rates)),
    row("to a capability ÷ the kernel forwards", "", ratio(capability), { least: 0.95 }),
    row("the pass looks on ÷ the kernel forwards", "", ratio(beside)),
    ...ways.map(({ name, costs }) => row(`processor time: ${name}`, "ns/kB", costs)),
    row("processor time: to a capability ÷ the kernel forwards", "", cost(capability)),
  ];
}

async function stream(
  dataplane: KernelDataplane,
  { ports, to }: Way,
  lines: AsyncIterator<string>,
): Promise<{ rate: number; cost: number }> {
  await dataplane.changePorts(ports);
  const [address, port] = to;
  const words = [
    "taskset",
    "-c",
    PROCESSOR.sender,
    join(BUILD, "stream"),
    "send",
    address,
    `${port}`,
    `${MILLISECONDS}`,
  ];
  const sent = Number(execFileSync("nsenter", ["--net=/run/netns/streamer", ...words], { timeout: LONGEST_MS }));
  const { value } = await lines.next();
  const [octets, nanoseconds, received] = String(value).split(" ").map(Number);
  return { rate: (8 * octets!) / nanoseconds!, cost: (1000 * (sent + received!)) / octets! };
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}
