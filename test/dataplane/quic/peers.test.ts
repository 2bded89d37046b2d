import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { parseIpv6, quicServerId } from "../../../src/base/index.ts";
import { inOwnMounts } from "../kernel/isolated.ts";
import { whyNoPass } from "../pass/bench.ts";
import { AGENTS, agentId, type Client, endpointOf, QuicWorld, SERVICE_PORT, type Site, SOURCES } from "./world.ts";

const run = promisify(execFile);
/** Of another maker, fetched from its registry where `npm run test:peers` asks for it. */
const AIOQUIC = "aioquic==1.2.0";
/** 16 octets each: 640 kB, some 550 packets. */
const RECORDS = 40_000;
const MOVES = 8;
const WITHIN_MS = 30_000;

function whyNot(): string | undefined {
  if (process.env.SEMRD_PEERS !== "1") return "fetches a QUIC implementation of others; npm run test:peers does";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const tool of ["ip", "nsenter", "openssl"]) if (spawnSync(tool, ["-V"]).error) return `${tool} is not installed`;
  if (spawnSync("python3", ["-m", "pip", "--version"]).status !== 0) return "python3 has no pip";
  return whyNoPass();
}

/** A folder with aioquic and what it needs, which goes with the test. */
async function aioquic(t: TestContext): Promise<string> {
  if (process.env.SEMRD_AIOQUIC !== undefined) return process.env.SEMRD_AIOQUIC;
  const folder = mkdtempSync(join(tmpdir(), "semrd-peer-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, AIOQUIC], { timeout: 180_000 });
  return folder;
}

/** What the router tells an agent that registers. */
const serverIdOf = (site: Site) => (port: number) =>
  quicServerId(parseIpv6(`fd00:ffff::${site[1]}`)!, { address: parseIpv6(`fd00:a:${site[1]}::10`)!, port });

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!(await holds())) assert.ok(performance.now() < deadline, `waited ${WITHIN_MS} ms in vain until ${what}`);
}

inOwnMounts(import.meta.filename);

test("clients of aioquic that move, in the middle of transfers", async (t) => {
  const reason = whyNot();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  await using world = await QuicWorld.start(await aioquic(t));
  for (const agent of AGENTS) await world.serve(agent, serverIdOf(agent.site));
  const addresses = new Map<string, string>();
  const shows = async (command: string, ofSite: (site: number) => RegExp) => {
    const text = await world.control("r1", "show", command);
    for (const [, address, name] of text.matchAll(/^(fd\S+)\s+(\/\S+)/gm)) addresses.set(name!, address!);
    return [2, 3].every((site) => [...text.matchAll(ofSite(site))].length === 2);
  };
  await until("both sites' routes are there", () =>
    shows("routes", (site) => new RegExp(`^. +site +/voice/.* fd00:ffff::${site} `, "gm")),
  );
  await world.control("r1", "config", "set", "/router/tenants/tenant[name='acme']/import-target", "65000:1");
  await world.control("r1", "config", "commit");
  await until("both sites are in the groups", () => shows("fib", (site) => new RegExp(` fd00:ffff::${site} `, "g")));
  const client = await world.client();
  const begin = (name: string) => client.tell("connect", addresses.get(name)!, SERVICE_PORT, SOURCES[0]);
  const fetched = { octets: 16 * RECORDS };

  await t.test("affinity connection: the same instance to the end, while it drains and weights change", async () => {
    assert.deepEqual(await begin("/voice/call"), { connected: true });
    const { by } = await client.tell("fetch", RECORDS);
    assert.equal(by!.length, 1);
    const [server] = by!;
    const { site } = AGENTS.find(({ name }) => name === server)!;
    const other = AGENTS.find((one) => one.site !== site)!;
    for (let move = 1; move <= MOVES; move++) {
      const moving = client.tell("fetch", RECORDS, SOURCES[move % 2]!);
      if (move === 3) await world.control(site, "agent", "drain", agentId(server!));
      if (move === 5) await weigh(world, other.site, other.name, 90);
      assert.deepEqual(await moving, { by, ...fetched }, `move ${move}`);
    }
    const servers = await serversOfNew(client, begin);
    assert.ok(!servers.has(server!), `${server} drains and got connections that begin: ${[...servers].join()}`);
    t.diagnostic(`${server} served ${MOVES} moves; connections since: ${[...servers].join()}`);
  });

  await t.test("the control, affinity flow: somebody else gets the packets, and the transfer is lost", async () => {
    assert.deepEqual(await begin("/voice/chat"), { connected: true });
    const { by } = await client.tell("fetch", RECORDS);
    assert.equal(by!.length, 1);
    let lost: string | undefined;
    // each flow has one chance in four to stay by itself
    for (let move = 1; move <= MOVES && lost === undefined; move++)
      lost = (await client.tell("fetch", RECORDS, SOURCES[move % 2]!)).lost;
    assert.match(lost ?? "nothing was lost", /^nothing after|^closed after/);
    t.diagnostic(lost!);
  });
});

async function weigh(world: QuicWorld, site: Site, name: string, weight: number): Promise<void> {
  const { address, port } = endpointOf(AGENTS.find((one) => one.name === name)!);
  const keys = `[name='/voice/call'][major-version='1'][address='${address}'][port='${port}']`;
  const where = `/router/agents/agent[id='${agentId(name)}']/capability${keys}/weight`;
  await world.control(site, "config", "set", where, `${weight}`);
  await world.control(site, "config", "commit");
}

async function serversOfNew(client: Client, begin: (name: string) => Promise<unknown>): Promise<Set<string>> {
  const servers = new Set<string>();
  for (let i = 0; i < 2 * MOVES; i++) {
    assert.deepEqual(await begin("/voice/call"), { connected: true });
    for (const server of (await client.tell("fetch", 1)).by ?? []) servers.add(server);
  }
  return servers;
}
