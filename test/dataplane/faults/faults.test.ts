import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import {
  type DataplaneCounters,
  DataplaneError,
  type KernelDataplane,
  type PortOptions,
  startKernelDataplane,
} from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { firstLine } from "../../host/child.ts";
import { AGENTS, CAPABILITIES, OPTIONS, ROUTERS, SETUP } from "../differential/pool.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { address, ipv6, tcp } from "../memory/frames.ts";
import { allSlots, SILENT } from "../memory/story.ts";

const MAC = "02:00:00:00:00:01";
const ETHERNET = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd);
const CORE: PortOptions = { interface: "st-f-core", role: "core", tenantIndex: 0, hook: "auto" };
const CLIENT: PortOptions = { interface: "st-f-client", role: "client", tenantIndex: 1, hook: "auto" };
const [SYN, ACK] = [0x02, 0x10];
const HERE = CAPABILITIES[0]!;
const ELSEWHERE = CAPABILITIES[2]!;

const PLAN: readonly Operation[] = [
  { type: "set-node", locator: ROUTERS[0]! },
  { type: "set-next-hop", index: 1, nextHop: { kind: "tunnel", locator: ROUTERS[0]! }, state: "up" },
  { type: "set-next-hop", index: 2, nextHop: { kind: "local" }, state: "up" },
  {
    type: "set-next-hop",
    index: 3,
    nextHop: { kind: "instance", instance: "a1", address: AGENTS[0]!, port: 8080, protocol: "tcp", servicePort: 80 },
    state: "up",
  },
  { type: "set-slots", group: 1, slots: allSlots(1), backup: 1 },
  { type: "set-slots", group: 2, slots: allSlots(2), backup: 2 },
  { type: "set-slots", group: 3, slots: allSlots(3), backup: 3 },
  { type: "set-capability", entry: { address: HERE, group: 2, localGroup: 3 } },
  { type: "set-capability", entry: { address: ELSEWHERE, group: 1, localGroup: 0 } },
];

const ip = (command: string): string => execFileSync("ip", command.split(" "), { encoding: "utf8" });

function addVeth({ interface: name }: PortOptions): void {
  ip(`link add ${name} address ${MAC} type veth peer name ${name}p`);
  ip(`link set ${name} up`);
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < end, "it did not happen within twenty seconds");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const start = (ports: readonly PortOptions[]): Promise<KernelDataplane> =>
  startKernelDataplane({ ...OPTIONS, ports }, { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH });

/** What was counted between two readings, by verdict. */
function grown(before: DataplaneCounters, after: DataplaneCounters): Record<string, number> {
  const differences = [...after.verdicts].map(
    ([verdict, count]) => [verdict, Number(count - before.verdicts.get(verdict)!)] as const,
  );
  return Object.fromEntries(differences.filter(([, count]) => count > 0));
}

/** A packet as if it came in at a port. */
function send(dataplane: KernelDataplane, port: string, packet: Uint8Array): void {
  const { bpf, sock } = loadNative();
  const hook = dataplane.ports.find(({ interface: name }) => name === port)!.hook.startsWith("xdp") ? "xdp" : "tc";
  const frame = Buffer.concat([ETHERNET, packet]);
  bpf.testRun(dataplane.object.programs.get(PROGRAMS[hook])!, frame, { ifindex: sock.interfaceIndex(port)! });
}

const asked = (source: Uint8Array, sourcePort: number, flags: number, destination = HERE): Uint8Array =>
  tcp({ source, destination }, { sourcePort, destinationPort: 80, flags });

function clientOf(number: number): Uint8Array {
  const source = address("2001:db8:c::1");
  new DataView(source.buffer).setUint32(12, number);
  return source;
}

