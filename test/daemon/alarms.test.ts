import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { milliseconds, momentOf } from "../../src/base/index.ts";
import type { PeerStatus } from "../../src/bgp/speaker/index.ts";
import { endingCertificates } from "../../src/daemon/alarms/certificates.ts";
import {
  degradations,
  executors,
  fullTables,
  neighborLimits,
  persistFailure,
  routeLimits,
} from "../../src/daemon/alarms/conditions.ts";
import { SessionConditions } from "../../src/daemon/alarms/sessions.ts";
import { ALARM_TYPES } from "../../src/daemon/alarms/types.ts";
import { tableSizes } from "../../src/dataplane/index.ts";
import type { RouterConfiguration } from "../../src/management/index.ts";
import { ADDRESS, certificate, gnmiPath, PASSWORD, startGnmiRouter } from "../management/gnmi/gnmi-router.ts";
import { OWN_PORT } from "../management/own-port.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const AGENT = "spiffe://example.net/acme/agent/ocr-a";
const OCR = "/semrd-router:router/semrd-taxonomy:taxonomy/capability[name='/vision/ocr'][major-version='1']";

const peer = (own: Partial<PeerStatus>): PeerStatus =>
  ({ address: "fd00::2", enabled: true, state: "Idle", perFamily: [], ...own }) as PeerStatus;
const configured = (own: object): RouterConfiguration => own as RouterConfiguration;

