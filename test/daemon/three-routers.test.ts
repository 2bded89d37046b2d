import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { promisify } from "node:util";
import type { ExplainReport, PeerRow, RouteRow } from "../../src/management/index.ts";
import { missing, until } from "../bgp/interop/lab.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";

const run = promisify(execFile);
const SEMRD = new URL("../../tools/semrd", import.meta.url).pathname;
const ALICE = "spiffe://example.net/acme/agent/alice";
const addressOf = (n: number): string => `fd5e:3c::${n}`;

/** A namespace of its own, with an address on its loopback for each of three routers. */
async function namespace(t: TestContext): Promise<string> {
  const name = `st-three-${process.pid}`;
  await run("ip", ["netns", "add", name]);
  t.after(() => run("ip", ["netns", "del", name]));
  await run("ip", ["-n", name, "link", "set", "lo", "up"]);
  for (const n of [1, 2, 3]) await run("ip", ["-n", name, "address", "add", `${addressOf(n)}/128`, "dev", "lo"]);
  return name;
}

const FAMILIES = { family: [{ name: "capability" }, { name: "route-target" }] };

/** r1 reflects between r2 and r3. */
function configuration(folder: RouterFolder, n: number, changes: Readonly<Record<string, unknown>>): object {
  const neighbors =
    n === 1
      ? [2, 3].map((other) => ({ address: addressOf(other), "route-reflector-client": true }))
      : [{ address: addressOf(1) }];
  return folder.configuration(`r${n}`, {
    "router-id": `192.0.2.${n}`,
    site: { selector: n, locator: addressOf(n) },
    "semrd-taxonomy:taxonomy": {
      revision: 1,
      capability: ["/vision/ocr", "/vision/nl"].map((name) => ({ name, "major-version": 1 })),
    },
    "semrd-bgp:bgp": {
      ...{ "local-as": 65000, address: addressOf(n), port: 1179, "connect-retry": 1 },
      neighbors: {
        neighbor: neighbors.map((each) => ({ ...each, "remote-as": 65000, port: 1179, families: FAMILIES })),
      },
    },
    ...changes,
  });
}

it("three routers as processes: sites, agents and prefixes reach who imports them, a move is seen, who imports nothing gets nothing", {
  timeout: 120_000,
}, async (t) => {
  const reason = await missing(SEMRD, "semrd");
  if (reason !== undefined) return t.skip(reason);
  const inside = ["ip", "netns", "exec", await namespace(t)];
  const folder = new RouterFolder(await mkdtemp(path.join(os.tmpdir(), "semrd-three-")));
  t.after(() => rm(folder.path, { recursive: true }));
  const start = async (n: number, changes: Readonly<Record<string, unknown>> = {}): Promise<RouterProcess> => {
    const router = await folder.started(`r${n}`, configuration(folder, n, changes), inside);
    t.after(() => router.end("SIGKILL"));
    return router;
  };
  const r1 = await start(1);
  const r2 = await start(2, { advertisement: { prefix: [{ name: "/vision" }] } });
  const r3 = await start(3);
  const add = (router: RouterProcess, capability: string, port: string) =>
    router.ctl(
      "agent",
      "add",
      ALICE,
      "--tenant",
      "acme",
      "--capability",
      capability,
      "--address",
      "fd00:a::1",
      "--port",
      port,
      "--version",
      "1",
    );
  const seen = async (router: RouterProcess): Promise<string[]> =>
    ((await router.ctl("show", "routes")) as RouteRow[])
      .map(({ type, capability, origin, status, step }) => `${type} ${capability} ${origin} ${status} ${step}`)
      .sort();

  await add(r2, "/vision/ocr", "8080");
  const hash = ((await r2.ctl("show", "routes")) as RouteRow[]).find(({ type }) => type === "agent")!.agentId!;
  await until("all of r2 at r3", async () => (await seen(r3)).length === 3);
  assert.deepEqual(await seen(r3), [
    `agent agent ${hash} 192.0.2.2 best only-candidate`,
    "prefix /vision/... 192.0.2.2 best only-candidate",
    "site /vision/ocr 192.0.2.2 best only-candidate",
  ]);
  const explained = (await r3.ctl("explain", "/vision/nl")) as ExplainReport;
  assert.deepEqual([explained.winner, explained.resolver?.prefix], [undefined, "/vision"]);
  assert.equal(explained.resolver?.origin, "192.0.2.2");

  // The same agent claims to be behind r3: r2 takes its place back, and everybody knows.
  await add(r3, "/vision/ocr", "9090");
  const places = async (router: RouterProcess): Promise<string[]> =>
    ((await router.ctl("show", "routes")) as RouteRow[])
      .filter(({ type }) => type === "agent")
      .map(({ origin }) => origin);
  for (const router of [r1, r2, r3]) {
    await until("the agent at r3", async () => (await places(router)).join() === "192.0.2.3");
  }

  // r3 becomes a router of another tenant: it is sent nothing any more.
  await r3.end("SIGTERM");
  const other = await start(3, {
    "state-directory": path.join(folder.path, "r3-again"),
    "semrd-tenant:tenants": {
      tenant: [
        {
          ...{ name: "globex", index: 2, "route-distinguisher": "0:65000:2" },
          ...{ "import-target": ["65000:2"], "export-target": ["65000:2"] },
        },
      ],
    },
  });
  const peer = async (): Promise<PeerRow> => ((await other.ctl("show", "peers")) as PeerRow[])[0]!;
  await until("the session of the other r3", async () => (await peer()).state === "Established");
  assert.ok((await peer()).perFamily.some(({ family, agreed }) => family === "route-target" && agreed));
  await until("the memberships of r3 at r1", async () => {
    const peers = (await r1.ctl("show", "peers")) as PeerRow[];
    const row = peers.find(({ address }) => address === addressOf(3))!;
    return row.perFamily.some(({ family, routesReceived }) => family === "route-target" && routesReceived === 1);
  });
  assert.deepEqual(await seen(other), []);
  assert.ok((await seen(r1)).length >= 2, "the reflector has them");
  return undefined;
});
