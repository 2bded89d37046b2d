import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ended, RouterFolder, type RouterProcess, SEMRD } from "../daemon/router-process.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { type Asked, ask } from "./control.ts";

let folder: string;
let routers: RouterFolder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-operator-"));
  routers = new RouterFolder(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const LONGEST = 30_000;

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + LONGEST; !(await done()); await delay(20)) {
    if (Date.now() > end) assert.fail(`not within ${LONGEST} ms: ${what}`);
  }
}

const id = (n: number): string => `spiffe://example.net/acme/agent/a${n}`;
const TAXONOMY = { capability: [{ name: "/vision/ocr", "major-version": 1 }] };
const addition = (n: number): Asked => {
  const offered = { name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080 };
  return { method: "POST", path: "/v1/agents", body: { id: id(n), tenant: "acme", capability: [offered] } };
};

async function agents(router: Pick<RouterProcess, "socket">): Promise<number> {
  const { json } = await ask(router.socket, { method: "GET", path: "/v1/agents" });
  return (json as unknown as unknown[]).length;
}

describe("what an operator meets", { concurrency: 2 }, () => {
  it("SIGTERM at any instant of the start: it ends as asked, leaves no socket, and nothing that the next start minds", async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`SEED=${seed}`);
    const random = new SeededRandom(seed);
    const file = await routers.written("early", routers.configuration("early"));
    const state = path.join(folder, "early", "owner");
    for (let round = 0; round < 3; round++) {
      await rm(state, { force: true });
      const child = spawn(SEMRD, ["--config", file], { stdio: ["ignore", "pipe", "pipe"] });
      t.after(() => child.kill("SIGKILL"));
      const closed = once(child, "close"); // one that ends by itself may have ended before it is told to
      let out = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (out += text));
      await until("the state directory", () => existsSync(state));
      await delay(random.next() * 200);
      child.kill("SIGTERM");
      const [code] = await closed;
      assert.equal(code, 0, out);
      assert.ok(!out.includes("semrd: "), out);
      assert.ok(!existsSync(path.join(folder, "early.sock")));
    }
  });

  it("SIGHUP by the hundred, while it runs and while it ends: the file is read a few times, as it is last, and it ends as asked", async () => {
    const written = (n: number) =>
      routers.configuration("hup", { "semrd-taxonomy:taxonomy": { ...TAXONOMY, revision: n } });
    await using router = await routers.started("hup", written(1));
    for (let n = 0; n < 200; n++) {
      if (n % 50 === 0) await routers.written("hup", written(n + 1));
      router.child.kill("SIGHUP");
      if (n % 10 === 0) await delay(1);
    }
    await routers.written("hup", written(999));
    router.child.kill("SIGHUP");
    const running = async () => JSON.stringify(await router.ctl("config", "show"));
    await until("the last file runs", async () => (await running()).includes('"revision":999'));
    const reloads = router.log.split("management.reload").length - 1;
    assert.ok(reloads >= 1 && reloads < 100, `${reloads} reloads`);
    const ending = router.end("SIGTERM");
    for (let n = 0; n < 20 && router.child.exitCode === null; n++) {
      router.child.kill("SIGHUP");
      await delay(1);
    }
    assert.equal(await ending, 0, router.log.slice(-2000));
  });

  it("file descriptors run out and are free again, then SIGTERM while many register: what it acknowledged is there", async (t) => {
    let asked = 0;
    let acknowledged = 0;
    {
      await using router = await routers.started("busy", routers.configuration("busy"), ["prlimit", "--nofile=64:64"]);
      const register = async (): Promise<void> => {
        if ((await ask(router.socket, addition(asked++))).status === 201) acknowledged++;
      };
      await register();
      const held: Socket[] = [];
      for (let n = 0; n < 80; n++) held.push(connect(router.socket).on("error", () => {}));
      t.after(() => {
        for (const socket of held) socket.destroy();
      });
      await until("the last descriptor", () => readdirSync(`/proc/${router.child.pid}/fd`).length >= 63);
      const late = register().catch(() => {}); // it may be among those that were turned away
      for (const socket of held) socket.destroy();
      await late;
      await until("a registration", () =>
        register().then(
          () => true,
          () => false,
        ),
      );

      const operate = async (): Promise<void> => {
        for (;;) {
          try {
            await register();
          } catch {
            return; // it ends
          }
        }
      };
      const operators = Array.from({ length: 8 }, operate);
      await until("some are registered", () => acknowledged > 30);
      const begun = performance.now();
      assert.equal(await router.end("SIGTERM"), 0, router.log.slice(-2000));
      assert.ok(performance.now() - begun < 10_000, `${performance.now() - begun} ms`);
      await Promise.all(operators);
    }
    await using router = await routers.restarted("busy");
    const found = await agents(router);
    assert.ok(found >= acknowledged && found <= asked, `${found} of ${acknowledged} acknowledged, ${asked} asked`);
  });

  it("a log on a full disk: the router serves, and ends as asked", async (t) => {
    const file = await routers.written("mute", routers.configuration("mute"));
    const socket = path.join(folder, "mute.sock");
    const child = spawn("sh", ["-c", 'exec "$0" "$@" > /dev/full', SEMRD, "--config", file], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    t.after(() => child.kill("SIGKILL"));
    let err = "";
    child.stderr!.on("data", (text) => (err += text));
    const exit = once(child, "close");
    await until(
      "an answer",
      async () => child.exitCode !== null || (existsSync(socket) && (await agents({ socket }).catch(() => -1)) === 0),
    );
    child.kill("SIGTERM");
    const [code] = await exit;
    assert.deepEqual([code, err], [0, ""]);
  });

  it("a file of the state directory is cut off: the router recovers and says what it lost, or says which file and what to do", async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`SEED=${seed}`);
    const random = new SeededRandom(seed);
    const content = routers.configuration("cut");
    const state = path.join(folder, "cut");
    {
      await using router = await routers.started("cut", content);
      for (let n = 0; n < 3; n++) assert.equal((await ask(router.socket, addition(n))).status, 201);
      assert.equal(await router.end("SIGTERM"), 0);
    }
    const kept = path.join(folder, "kept");
    await cp(state, kept, { recursive: true });
    const current = JSON.parse(await readFile(path.join(state, "configuration/head.json"), "utf8"))
      .documents[0] as number;
    const damage = async (name: string): Promise<void> => {
      await rm(state, { recursive: true });
      await cp(kept, state, { recursive: true });
      const { size } = await stat(path.join(state, name));
      await truncate(path.join(state, name), Math.floor(random.next() * size));
    };

    await damage("configuration/head.json");
    const { code, err } = await ended(["--config", path.join(folder, "cut.json")]);
    assert.equal(code, 69, err);
    assert.match(
      err,
      /^semrd: management\.store-unreadable: head\.json in .*cut\/configuration is damaged: move that folder away/,
    );
    assert.equal(err.trim().split("\n").length, 1, err);

    // The journal of registrations: test/host/journal.test.ts cuts it at any octet.
    for (const [name, said, left] of [
      [`configuration/${current}.json`, /the router starts from .*cut\.json.*management\.commit-unusable/, 0],
      [`configuration/${current - 1}.entry.json`, /is not in the log of commits.*management\.entry-unreadable/, 3],
    ] as const) {
      await damage(name);
      await using router = await routers.restarted("cut");
      await router.logged(said);
      assert.equal(await agents(router), left, name);
      assert.equal((await ask(router.socket, addition(9))).status, 201);
      assert.equal(await router.end("SIGTERM"), 0, name);
    }

    // What a later version might write.
    await rm(state, { recursive: true });
    await cp(kept, state, { recursive: true });
    await writeFile(path.join(state, "configuration/head.json"), '{"format":2,"documents":[],"entries":[]}');
    const later = await ended(["--config", path.join(folder, "cut.json")]);
    assert.equal(later.code, 69, later.err);
    assert.match(later.err, /has format 2, which is that of another version of semrd: start that one, or move/);
  });
});