describe("what an alarm is raised for", () => {
  it("a session that was there: at once; one that never was: after a minute; none that is shut down or came by itself", () => {
    const clock = new VirtualClock();
    const sessions = new SessionConditions(clock);
    const raised = (...peers: readonly PeerStatus[]) => [...sessions.of(peers)].map(([at, { text }]) => [at, text]);
    const error = { direction: "none", code: 0, subcode: 0, text: "hold timer expired", at: momentOf(clock) } as const;
    assert.deepEqual(raised(peer({ state: "Established" })), []);
    const lost = "there is no session with fd00::2 (r2): hold timer expired";
    const at = "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00::2']";
    assert.deepEqual(raised(peer({ description: "r2", lastError: error })), [[at, lost]]);
    const refused = { ...error, text: "connection refused" };
    assert.deepEqual(raised(peer({ description: "r2", lastError: refused })), [[at, lost]], "the text stays");
    const differs = {
      ...error,
      direction: "sent",
      code: 2,
      subcode: 2,
      text: "OPEN error: bad peer AS, it is 1",
    } as const;
    const never = "there is no session with fd00::2 (r2): OPEN error: bad peer AS, it is 1";
    assert.deepEqual(raised(peer({ description: "r2", lastError: differs })), [[at, never]]);
    assert.deepEqual(raised(peer({ description: "r2", lastError: refused })), [[at, never]]);
    const others = [peer({ enabled: false }), peer({ address: "fd00::3", range: "lan" }), peer({ address: "fd00::4" })];
    assert.deepEqual(raised(...others), []);
    clock.advance(milliseconds(60_000));
    assert.equal(raised(...others).length, 1);
    assert.deepEqual(raised(peer({ address: "fd00::4", state: "Established" })), []);
  });

  it("ranges, routes and tables that are full, or nearly", () => {
    const ranges = [
      { name: "fd00:1::/64", neighbors: 4, limit: 4, refused: 0 },
      { name: "fd00:2::/64", neighbors: 3, limit: 4, refused: 0 },
      { name: "eth1", neighbors: 1, limit: 1, refused: 0 },
      { name: "eth2", neighbors: 1, limit: 1, refused: 1 },
    ];
    const dynamic = "/semrd-router:router/semrd-bgp:bgp/dynamic-neighbors";
    assert.deepEqual(
      [...neighborLimits(ranges).keys()],
      [`${dynamic}/range[prefix='fd00:1::/64']`, `${dynamic}/interface[name='eth2']`],
    );
    const address = new Uint8Array(16);
    address.set([0xfd, 0, ...new Array(13).fill(0), 2]);
    const families = [{ family: "capability", maximumRoutes: 100, warnAtPercent: 75 }];
    const bgp = configured({ bgp: { neighbors: [{ address, families }] } });
    const having = (routesReceived: number) => [
      peer({ perFamily: [{ family: "capability", routesReceived }] as unknown as PeerStatus["perFamily"] }),
    ];
    const limits = (routes: number, table: number) =>
      Array.from(
        routeLimits(having(routes), bgp, { routes: table, room: 100 }),
        ([at, { severity }]) => `${severity} ${at}`,
      );
    assert.deepEqual(limits(74, 90), []);
    assert.deepEqual(limits(75, 91), [
      "warning /semrd-router:router/semrd-rib:ribs",
      "warning /semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00::2']/families/family[name='capability']",
    ]);
    assert.match(limits(0, 100)[0]!, /^critical/);
    const room = configured({ dataplane: { maxCapabilities: 1000 } });
    const used = (groups: number, was: boolean) =>
      [...fullTables({ sizes: { capabilities: 1, groups, nextHops: 1 } }, room, () => was).values()].map(
        ({ severity }) => severity,
      );
    const groups = tableSizes(1000).groups - 1;
    assert.deepEqual(used(Math.floor(groups * 0.9), false), []);
    assert.deepEqual(used(Math.floor(groups * 0.9) + 1, false), ["warning"]);
    assert.deepEqual(used(Math.floor(groups * 0.85), true), ["warning"], "not over before it is below eight tenths");
    assert.deepEqual(used(Math.floor(groups * 0.8), true), []);
    assert.deepEqual(used(groups, false), ["critical"]);
  });

  it("a data plane that is not what it could be", () => {
    const port = { ifindex: 1, role: "core", tenantIndex: 0, adopted: false } as const;
    const ports = [
      { ...port, interface: "a", hook: "xdp native" },
      { ...port, interface: "b", hook: "xdp generic", reason: "no native XDP" },
      { ...port, interface: "c", hook: "none", reason: "no such interface" },
      { ...port, interface: "d", hook: "xdp generic", reason: "no native XDP" },
    ] as const;
    const linkOf = ({ interface: name }: { readonly interface: string }) =>
      name === "d" ? ({ operStatus: "down", why: "it has no carrier" } as const) : undefined;
    const found = (name: "memory" | "linux" | "kernel", driver: string) =>
      Array.from(
        degradations({ name, ports: [] }, configured({ dataplane: { driver } })).values(),
        ({ severity }) => severity,
      );
    assert.deepEqual(found("memory", "auto"), ["critical"]);
    assert.deepEqual(found("linux", "auto"), ["minor"]);
    assert.deepEqual([...found("memory", "memory"), ...found("linux", "linux"), ...found("kernel", "auto")], []);
    const atPorts = degradations({ name: "kernel", ports }, configured({ dataplane: { driver: "kernel" } }), linkOf);
    assert.deepEqual(
      Array.from(atPorts, ([at, { severity, text }]) => [at.replace(/^.*name=/, ""), severity, text]),
      [
        ["'b']", "warning", "XDP runs in generic mode at b, which is slow: no native XDP"],
        ["'c']", "major", "nothing is forwarded at c: no such interface"],
        ["'d']", "major", "nothing comes or goes at d, which is down: it has no carrier"],
      ],
    );
    const executor = (state: string) => [...executors({ executor: { state, address: "x" } as never }).values()];
    assert.equal(executor("connecting")[0]!.severity, "major");
    assert.equal(executor("differs")[0]!.severity, "minor");
    assert.deepEqual([...executor("in-step"), ...executors({}).values()], []);
    assert.equal(persistFailure("/var/lib/semrd", "no space left").size, 1);
    assert.equal(persistFailure("/var/lib/semrd", undefined).size, 0);
  });

  it("a certificate that ends within 30 days, within 7, has ended, or is none", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "semrd-certificates-"));
    after(() => rmSync(folder, { recursive: true }));
    await certificate(folder, "c", ["-subj", "/CN=router"]); // 30 days
    const of = configured({
      keystore: {
        asymmetricKeys: [{ name: "k", certificates: [{ name: "c", certificateFile: path.join(folder, "c.pem") }] }],
      },
    });
    const day = 86_400_000;
    const in_ = async (days: number) =>
      Array.from(await endingCertificates(of, milliseconds(Date.now() + days * day)), ([at, { severity }]) => [
        at,
        severity,
      ]);
    const keys = "/semrd-router:router/semrd-keystore:keystore/asymmetric-keys";
    const at = `${keys}/asymmetric-key[name='k']/certificates/certificate[name='c']/certificate-file`;
    assert.deepEqual(await in_(-1), []);
    assert.deepEqual(await in_(0.1), [[at, "warning"]]);
    assert.deepEqual(await in_(24), [[at, "major"]]);
    assert.deepEqual(await in_(31), [[at, "critical"]]);
    rmSync(path.join(folder, "c.pem"));
    assert.deepEqual(await in_(0), [[at, "major"]]);
  });
});

const ncclient = await run(PYTHON, ["-c", "import ncclient"]).then(
  () => false,
  () => "skipped: ncclient is missing (Debian: python3-ncclient)",
);

