import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { loadNative, type Sock } from "../../../native/index.ts";
import { seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { IPV6_UNICAST } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { fairTime, waitFor } from "../../host/fair-time.ts";
import { Router } from "./router.ts";

const run = promisify(execFile);
const clock = systemClock;
const BIRD = "/usr/sbin/bird";
const OURS = "fd5e:b6b::1";
const THEIRS = "fd5e:b6b::2";
const PORT = 1179;
const HOLD = seconds(6);
/** Three to a hold time. */
const KEEPALIVES_OF_TWO_HOLD_TIMES = 7;

async function missing(): Promise<string | undefined> {
  if (!existsSync(BIRD)) return "skipped: /usr/sbin/bird is missing (apt-get install bird2)";
  if (process.getuid?.() !== 0) return "skipped: network namespaces need root";
  try {
    loadNative();
  } catch {
    return "skipped: the native addon is not built";
  }
  const probe = `st-bgp-p${process.pid}`;
  try {
    await run("ip", ["netns", "add", probe]);
    await run("ip", ["netns", "del", probe]);
    return undefined;
  } catch {
    return "skipped: network namespaces cannot be made here";
  }
}

/** Two namespaces with a cable between them; gone with the test. */
async function cable(t: TestContext): Promise<{ ours: string; theirs: string }> {
  const [ours, theirs] = [`st-bgp-a${process.pid}`, `st-bgp-b${process.pid}`];
  for (const name of [ours, theirs]) {
    await run("ip", ["netns", "add", name]);
    t.after(() => run("ip", ["netns", "del", name]));
  }
  await run("ip", ["-n", ours, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", theirs]);
  for (const [name, address] of [
    [ours, OURS],
    [theirs, THEIRS],
  ] as const) {
    await run("ip", ["-n", name, "link", "set", "lo", "up"]);
    await run("ip", ["-n", name, "link", "set", "wire", "up"]);
    await run("ip", ["-n", name, "address", "add", `${address}/64`, "dev", "wire", "nodad"]);
  }
  return { ours, theirs };
}

/** BIRD as neighbour of AS 65000; IPv6 unicast with one static route, protected by a password. */
async function bird(t: TestContext, namespace: string): Promise<(command: string) => Promise<string>> {
  const folder = await mkdtemp(join(tmpdir(), "semrd-bird-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [config, control] = [join(folder, "bird.conf"), join(folder, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route 2001:db8:77::/48 unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  hold time ${HOLD};
  startup hold time ${HOLD};
  connect retry time 1;
  error wait time 1, 2;
  graceful restart on;
  password "between us";
  ipv6 { import all; export all; };
}
`,
  );
  const args = ["netns", "exec", namespace, BIRD, "-f", "-c", config, "-s", control];
  const daemon: ChildProcess = spawn("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
  daemon.once("exit", fairTime.follow(daemon.pid));
  let said = "";
  daemon.stderr?.on("data", (text) => {
    said += text;
  });
  const gone = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
  t.after(async () => {
    daemon.kill("SIGTERM");
    await gone;
  });
  const ask = async (command: string): Promise<string> =>
    (await run("birdc", ["-s", control, ...command.split(" ")])).stdout;
  await until(
    `bird answers ${said}`,
    async () => existsSync(control) && (await ask("show status")).includes("Daemon is up"),
  );
  return ask;
}

const until = (what: string, done: () => boolean | Promise<boolean>): Promise<void> =>
  waitFor(what, done, { every: 50, limit: 20_000 });

it("BIRD does not know our family: a session with MD5 that stays, and ends with its operator's words", async (t) => {
  const reason = await missing();
  if (reason !== undefined) return t.skip(reason);
  const sock: Sock = loadNative().sock;
  const { ours, theirs } = await cable(t);
  const ask = await bird(t, theirs);
  const transport = createNetTransport({ clock, sock, namespace: `/run/netns/${ours}` });
  const peer: Partial<PeerOptions> & { address: string } = {
    address: THEIRS,
    port: PORT,
    holdTime: HOLD,
    connectRetry: seconds(1),
    password: "between us",
    alsoOffer: [IPV6_UNICAST],
  };
  const router = await Router.start(
    { address: OURS, identifier: "10.0.0.1", port: PORT, peers: [peer] },
    { clock, transport, seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  router.originate(1);

  await until("session", () => router.peer().state === "Established");
  const { families, holdTime, capabilities } = router.peer();
  assert.deepEqual(families, ["ipv6/unicast"]);
  assert.deepEqual([holdTime, capabilities.fourOctetAs, capabilities.routeRefresh], [HOLD, true, true]);
  assert.match(await ask("show protocols semrd"), /Established/);

  // Longer than two hold times: only keepalives keep it.
  const heard = router.peer().keepalivesReceived + KEEPALIVES_OF_TWO_HOLD_TIMES;
  await until("keepalives for two hold times", () => router.peer().keepalivesReceived >= heard);
  const later = router.peer();
  assert.deepEqual([later.state, later.flaps, later.updatesSent], ["Established", 0, 0], later.lastError?.text);
  // Its static route came, and was of no use.
  assert.deepEqual([later.routesReceived, later.updatesReceived > 0], [0, true]);
  assert.match(await ask("show protocols semrd"), /Established/);

  await ask('disable semrd "back_soon"');
  await until("the end is known", () => router.peer().lastReceived !== undefined);
  assert.match(router.peer().lastReceived!.text, /^cease: administrative shutdown \("back_soon"\)/);
  await ask("enable semrd");
  await until("the session is back", () => router.peer().state === "Established");
  return undefined;
});
