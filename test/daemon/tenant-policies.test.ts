import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { CountersReport } from "../../src/management/index.ts";
import { missing } from "../bgp/interop/lab.ts";
import { inOwnMounts, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";
import { firstLine } from "../host/child.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";
import { AT, Network, removePins } from "./three-places.ts";

inOwnMounts(import.meta.filename);

const PYTHON = "/usr/bin/python3";
const PEER = fileURLToPath(new URL("tenant-client.py", import.meta.url));

const SERVICE_PORT = 53;

const target = (n: number) => ({ "import-target": [`65000:${n}`], "export-target": [`65000:${n}`] });
const NAMES = ["/vision/ocr", "/vision/faces"];

function configuration(folder: RouterFolder, pins: string, policies: readonly object[]): object {
  return folder.configuration("r1", {
    "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": pins, "max-capabilities": 64 },
    "semrd-taxonomy:taxonomy": {
      revision: 1,
      capability: NAMES.map((name) => ({
        ...{ name, "major-version": 1, protocol: "udp", "service-port": SERVICE_PORT },
      })),
    },
    "semrd-tenant:tenants": {
      tenant: [
        { name: "acme", index: 1, "route-distinguisher": "0:65000:1", ...target(1) },
        { name: "beta", index: 2, "route-distinguisher": "0:65000:2", ...target(2) },
      ],
    },
    "semrd-tenant-policy:tenant-policies": { tenant: policies },
    "semrd-interface:interfaces": {
      interface: [
        {
          ...{ name: "c0", role: "client", tenant: "acme", "permitted-source": ["fd00:c:1::/48"] },
          "tenant-source": [{ prefix: "fd00:c:2::/48", tenant: "beta" }],
        },
        { name: "a0", role: "agent", tenant: "beta" },
      ],
    },
    "semrd-agent:agents": {
      agent: [
        {
          ...{ id: "spiffe://example.net/beta/agent/reader", tenant: "beta" },
          capability: NAMES.map((name) => ({ name, "major-version": 1, address: AT.agent, port: 5353 })),
        },
      ],
    },
  });
}

const RULE = { name: "acme-reads", from: ["acme"], capability: ["/vision/ocr"] };
const RATE = 400;
const BURST = 40;
const SECONDS = 3;

/** What a rate lets pass of packets that are sent at these times, in seconds: a sender that does not get its turn uses less of it. */
function passing(times: readonly number[]): number {
  let [left, before, count] = [BURST, times[0]!, 0];
  for (const time of times) {
    left = Math.min(BURST, left + (time - before) * RATE);
    before = time;
    if (left < 1) continue;
    left--;
    count++;
  }
  return count;
}

/** `wait`, in seconds: an answer is there at once, or when the machine lets who answers have a turn. */
async function answers(net: Network, from: string, to: string, wait = 20): Promise<string> {
  const said = JSON.parse(await net.at("client", PYTHON, PEER, "ask", from, to, String(SERVICE_PORT), String(wait)));
  return said.answer === undefined ? said.error : `class ${said.answer}`;
}

const clientsOf = async (router: RouterProcess, tenant: string) =>
  ((await router.ctl("show", "counters")) as CountersReport).tenants.find((row) => row.tenant === tenant)!;

async function whyNot(): Promise<string | undefined> {
  return (
    whyNoKernelDataplane() ?? (await missing(PYTHON, "python3")) ?? (await missing("/usr/bin/nsenter", "util-linux"))
  );
}

