import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { after, before, test } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6 } from "../../../src/base/index.ts";
import {
  DataplaneError,
  type DataplaneOptions,
  type KernelDataplane,
  type PortOptions,
  removePins,
  startKernelDataplane,
} from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { killed } from "../../host/child.ts";
import { address } from "../memory/frames.ts";
import { allSlots, CAPABILITY, OTHER_LOCATOR, SECOND_CAPABILITY, SILENT, OPTIONS as STORY } from "../memory/story.ts";
import { becomeFormer, compileFormer } from "./former-layout.ts";
import { isolated, OBJECT_PATH, withoutTcx } from "./isolated.ts";
import { AGENT, HOSTS, PYTHON, whyNoHosts } from "./veth-hosts.ts";

const [TCP, UDP] = [
  { service: 80, port: 8080 },
  { service: 53, port: 5353 },
];

const instance = (index: number, { port, service }: typeof TCP, protocol: "tcp" | "udp"): Operation => ({
  ...{ type: "set-next-hop", index, state: "up" },
  nextHop: {
    ...{ kind: "instance", instance: protocol, address: address(AGENT), port, servicePort: service, protocol },
  },
});

const PLAN: readonly Operation[] = [
  { type: "set-next-hop", index: 1, nextHop: { kind: "local" }, state: "up" },
  instance(2, TCP, "tcp"),
  instance(3, UDP, "udp"),
  { type: "set-next-hop", index: 4, nextHop: { kind: "tunnel", locator: OTHER_LOCATOR }, state: "draining" },
  { type: "set-node", locator: OTHER_LOCATOR },
  ...[1, 2, 3].map((group): Operation => ({ type: "set-slots", group, slots: allSlots(group), backup: 4 })),
  { type: "set-capability", entry: { address: CAPABILITY, group: 1, localGroup: 2 } },
  { type: "set-capability", entry: { address: SECOND_CAPABILITY, group: 1, localGroup: 3 } },
];

const PORTS: readonly PortOptions[] = (["client", "agent"] as const).map((role) => {
  return { interface: `${role}0`, role, tenantIndex: 1, hook: "tc" };
});
const OPTIONS: DataplaneOptions = { ...STORY, ports: PORTS };
const HERE = import.meta.dirname;

const start = (options: Partial<DataplaneOptions> = {}): Promise<KernelDataplane> =>
  startKernelDataplane({ ...OPTIONS, ...options }, { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH });

const layouts = (): string[] =>
  readdirSync(OPTIONS.pinDirectory).filter((name) => name !== "links" && !name.startsWith("filter-"));

/** What came of talking. */
interface Talk {
  readonly sent: number;
  readonly came: number;
  readonly rounds: number;
  readonly begun: number;
  readonly broken: readonly string[];
}

