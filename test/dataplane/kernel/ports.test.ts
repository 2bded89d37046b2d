import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadNative, type Native } from "../../../native/index.ts";
import type { Log } from "../../../src/base/index.ts";
import { type KernelDataplane, type PortOptions, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS } from "../memory/story.ts";
import { isolated, OBJECT_PATH, withoutTcx } from "./isolated.ts";
import { answers, HOSTS, PLAN, sh, startAgent, TENANT, whyNoHosts } from "./veth-hosts.ts";

const native = loadNative();
const LINKS = join(OPTIONS.pinDirectory, "links");
const PORTS = (["client", "agent"] as const).map((role): PortOptions => {
  return { interface: `${role}0`, role, tenantIndex: TENANT, hook: "tc" };
});

type Kind = "tcx" | "clsact";

/** Calls of the addon that do something else first. */
interface Disturbed {
  readonly bpf?: Partial<Native["bpf"]>;
  readonly sock?: Partial<Native["sock"]>;
}

/** A router with those ports, and what it said of them. */
async function startRouter(kind: Kind, { bpf = {}, sock = {} }: Disturbed = {}, ports = PORTS) {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const log: Log = { error: note, warn: note, info: note, debug: note };
  const base = kind === "clsact" ? withoutTcx(native) : native;
  const disturbed = {
    ...base,
    bpf: Object.assign(Object.create(base.bpf) as Native["bpf"], bpf),
    sock: Object.assign(Object.create(base.sock) as Native["sock"], sock),
  };
  const parts = { native: disturbed, log, objectPath: OBJECT_PATH };
  const dataplane: KernelDataplane = await startKernelDataplane({ ...OPTIONS, ports }, parts);
  dataplane.apply(PLAN, 1);
  return { dataplane, events, client: () => dataplane.ports[0]! };
}

async function until(holds: () => boolean, state: () => unknown): Promise<void> {
  const began = performance.now();
  while (!holds()) {
    assert.ok(performance.now() < began + 60_000, `not within a minute: ${JSON.stringify(state())}`);
    await new Promise((later) => setTimeout(later, 5));
  }
}

/** Names of the BPF filters on an interface, as tc shows them. */
function filtersOn(name: string): readonly string[] {
  return ["ingress", "egress"].flatMap((place) => {
    const rows = JSON.parse(sh(`tc -j filter show dev ${name} ${place}`)) as { options?: { bpf_name?: string } }[];
    return rows.flatMap(({ options }) => options?.bpf_name?.split(":")[0] ?? []);
  });
}

const tooMany = () => {
  throw Object.assign(new Error("socket: EMFILE, netlink"), { code: "EMFILE" });
};

/** Gives interfaces other names; they are down for it, which Linux wants before 6.2. */
const rename = (...names: readonly (readonly [string, string])[]) =>
  sh(
    ["sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1"]
      .concat(
        names.map(([from, to]) => `ip link set ${from} down; ip link set ${from} name ${to}; ip link set ${to} up`),
      )
      .join("\n"),
  );
const SWAP = [
  ["client0", "x0"],
  ["agent0", "client0"],
  ["x0", "agent0"],
] as const;

const answered = () => assert.equal(answers(5), 5);