it("tenants: who may call whom, sources, rates and marks with real packets, live, and over kill -9", {
  timeout: 180_000,
}, async (t: TestContext) => {
  const reason = await whyNot();
  if (reason !== undefined) return t.skip(reason.startsWith("skipped") ? reason : `skipped: ${reason}`);
  await using net = new Network("tp");
  await net.build();
  const folder = new RouterFolder(await mkdtemp(path.join(os.tmpdir(), "semrd-tenants-")));
  t.after(() => rm(folder.path, { recursive: true }));
  const pins = `/sys/fs/bpf/st-tp-${process.pid}`;
  t.after(() => removePins(pins));
  const [command, ...rest] = [...net.inside("agent"), PYTHON, PEER, "serve", "5353"];
  const agent = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => agent.kill("SIGKILL"));
  await firstLine(agent);

  let router = await folder.started("r1", configuration(folder, pins, []), net.inside("router"));
  t.after(() => router.end("SIGKILL"));
  const reload = async (policies: readonly object[]): Promise<void> => {
    await folder.written("r1", configuration(folder, pins, policies));
    await router.ctl("config", "reload");
  };
  const rows = (await router.ctl("show", "capabilities")) as { capability: string; tenant: string; address: string }[];
  const address = (tenant: string, name: string): string =>
    rows.find((row) => row.tenant === tenant && row.capability === name)!.address;
  const [ocr, faces] = NAMES.map((name) => address("beta", name)) as [string, string];
  const absent = ocr.replace(/:[0-9a-f]*:0?$/, ":dead:0");

  await t.test("without a rule: the own tenant is served, the other one sees nothing there", async () => {
    assert.equal(await answers(net, AT.beta, ocr), "class 0");
    assert.equal(await answers(net, AT.acme, ocr), await answers(net, AT.acme, absent));
    assert.match(await answers(net, AT.acme, ocr), /unreachable/i);
    assert.ok(Number((await clientsOf(router, "acme")).denied) >= 2);
    assert.equal((await clientsOf(router, "beta")).denied, "0");
  });

  await t.test("who was refused what is an event, once in an interval and with a number; none is missed", async () => {
    interface Violation {
      readonly time: string;
      readonly content: Readonly<Record<string, string>>;
    }
    const violations = async () =>
      (await router.ctl("show", "events", "--type", "policy-violation")) as readonly Violation[];
    const told = (of: readonly Violation[]) => of.reduce((sum, { content }) => sum + Number(content.packets), 0);
    // Nobody asks meanwhile. How many intervals the questions fell into is up to the machine: the first ends after a second.
    const denied = Number((await clientsOf(router, "acme")).denied);
    let events = await violations();
    for (const late = AbortSignal.timeout(20_000); told(events) < denied; events = await violations())
      assert.ok(!late.aborted, `${denied} were refused: ${JSON.stringify(events)}`);
    assert.equal(told(events), denied, JSON.stringify(events));
    const about = events.filter(({ content }) => content.capability === "/vision/ocr");
    assert.ok(about.length > 0, JSON.stringify(events));
    const times = about.map(({ time }) => Date.parse(time)).sort((a, b) => a - b);
    for (const [i, time] of times.slice(1).entries()) assert.ok(time - times[i]! > 900, JSON.stringify(events));
    for (const { content } of about) {
      const { tenant, reason: why, owner, client, packets } = content;
      assert.deepEqual([tenant, why, owner, client], ["acme", "not-allowed", "beta", AT.acme]);
      assert.ok(Number(packets) >= 1);
    }
  });

  await t.test("a rule opens that capability to that tenant and nothing else, as soon as it is committed", async () => {
    await reload([{ name: "beta", rule: [RULE] }]);
    assert.equal(await answers(net, AT.acme, ocr), "class 0");
    assert.match(await answers(net, AT.acme, faces), /unreachable/i);
  });

  await t.test("a source that is not behind the port gets nothing, and is counted", async () => {
    assert.equal(await answers(net, AT.elsewhere, ocr, 0.5), "timeout");
    assert.equal((await clientsOf(router, "acme")).spoofed, "1");
  });

  await t.test("a DSCP of the tenant, and of the capability, which wins", async () => {
    await reload([
      { name: "acme", clients: { dscp: 10, tag: 7 } },
      { name: "beta", rule: [RULE] },
    ]);
    assert.equal(await answers(net, AT.acme, ocr), "class 40");
    assert.equal(await answers(net, AT.beta, ocr), "class 0");
    const marks = { "capability-policy": [{ name: "m", capability: ["/vision/ocr"], dscp: 46, counted: true }] };
    await reload([
      { name: "acme", clients: { dscp: 10, tag: 7 } },
      { name: "beta", rule: [RULE], ...marks },
    ]);
    assert.equal(await answers(net, AT.acme, ocr), "class 184");
    const { tags, capabilities } = (await router.ctl("show", "counters")) as CountersReport;
    const row = capabilities.find(({ capability }) => capability === "/vision/ocr");
    assert.deepEqual([capabilities.length, row?.tenant, row?.packets, row?.limited], [1, "beta", "1", undefined]);
    assert.deepEqual(
      tags.map(({ tag, packets }) => [tag, packets]),
      [[7, "2"]],
    );
  });

  const limits = [
    { name: "acme", clients: { "packet-rate": { rate: String(RATE), burst: BURST } } },
    { name: "beta", rule: [RULE] },
  ];
  await t.test(`${RATE} packets a second within 5 %, and the other tenant does not notice`, async (inner) => {
    await reload(limits);
    const before = Number((await clientsOf(router, "acme")).packets);
    // A packet is looked at by the processor that sends it, so the rate is kept by all of them together.
    const cpus = Array.from({ length: Math.min(2, os.availableParallelism()) }, (_, cpu) => String(cpu));
    const each = [String(SERVICE_PORT), String(SECONDS), String((5 * RATE) / cpus.length)];
    const flood = Promise.all(
      cpus.map((cpu) => net.at("client", "taskset", "-c", cpu, PYTHON, PEER, "flood", AT.acme, ocr, ...each)),
    );
    const others: string[] = [];
    for (let i = 0; i < 10; i++) others.push(await answers(net, AT.beta, ocr));
    const floods = (await flood).map(
      (text) => JSON.parse(text) as { sent: number; answered: number; times: readonly number[] },
    );
    const total = (of: "sent" | "answered") => floods.reduce((sum, one) => sum + one[of], 0);
    const [sent, answered] = [total("sent"), total("answered")];
    const times = floods.flatMap((one) => one.times).sort((a, b) => a - b);
    const passed = Number((await clientsOf(router, "acme")).packets) - before;
    const expected = passing(times);
    const text = `${sent} sent in ${(times.at(-1)! - times[0]!).toFixed(2)} s by ${cpus.length} processors, ${passed} passed, ${answered} answered, ${expected} expected`;
    inner.diagnostic(text);
    assert.ok(sent > 2 * expected, text);
    assert.ok(Math.abs(passed - expected) / expected < 0.05, text);
    assert.equal(others.filter((answer) => answer !== "class 0").length, 0, "none of the other tenant's was touched");
    assert.equal((await clientsOf(router, "beta")).limited, "0");
  });

  await t.test("kill -9: the tables go on, and the next process finds them", async () => {
    await router.end("SIGKILL");
    assert.equal(await answers(net, AT.acme, ocr), "class 0");
    assert.match(await answers(net, AT.acme, faces), /unreachable/i);
    assert.equal(await answers(net, AT.elsewhere, ocr, 0.5), "timeout");
    router = await folder.restarted("r1", net.inside("router"));
    assert.match(router.log, /"adopted":true/);
    const clients = await clientsOf(router, "acme");
    assert.ok(Number(clients.limited) > RATE && Number(clients.spoofed) === 2, JSON.stringify(clients));
    assert.equal(await answers(net, AT.acme, ocr), "class 0");
    await reload([]);
    assert.match(await answers(net, AT.acme, ocr), /unreachable/i);
    assert.equal(await answers(net, AT.beta, ocr), "class 0");
  });
});
