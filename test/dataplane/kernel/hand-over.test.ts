import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6, parseIpv6 } from "../../../src/base/index.ts";
import { type KernelDataplane, type PortOptions, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { GROUP_SLOTS, type Operation } from "../../../src/forwarding/index.ts";
import { CAPABILITY, OPTIONS, SILENT } from "../memory/story.ts";
import { isolated, OBJECT_PATH, whyNoKernelDataplane } from "./isolated.ts";

const AGENT = "2001:db8:7c:a::2";
const TENANT = new DataView(CAPABILITY.buffer, CAPABILITY.byteOffset).getUint16(6);
const [SERVICE_PORT, AGENT_PORT] = [53, 5353];
const DATAGRAMS = 20;

/** A router with a client and an agent, each in a namespace of its own behind a veth, and a veth that ends here. */
const SETUP = `
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
  ip link add here0 type veth peer name here1
  ip link set here0 up
  ip link set here1 up
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

/** Begins one flow after the other until an error says that nobody is there. */
const UNTIL_TOLD = `
import errno, select, socket, sys, time
until, begun = time.monotonic() + 20, []
while time.monotonic() < until:
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, 25, 1)  # IPV6_RECVERR: "no such host" is an error, too
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(b"who")
    begun.append(s)
    for told in select.select(begun, [], [], 0.05)[0]:
        error = told.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            print(errno.errorcode[error])
            sys.exit()
        begun.remove(told)
`;

/** Makes (or with "delete" removes) a chain of nftables at the egress of an interface, which drops nothing. */
const CHAIN = `
import socket, struct, sys
device, remove = sys.argv[1].encode() + b"\\0", len(sys.argv) > 2
pad = lambda octets: octets + bytes(-len(octets) % 4)
attribute = lambda kind, value: pad(struct.pack("HH", 4 + len(value), kind) + value)
def message(kind, flags, family, value=b"", resource=0):
    body = struct.pack(">BBH", family, 0, resource) + value
    return struct.pack("IHHII", 16 + len(body), kind, 1 | flags, 1, 0) + body
