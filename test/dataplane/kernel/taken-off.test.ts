import assert from "node:assert/strict";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { loadNative } from "../../../native/index.ts";
import type { Log } from "../../../src/base/index.ts";
import { type KernelDataplane, type PortOptions, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS } from "../memory/story.ts";
import { isolated, OBJECT_PATH, withoutTcx } from "./isolated.ts";
import { answers, HOSTS, PLAN, sh, startAgent, TENANT, whyNoHosts } from "./veth-hosts.ts";

const DATAGRAMS = 5;

/** The client's end of its link is made anew. */
const CLIENT_AGAIN = (index: number) => `
  ip link del client0
  ip link add client0 index ${index} type veth peer name up0 netns client
  ip link set client0 up
  ip -n client link set up0 up
  ip -6 address add 2001:db8:7c:c::1/64 dev client0 nodad
  ip -6 -n client address add 2001:db8:7c:c::2/64 dev up0 nodad
  ip -6 -n client route add default via 2001:db8:7c:c::1
`;

const native = loadNative();
const LINKS = join(OPTIONS.pinDirectory, "links");

/** Detaches it as `bpftool link detach` does, which leaves the pin where it is. */
function detachLink(pin: string): void {
  const aside = "/sys/fs/bpf/aside";
  renameSync(join(LINKS, pin), aside);
  const link = native.bpf.openLink(aside);
  renameSync(aside, join(LINKS, pin));
  link.detach();
}

/** The BPF filters on an interface, as tc shows them. */
function filtersOn(name: string, place: "ingress" | "egress"): readonly string[] {
  const rows = JSON.parse(sh(`tc -j filter show dev ${name} ${place}`)) as { options?: { bpf_name?: string } }[];
  return rows.flatMap(({ options }) => options?.bpf_name?.split(":")[0] ?? []);
}

interface Said {
  readonly event: string;
  readonly interface?: unknown;
  readonly programs?: unknown;
}

type Kind = "tcx" | "clsact" | "xdp native";

/** A router whose client, and agent, are on ports of that kind. */
async function startRouter(kind: Kind, names: readonly string[] = ["client0", "agent0"]) {
  const said: Said[] = [];
  const note = (event: string, fields?: object) => said.push({ ...fields, event });
  const log: Log = { error: note, warn: note, info: note, debug: note };
  const ports = names.map((name): PortOptions => {
    const role = name === "client0" ? "client" : "agent";
    return { interface: name, role, tenantIndex: TENANT, hook: kind === "xdp native" ? "xdp" : "tc" };
  });
  const parts = { native: kind === "clsact" ? withoutTcx(native) : native, log, objectPath: OBJECT_PATH };
  const dataplane: KernelDataplane = await startKernelDataplane({ ...OPTIONS, ports }, parts);
  dataplane.apply(PLAN, 1);
  return { dataplane, said, client: () => dataplane.ports[0]! };
}

type Router = Awaited<ReturnType<typeof startRouter>>;

async function until(holds: () => boolean, state: () => unknown): Promise<number> {
  const began = performance.now();
  while (!holds()) {
    assert.ok(performance.now() < began + 15_000, `not within 15 s: ${JSON.stringify(state())}`);
    await new Promise((later) => setTimeout(later, 5));
  }
  return performance.now() - began;
}

const answered = () => assert.equal(answers(DATAGRAMS), DATAGRAMS);

/** Takes programs off the client's port, which come back, and with them the answers. Resolves to how long that took. */
async function comesBack(
  router: Router,
  kind: Kind,
  takeOff: () => void,
  programs: readonly string[],
): Promise<number> {
  const { restored = 0, hook } = router.client();
  assert.equal(hook, kind);
  const first = router.said.length;
  const delivered = () => router.dataplane.counters().verdicts.get("delivered")!;
  takeOff();
  const took = await until(() => router.client().restored === restored + 1, router.client);
  assert.equal(router.client().hook, kind);
  const before = delivered();
  answered();
  assert.ok(delivered() - before >= BigInt(DATAGRAMS), "by the pass");
  const told = router.said.slice(first).filter(({ event }) => event.startsWith("dataplane.port."));
  assert.deepEqual(
    told.filter(({ event }) => event !== "dataplane.port.egress").map(({ event, interface: name }) => [event, name]),
    [
      ["dataplane.port.taken-off", "client0"],
      ["dataplane.port.restored", "client0"],
    ],
  );
  assert.deepEqual(told.find(({ event }) => event.endsWith("taken-off"))!.programs, programs);
  return took;
}