it("alarms over NETCONF (ncclient), gNMI, semrctl and Prometheus: raised, closed, cleared, purged", {
  skip: ncclient,
}, async () => {
  const agent = {
    id: AGENT,
    tenant: "acme",
    capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080 }],
  };
  await using router = await startGnmiRouter(
    {},
    {
      "semrd-agent:agents": { agent: [agent] },
      "semrd-telemetry:telemetry": { prometheus: { address: ADDRESS, port: OWN_PORT } },
    },
    { management: { "semrd-netconf:netconf": { ssh: { listen: [{ address: ADDRESS, port: 830 }] } } } },
  );
  const client = router.client();
  const list = "/ietf-alarms:alarms/alarm-list/alarm";
  const stream = client.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(list), mode: "ON_CHANGE" }] });
  await stream.until(() => stream.syncs === 1, "the first alarms");
  const saw = (type: string, leaf: string, value: unknown): boolean =>
    stream.leaves.some(([at, is]) => at.includes(type) && at.endsWith(leaf) && is === value);
  // The test's own certificate is one of 30 days
  await stream.until(() => saw("certificate-expiry", "/perceived-severity", "warning"), "the alarm of the certificate");

  const args = [fileURLToPath(new URL("ncclient-alarms.py", import.meta.url)), ADDRESS, "830", "admin", PASSWORD];
  const child = spawn(PYTHON, [...args, "capability-unserved"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const kill = setTimeout(() => child.kill("SIGKILL"), 60_000);
  // biome-ignore lint/suspicious/noExplicitAny: what a script prints
  const steps: any[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout! })) {
      const said = JSON.parse(line);
      steps.push(said);
      if (said.step === "subscribed") await router.process.ctl("agent", "remove", AGENT);
      if (said.step === "operator") {
        assert.ok(saw("capability-unserved", "/is-cleared", false), "gNMI tells of it");
        const shown = (await router.process.ctl("show", "alarms")) as readonly Record<string, unknown>[];
        const [own] = shown.filter(({ type }) => type === "capability-unserved");
        assert.deepEqual([own!.severity, own!.operatorState, own!.operator], ["major", "closed", "admin"]);
        const telemetry = await fetch(`http://${ADDRESS}:${OWN_PORT}/metrics`);
        assert.match(await telemetry.text(), /^semrd_alarms\{severity="major"\} 1$/m);
        await router.process.ctl("alarm", "ack", own!.id as string, "--text", "wait");
        const [, ...version] = ["--version", "1", "--address", "fd00:a::10", "--port", "8080"];
        await router.process.ctl(
          "agent",
          "add",
          AGENT,
          "--tenant",
          "acme",
          "--capability",
          "/vision/ocr",
          "--version",
          ...version,
        );
      }
    }
    assert.deepEqual(await ended, [0, null]);
  } finally {
    clearTimeout(kill);
    child.kill("SIGKILL");
  }
  const [, raised, listed, operator, cleared, purged, left, inventory, refused, shelved, profile, unShelved] = steps;
  // In XML each step has the prefix of its module
  assert.equal(
    raised.resource.replaceAll(/semr-\w+:/g, ""),
    `${OCR}/state/tenant[name='acme']`.replaceAll(/semrd-\w+:/g, ""),
  );
  assert.equal(raised["perceived-severity"], "major");
  assert.equal(listed.alarms.length, 2);
  assert.deepEqual([operator.operator, operator.state, operator.text], ["admin", "closed", "on purpose"]);
  assert.match(cleared["alarm-text"], /^over; it was: no site serves \/vision\/ocr/);
  assert.equal(purged["purged-alarms"], "1");
  assert.deepEqual(
    left.alarms.map((one: Record<string, string>) => one["alarm-type-id"]!.replace(/^.*:/, "")),
    ["certificate-expiry"],
  );
  assert.deepEqual(
    inventory.types.map((type: string) => `semrd-alarms:${type.replace(/^.*:/, "")}`).toSorted(),
    Object.values(ALARM_TYPES)
      .map(({ id }) => id)
      .toSorted(),
  );
  assert.equal(refused.tag, "invalid-value");
  assert.match(refused.message, /selects no resources/);
  assert.deepEqual(shelved.list, []);
  assert.deepEqual([shelved.active, shelved.counted, shelved.states], [true, "1", ["shelved"]]);
  const [held] = shelved.alarms;
  assert.deepEqual([held["shelf-name"], held["perceived-severity"]], ["known", "warning"]);
  assert.equal(profile.alarms[0]["perceived-severity"], "minor", "the least severe level of the type");
  assert.deepEqual([unShelved.said.state, unShelved.said.operator], ["un-shelved", "semrd"]);
  assert.deepEqual([unShelved.active, unShelved.counted, unShelved.alarms], [false, "0", []]);
  assert.deepEqual(
    unShelved.list.map((one: Record<string, string>) => one["perceived-severity"]),
    ["minor"],
  );
  await stream.until(() => saw("certificate-expiry", "/perceived-severity", "minor"), "that it is back in the list");
  assert.ok(
    stream.leaves.some(([at, value]) => at.includes("certificate-expiry") && value === undefined),
    "that it went to a shelf",
  );
  await stream.until(() => saw("capability-unserved", "/is-cleared", true), "its end");
  const gone = (): boolean =>
    stream.leaves.some(([at, value]) => at.includes("capability-unserved") && value === undefined);
  await stream.until(gone, "that it was purged");
  const events = (await router.process.ctl("show", "events", "--type", "alarm-notification")) as readonly unknown[];
  assert.ok(events.length >= 3);
});
