import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6 } from "../../../src/base/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import {
  DataplaneError,
  type DataplaneOptions,
  type KernelDataplane,
  type PortOptions,
  startKernelDataplane,
} from "../../../src/dataplane/index.ts";
import { HELD_AT_ONCE, type Operation } from "../../../src/forwarding/index.ts";
import { comparable, Expected } from "../../contract/dataplane/expected.ts";
import { killed } from "../../host/child.ts";
import { CAPABILITY, GROUPS, INSTANCE, LOCAL, OPTIONS, OTHER_LOCATOR, SILENT, TUNNEL } from "../memory/story.ts";
import { isolated, OBJECT_PATH } from "./isolated.ts";

const PLAN: readonly Operation[] = [
  ...[TUNNEL, LOCAL, INSTANCE],
  ...GROUPS,
  { type: "set-capability", entry: { address: CAPABILITY, group: 2, localGroup: 3 } },
  { type: "set-node", locator: OTHER_LOCATOR },
];

const HERE = import.meta.dirname;

/** Of the same tenant and family. */
function nthCapability(number: number): Uint8Array {
  const address = CAPABILITY.slice();
  new DataView(address.buffer).setUint32(10, 0x5000_0000 + number);
  return address;
}
const PORTS = ["core0", "client0", "agent0"];

function ip(command: string): void {
  execFileSync("ip", command.split(" "));
}

function addVeth(name: string): void {
  ip(`link add ${name} type veth peer name ${name}-peer`);
  ip(`link set ${name} up`);
  ip(`link set ${name}-peer up`);
}

function start(options: Partial<DataplaneOptions> = {}): Promise<KernelDataplane> {
  return startKernelDataplane(
    { ...OPTIONS, ...options },
    { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH },
  );
}

const children = new Set<ChildProcess>();

/** A process that is talked to line by line, and ended with the test. */
function talkingTo(command: string, ...parameters: string[]) {
  const child = spawn(command, parameters, { stdio: ["pipe", "pipe", "inherit"] });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const octetsAsNumbers = (_: string, value: unknown): unknown =>
    value instanceof Uint8Array ? { octets: [...value] } : value;
  return {
    process: child,
    line: async (): Promise<string | undefined> => (await lines.next()).value as string | undefined,
    say: (message: unknown): boolean => child.stdin.write(`${JSON.stringify(message, octetsAsNumbers)}\n`),
  };
}

const inOtherNamespace = (pid: number): boolean =>
  readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");

const hooks = (dataplane: KernelDataplane): unknown => dataplane.ports.map(({ hook, adopted }) => [hook, adopted]);
const pins = (): string[] => (existsSync(OPTIONS.pinDirectory) ? readdirSync(OPTIONS.pinDirectory).toSorted() : []);
const allPins = (): string[] => readdirSync(join(OPTIONS.pinDirectory, "links")).toSorted();
/** Those of the pass. */
const linkPins = (): string[] => allPins().filter((name) => /^(xdp|tc)-/.test(name));
const programOn = (name: string): number | undefined =>
  loadNative().bpf.queryXdp(loadNative().sock.interfaceIndex(name)!)?.programId;

async function refusal(starting: Promise<unknown>): Promise<DataplaneError> {
  const cause = await starting.then(
    () => assert.fail("it started"),
    (thrown: unknown) => thrown,
  );
  assert.ok(cause instanceof DataplaneError, String(cause));
  return cause;
}