table = attribute(1, b"semr-test\\0")
hook = attribute(1, struct.pack(">I", 1)) + attribute(2, struct.pack(">i", 0)) + attribute(3, device)
chain = table + attribute(3, b"leaving\\0") + attribute(0x8004, hook) + attribute(7, b"filter\\0")
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
made = message(0xa02, 4, 5, table) if remove else message(0xa00, 0x400, 5, attribute(1, b"semr-test\\0")) + message(0xa03, 0x404, 5, chain)
s.send(message(0x10, 0, 0, resource=10) + made + message(0x11, 0, 0, resource=10))
error = struct.unpack_from("i", s.recv(8192), 16)[0]
if error: sys.exit("nftables: error %d" % -error)
`;

const all = (nextHop: number) =>
  Array.from({ length: GROUP_SLOTS }, (_, slot) => ({ slot, current: nextHop, previous: nextHop }));

const PLAN: readonly Operation[] = [
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

const port = (name: string, role: PortOptions["role"]): PortOptions => ({
  ...{ interface: name, role, tenantIndex: role === "core" ? 0 : TENANT, hook: "tc" },
});
const PORTS = [port("client0", "client"), port("agent0", "agent")];

const sh = (command: string) =>
  execFileSync("sh", ["-ec", command], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Packets that left through the router's end of a veth. */
function left(name: string): number {
  const [{ stats64 }] = JSON.parse(sh(`ip -j -s link show dev ${name}`)) as [{ stats64: { tx: { packets: number } } }];
  return stats64.tx.packets;
}

const whyNot = () => {
  try {
    execFileSync("python3", ["-V"], { stdio: "ignore" });
  } catch {
    return "python3 is not installed";
  }
  return whyNoKernelDataplane();
};

function define(): void {
  const native = loadNative();
  let dataplane: KernelDataplane;
  let agent: ChildProcess;

  before(async () => {
    dataplane = await startKernelDataplane(
      { ...OPTIONS, ports: PORTS },
      { native, log: SILENT, objectPath: OBJECT_PATH },
    );
    dataplane.apply(PLAN, 1);
    agent = spawn("nsenter", ["--net=/run/netns/agent", "python3", "-c", ECHO, `${AGENT_PORT}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(agent.stdout!, "data");
  });
  after(async () => {
    const gone = once(agent, "exit");
    agent.kill("SIGKILL");
    await gone;
    await dataplane.remove();
  });

  const ask = (): void => {
    const words = ["--net=/run/netns/client", "python3", "-c", ASK, formatIpv6(CAPABILITY), `${SERVICE_PORT}`];
    const came = execFileSync("nsenter", [...words, `${DATAGRAMS}`], { encoding: "utf8", timeout: 30_000 });
    assert.equal(came.trim(), `${DATAGRAMS}`);
  };
  /** Whether packets to agent and client left through the router's ends of their links. */
  const goThrough = (): readonly boolean[] => {
    ask(); // who is who on the links is known then
    const before = ["agent0", "client0"].map(left);
    ask();
    return ["agent0", "client0"].map((name, i) => left(name) - before[i]! >= DATAGRAMS);
  };
  const look = async () => {
    await dataplane.changePorts(PORTS);
    return dataplane.ports.map(({ reason }) => reason ?? "");
  };
  const isSaid = async (agents: RegExp): Promise<void> => {
    const [client, of] = await look();
    assert.equal(client, "");
    assert.match(of!, agents);
  };

  test("packets to client and agent are handed to the other ends of their veths", async () => {
    assert.deepEqual(await look(), ["", ""]);
    assert.deepEqual(goThrough(), [false, false]);
    const { verdicts } = dataplane.counters();
    assert.ok(verdicts.get("delivered")! >= 2n * BigInt(DATAGRAMS));
    assert.ok(verdicts.get("returned")! >= 2n * BigInt(DATAGRAMS));
  });

  test("they go through a queueing discipline that is there, and are handed over again without", async () => {
    sh("tc qdisc add dev agent0 root tbf rate 1gbit burst 1mb latency 50ms");
    await isSaid(/through the link of agent0, where there is a queueing discipline \(tbf\)/);
    assert.deepEqual(goThrough(), [true, false]);
    sh("tc qdisc del dev agent0 root");
    assert.deepEqual(await look(), ["", ""]);
    assert.deepEqual(goThrough(), [false, false]);
  });

  test("they go through tc filters and programs of others", async () => {
    sh("tc qdisc add dev agent0 clsact; tc filter add dev agent0 egress protocol all u32 match u32 0 0");
    await isSaid(/a tc program or filter of others/);
    assert.deepEqual(goThrough(), [true, false]);
    sh("tc qdisc del dev agent0 clsact");
    assert.deepEqual(await look(), ["", ""]);

    using other = await native.bpf.load(OBJECT_PATH);
    const program = other.programs.get("semr_edge_out")!;
    const theirs = native.bpf.attachTc(program, native.sock.interfaceIndex("agent0")!, undefined, "egress");
    if (theirs.mode === "tcx") {
      await isSaid(/a tc program or filter of others/);
      assert.deepEqual(goThrough(), [true, false]);
    }
    theirs.detach();
    assert.deepEqual(await look(), ["", ""]);
  });

  test("they go through chains of nftables", async (t) => {
    try {
      execFileSync("python3", ["-c", CHAIN, "agent0"], { stdio: ["ignore", "pipe", "pipe"] });
    } catch (cause) {
      t.skip(`skipped: no chains at egress here: ${(cause as { stderr: Buffer }).stderr}`);
      return;
    }
    for (const reason of await look()) assert.match(reason, /an nftables chain of the family netdev/);
    assert.deepEqual(goThrough(), [true, true]);
    execFileSync("python3", ["-c", CHAIN, "agent0", "delete"]);
    assert.deepEqual(await look(), ["", ""]);
  });

  test("they go through an XDP program at the other end", async () => {
    using other = await native.bpf.load(OBJECT_PATH);
    other.programs.get("semr_xdp")!.pin("/sys/fs/bpf/theirs"); // none of its ports: it lets everything pass
    sh("nsenter --net=/run/netns/agent ip link set dev up0 xdpdrv pinned /sys/fs/bpf/theirs");
    await isSaid(/an XDP program, or GRO, at the other end/);
    assert.deepEqual(goThrough(), [true, false]);
    sh("ip -n agent link set dev up0 xdpdrv off");
    assert.deepEqual(await look(), ["", ""]);
  });

  test("an agent that has gone is noticed by what begins, and the client told", () => {
    const host = ["--net=/run/netns/client", "python3", "-c"];
    for (const setting of ["delay_first_probe_time=0", "retrans_time_ms=20"])
      sh(`sysctl -qw net.ipv6.neigh.agent0.${setting}`);
    assert.deepEqual(goThrough(), [false, false]);
    sh(`ip -6 -n agent address del ${AGENT}/64 dev up0`);
    // as it will be anyhow half a minute after the kernel last heard of it
    const [{ lladdr }] = JSON.parse(sh(`ip -j -6 neigh show ${AGENT} dev agent0`)) as [{ lladdr: string }];
    sh(`ip -6 neigh replace ${AGENT} lladdr ${lladdr} dev agent0 nud stale`);
    const words = [UNTIL_TOLD, formatIpv6(CAPABILITY), `${SERVICE_PORT}`];
    const told = execFileSync("nsenter", [...host, ...words], { encoding: "utf8", timeout: 30_000 });
    assert.equal(told.trim(), "EHOSTUNREACH");
    sh(
      `ip -6 -n agent address add ${AGENT}/64 dev up0 nodad; ip -6 -n agent route replace default via 2001:db8:7c:a::1`,
    );
    assert.deepEqual(goThrough(), [false, false]);
  });

  test("what others put there is noticed without being told", async () => {
    sh("tc qdisc add dev client0 root tbf rate 1gbit burst 1mb latency 50ms");
    const until = performance.now() + 10_000;
    while (!dataplane.ports[0]!.reason?.includes("tbf")) {
      assert.ok(performance.now() < until, "the queueing discipline was not noticed");
      await new Promise((later) => setTimeout(later, 20));
    }
    sh("tc qdisc del dev client0 root");
  });

  test("no hand-over between routers, nor where both ends are here", async () => {
    const ports = [...PORTS, port("here0", "client")];
    await dataplane.changePorts(ports);
    const egress = (name: string) => native.bpf.queryEgress(native.sock.interfaceIndex(name)!);
    assert.equal(egress("here0").endsElsewhere, false);
    assert.equal(egress("lo").endsElsewhere, false);
    assert.equal(egress("agent0").endsElsewhere, true);
    assert.deepEqual(
      dataplane.ports.map(({ reason }) => reason ?? ""),
      ["", "", ""],
    );
    assert.throws(() => native.bpf.queryEgress(2 ** 30), { code: "ENODEV" });
    await dataplane.changePorts(PORTS);
  });
}

await isolated(import.meta.filename, SETUP, define, whyNot);