function define(): void {
  let agent: AsyncDisposable;

  before(async () => {
    agent = await startAgent();
  });
  after(() => agent[Symbol.asyncDispose]());

  test("a port that could not be looked at for a while stays what it is, says so, and says so no more", async () => {
    let fails = false;
    const router = await startRouter("tcx", {
      bpf: { egressPrograms: (ifindex) => (fails ? tooMany() : native.bpf.egressPrograms(ifindex)) },
    });
    const { client, dataplane, events } = router;
    const before = client();
    assert.equal(before.hook, "tcx");
    fails = true;
    await until(() => client().reason !== before.reason, client);
    assert.match(client().reason!, /EMFILE/);
    assert.equal(client().hook, "tcx");
    assert.ok(dataplane.limits.some((limit) => /client0.*EMFILE/.test(limit)));
    answered();
    fails = false;
    await until(() => client().reason === before.reason, client);
    assert.deepEqual(client(), before);
    assert.equal(events.filter((event) => event === "dataplane.port.failed").length, PORTS.length, "once each");
    await dataplane.remove();
  });

  test("clsact: a filter that was taken off while nothing could be looked at comes back afterwards", async () => {
    let fails = false;
    const router = await startRouter("clsact", {
      sock: { interfaceIndex: (name) => (fails ? tooMany() : native.sock.interfaceIndex(name)) },
    });
    const { client, dataplane } = router;
    const { reason } = client();
    fails = true;
    sh("tc filter del dev client0 ingress pref 21317");
    await until(() => /EMFILE/.test(client().reason ?? ""), client);
    fails = false;
    await until(() => client().restored === 1 && client().reason === reason, client);
    assert.deepEqual(filtersOn("client0").toSorted(), ["semr_edge_in", "semr_edge_out", "semr_tc"]);
    answered();
    await dataplane.remove();
  });

  for (const kind of ["tcx", "clsact"] as const)
    test(`an interface that gets another name is no port any more, until it has its name again (${kind})`, async () => {
      const { client, dataplane } = await startRouter(kind);
      answered();
      rename(["client0", "other0"]);
      await until(() => client().hook === "none", client);
      assert.deepEqual(filtersOn("other0"), []);
      const index = native.sock.interfaceIndex("other0")!;
      assert.equal(native.bpf.egressPrograms(index), 0);
      rename(["other0", "client0"]);
      await until(() => client().hook === kind, client);
      assert.equal(client().restored, 0);
      answered();
      await dataplane.remove();
      assert.deepEqual(filtersOn("client0"), []);
    });

  for (const kind of ["tcx", "clsact"] as const)
    test(`interfaces that change names with each other between two looks are both ports, and stay it (${kind})`, async () => {
      const { client, dataplane } = await startRouter(kind);
      const of = () => dataplane.ports.map(({ ifindex, hook }) => [ifindex, hook]);
      const [first, second] = of();
      rename(...SWAP);
      await until(() => client().ifindex === second![0] && dataplane.ports[1]!.ifindex === first![0], of);
      assert.deepEqual(
        of().map(([, hook]) => hook),
        [kind, kind],
      );
      const pins = of().flatMap(([ifindex]) => ["in", "out", "tc"].map((place) => `${place}-${ifindex}`));
      assert.deepEqual(readdirSync(LINKS).toSorted(), kind === "tcx" ? pins.toSorted() : []);
      const records = readdirSync(OPTIONS.pinDirectory).filter((name) => name.startsWith("filter-"));
      assert.equal(records.length, kind === "tcx" ? 0 : 6);
      rename(...SWAP);
      await until(() => client().ifindex === first![0] && dataplane.ports[1]!.ifindex === second![0], of);
      answered();
      await dataplane.remove();
      assert.ok(!existsSync(OPTIONS.pinDirectory));
      for (const name of ["client0", "agent0"]) assert.deepEqual(filtersOn(name), []);
    });

  for (const kind of ["tcx", "clsact"] as const)
    test(`a start that is refused at its second port leaves what an earlier process has on the first (${kind})`, async () => {
      const { dataplane } = await startRouter(kind);
      answered();
      await dataplane[Symbol.asyncDispose]();
      const index = native.sock.interfaceIndex("agent0");
      const bpf: Partial<Native["bpf"]> = {
        attachTc: (program, ifindex, _, place, filter) => {
          if (ifindex === index) throw Object.assign(new Error("tc attach: EEXIST"), { code: "EEXIST" });
          return native.bpf.attachTc(program, ifindex, kind, place, filter);
        },
        openLink: (path) => (path.endsWith(`-${index}`) ? tooMany() : native.bpf.openLink(path)),
      };
      await assert.rejects(startRouter(kind, { bpf }), /agent0/);
      answered();
      const again = await startRouter(kind);
      assert.deepEqual(
        again.dataplane.ports.map(({ hook, adopted }) => [hook, adopted]),
        PORTS.map(() => [kind, true]),
      );
      answered();
      await again.dataplane.remove();
      for (const name of ["client0", "agent0"]) assert.deepEqual(filtersOn(name), []);
      assert.ok(!existsSync(OPTIONS.pinDirectory));
    });

  test("clsact: records of filters that lie, or are none, hinder no start and take nothing of others off", async () => {
    using other = await native.bpf.load(OBJECT_PATH);
    const program = other.programs.get("semr_edge_out")!;
    native.bpf.mountBpffs("/sys/fs/bpf");
    mkdirSync(OPTIONS.pinDirectory);
    const at = (name: string) => join(OPTIONS.pinDirectory, name);
    const index = native.sock.interfaceIndex("agent0")!;
    // A filter of others in the very place, of which a record says that it was another program of ours
    const theirs = native.bpf.attachTc(program, index, "clsact", "egress");
    const lies = [`filter-egress-${index}-1`, "filter-ingress-65000-7"];
    const none = ["filter-ingress-2147483648-7", "filter-ingress-0-7", "filter-egress-1-0", "filter-out-1-1"];
    for (const name of [...lies, ...none]) program.pin(at(name));
    mkdirSync(at(`filter-egress-${index}-${program.id}`));
    const { dataplane, client } = await startRouter("clsact", {}, PORTS.slice(0, 1));
    assert.equal(client().hook, "clsact");
    assert.ok(theirs.isAttached());
    const left = readdirSync(OPTIONS.pinDirectory).filter((name) => name.startsWith("filter-"));
    for (const name of lies) assert.ok(!left.includes(name), name);
    for (const name of none) assert.ok(left.includes(name), name);
    theirs.detach();
    await dataplane.remove();
    for (const name of none) unlinkSync(at(name));
    rmdirSync(at(`filter-egress-${index}-${program.id}`));
    rmdirSync(OPTIONS.pinDirectory);
  });

  test("to ask whether an XDP program is still there costs the same beside hundreds of interfaces", async (t) => {
    using object = await native.bpf.load(OBJECT_PATH);
    const link = native.bpf.attachXdp(object.programs.get("semr_xdp")!, native.sock.interfaceIndex("client0")!);
    const cost = (): number => {
      const before = process.cpuUsage();
      for (let i = 0; i < 200; i++) assert.ok(link.isAttached());
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 200;
    };
    cost();
    const few = cost();
    sh(`seq 150 | sed 's/.*/link add many& type veth peer name more&/' | ip -batch -`);
    const many = cost();
    sh(`seq 150 | sed 's/.*/link del many&/' | ip -batch -`);
    t.diagnostic(`${few.toFixed(0)} µs, beside 300 more ${many.toFixed(0)} µs`);
    link.detach();
    assert.ok(many < 5 * few, "it does not go through all of them");
  });
}

await isolated(import.meta.filename, HOSTS, define, whyNoHosts);