function define(): void {
  let agent: AsyncDisposable;

  before(async () => {
    agent = await startAgent();
  });
  after(() => agent[Symbol.asyncDispose]());

  describe("programs that somebody takes off a port come back, which is said and counted", () => {
    const ALL = { clsact: ["pass", "in", "out"], tcx: ["pass", "in", "out"], "xdp native": ["pass", "out"] } as const;

    for (const kind of ["tcx", "clsact", "xdp native"] as const)
      test(`the interface is made anew between two looks, with the same index (${kind})`, async () => {
        const router = await startRouter(kind);
        answered();
        const { ifindex } = router.client();
        await comesBack(router, kind, () => sh(CLIENT_AGAIN(ifindex)), ALL[kind]);
        assert.equal(router.client().ifindex, ifindex);
        await router.dataplane.remove();
      });

    test("clsact: the qdisc, or one filter, is deleted", async (t) => {
      const router = await startRouter("clsact");
      answered();
      const took = await comesBack(router, "clsact", () => sh("tc qdisc del dev client0 clsact"), ALL.clsact);
      t.diagnostic(`back after ${took.toFixed(1)} ms`);
      await comesBack(router, "clsact", () => sh("tc filter del dev client0 ingress pref 21317"), ["pass"]);
      assert.deepEqual([router.client().restored, router.dataplane.ports[1]!.restored], [2, 0]);
      await router.dataplane.remove();
      assert.deepEqual(
        (["ingress", "egress"] as const)
          .flatMap((place) => ["client0", "agent0"].map((on) => filtersOn(on, place)))
          .flat(),
        [],
      );
      assert.ok(!existsSync(OPTIONS.pinDirectory), "and no record of filters");
    });

    for (const kind of ["tcx", "xdp native"] as const)
      test(`links are detached as bpftool does (${kind})`, async () => {
        const router = await startRouter(kind);
        answered();
        const { ifindex } = router.client();
        const hook = kind === "tcx" ? "tc" : "xdp";
        const takeOff = () => {
          for (const place of [hook, "out"]) detachLink(`${place}-${ifindex}`);
        };
        await comesBack(router, kind, takeOff, ["pass", "out"]);
        await router.dataplane.remove();
      });

    test("clsact: what somebody put in the place is not replaced; the port is down until it is gone", async () => {
      const router = await startRouter("clsact");
      using other = await native.bpf.load(OBJECT_PATH);
      other.programs.get("semr_edge_out")!.pin("/sys/fs/bpf/theirs"); // none of its ports: it lets everything pass
      const place = "dev client0 ingress pref 21317 protocol all handle 0x53454d52 bpf";
      sh(`tc filter replace ${place} direct-action object-pinned /sys/fs/bpf/theirs; rm /sys/fs/bpf/theirs`);
      const { client, dataplane } = router;
      await until(() => client().hook === "none", client);
      assert.match(client().reason!, /already has the filter.*is not replaced.*tc filter del dev client0 ingress/);
      assert.ok(dataplane.limits.some((limit) => limit.includes("client0")));
      assert.deepEqual(filtersOn("client0", "egress"), [], "nothing of ours stays alone");
      assert.equal(filtersOn("client0", "ingress").length, 1);
      assert.equal(router.said.filter(({ event }) => event === "dataplane.port.failed").length, 1);
      sh("tc filter del dev client0 ingress");
      await until(() => client().hook === "clsact", client);
      answered();
      await dataplane.remove();
    });

    test("a foreign XDP program that was put in the place is not replaced; the port is down until it is gone", async () => {
      const router = await startRouter("xdp native");
      const { client, dataplane } = router;
      const { ifindex } = client();
      using other = await native.bpf.load(OBJECT_PATH);
      detachLink(`xdp-${ifindex}`);
      const theirs = native.bpf.attachXdp(other.programs.get("semr_xdp")!, ifindex);
      const program = native.bpf.queryXdp(ifindex)!.programId;
      await until(() => client().hook === "none", client);
      assert.match(client().reason!, /another program is on the xdp hook of client0 and is not replaced/);
      assert.equal(native.bpf.queryXdp(ifindex)!.programId, program);
      assert.deepEqual(
        readdirSync(LINKS).filter((name) => name.endsWith(`-${ifindex}`)),
        [],
      );
      theirs.detach();
      await until(() => client().hook === "xdp native", client);
      assert.equal(client().restored, 1);
      answered();
      await dataplane.remove();
    });

    test("clsact: a start takes filters off interfaces that are no ports any more, of this router only", async () => {
      const first = await startRouter("clsact");
      const { ifindex } = first.client();
      await first.dataplane[Symbol.asyncDispose]();
      // Killed between the filter and the entry
      const layout = readdirSync(OPTIONS.pinDirectory).find((name) => name.startsWith("v"))!;
      using entries = native.bpf.openMap(join(OPTIONS.pinDirectory, layout, "ports"));
      const key = new Uint8Array(Uint32Array.of(ifindex).buffer);
      entries.update(key, new Uint8Array(entries.info.valueSize));
      // One that another router has there
      using other = await native.bpf.load(OBJECT_PATH);
      const theirs = native.bpf.attachTc(other.programs.get("semr_edge_out")!, ifindex, "clsact", "egress");
      assert.deepEqual(filtersOn("client0", "ingress"), ["semr_edge_in", "semr_tc"]);
      const next = await startRouter("clsact", ["agent0"]);
      assert.deepEqual([filtersOn("client0", "ingress"), filtersOn("client0", "egress")], [[], ["semr_edge_out"]]);
      assert.deepEqual(filtersOn("agent0", "ingress"), ["semr_edge_in", "semr_tc"]);
      const records = readdirSync(OPTIONS.pinDirectory).filter((name) => name.startsWith("filter-"));
      assert.equal(records.length, 3);
      theirs.detach();
      await next.dataplane.remove();
    });
  });
}

await isolated(import.meta.filename, HOSTS, define, whyNoHosts);
