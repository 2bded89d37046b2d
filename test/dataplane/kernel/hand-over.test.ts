import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { loadNative, type Native } from "../../../native/index.ts";
import { formatIpv6 } from "../../../src/base/index.ts";
import { type KernelDataplane, type PortOptions, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { waitFor } from "../../host/fair-time.ts";
import { CAPABILITY, OPTIONS, SILENT } from "../memory/story.ts";
import { isolated, OBJECT_PATH, withoutTcx } from "./isolated.ts";
import { AGENT, answers, HOSTS, PLAN, PYTHON, SERVICE_PORT, sh, startAgent, TENANT, whyNoHosts } from "./veth-hosts.ts";

const DATAGRAMS = 20;

/** And a veth that ends here. */
const SETUP = `${HOSTS}
  ip link add here0 type veth peer name here1
  ip link set here0 up
  ip link set here1 up
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

const port = (name: string, role: PortOptions["role"]): PortOptions => ({
  ...{ interface: name, role, tenantIndex: role === "core" ? 0 : TENANT, hook: "tc" },
});
const PORTS = [port("client0", "client"), port("agent0", "agent")];

/** Turns of the event loop from when it is told of something until it has looked: one after the other, and none of them waits. */
const MOST_TURNS = 100;

/** What the kernel tells of interfaces, which is passed on, or kept until it is asked for. */
class Tellings {
  readonly native: Native;
  #kept: { readonly pass: () => void; readonly indexes: readonly number[] | undefined }[] | undefined;

  constructor(parts: Native) {
    const watchEgress: Native["bpf"]["watchEgress"] = (listener) =>
      parts.bpf.watchEgress((indexes) => {
        if (this.#kept === undefined) listener(indexes);
        else this.#kept.push({ indexes, pass: () => listener(indexes) });
      });
    this.native = { ...parts, bpf: Object.assign(Object.create(parts.bpf), { watchEgress }) };
  }

  /** Does something to an interface, and resolves once the kernel has told of it: what it said is passed on at that moment. */
  async of(interfaceName: string, change: () => void): Promise<void> {
    const index = this.native.sock.interfaceIndex(interfaceName)!;
    this.#kept = [];
    const kept = this.#kept;
    change();
    const isTold = () => kept.some(({ indexes }) => indexes?.includes(index) ?? true);
    await waitFor(`the kernel tells of ${interfaceName}`, isTold, { every: 1, limit: 10_000 });
    this.#kept = undefined;
    for (const { pass } of kept) pass();
  }
}

/** Packets that left through the router's end of a veth. */
function left(name: string): number {
  const [{ stats64 }] = JSON.parse(sh(`ip -j -s link show dev ${name}`)) as [{ stats64: { tx: { packets: number } } }];
  return stats64.tx.packets;
}

function define(): void {
  const native = loadNative();
  let agent: AsyncDisposable;

  before(async () => {
    agent = await startAgent();
  });
  after(() => agent[Symbol.asyncDispose]());
  describe("by tcx, or what this kernel has", () => handOver(native, native));
  describe("by clsact", () => handOver(native, withoutTcx(native), "clsact"));
}

/** `parts`: what the data plane is given. */
function handOver(native: Native, parts: Native, hook?: string): void {
  let dataplane: KernelDataplane;
  const tellings = new Tellings(parts);

  before(async () => {
    dataplane = await startKernelDataplane(
      { ...OPTIONS, ports: PORTS },
      { native: tellings.native, log: SILENT, objectPath: OBJECT_PATH },
    );
    if (hook !== undefined) assert.deepEqual(new Set(dataplane.ports.map((port) => port.hook)), new Set([hook]));
    dataplane.apply(PLAN, 1);
  });
  after(() => dataplane.remove());

  const ask = (): void => {
    assert.equal(answers(DATAGRAMS), DATAGRAMS);
  };
  /** Whether packets to agent and client left through the router's ends of their links. */
  const goThrough = (): readonly boolean[] => {
    ask(); // who is who on the links is known then
    const before = ["agent0", "client0"].map(left);
    ask();
    return ["agent0", "client0"].map((name, i) => left(name) - before[i]! >= DATAGRAMS);
  };
  /** Without what it says of clsact on each port. */
  const reasons = () =>
    dataplane.ports.map(({ reason = "" }) => reason.replace(/^the kernel has no tcx [^;]*(; )?/, ""));
  const look = async () => {
    await dataplane.changePorts(PORTS);
    return reasons();
  };
  /** Without being told to look. */
  const isNoticed = (port: number, what: RegExp): Promise<void> =>
    waitFor(
      () => `noticed: ${reasons()[port]}`,
      () => what.test(reasons()[port]!),
      { every: 5, limit: 10_000 },
    );
  /** Resolves to how many turns of the event loop it took from when the kernel had told of `change`. */
  const turnsUntil = async (port: number, what: RegExp, change: () => void): Promise<number> => {
    await tellings.of(PORTS[port]!.interface, change);
    for (let turns = 0; ; turns++) {
      if (what.test(reasons()[port]!)) return turns;
      assert.ok(turns < MOST_TURNS, `not noticed when the kernel told of it: ${reasons()[port]}`);
      await new Promise((later) => setImmediate(later));
    }
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
    const others = "dev agent0 egress protocol all pref 100 u32";
    if (hook !== "clsact") sh("tc qdisc add dev agent0 clsact");
    sh(`tc filter add ${others} match u32 0 0`);
    await isSaid(/a tc program or filter of others/);
    assert.deepEqual(goThrough(), [true, false]);
    sh(hook === "clsact" ? `tc filter del ${others}` : "tc qdisc del dev agent0 clsact");
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
      execFileSync(PYTHON, ["-c", CHAIN, "agent0"], { stdio: ["ignore", "pipe", "pipe"] });
    } catch (cause) {
      t.skip(`skipped: no chains at egress here: ${(cause as { stderr: Buffer }).stderr}`);
      return;
    }
    for (const reason of await look()) assert.match(reason, /an nftables chain of the family netdev/);
    assert.deepEqual(goThrough(), [true, true]);
    execFileSync(PYTHON, ["-c", CHAIN, "agent0", "delete"]);
    assert.deepEqual(await look(), ["", ""]);
  });

  test("they go through an XDP program at the other end", async () => {
    using other = await native.bpf.load(OBJECT_PATH);
    other.programs.get("semr_xdp")!.pin("/sys/fs/bpf/theirs"); // none of its ports: it lets everything pass
    sh("nsenter --net=/run/netns/agent ip link set dev up0 xdpdrv pinned /sys/fs/bpf/theirs; rm /sys/fs/bpf/theirs");
    await isSaid(/an XDP program, or GRO, at the other end/);
    assert.deepEqual(goThrough(), [true, false]);
    sh("ip -n agent link set dev up0 xdpdrv off");
    assert.deepEqual(await look(), ["", ""]);
  });

  test("an agent that has gone is noticed by what begins, and the client told", () => {
    const host = ["--net=/run/netns/client", PYTHON, "-c"];
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

  test("what others put there is noticed when they do", async (t) => {
    const NOTHING = /^$/;
    const turns: number[] = [];
    const others = "dev client0 egress protocol all pref 100 u32";
    if (hook !== "clsact") sh("tc qdisc add dev client0 clsact");
    await isNoticed(0, NOTHING);
    const changes = [
      ["tc qdisc add dev client0 root tbf rate 1gbit burst 1mb latency 50ms", /tbf/],
      ["tc qdisc del dev client0 root", NOTHING],
      [`tc filter add ${others} match u32 0 0`, /a tc program or filter of others/],
      [`tc filter del ${others}`, NOTHING],
    ] as const;
    for (let round = 0; round < 5; round++)
      for (const [command, what] of changes) turns.push(await turnsUntil(0, what, () => void sh(command)));
    if (hook !== "clsact") sh("tc qdisc del dev client0 clsact");
    await isNoticed(0, NOTHING);
    t.diagnostic(`noticed within ${Math.max(...turns)} turns of the event loop`);
  });

  test("a program of others, of which the kernel tells nobody, is noticed within a second or so", async () => {
    using other = await native.bpf.load(OBJECT_PATH);
    const index = native.sock.interfaceIndex("client0")!;
    const theirs = native.bpf.attachTc(other.programs.get("semr_edge_out")!, index, undefined, "egress");
    if (theirs.mode === "tcx") await isNoticed(0, /a tc program or filter of others/);
    theirs.detach();
    await isNoticed(0, /^$/);
  });

  test("no hand-over between routers, nor where both ends are here", async () => {
    const ports = [...PORTS, port("here0", "client")];
    await dataplane.changePorts(ports);
    const egress = (name: string) => native.bpf.queryEgress(native.sock.interfaceIndex(name)!);
    assert.equal(egress("here0").endsElsewhere, false);
    assert.equal(egress("lo").endsElsewhere, false);
    assert.equal(egress("agent0").endsElsewhere, true);
    assert.deepEqual(reasons(), ["", "", ""]);
    assert.throws(() => native.bpf.queryEgress(2 ** 30), { code: "ENODEV" });
    await dataplane.changePorts(PORTS);
  });
}

await isolated(import.meta.filename, SETUP, define, whyNoHosts);
