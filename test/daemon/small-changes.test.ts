import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { PeerRow, StatusReport } from "../../src/management/index.ts";
import { assertSameSession, type Established, establishedIn } from "../bgp/interop/bird-since.ts";
import { until } from "../bgp/interop/lab.ts";
import { isolated, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";
import { ADDRESS, type NetconfRouter, startNetconfRouter } from "../management/netconf/netconf-router.ts";
import { readReply } from "../management/netconf/oracle.ts";
import type { RawClient } from "../management/netconf/raw-client.ts";
import {
  bgp,
  kernelTables,
  LOOPBACK,
  openStreams,
  R1,
  R2,
  sessionCounts,
  startBird,
  type Tables,
  THEIRS,
  written,
} from "./beside-ten-thousand.ts";
import { RouterFolder } from "./router-process.ts";

const AGENTS = 10_000;
const CAPABILITIES = 500;
const METRICS = 9464;
const PATIENCE = 30_000;
/** Times that the number is the same before it is taken for the last. */
const SETTLED = 15;

const tenant = (name: string, index: number) => ({
  ...{ name, index, "route-distinguisher": `0:65000:${index}` },
  ...{ "import-target": [`65000:${index}`], "export-target": [`65000:${index}`] },
});
const capability = (n: number) => ({ name: `/c/n${n}`, "major-version": 1 });
const agent = (tenantName: string, n: number, offered: number) => ({
  ...{ id: `spiffe://example.net/${tenantName}/agent/a${n}`, tenant: tenantName },
  capability: [{ ...capability(offered), address: `fd00:a::${(n + 1).toString(16)}`, port: 80 }],
});
const VOCABULARY = {
  "semrd-taxonomy:taxonomy": {
    revision: 1,
    capability: Array.from({ length: CAPABILITIES + 1 }, (_, n) => capability(n)),
  },
  "semrd-tenant:tenants": { tenant: [tenant("acme", 1), tenant("beta", 2)] },
};

/** Operations that the data plane was given so far, when no more come. */
async function operations(): Promise<number> {
  let [before, same] = [-1, 0];
  for (const late = AbortSignal.timeout(PATIENCE); same < SETTLED; ) {
    assert.ok(!late.aborted, "there is no end of operations");
    const text = await (await fetch(`http://${ADDRESS}:${METRICS}/metrics`)).text();
    const now = Number(/^semrd_forwarding_operations_total (\d+)$/m.exec(text)?.[1]);
    same = now === before ? same + 1 : 0;
    before = now;
  }
  return before;
}

const edit = (inner: string): string =>
  `<edit-config><target><running/></target><config><router xmlns="urn:semrd:yang:semrd-router" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">${inner}</router></config></edit-config>`;
const more = (n: number, offered: number): string =>
  edit(
    `<agents xmlns="urn:semrd:yang:semrd-agent"><agent><id>spiffe://example.net/acme/agent/a${n}</id><tenant>acme</tenant><capability><name>/c/n${offered}</name><major-version>1</major-version><address>fd00:a::${(n + 1).toString(16)}</address><port>80</port></capability></agent></agents>`,
  );
const less = (n: number): string =>
  edit(
    `<agents xmlns="urn:semrd:yang:semrd-agent"><agent nc:operation="delete"><id>spiffe://example.net/acme/agent/a${n}</id></agent></agents>`,
  );
const CHANGES = {
  "of a capability that nobody had": more(AGENTS, CAPABILITIES),
  "of one that others have": more(AGENTS + 1, 0),
  "gone again": less(AGENTS + 1),
  "another tenant's routes go elsewhere": edit(
    '<tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant><name>beta</name><export-target>65000:9</export-target></tenant></tenants>',
  ),
};
type Counts = Readonly<Record<keyof typeof CHANGES, number>>;

const startRouter = (agents: number, changes: Readonly<Record<string, unknown>> = {}): Promise<NetconfRouter> =>
  startNetconfRouter(
    {},
    {
      ...VOCABULARY,
      "semrd-telemetry:telemetry": { prometheus: { address: ADDRESS, port: METRICS } },
      "semrd-agent:agents": {
        agent: Array.from({ length: agents }, (_, n) => agent(n % 2 === 0 ? "acme" : "beta", n, n % CAPABILITIES)),
      },
      ...changes,
    },
  );

/** Makes every change, and counts the operations it comes to. */
async function operationsOf(client: RawClient, made: (change: string) => Promise<void> | void): Promise<Counts> {
  let before = await operations();
  const counts: Record<string, number> = {};
  for (const [change, rpc] of Object.entries(CHANGES)) {
    const answer = await client.rpc(rpc);
    assert.ok(readReply(answer).ok, answer);
    const after = await operations();
    counts[change] = after - before;
    before = after;
    await made(change);
  }
  return counts as Counts;
}

async function operationsBesideFew(): Promise<Counts> {
  await using router = await startRouter(CAPABILITIES);
  await using client = await router.open();
  // Else what follows from the start, at the pace of announcements, is counted with a change.
  await until("all is announced", async () => {
    const { counts } = (await router.process.ctl("show", "status")) as StatusReport;
    return counts.routes === 2 * CAPABILITIES;
  });
  return await operationsOf(client, () => {}); // while both are there
}

/** As many as beside few, while everybody is there who could notice: two neighbours, two sessions of NETCONF and streams of gNMI. */
async function besideTenThousand(t: TestContext): Promise<void> {
  const few = await operationsBesideFew();
  t.diagnostic(JSON.stringify(few));

  const noKernel = whyNoKernelDataplane();
  if (noKernel !== undefined) t.diagnostic(`on the memory data plane, its tables are not looked at: ${noKernel}`);
  const pinDirectory = `/sys/fs/bpf/semrd-many-${process.pid}`;
  await using router = await startRouter(AGENTS, {
    "semrd-dataplane:dataplane": {
      driver: noKernel === undefined ? "kernel" : "memory",
      "pin-directory": pinDirectory,
    },
    ...bgp(R1, [R2, "capability"], [THEIRS, "ipv6-unicast"]),
  });
  const bird = await startBird(t, router.folder);
  const routers = new RouterFolder(router.folder);
  const site = { "router-id": "192.0.2.2", site: { selector: 2, locator: "fd00:ffff::2" } };
  await using r2 = await routers.started(
    "r2",
    routers.configuration("r2", { ...site, ...VOCABULARY, ...bgp(R2, [R1, "capability"]) }),
  );
  const r1 = router.process;
  const rows = async <Row>(from: typeof r1, what: string) => (await from.ctl("show", what)) as readonly Row[];
  const neighbors = bird === undefined ? 1 : 2;
  await until(
    "the BGP sessions",
    async () => (await rows<PeerRow>(r1, "peers")).filter(({ state }) => state === "Established").length === neighbors,
  );
  const learnt = async (): Promise<number> => ((await r2.ctl("show", "status")) as StatusReport).counts.routes;
  // Of each agent, and of each capability
  await until("r2 has every route", async () => (await learnt()) === AGENTS + CAPABILITIES);
  await using client = await router.open();
  await using other = await router.open();
  const streams = await openStreams(t, r1.socket, ["/router/agents", "/router/bgp", "/router/telemetry"]);
  const [agents, sessions, unconcerned] = streams;
  const standing = async (): Promise<Established | undefined> =>
    bird && establishedIn(await bird("show", "protocols", "semrd"));
  const before = { counts: await sessionCounts(r1, r2, other), bird: await standing() };

  await operations();
  const tables = async (): Promise<Tables | undefined> =>
    noKernel === undefined ? kernelTables(pinDirectory) : undefined;
  let held = await tables();
  const entries: Record<string, object> = {};
  const many = await operationsOf(client, async (change) => {
    const now = await tables();
    if (held !== undefined && now !== undefined) entries[change] = written(held, now);
    held = now;
  });
  t.diagnostic(JSON.stringify(entries));

  assert.deepEqual(many, few);
  assert.equal(many["another tenant's routes go elsewhere"], 0);
  assert.equal(many["of one that others have"], 2, "its next hop, and slots of the group that was there");
  if (noKernel === undefined) {
    // What is new is one entry of next_hops; in the entry of its group slots change hands.
    assert.deepEqual(entries["of one that others have"], { next_hops: 1, groups: 1 });
    assert.deepEqual(entries["gone again"], { next_hops: 1, groups: 1 });
    assert.deepEqual(entries["another tenant's routes go elsewhere"], {});
  }
  assert.deepEqual(await sessionCounts(r1, r2, other), before.counts);
  if (before.bird !== undefined) assertSameSession((await standing())!, before.bird);
  const [stays, goes] = [AGENTS, AGENTS + 1].map(
    (n) => `/router/agents/agent[id=spiffe://example.net/acme/agent/a${n}]`,
  );
  await agents!.until(() => agents!.leaves.some(([where, value]) => where === goes && value === undefined), "the end");
  const ofOthers = agents!.leaves.filter(([where]) => !where.startsWith(stays!) && !where.startsWith(goes!));
  assert.deepEqual(ofOthers, [], "streams tell of what was changed");
  assert.deepEqual([...sessions!.leaves, ...unconcerned!.leaves], []);
  for (const stream of streams) assert.ok(!stream.isOver, "a stream of gNMI is over");
}

isolated(
  import.meta.filename,
  LOOPBACK,
  () =>
    it(
      "one agent more or less beside 10 000, and another tenant's change: no session is reset, one entry of a table is new, and as few operations as beside 500",
      { timeout: 4 * PATIENCE },
      besideTenThousand,
    ),
  () => (process.getuid?.() === 0 ? undefined : "network namespaces need root"),
);