function talker(host: "client" | "agent", ...words: readonly (string | number)[]) {
  const parameters = [`--net=/run/netns/${host}`, PYTHON, join(HERE, "talkers.py"), host, ...words.map(String)];
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn("nsenter", parameters, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value as string;
  return { child, line };
}

class Traffic {
  readonly #client: ReturnType<typeof talker>;
  readonly #begins: boolean;

  /** `known`: nothing begins later. */
  constructor(who: "all" | "known" = "all") {
    const [tcp, udp] = [CAPABILITY, SECOND_CAPABILITY].map(formatIpv6) as [string, string];
    this.#client = talker("client", tcp, TCP!.service, udp, UDP!.service, who);
    this.#begins = who === "all";
  }

  async #count(): Promise<Talk> {
    this.#client.child.stdin.write("\n");
    return JSON.parse(await this.#client.line()) as Talk;
  }

  /** Resolves when there was more of each kind of talk. */
  async goesOn(): Promise<void> {
    const before = await this.#count();
    const until = performance.now() + 20_000;
    for (;;) {
      const { came, rounds, begun, broken } = await this.#count();
      assert.deepEqual(broken, []);
      if (came > before.came + 200 && rounds > before.rounds + 50 && (begun > before.begun + 2 || !this.#begins))
        return;
      assert.ok(performance.now() < until, "nothing comes back any more");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends it: everything that was sent came back, and no connection was broken. */
  async nothingWasLost(): Promise<Talk> {
    this.#client.child.stdin.end();
    const talk = JSON.parse(await this.#client.line()) as Talk;
    assert.deepEqual(talk.broken, []);
    assert.equal(talk.came, talk.sent);
    return talk;
  }

  [Symbol.dispose](): void {
    this.#client.child.kill("SIGKILL");
  }
}

/** Verdicts that would be a packet lost. */
const refused = (dataplane: KernelDataplane) =>
  dataplane
    .counters()
    .verdicts.entries()
    .filter(([name, count]) => /^(reject|drop)/.test(name) && count > 0n)
    .toArray();

/** Starts a process that is killed before a step, and says which steps it came to. */
async function killedBefore(step: string, options: DataplaneOptions = OPTIONS): Promise<readonly string[]> {
  const words = [join(HERE, "step-by-step.ts"), step, JSON.stringify(options.ports), `${options.maxCapabilities}`];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close") as Promise<[number | null, string | null]>;
  const text = (await child.stdout.toArray()).join("");
  assert.equal((await closed)[1], "SIGKILL");
  return text.trim().split("\n");
}

async function define(): Promise<void> {
  let agent: ReturnType<typeof talker>;

  before(async () => {
    agent = talker("agent", TCP!.port, UDP!.port);
    assert.equal(await agent.line(), "ready");
    await compileFormer();
  });
  after(() => killed(agent.child));

  for (const kind of ["tcx", "clsact", "xdp native"] as const)
    test(`a version with another layout takes over, and is replaced by this one, under load: nothing is lost (${kind})`, async () => {
      const clsact = kind === "clsact";
      const native = clsact ? withoutTcx(loadNative()) : loadNative();
      const options = {
        ...OPTIONS,
        ports: PORTS.map((port) => ({ ...port, hook: kind === "xdp native" ? "xdp" : "tc" }) as const),
      };
      const start = () => startKernelDataplane(options, { native, log: SILENT, objectPath: OBJECT_PATH });
      const first = await start();
      first.apply(PLAN, 7);
      const plan = comparable(first.snapshot());
      await first[Symbol.asyncDispose]();
      using traffic = new Traffic();
      await traffic.goesOn();
      const [own] = layouts();
      await becomeFormer(options, { clsact });
      const [former] = layouts();
      assert.notEqual(former, own);
      await traffic.goesOn();
      const next = await start();
      assert.deepEqual(layouts(), [own]);
      assert.equal(next.adopted, true);
      for (const { hook, adopted } of next.ports) assert.deepEqual([hook, adopted], [kind, true]);
      assert.deepEqual(comparable(next.snapshot()), plan);
      assert.ok(!next.limits.join().includes("began empty"), next.limits.join());
      await traffic.goesOn();
      next.setHealth(4, "up");
      next.setHealth(4, "draining");
      const talk = await traffic.nothingWasLost();
      assert.ok(talk.sent > 500);
      assert.deepEqual(refused(next), []);
      assert.ok(next.counters().verdicts.get("delivered")! > BigInt(talk.sent), "counted on over all of them");
      await next.remove();
      assert.ok(!existsSync(OPTIONS.pinDirectory));
    });

  test("what is remembered of flows goes into tables of another size: none that is there breaks", async () => {
    const first = await start();
    first.apply(PLAN, 7);
    await first[Symbol.asyncDispose]();
    using traffic = new Traffic("known");
    await traffic.goesOn();
    await becomeFormer(OPTIONS, { flows: 4096 });
    await traffic.goesOn();
    const last = await start();
    // Where process 1 can be looked at, that this test has mounts of its own is said, and right.
    assert.deepEqual(
      last.limits.filter((limit) => !limit.startsWith("this process has mounts of its own")),
      [],
    );
    await traffic.goesOn();
    await traffic.nothingWasLost();
    assert.deepEqual(refused(last), []);
    await last.remove();
  });

  test("kill -9 at each step of it leaves a router that forwards, and the next start finishes", async (t) => {
    const first = await start();
    first.apply(PLAN, 7);
    const plan = comparable(first.snapshot());
    await first[Symbol.asyncDispose]();
    const [own] = layouts();
    await becomeFormer(OPTIONS);
    const [former] = layouts();
    using traffic = new Traffic();
    await traffic.goesOn();
    // The folder that is filled, its name; three programs on each port; the folder of before, which has another name first
    const ahead = ["rename 1"];
    const behind = ["update 1", "update 3", "rename 1", "unlink 9"];
    for (const step of ahead) {
      const steps = await killedBefore(step);
      t.diagnostic(steps.join(", "));
      assert.equal(steps.at(-1), step);
      assert.deepEqual(
        layouts().filter((name) => !name.startsWith("new-")),
        [former],
      );
      await traffic.goesOn();
    }
    for (const step of behind) {
      const steps = await killedBefore(step);
      t.diagnostic(steps.join(", "));
      assert.equal(steps.at(-1), step);
      assert.ok(layouts().includes(own!));
      await traffic.goesOn();
    }
    const last = await start();
    assert.deepEqual(layouts(), [own]);
    assert.deepEqual(comparable(last.snapshot()), plan);
    await traffic.goesOn();
    await traffic.nothingWasLost();
    assert.deepEqual(refused(last), []);
    await last.remove();
  });

  test("kill -9 at each step of the very first start: the next one comes up by itself, and nothing else is left", async (t) => {
    const pins = () => readdirSync(join(OPTIONS.pinDirectory, "links")).toSorted();
    for (const step of ["mkdir 2", "rename 1", "pin 1", "attachTc 3"]) {
      const steps = await killedBefore(step);
      t.diagnostic(steps.join(", "));
      assert.equal(steps.at(-1), step);
      // or in the middle of the pins of the maps
      const [unfilled] = layouts().filter((name) => name.startsWith("new-"));
      if (step === "rename 1")
        for (const name of readdirSync(join(OPTIONS.pinDirectory, unfilled!)).slice(10))
          unlinkSync(join(OPTIONS.pinDirectory, unfilled!, name));
    }
    const dataplane = await start();
    assert.equal(dataplane.adopted, false);
    assert.equal(layouts().length, 1);
    const indexes = PORTS.map((port) => loadNative().sock.interfaceIndex(port.interface)!);
    const expected = indexes.flatMap((index) => ["in", "out", "tc"].map((place) => `${place}-${index}`));
    assert.deepEqual(pins(), expected.toSorted());
    for (const index of indexes) assert.equal(loadNative().bpf.queryEgress(index).programs, 1, "one of ours at egress");
    dataplane.apply(PLAN, 1);
    using traffic = new Traffic();
    await traffic.goesOn();
    await traffic.nothingWasLost();
    await dataplane.remove();
    assert.ok(!existsSync(OPTIONS.pinDirectory));
  });

  test("tables for which there is no room: one error, and what forwarded goes on", async () => {
    const first = await start();
    first.apply(PLAN, 7);
    await first[Symbol.asyncDispose]();
    const [own] = layouts();
    using traffic = new Traffic();
    await traffic.goesOn();
    const native = loadNative();
    const load = () => Promise.reject(Object.assign(new Error("bpf_object__load: ENOMEM"), { code: "ENOMEM" }));
    const full = { ...native, bpf: Object.assign(Object.create(native.bpf), { load }) };
    for (const maxCapabilities of [OPTIONS.maxCapabilities, 100_000]) {
      const starting = startKernelDataplane(
        { ...OPTIONS, maxCapabilities },
        { native: full, log: SILENT, objectPath: OBJECT_PATH },
      );
      await assert.rejects(starting, (cause: unknown) => {
        assert.ok(cause instanceof DataplaneError, String(cause));
        assert.equal(cause.code, "dataplane.not-replaced");
        assert.match(cause.message, /go on forwarding, by the tables in .*ENOMEM.*make room/);
        return true;
      });
      assert.deepEqual(layouts(), [own]);
      await traffic.goesOn();
    }
    await traffic.nothingWasLost();
    removePins(native, OPTIONS.pinDirectory); // as an operator may want it then
    assert.ok(!existsSync(OPTIONS.pinDirectory));
    for (const { interface: name } of PORTS)
      assert.equal(native.bpf.queryEgress(native.sock.interfaceIndex(name)!).programs, 0);
  });

  test("tables that cannot be read: the programs of before go on until the plan is whole", async () => {
    const first = await start({ maxCapabilities: 100_000 });
    first.apply(PLAN, 7);
    const beyond = { kind: "tunnel", locator: address("2001:db8:f::99") } as const;
    first.apply([{ type: "set-next-hop", index: 5000, nextHop: beyond, state: "up" }], 8);
    await first[Symbol.asyncDispose]();
    const [former] = layouts();
    using traffic = new Traffic("known");
    await traffic.goesOn();
    const next = await start();
    assert.ok(layouts().includes(former!));
    assert.match(
      next.limits.join(),
      /client0: the program of before forwards, .*next_hops: it has no place for number 5000/,
    );
    assert.deepEqual(
      next.ports.map(({ hook, adopted }) => [hook, adopted]),
      [
        ["tcx", true],
        ["tcx", true],
      ],
    );
    await traffic.goesOn();
    await next[Symbol.asyncDispose](); // as if it were killed
    const again = await start();
    again.apply(PLAN, 9);
    await again.changePorts(PORTS);
    await traffic.goesOn();
    await traffic.nothingWasLost();
    await again.converged!();
    assert.equal(layouts().length, 1);
    assert.notDeepEqual(layouts(), [former]);
    assert.match(again.limits.join(), /connections to instances here that began before that were reset/);
    using anew = new Traffic();
    await anew.goesOn();
    await anew.nothingWasLost();
    assert.deepEqual(refused(again), []);
    await again.remove();
  });
}

await isolated(import.meta.filename, HOSTS, define, whyNoHosts);