await isolated(import.meta.filename, SETUP, async () => {
  await test("an interface that is renamed is none any more, and the others go on; it comes back under its name", async () => {
    for (const port of [CORE, CLIENT]) addVeth(port);
    await using dataplane = await start([CORE, CLIENT]);
    dataplane.apply(PLAN, 1);
    const client = (): (typeof dataplane.ports)[number] => dataplane.ports[1]!;
    const before = dataplane.counters();
    send(dataplane, CLIENT.interface, asked(clientOf(1), 4000, SYN, ELSEWHERE));
    assert.deepEqual(grown(before, dataplane.counters()), { encapsulated: 1 });
    ip(`link set ${CLIENT.interface} name st-f-else`);
    await until(() => client().hook === "none");
    assert.match(client().reason!, /there is no interface st-f-client/);
    assert.equal(dataplane.ports[0]!.hook, "xdp native");
    assert.doesNotMatch(ip("-d link show dev st-f-else"), /tcx|prog\/xdp/, "nothing of ours is left on it");
    ip(`link set st-f-else name ${CLIENT.interface}`);
    await until(() => client().hook !== "none");
    const again = dataplane.counters();
    send(dataplane, CLIENT.interface, asked(clientOf(1), 4001, SYN, ELSEWHERE));
    assert.deepEqual(grown(again, dataplane.counters()), { encapsulated: 1 });
    await dataplane.remove();
    for (const { interface: name } of [CORE, CLIENT]) ip(`link del ${name}`);
  });

  await test("an interface that is moved to another network is let go of, whatever holds its program there; it comes back", async () => {
    for (const port of [CORE, CLIENT]) addVeth(port);
    const elsewhere = spawn("unshare", ["--net", "sh", "-c", "echo there; exec sleep 60"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      assert.equal(await firstLine(elsewhere), "there");
      await using dataplane = await start([CORE, CLIENT]);
      dataplane.apply(PLAN, 1);
      for (const { interface: name } of [CORE, CLIENT]) ip(`link set ${name} netns ${elsewhere.pid}`);
      await until(() => dataplane.ports.every(({ hook }) => hook === "none"));
      for (const { reason } of dataplane.ports) assert.match(reason!, /there is no interface st-f-/);
      const there = (...words: string[]) =>
        execFileSync("nsenter", ["-t", `${elsewhere.pid}`, "--net", ...words], { encoding: "utf8", stdio: "pipe" });
      assert.deepEqual(readdirSync(join(OPTIONS.pinDirectory, "links")), [], "no link holds a program there");
      for (const { interface: name } of [CORE, CLIENT]) {
        assert.doesNotMatch(there("ip", "-d", "link", "show", "dev", name), /prog\/xdp/, `${name} has nothing of ours`);
        assert.equal(there("tc", "filter", "show", "dev", name, "ingress"), "");
        there("ip", "link", "set", name, "netns", `${process.pid}`);
        ip(`link set ${name} up`);
      }
      await until(() => dataplane.ports.every(({ hook }) => hook !== "none"));
      assert.equal(dataplane.ports[0]!.hook, "xdp native");
      const before = dataplane.counters();
      send(dataplane, CLIENT.interface, asked(clientOf(1), 4000, SYN, ELSEWHERE));
      assert.deepEqual(grown(before, dataplane.counters()), { encapsulated: 1 });
      await dataplane.remove();
    } finally {
      elsewhere.kill();
    }
    for (const { interface: name } of [CORE, CLIENT]) ip(`link del ${name}`);
  });

  await test("an interface that flaps keeps its program", async () => {
    addVeth(CORE);
    await using dataplane = await start([CORE]);
    dataplane.apply(PLAN, 1);
    const program = loadNative().bpf.queryXdp(loadNative().sock.interfaceIndex(CORE.interface)!)!.programId;
    for (let i = 0; i < 40; i++) ip(`link set ${CORE.interface} ${i % 2 === 0 ? "down" : "up"}`);
    await new Promise((resolve) => setTimeout(resolve, 1200)); // a look of the driver at its ports
    assert.equal(loadNative().bpf.queryXdp(loadNative().sock.interfaceIndex(CORE.interface)!)?.programId, program);
    assert.deepEqual([dataplane.ports[0]!.hook, dataplane.ports[0]!.reason], ["xdp native", undefined]);
    await dataplane.remove();
    ip(`link del ${CORE.interface}`);
  });

  await test("an interface whose MTU is too large for a linear XDP program gets tc, with the reason", async () => {
    addVeth(CORE);
    const setMtu = (mtu: number) => {
      for (const end of [CORE.interface, `${CORE.interface}p`]) ip(`link set ${end} mtu ${mtu}`);
    };
    setMtu(9000);
    {
      await using dataplane = await start([CORE]);
      assert.equal(dataplane.ports[0]!.hook, "tcx");
      const [, fitting] = /tc instead at an MTU of 9000.* with (\d+) or less/.exec(dataplane.ports[0]!.reason!)!;
      // Who asks for XDP all the same gets it as it is to be had, and is told why
      await dataplane.changePorts([{ ...CORE, hook: "xdp" }]);
      assert.equal(dataplane.ports[0]!.hook, "xdp generic");
      assert.match(dataplane.ports[0]!.reason!, new RegExp(`generic mode at an MTU of 9000.* with ${fitting} or less`));
      await dataplane.changePorts([]);
      setMtu(Number(fitting));
    }
    // what was said is true
    await using dataplane = await start([CORE]);
    assert.deepEqual([dataplane.ports[0]!.hook, dataplane.ports[0]!.reason], ["xdp native", undefined]);
    await dataplane.remove();
    ip(`link del ${CORE.interface}`);
  });

  await test("maps that the kernel refuses: one clear error, nothing left, and a start once there is room", async () => {
    addVeth(CORE);
    execFileSync("prlimit", ["--pid", String(process.pid), "--nofile=400:4096"]);
    const held: number[] = [];
    try {
      for (;;) held.push(openSync("/dev/null", "r"));
    } catch (cause) {
      assert.match(String(cause), /EMFILE/);
    }
    for (const fd of held.splice(0, 12)) closeSync(fd);
    await assert.rejects(start([CORE]), (cause: unknown) => {
      assert.ok(cause instanceof DataplaneError, String(cause));
      assert.equal(cause.code, "dataplane.unsupported-kernel");
      assert.match(cause.message, /Too many open files|EMFILE/);
      return true;
    });
    for (const fd of held) closeSync(fd);
    execFileSync("prlimit", ["--pid", String(process.pid), "--nofile=4096:4096"]);
    const left = existsSync(OPTIONS.pinDirectory) ? readdirSync(OPTIONS.pinDirectory) : [];
    assert.deepEqual(
      left.filter((name) => name !== "links"),
      [],
    );
    assert.equal(loadNative().bpf.queryXdp(loadNative().sock.interfaceIndex(CORE.interface)!), undefined);
    await using dataplane = await start([CORE]);
    assert.equal(dataplane.ports[0]!.hook, "xdp native");
    await dataplane.remove();
    ip(`link del ${CORE.interface}`);
  });

  await test("an object of other sources: what it lacks, and how to get another", async (t) => {
    const other = join(mkdtempSync(join(tmpdir(), "semr-object-")), "semr.bpf.o");
    t.after(() => rmSync(dirname(other), { recursive: true }));
    const octets = readFileSync(OBJECT_PATH).toString("latin1").replaceAll("\0meters\0", "\0metres\0");
    writeFileSync(other, octets, "latin1");
    const parts = { native: loadNative(), log: SILENT, objectPath: other };
    await assert.rejects(
      startKernelDataplane({ ...OPTIONS, ports: [] }, parts),
      /no map "meters"; npm run setup builds/,
    );
  });

  await test("a kernel without one of the helpers: which one, one clear error, nothing left", async (t) => {
    addVeth(CORE);
    const other = join(mkdtempSync(join(tmpdir(), "semr-object-")), "semr.bpf.o");
    t.after(() => rmSync(dirname(other), { recursive: true }));
    // a call of bpf_redirect_peer (155) becomes one of a helper that no kernel has
    const [PEER, NOBODY] = [155, 0x7fff].map((helper) => {
      const call = Buffer.alloc(8);
      call[0] = 0x85;
      call.writeInt32LE(helper, 4);
      return call.toString("latin1");
    });
    const octets = readFileSync(OBJECT_PATH).toString("latin1");
    assert.ok(octets.includes(PEER!));
    writeFileSync(other, octets.replaceAll(PEER!, NOBODY!), "latin1");
    const parts = { native: loadNative(), log: SILENT, objectPath: other };
    await assert.rejects(startKernelDataplane({ ...OPTIONS, ports: [CORE] }, parts), (cause: unknown) => {
      assert.ok(cause instanceof DataplaneError, String(cause));
      assert.equal(cause.code, "dataplane.unsupported-kernel");
      assert.match(cause.message, /func.*32767/);
      return true;
    });
    assert.equal(loadNative().bpf.queryXdp(loadNative().sock.interfaceIndex(CORE.interface)!), undefined);
    const left = existsSync(OPTIONS.pinDirectory) ? readdirSync(OPTIONS.pinDirectory) : [];
    assert.deepEqual(
      left.filter((name) => name !== "links"),
      [],
    );
    ip(`link del ${CORE.interface}`);
  });

  await test("tunnels in tunnels, from strangers and to strangers are dropped by name, at any depth", async () => {
    addVeth(CORE);
    await using dataplane = await start([CORE]);
    dataplane.apply(PLAN, 1);
    const locator = OPTIONS.locator;
    const wrapped = (inner: Uint8Array, source: Uint8Array, destination = locator): Uint8Array =>
      ipv6({ source, destination }, 41, inner);
    const [known] = ROUTERS;
    const stranger = address("2001:db8:bad::1");
    const request = asked(clientOf(1), 4000, SYN);
    const before = dataplane.counters();
    send(dataplane, CORE.interface, wrapped(request, known!));
    send(dataplane, CORE.interface, wrapped(request, stranger));
    send(dataplane, CORE.interface, wrapped(asked(clientOf(1), 4000, SYN, stranger), known!));
    let bomb = request;
    for (let depth = 0; depth < 30; depth++) {
      bomb = wrapped(bomb, known!);
      if (depth > 0) send(dataplane, CORE.interface, bomb);
    }
    assert.deepEqual(grown(before, dataplane.counters()), {
      delivered: 1,
      "drop-unknown-node": 1,
      "drop-not-capability": 1 + 29,
    });
    await dataplane.remove();
    ip(`link del ${CORE.interface}`);
  });

  await test("a flood of connections at the egress: every packet accounted for, connections in use stay", async (t) => {
    addVeth(CLIENT);
    await using dataplane = await start([CLIENT]);
    dataplane.apply(PLAN, 1);
    const USED = 500;
    const FLOOD = 200_000; // more than the tables of flows hold
    for (let i = 0; i < USED; i++) send(dataplane, CLIENT.interface, asked(clientOf(1), 10_000 + i, SYN));
    const before = dataplane.counters();
    let inUse = 0;
    for (let i = 0; i < FLOOD; i++) {
      send(dataplane, CLIENT.interface, asked(clientOf(2 + (i >> 15)), 1024 + (i & 0x7fff), SYN));
      if (i % 20 !== 0) continue;
      send(dataplane, CLIENT.interface, asked(clientOf(1), 10_000 + ((i / 20) % USED), ACK));
      inUse++;
    }
    const seen = grown(before, dataplane.counters());
    const lost = seen["reject-lost-state"] ?? 0;
    t.diagnostic(`${FLOOD} new connections, ${inUse} packets of ${USED} in use: ${JSON.stringify(seen)}`);
    assert.equal(
      Object.values(seen).reduce((sum, count) => sum + count, 0),
      FLOOD + inUse,
    );
    assert.deepEqual(
      Object.keys(seen).filter((verdict) => !["delivered", "reject-lost-state"].includes(verdict)),
      [],
    );
    assert.ok(lost <= inUse / 50, `${lost} of ${inUse} packets in use met a forgotten connection`);
    await dataplane.remove();
    ip(`link del ${CLIENT.interface}`);
  });
});
