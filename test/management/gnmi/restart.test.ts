import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { hashPassword } from "../../../src/management/index.ts";
import { missing } from "../../bgp/interop/lab.ts";
import { RouterFolder } from "../../daemon/router-process.ts";
import { AT, Network, removePins } from "../../daemon/three-places.ts";
import { inOwnMounts, whyNoKernelDataplane } from "../../dataplane/kernel/isolated.ts";
import { firstLine } from "../../host/child.ts";
import { ADMINS } from "../nacm/admins.ts";
import { pair, stores } from "../stores.ts";
import { certificate, PASSWORD } from "./gnmi-router.ts";

inOwnMounts(import.meta.filename);

/** Seconds for the last answers. */
const PATIENCE = "20";
/** Seconds of questions, unless the restart is over before. */
const LONGEST = "150";
const CLIENT = fileURLToPath(new URL("../../daemon/tenant-client.py", import.meta.url));
const RESTART = fileURLToPath(new URL("./peers/restart.py", import.meta.url));
const PYTHON = "/usr/bin/python3";
const RATE = 500;

const whyNot = async (): Promise<string | undefined> =>
  whyNoKernelDataplane() ??
  (await missing("/usr/bin/nsenter", "util-linux")) ??
  (await missing(PYTHON, "python3")) ??
  (await missing("/usr/lib/python3/dist-packages/grpc", "python3-grpcio")) ??
  (await missing("/usr/lib/python3/dist-packages/google/protobuf", "python3-protobuf"));

it("a restart by gNOI of a router that forwards: the process is another one, and no packet is lost", {
  timeout: 240_000,
}, async (t: TestContext) => {
  const reason = await whyNot();
  if (reason !== undefined) return t.skip(reason.startsWith("skipped") ? reason : `skipped: ${reason}`);
  await using net = new Network("rs");
  await net.build();
  const folder = new RouterFolder(await mkdtemp(path.join(os.tmpdir(), "semrd-restart-")));
  t.after(() => rm(folder.path, { recursive: true }));
  const pins = `/sys/fs/bpf/st-rs-${process.pid}`;
  t.after(() => removePins(pins));
  const [command, ...rest] = [...net.inside("agent"), PYTHON, CLIENT, "serve", "5353"];
  const agent = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => agent.kill("SIGKILL"));
  await firstLine(agent);
  await certificate(folder.path, "server", ["-subj", "/CN=router", "-addext", "subjectAltName=IP:127.0.0.1"]);
  const content = folder.configuration("r1", configuration(folder.path, pins, await hashPassword(PASSWORD)), ADMINS);
  const router = await folder.started("r1", content, net.inside("router"));
  t.after(() => router.end("SIGKILL"));
  const [row] = (await router.ctl("show", "capabilities")) as [{ address: string }];

  const flood = [PYTHON, CLIENT, "flood", AT.acme, row.address, "53"];
  // The first one makes the neighbours known.
  await net.at("client", ...flood, "0.5", "20");
  const restart = [PYTHON, "-B", RESTART, "127.0.0.1:9339", path.join(folder.path, "server.pem"), "admin", PASSWORD];
  const [program, ...words] = [...net.inside("client"), ...flood, LONGEST, String(RATE), PATIENCE];
  const flow = spawn(program!, words, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => flow.kill("SIGKILL"));
  const told = JSON.parse(await net.at("router", ...restart, "NSF", "an upgrade"));
  assert.deepEqual([told.count, told.reason, told.method], [1, "an upgrade", "NSF"]);
  assert.equal(told.status.status, "STATUS_SUCCESS");
  flow.stdin.end();
  const { sent, answered } = JSON.parse(await text(flow.stdout)) as { sent: number; answered: number };
  t.diagnostic(`${sent} packets sent at ${RATE} a second, ${answered} answered`);
  assert.equal(router.child.exitCode, null);
  assert.equal(router.log.split('"event":"router.running"').length, 3, "it ran twice");
  assert.match(router.log, /"adopted":true/);
  assert.ok(sent > RATE, `only ${sent} were sent`);
  assert.equal(answered, sent);
});

function configuration(folder: string, pins: string, hash: string): Readonly<Record<string, unknown>> {
  const target = { "import-target": ["65000:1"], "export-target": ["65000:1"] };
  return {
    management: {
      "control-socket": path.join(folder, "r1.sock"),
      "semrd-access:users": { user: [{ name: "admin", "password-hash": hash }] },
      "semrd-grpc-server:grpc": {
        listen: [{ address: "127.0.0.1", port: 9339 }],
        tls: pair("server"),
      },
    },
    ...stores({ pairs: { server: ["server.pem", "server.key"] } }),
    "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": pins, "max-capabilities": 64 },
    "semrd-taxonomy:taxonomy": {
      revision: 1,
      capability: [{ name: "/vision/ocr", "major-version": 1, protocol: "udp", "service-port": 53 }],
    },
    "semrd-tenant:tenants": {
      tenant: [{ name: "acme", index: 1, "route-distinguisher": "0:65000:1", ...target }],
    },
    "semrd-interface:interfaces": {
      interface: [
        { name: "c0", role: "client", tenant: "acme", "permitted-source": ["fd00:c:1::/48"] },
        { name: "a0", role: "agent", tenant: "acme" },
      ],
    },
    "semrd-agent:agents": {
      agent: [
        {
          ...{ id: "spiffe://example.net/acme/agent/reader", tenant: "acme" },
          capability: [{ name: "/vision/ocr", "major-version": 1, address: AT.agent, port: 5353 }],
        },
      ],
    },
  };
}
