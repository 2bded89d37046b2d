import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { milliseconds, parseCapabilityName, parseIpv6 } from "../../src/base/index.ts";
import { registered as registeredRecord } from "../../src/directory/index.ts";
import { openDirectoryStore, systemClock } from "../../src/host/index.ts";
import { ended, RouterFolder, type RouterProcess } from "../daemon/router-process.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { type Asked, ask } from "./control.ts";

const run = promisify(execFile);
const KILLS = 6;

let folder: string;
let routers: RouterFolder;
let seed: number;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-chaos-"));
  routers = new RouterFolder(folder);
  seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
});
after(() => rm(folder, { recursive: true, force: true }));

const idOf = (name: string | number): string => `spiffe://example.net/acme/agent/${name}`;
const pathOf = (name: string | number): string => `/v1/agents/${encodeURIComponent(idOf(name))}`;

function addition(name: string | number, weight = 10, capability = "/vision/ocr"): Asked {
  const offered = { name: capability, "major-version": 1, address: "fd00:a::10", port: 8080, weight };
  return { method: "POST", path: "/v1/agents", body: { id: idOf(name), tenant: "acme", capability: [offered] } };
}

async function agentsOf(router: RouterProcess): Promise<ReadonlyMap<string, { weight: number; adminState: string }>> {
  const rows = (await router.ctl("show", "agents")) as { agent: string; weight: number; adminState: string }[];
  return new Map(rows.map(({ agent, weight, adminState }) => [agent, { weight, adminState }]));
}

describe("an operator who never stops while the router is killed", () => {
  it(`${KILLS} times kill -9 at a random instant: what was acknowledged is there, what was not asked for is not`, async (t) => {
    t.diagnostic(`SEED=${seed}`);
    const random = new SeededRandom(seed);
    const content = routers.configuration("killed");
    const acknowledged = new Map<string, { weight: number; adminState: string }>();
    const unanswered = new Set<string>();
    let answered = 0;

    const operate = async (router: RouterProcess): Promise<void> => {
      for (;;) {
        const name = Math.floor(random.next() * 12);
        const id = idOf(name);
        const dice = random.next();
        const weight = 1 + Math.floor(random.next() * 99);
        const asked: Asked =
          dice < 0.6
            ? addition(name, weight)
            : dice < 0.8
              ? { method: "POST", path: `${pathOf(name)}/drain` }
              : { method: "DELETE", path: pathOf(name) };
        let status: number;
        try {
          ({ status } = await ask(router.socket, asked));
        } catch {
          unanswered.add(id); // done or not: both are right
          return;
        }
        answered++;
        const was = acknowledged.get(id);
        const sure = !unanswered.has(id);
        if (status === 404) {
          assert.ok(!sure || was === undefined, `${id} was lost while the router ran`);
          acknowledged.delete(id);
          unanswered.delete(id);
        } else if (asked.method === "DELETE") {
          acknowledged.delete(id);
          unanswered.delete(id);
        } else if (dice < 0.6) {
          // An operator's drain outlives a new registration, so after a drain that was not answered both are right.
          if (sure) {
            acknowledged.set(id, { weight, adminState: was?.adminState ?? "up" });
          }
        } else if (was !== undefined) acknowledged.set(id, { ...was, adminState: "draining" });
        assert.ok([200, 201, 404].includes(status), `${asked.method} ${asked.path}: ${status}`);
      }
    };

    for (let kill = 0; kill <= KILLS; kill++) {
      await using router = await routers.started("killed", content);
      const found = await agentsOf(router);
      for (const [id, want] of acknowledged) {
        if (!unanswered.has(id)) assert.deepEqual(found.get(id), want, `${id} after kill ${kill}`);
      }
      for (const id of found.keys()) assert.ok(acknowledged.has(id) || unanswered.has(id), `${id} came back`);
      // What was not answered is known now.
      for (const id of unanswered) {
        const row = found.get(id);
        if (row === undefined) acknowledged.delete(id);
        else acknowledged.set(id, row);
      }
      unanswered.clear();
      if (kill === KILLS) break;
      const operator = operate(router);
      await Promise.race([operator, delay(20 + random.next() * 250)]);
      await router.end("SIGKILL");
      await operator;
    }
    assert.ok(answered > KILLS, `${answered} changes were answered`);
  });
});