/** Waits until `holds`, looking every 20 ms, for at most twenty seconds. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < end, "it did not happen within twenty seconds");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function tests(): void {
  describe("the kernel data plane", () => {
    beforeEach(() => PORTS.forEach(addVeth));
    afterEach(async () => {
      for (const child of children) child.kill("SIGKILL");
      children.clear();
      await (await start({ ports: [] })).remove(); // also what a failed test left
      for (const name of PORTS) if (loadNative().sock.interfaceIndex(name) !== undefined) ip(`link del ${name}`);
    });

    it("attaches XDP on core ports and tc on the others, and removes all of it", async () => {
      const dataplane = await start();
      assert.deepEqual(hooks(dataplane), [
        ["xdp native", false],
        ["tcx", false],
        ["tcx", false],
      ]);
      assert.notEqual(programOn("core0"), undefined);
      assert.equal(dataplane.adopted, false);
      await dataplane.remove();
      assert.equal(programOn("core0"), undefined);
      assert.deepEqual(pins(), []);
    });

    it("takes tc where the driver has no native XDP, says so, and adopts it; generic XDP only when asked for", async () => {
      ip("link add bridge0 type bridge");
      ip("link set bridge0 up");
      const port = { interface: "bridge0", role: "core", tenantIndex: 0 } as const;
      try {
        for (const adopted of [false, true]) {
          await using dataplane = await start({ ports: [{ ...port, hook: "auto" }] });
          assert.deepEqual(hooks(dataplane), [["tcx", adopted]]);
          assert.match(dataplane.ports[0]!.reason!, /no native XDP/);
          assert.equal(programOn("bridge0"), undefined);
        }
        await using dataplane = await start({ ports: [{ ...port, hook: "xdp" }] });
        assert.deepEqual(hooks(dataplane), [["xdp generic", false]]);
        assert.equal(linkPins().length, 1, "tc has left");
        await using back = await start({ ports: [{ ...port, hook: "auto" }] });
        assert.deepEqual(hooks(back), [["tcx", false]]);
        assert.equal(programOn("bridge0"), undefined);
        assert.equal(linkPins().length, 1, "generic XDP has left");
        await back.remove();
      } finally {
        ip("link del bridge0");
      }
    });

    it("stays below the verifier's budget", async (t) => {
      const dataplane = await start();
      for (const name of Object.values(PROGRAMS)) {
        const count = dataplane.object.programs.get(name)!.verifiedInstructions;
        t.diagnostic(`${name}: ${count}`);
        assert.ok(count > 0 && count < 50_000, `${name}: ${count}`);
      }
      await dataplane.remove();
    });

    it("keeps forwarding when disposed, and adopts programs and plan on the next start", async () => {
      const first = await start();
      first.apply(PLAN, 42);
      first.setHealth(3, "draining");
      const before = comparable(first.snapshot());
      await first[Symbol.asyncDispose]();
      const program = programOn("core0");
      assert.notEqual(program, undefined, "the pinned link outlives the process");

      const second = await start();
      assert.equal(second.adopted, true);
      assert.deepEqual(hooks(second), [
        ["xdp native", true],
        ["tcx", true],
        ["tcx", true],
      ]);
      assert.deepEqual(comparable(second.snapshot()), before);
      assert.notEqual(programOn("core0"), program, "the link has the new program");
      second.apply(
        [
          { type: "remove-capability", address: CAPABILITY },
          { type: "remove-group", group: 3 },
        ],
        43,
      );
      assert.equal(second.snapshot().groups.size, 2);
      await second.remove();
    });

    it("is forwarding by the same plan when whoever adopts it gets kill -9 in the middle, and again", async () => {
      const first = await start();
      first.apply(PLAN, 42);
      const many = Array.from({ length: 500 }, (_, number) => ({
        type: "set-capability" as const,
        entry: { address: nthCapability(number), group: 2, localGroup: 3 },
      }));
      first.apply(many, 43);
      const before = comparable(first.snapshot());
      // In the middle of the entries, of which a step is many
      const { nextHops, groups } = first.snapshot();
      const middle = nextHops.size + groups.size + Math.floor(many.length / HELD_AT_ONCE / 2);
      await first[Symbol.asyncDispose]();
      for (const steps of [3, middle, 5000]) {
        const router = talkingTo(process.execPath, join(HERE, "adopting-process.ts"));
        assert.equal(await router.line(), "started adopted=true");
        const program = programOn("core0");
        router.say({ count: steps });
        const all = steps === 5000;
        const [made, capabilities] = (await router.line())!.match(/\d+/g)!.map(Number);
        assert.ok(all ? made! < steps : made === steps, `${made} of ${steps}`);
        assert.equal(capabilities! < 501, !all, `${capabilities} adopted`);
        assert.equal(capabilities! > 0, steps !== 3, `${capabilities} adopted`);
        await killed(router.process);
        assert.equal(programOn("core0"), program, "the pass stays where it is");
      }
      await using last = await start();
      assert.deepEqual(comparable(last.snapshot()), before);
      await last.remove();
    });

    it("reads back every applied operation after kill -9", async () => {
      const router = talkingTo(process.execPath, join(HERE, "kept-process.ts"));
      assert.equal(await router.line(), "started adopted=false");
      for (const [i, operation] of PLAN.entries()) {
        router.say({ operations: [operation], generation: i + 1 });
        assert.equal(await router.line(), `applied ${i + 1}`);
      }
      await killed(router.process);
      assert.notEqual(programOn("core0"), undefined);

      await using adopting = await start();
      assert.equal(adopting.adopted, true);
      const expected = new Expected();
      for (const operation of PLAN) expected.apply(operation);
      expected.generation = PLAN.length;
      assert.deepEqual(comparable(adopting.snapshot()), comparable(expected));
    });

    it("loses no packet while the process dies and the next one adopts", async () => {
      const client = talkingTo(
        "unshare",
        "--net",
        process.execPath,
        join(HERE, "client-process.ts"),
        formatIpv6(CAPABILITY),
        "80",
      );
      ip("address add 2001:db8:c::ff/64 dev client0 nodad");
      const router = talkingTo(process.execPath, join(HERE, "kept-process.ts"));
      assert.equal(await router.line(), "started adopted=false");
      const nobody: Operation = { type: "set-capability", entry: { address: CAPABILITY, group: 0, localGroup: 0 } };
      router.say({ operations: [nobody], generation: 1 });
      assert.equal(await router.line(), "applied 1");
      await until(() => inOtherNamespace(client.process.pid!));
      ip(`link set client0-peer netns ${client.process.pid}`);
      for (const command of [
        "link set client0-peer up",
        "address add 2001:db8:c::1/64 dev client0-peer nodad",
        "route add default via 2001:db8:c::ff",
      ])
        execFileSync("nsenter", [`--net=/proc/${client.process.pid}/ns/net`, "ip", ...command.split(" ")]);
      client.say("go");
      assert.equal(await client.line(), "connecting");

      await killed(router.process);
      const adopting = await start();
      assert.equal(adopting.adopted, true);
      client.process.stdin.end();
      assert.equal(await client.line(), "refused true again 0");
      assert.ok(adopting.counters().verdicts.get("reject-empty-group")! > 10n);
      await adopting.remove();
    });

    it("never replaces a foreign program, names the interface, and leaves nothing behind", async () => {
      const native = loadNative();
      const foreign = await native.bpf.load(OBJECT_PATH);
      const link = native.bpf.attachXdp(foreign.programs.get(PROGRAMS.xdp)!, native.sock.interfaceIndex("core0")!);
      const program = programOn("core0");
      const error = await refusal(start({ ports: OPTIONS.ports.toReversed() }));
      assert.deepEqual(error.fault, { code: "dataplane.foreign-program", interface: "core0" });
      assert.match(error.message, /core0.*ip link set dev core0 xdp off/);
      assert.equal(programOn("core0"), program);
      assert.deepEqual(linkPins(), [], "what had been attached before is taken back");
      assert.deepEqual(pins(), ["links"]);
      link.detach();
      foreign[Symbol.dispose]();
    });

    it("reports a missing interface and attaches when it comes, goes and comes back", async () => {
      ip("link del client0");
      const dataplane = await start();
      const client = (): (typeof dataplane.ports)[number] => dataplane.ports[1]!;
      assert.equal(client().hook, "none");
      assert.match(client().reason!, /there is no interface client0/);
      assert.ok(dataplane.limits.some((limit) => limit.includes("client0")));
      addVeth("client0");
      await until(() => client().hook === "tcx");
      const { ifindex } = client();
      ip("link del client0");
      await until(() => client().hook === "none");
      assert.ok(!linkPins().includes(`tc-${ifindex}`));
      addVeth("client0");
      await until(() => client().hook === "tcx" && client().ifindex !== ifindex);
      await dataplane.remove();
    });

    it("detaches from what is no port any more, and follows a port to the other hook", async () => {
      const first = await start();
      await first[Symbol.asyncDispose]();
      const [core] = OPTIONS.ports;
      const second = await start({ ports: [{ ...core!, hook: "tc" }] });
      assert.deepEqual(hooks(second), [["tcx", false]]);
      assert.equal(programOn("core0"), undefined);
      assert.equal(linkPins().length, 1);
      await second.remove();
    });

    it("ports come, go and change while it runs; those that stay are not touched", async () => {
      const [core, client, agent] = OPTIONS.ports as [PortOptions, PortOptions, PortOptions];
      const dataplane = await start({ ports: [core, client] });
      const program = programOn("core0");
      await dataplane.changePorts([core, { ...client, tenantIndex: 7 }, agent]);
      assert.deepEqual(hooks(dataplane), [
        ["xdp native", false],
        ["tcx", false],
        ["tcx", false],
      ]);
      assert.deepEqual([programOn("core0"), dataplane.ports[1]!.tenantIndex], [program, 7]);
      await dataplane.changePorts([{ ...core, hook: "tc" }, agent]);
      assert.deepEqual(
        [hooks(dataplane), programOn("core0")],
        [
          [
            ["tcx", false],
            ["tcx", false],
          ],
          undefined,
        ],
      );
      assert.equal(linkPins().length, 2);
      await dataplane.remove();
      assert.deepEqual(pins(), []);
    });

    it("puts the programs of the edge beside the pass, and adopts them", async () => {
      const [core, client, agent] = OPTIONS.ports as [PortOptions, PortOptions, PortOptions];
      const own = { ...core, hook: "tc", own: true } as const;
      const beside = (dataplane: KernelDataplane): unknown => dataplane.ports.map(({ edge }) => edge);
      const first = await start({ ports: [core, client, { ...agent, hook: "xdp" }] });
      assert.deepEqual(beside(first), [["out"], ["in", "out"], ["out"]]);
      await first[Symbol.asyncDispose]();
      const second = await start({ ports: [own, client, agent] });
      assert.deepEqual(beside(second), Array(3).fill(["in", "out"]));
      assert.equal(allPins().length, 9);
      await second.changePorts([{ ...client, hook: "xdp" }]);
      assert.deepEqual([beside(second), allPins().length], [[["out"]], 2]);
      await second.remove();
      assert.deepEqual(pins(), []);
    });

    it("says what IPv4 at the edge lacks", async () => {
      const [core, client] = OPTIONS.ports as [PortOptions, PortOptions];
      const dataplane = await start({ ports: [client] });
      const found = () => dataplane.limits.filter((text) => text.includes("IPv4"));
      const plan = { prefix: OPTIONS.locator.slice(0, 12), pools: [] };
      assert.deepEqual(found(), []);
      dataplane.setEdge!(plan);
      assert.equal(found().length, 2);
      execFileSync("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
      assert.match(found().join(), /^No interface has the role own/);
      await dataplane.changePorts([client, { ...core, hook: "tc", own: true }]);
      assert.deepEqual(found(), []);
      dataplane.setEdge!(undefined);
      await dataplane.remove();
    });

    it("a port that cannot be had leaves the ports as they were", async () => {
      const [core, client, agent] = OPTIONS.ports as [PortOptions, PortOptions, PortOptions];
      const native = loadNative();
      const dataplane = await start({ ports: [client, { ...agent, hook: "tc" }] });
      const foreign = await native.bpf.load(OBJECT_PATH);
      const link = native.bpf.attachXdp(foreign.programs.get(PROGRAMS.xdp)!, native.sock.interfaceIndex("core0")!);
      const before = dataplane.ports.map(({ interface: name, hook, tenantIndex }) => [name, hook, tenantIndex]);
      const error = await refusal(dataplane.changePorts([{ ...agent, hook: "xdp", tenantIndex: 9 }, core]));
      assert.deepEqual(error.fault, { code: "dataplane.foreign-program", interface: "core0" });
      assert.deepEqual(
        dataplane.ports.map(({ interface: name, hook, tenantIndex }) => [name, hook, tenantIndex]),
        before,
      );
      assert.deepEqual([linkPins().length, programOn("agent0")], [2, undefined]);
      link.detach();
      foreign[Symbol.dispose]();
      await dataplane.remove();
    });

    it("takes a program and its plan over into another layout, and back", async () => {
      const first = await start();
      first.apply(PLAN, 1);
      const [layout, plan] = [pins(), comparable(first.snapshot())];
      await first[Symbol.asyncDispose]();
      for (const maxCapabilities of [100_000, OPTIONS.maxCapabilities]) {
        await using second = await start({ maxCapabilities });
        assert.equal(second.adopted, true);
        assert.deepEqual(hooks(second), [
          ["xdp native", true],
          ["tcx", true],
          ["tcx", true],
        ]);
        assert.deepEqual(comparable(second.snapshot()), plan);
        assert.equal(pins().length, 2);
        assert.equal(pins().toString() === layout.toString(), maxCapabilities === OPTIONS.maxCapabilities);
        if (maxCapabilities === OPTIONS.maxCapabilities) await second.remove();
      }
    });

    it("does not adopt the maps of another router", async () => {
      const first = await start();
      first.apply(PLAN, 1);
      await first[Symbol.asyncDispose]();
      const second = await start({ locator: OTHER_LOCATOR });
      assert.deepEqual([second.adopted, second.snapshot().nextHops.size], [false, 0]);
      await second.remove();
    });

    it("says when IPv6 forwarding is off", async () => {
      const dataplane = await start();
      assert.ok(dataplane.limits.some((limit) => limit.includes("net.ipv6.conf.all.forwarding=1")));
      execFileSync("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=1"]);
      assert.ok(!dataplane.limits.some((limit) => limit.includes("forwarding")));
      execFileSync("sysctl", ["-qw", "net.ipv6.conf.all.forwarding=0"]);
      await dataplane.remove();
    });
  });
}

await isolated(import.meta.filename, "ip link set lo up", tests);
