import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { OWN_PORT } from "../own-port.ts";
import { PARTIAL_LOCKS } from "./battery/partial-lock-cases.ts";
import { CASES } from "./cases.ts";
import { PASSWORD, startNetconfRouter } from "./netconf-router.ts";
import { check, readReply } from "./oracle.ts";

/** Debian's, which has ncclient; another python on the path may not. */
const PYTHON = "/usr/bin/python3";
const PATIENCE = 120_000;
const ALL = [...CASES, ...PARTIAL_LOCKS];

/** Why there is no ncclient; undefined if there is. */
function missing(): string | undefined {
  const { status } = spawnSync(PYTHON, ["-c", "import ncclient"]);
  return status === 0 ? undefined : `skipped: ${PYTHON} has no ncclient (apt-get install python3-ncclient)`;
}

async function python(script: string, input: unknown, t: TestContext, args: readonly string[] = []): Promise<string> {
  const file = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn(PYTHON, [file, ...args], { stdio: ["pipe", "pipe", "pipe"], timeout: PATIENCE });
  t.after(() => child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  child.stdin.end(JSON.stringify(input));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, `${out.slice(-2_000)}\n${err}`);
  return out;
}

it("every case of the battery, replayed by ncclient", { timeout: 2 * PATIENCE }, async (t) => {
  const why = missing();
  if (why !== undefined) return t.skip(why);
  await using router = await startNetconfRouter();
  const out = await python("replay.py", { login: { ...router.login, keyFile: router.keyFile }, cases: ALL }, t);
  const answers = out.trimEnd().split("\n");
  assert.equal(answers.length, ALL.flatMap(({ steps }) => steps).length);
  for (const { name, see, steps } of ALL) {
    const own = answers.splice(0, steps.length).map((line) => JSON.parse(line) as { a: string; xml: string });
    await t.test(`${name} (${see})`, () => {
      for (const [i, step] of steps.entries()) {
        const { a, xml } = own[i]!;
        if (!("notified" in step)) check(step, xml, (text) => text.replaceAll("$a", a));
      }
    });
  }
});

it("ncclient changes the NETCONF server that it speaks to, and is answered each time", {
  timeout: PATIENCE,
}, async (t) => {
  const why = missing();
  if (why !== undefined) return t.skip(why);
  await using router = await startNetconfRouter();
  const { host, port, username } = router.login;
  const taken = createServer().listen(0, host);
  t.after(() => taken.close());
  await once(taken, "listening");
  const { port: takenPort } = taken.address() as AddressInfo;
  const ports = { port, free: 831, taken: takenPort };
  const out = await python("own_settings.py", { host, user: username, password: PASSWORD, ...ports }, t);
  assert.deepEqual(out.trimEnd().split("\n"), [
    "listener: True",
    "there: True",
    `taken: operation-failed: netconf: the NETCONF server: listen EADDRINUSE: address already in use ${host}:${takenPort}`,
    "sessions: True",
    "both: True True",
    ...["off: True", "ended", "ended"],
  ]);
});

it("ncclient configures a tenant, an agent and a BGP neighbour on a router that runs", {
  timeout: PATIENCE,
}, async (t) => {
  const why = missing();
  if (why !== undefined) return t.skip(why);
  const bgp = { "semrd-bgp:bgp": { "local-as": 65000, address: "::1", port: OWN_PORT } };
  await using router = await startNetconfRouter({}, bgp);
  const { host, port, username } = router.login;
  const tools = fileURLToPath(new URL("../../../lab/operators/tools", import.meta.url));
  const out = await python("configure.py", { host, port, user: username, password: PASSWORD }, t, [tools]);
  t.diagnostic(`\n${out}`);
  assert.deepEqual(
    out.match(/ok=\w+/g),
    Array.from({ length: 7 }, () => "ok=True"),
  );
  const tags = [...out.matchAll(/^an? [^:]*: ([a-z-]+) at \/semrd-router:router/gm)].map(([, tag]) => tag);
  assert.deepEqual(tags, ["data-missing", "unknown-element", "invalid-value", "unknown-namespace", "missing-element"]);
  const peers = (await router.process.ctl("show", "peers")) as { address: string }[];
  assert.deepEqual(
    peers.map(({ address }) => address),
    ["fd00:0:2::c"],
  );
  const explained = JSON.stringify(await router.process.ctl("explain", "/vision/ocr", "--tenant", "globex"));
  assert.match(explained, /spiffe:\/\/example\.net\/globex\/agent\/reader/);
  await using client = await router.open();
  const startup = await client.rpc("<get-config><source><startup/></source></get-config>");
  assert.ok(readReply(startup).errors.length === 0 && startup.includes("<name>globex</name>"), startup);
});