describe("a state directory on a full file system", () => {
  it("refuses changes with the reason, keeps what it has, and goes on when there is room", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("skipped: only root may mount a file system");
    const state = path.join(folder, "small");
    await mkdir(state);
    await run("mount", ["-t", "tmpfs", "-o", "size=28k", "tmpfs", state]);
    t.after(() => run("umount", ["--lazy", state]));
    const content = routers.configuration("full", { "state-directory": state });
    let kept: number;
    {
      await using router = await routers.started("full", content);
      let last = await ask(router.socket, addition(0));
      for (kept = 1; last.status === 201 && kept < 1000; kept++) last = await ask(router.socket, addition(kept));
      kept--;
      assert.deepEqual([last.status, last.json.code], [503, "config.resource-denied"], JSON.stringify(last.json));
      assert.match(String(last.json.detail), /ENOSPC.*make room/);
      assert.equal((await agentsOf(router)).size, kept);
      await router.end("SIGKILL");
    }
    await using router = await routers.started("full", content);
    assert.equal((await agentsOf(router)).size, kept);
    await run("mount", ["-o", "remount,size=1m", state]);
    assert.equal((await ask(router.socket, addition("after"))).status, 201);
  });

  for (const [name, octets, says] of [
    ["tiny", 4_096, /^semrd: host\.state-directory-unusable: .*\/tiny\/below /],
    ["small-start", 12_288, /^semrd: host\.no-room: .*ENOSPC.* the \d+ octets of \S+\/configuration\/1\.\S*json:/],
  ] as const)
    it(`that has ${octets} octets: one line with the file, the file system and what to do, exit code 69`, async (t) => {
      if (process.getuid?.() !== 0) return t.skip("skipped: only root may mount a file system");
      const state = path.join(folder, name);
      await mkdir(state);
      await run("mount", ["-t", "tmpfs", "-o", `size=${octets}`, "tmpfs", state]);
      t.after(() => run("umount", ["--lazy", state]));
      if (octets === 4_096) await run("sh", ["-c", `head -c 4096 /dev/zero > ${state}/filler`]);
      const content = routers.configuration(name, { "state-directory": path.join(state, "below") });
      const { code, err } = await ended(["--config", await routers.written(name, content)]);
      assert.equal(code, 69, err);
      assert.match(err, says);
      const room = `make room on the file system at ${state} (0 octets of ${octets / 1024} KiB are free)\n`;
      assert.ok(err.endsWith(room), err);
      assert.equal(err.trim().split("\n").length, 1, err);
    });
});

describe("a configuration that changed between two starts", () => {
  it("agents of a capability or tenant that is gone are not served, and are back with it", async () => {
    const taxonomy = (...names: string[]) => ({
      "semrd-taxonomy:taxonomy": { revision: 1, capability: names.map((name) => ({ name, "major-version": 1 })) },
    });
    const both = routers.configuration("changed", taxonomy("/vision/ocr", "/audio/speech"));
    await registered(path.join(folder, "changed"), { o: "/vision/ocr", s: "/audio/speech" });
    const routesOf = async (router: RouterProcess): Promise<string[]> =>
      ((await router.ctl("show", "routes")) as { type: string; capability: string }[])
        .filter(({ type }) => type === "site")
        .map(({ capability }) => capability)
        .sort();
    {
      await using router = await routers.started("changed", both);
      assert.deepEqual(await routesOf(router), ["/audio/speech", "/vision/ocr"]);
      await router.end("SIGKILL");
    }
    {
      await using router = await routers.started("changed", routers.configuration("changed", taxonomy("/vision/ocr")));
      assert.deepEqual(await routesOf(router), ["/vision/ocr"]);
      assert.deepEqual([...(await agentsOf(router)).keys()], [idOf("o")]);
      assert.match(router.log, /"level":"warn".*directory\.restore\.not-served/);
    }
    await using router = await routers.started("changed", both);
    assert.deepEqual(await routesOf(router), ["/audio/speech", "/vision/ocr"]);
  });
});

/** Agents that registered themselves, by the capability that each offers, in a state directory. */
async function registered(state: string, agents: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(state, { recursive: true });
  await using store = await openDirectoryStore(state, { log: new ListLog(), metrics: new TallyMetrics() });
  for (const [name, capability] of Object.entries(agents)) {
    const endpoint = { address: parseIpv6("fd00:a::10")!, port: 8080, protocol: "tcp" } as const;
    const version = { major: 1, minor: 0 };
    const offer = {
      capability: parseCapabilityName(capability)!,
      version,
      endpoint,
      servicePort: 80,
      weight: 10,
      labels: [],
    };
    const request = { agent: idOf(name), tenant: "acme", source: "registration", offers: [offer] } as const;
    await store.put(registeredRecord(undefined, { ...request, lease: milliseconds(3_600_000) }, systemClock.wall()));
  }
}
