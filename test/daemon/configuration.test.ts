import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { until } from "../bgp/interop/lab.ts";
import { firstLine } from "../host/child.ts";
import { RouterFolder, RouterProcess, SEMRD } from "./router-process.ts";

let folder: string;
let routers: RouterFolder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-live-"));
  routers = new RouterFolder(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const AGENT = "spiffe://example.net/acme/agent/ocr-a";
const OF_GLOBEX = "spiffe://example.net/globex/agent/ocr-a";
const LEVEL = "/router/telemetry/log-level";

const ask = <T>(router: RouterProcess, ...args: string[]): Promise<T> => router.ctl(...args) as Promise<T>;

/** Resolves when the log has it. */
const logged = async (router: RouterProcess, event: string): Promise<Record<string, unknown>> =>
  JSON.parse(await router.logged(RegExp(`"event":"${event}"`)));

interface Refusal {
  readonly code: string;
  readonly faults: readonly { readonly path?: string; readonly reason: string; readonly tag: string }[];
}

async function refusal(command: Promise<unknown>): Promise<Refusal> {
  try {
    await command;
  } catch (cause) {
    return JSON.parse((cause as { stderr: string }).stderr);
  }
  assert.fail("it was not refused");
}

describe("the configuration of a router that runs", () => {
  it("agents, taxonomy and tenants come and go; what depends on them follows", async () => {
    await using router = await routers.started("live", routers.configuration("live"));
    const edit = async (content: object): Promise<void> => {
      const file = await routers.written("edit", content);
      await ask(router, "config", "edit", file);
    };
    await edit({
      "semrd-router:router": {
        "semrd-taxonomy:taxonomy": { revision: 2, capability: [{ name: "/audio/stt", "major-version": 1 }] },
        "semrd-tenant:tenants": {
          tenant: [
            {
              ...{ name: "globex", index: 2, "route-distinguisher": "0:65000:2" },
              ...{ "import-target": ["65000:2"], "export-target": ["65000:2"] },
            },
          ],
        },
        "semrd-agent:agents": {
          agent: [
            {
              ...{ id: OF_GLOBEX, tenant: "globex" },
              capability: [{ name: "/audio/stt", "major-version": 1, address: "fd00:a::10", port: 8080 }],
            },
          ],
        },
      },
    });
    assert.deepEqual(await ask(router, "show", "agents"), []);
    const { commit, changes } = await ask<{ commit: number; changes: number }>(router, "config", "commit");
    assert.deepEqual([commit, changes], [2, 4]);
    const [agent] = await ask<{ agent: string; tenant: string; state: string }[]>(router, "show", "agents");
    assert.deepEqual([agent?.agent, agent?.tenant, agent?.state], [OF_GLOBEX, "globex", "up"]);
    const explained = await ask<{ winner?: string }>(router, "explain", "/audio/stt", "--tenant", "globex");
    assert.equal(explained.winner, "192.0.2.1");
    const capabilities = await ask<{ capability: string; tenant: string }[]>(router, "show", "capabilities");
    assert.equal(capabilities.length, 4);

    await ask(router, "config", "rollback");
    const differences = await ask<{ operation: string }[]>(router, "config", "compare");
    assert.deepEqual(new Set(differences.map(({ operation }) => operation)), new Set(["delete", "replace"]));
    await ask(router, "config", "commit", "--comment", "back");
    assert.deepEqual(await ask(router, "show", "agents"), []);
    assert.equal((await ask<unknown[]>(router, "show", "capabilities")).length, 1);
    assert.deepEqual(await ask(router, "show", "routes"), []);
    const log = await ask<{ id: number; cause: string; comment?: string }[]>(router, "config", "log");
    assert.deepEqual(
      log.map(({ id, cause, comment }) => [id, cause, comment]),
      [
        [3, "commit", "back"],
        [2, "commit", undefined],
        [1, "start", undefined],
      ],
    );
  });

  it("state is shown by words, where there is any", async () => {
    await using router = await routers.started("state", routers.configuration("state"));
    const shown = await ask(router, "config", "show", "--datastore", "operational", "dataplane", "state", "driver");
    const driver = { "semrd-router:router": { "semrd-dataplane:dataplane": { state: { driver: "memory" } } } };
    assert.deepEqual(shown, driver);
    await assert.rejects(ask(router, "config", "show", "dataplane", "state"), {
      stderr: /dataplane state is state, which running has not: add --datastore operational/,
    });
    await assert.rejects(ask(router, "config", "show", "--datastore", "operational", "dataplane", "stat"), {
      stderr: /is state meant\?/,
    });
  });

  it("a value that cannot change live says so before the commit, and waits for the restart", async () => {
    const content = routers.configuration("later");
    {
      await using router = await routers.started("later", content);
      await ask(router, "config", "set", "/router/name", "another");
      await ask(router, "config", "set", LEVEL, "debug");
      const said = await ask<{ consequences: { when: string; path: string }[] }>(router, "config", "validate");
      assert.deepEqual(
        said.consequences.map(({ when, path: where }) => [when, where]),
        [["at-restart", "/semrd-router:router/name"]],
      );
      await ask(router, "config", "commit");
      assert.equal((await ask<{ name: string }>(router, "show", "status")).name, "later");
      const inUse = await ask<object>(router, "config", "show", "/router/name", "--datastore", "operational");
      assert.deepEqual(inUse, { "semrd-router:router": { name: "later" } });
      await ask(router, "config", "set", "/router/state-directory", "/elsewhere");
      const { code, faults } = await refusal(ask(router, "config", "commit"));
      assert.deepEqual([code, faults[0]?.tag], ["config.operation-not-supported", "not-live"]);
      assert.equal(await router.end("SIGKILL"), null);
    }
    await using router = await routers.started("later", content);
    assert.equal((await ask<{ name: string }>(router, "show", "status")).name, "another");
  });

  it("SIGHUP takes the file over as one transaction; one that is not valid changes nothing and says why", async () => {
    const content = routers.configuration("hup") as { "semrd-router:router": Record<string, unknown> };
    await using router = await routers.started("hup", content);
    const own = content["semrd-router:router"];
    await routers.written("hup", {
      "semrd-router:router": { ...own, "semrd-telemetry:telemetry": { "log-level": "shout" }, "router-id": "x" },
    });
    router.child.kill("SIGHUP");
    const refused = await logged(router, "management.reload-refused");
    assert.match(String(refused.reason), /^line \d+: is "(shout|x)": /);
    assert.match(String(refused.path), /\/(log-level|router-id)$/);
    await routers.written("hup", '{\n  "semrd-router:router": {\n    "name": "hup",\n  }\n}\n');
    const { code, faults } = await refusal(ask(router, "config", "reload"));
    const reason = 'line 4: not JSON: column 3: a member name in quotes is expected here, not "}"';
    assert.deepEqual([code, faults[0]?.reason], ["config.malformed-message", reason]);
    const changed = await routers.written("hup", {
      "semrd-router:router": {
        ...own,
        "semrd-telemetry:telemetry": { "log-level": "debug", prometheus: { enabled: false } },
        nodes: { node: [{ locator: "fd00:ffff::9", name: "r9" }] },
      },
    });
    // As an editor of another system leaves it.
    await writeFile(changed, `\ufeff${await readFile(changed, "utf8")}`);
    router.child.kill("SIGHUP");
    const reloaded = await logged(router, "management.reloaded");
    assert.deepEqual([reloaded.changes, reloaded.commit], [2, 2]);
    const { datastores } = await ask<{ datastores: { datastore: string; modified: boolean }[] }>(
      router,
      "config",
      "status",
    );
    assert.equal(datastores.find(({ datastore }) => datastore === "running")?.modified, false);
  });

  it("SIGHUP while it starts is heard once it runs, and does not end it", async () => {
    const file = await routers.written("early", routers.configuration("early"));
    const child = spawn(SEMRD, ["--config", file], { stdio: ["ignore", "pipe", "pipe"] });
    await using router = new RouterProcess(child, path.join(folder, "early.sock"));
    await firstLine(child); // its first words; it is far from running
    assert.doesNotMatch(router.log, /router\.running/);
    child.kill("SIGHUP");
    await logged(router, "management.reloaded");
    assert.match(router.log, /"event":"router\.running"/);
  });

  it("what was committed is there after kill -9; saved, it is the file; a file changed by hand wins", async () => {
    const content = routers.configuration("kept");
    const file = path.join(folder, "kept.json");
    {
      await using router = await routers.started("kept", content);
      await ask(router, "config", "set", LEVEL, "debug");
      await ask(router, "config", "commit");
      await router.end("SIGKILL");
    }
    {
      // The file is written again with the same content.
      await using router = await routers.started("kept", content);
      const level = await ask<object>(router, "config", "show", LEVEL);
      assert.deepEqual(JSON.stringify(level).includes('"debug"'), true);
      await ask(router, "config", "save");
      assert.equal(
        JSON.parse(await readFile(file, "utf8"))["semrd-router:router"]["semrd-telemetry:telemetry"]["log-level"],
        "debug",
      );
    }
    await writeFile(file, JSON.stringify(routers.configuration("kept", { nodes: {} })));
    await using router = await routers.started("kept", routers.configuration("kept", { nodes: {} }));
    assert.deepEqual(JSON.stringify(await ask<object>(router, "config", "show", LEVEL)).includes("debug"), false);
    await ask(router, "config", "rollback");
    await ask(router, "config", "commit");
    assert.deepEqual(JSON.stringify(await ask<object>(router, "config", "show", LEVEL)).includes("debug"), true);
  });

  it("a confirmed commit goes back by itself, also after kill -9 inside its time", async () => {
    const content = routers.configuration("confirmed");
    {
      await using router = await routers.started("confirmed", content);
      await ask(router, "config", "set", LEVEL, "debug");
      await ask(router, "config", "commit", "--confirmed", "5");
      const pending = await ask<{ pending?: { commit: number } }>(router, "config", "status");
      assert.equal(pending.pending?.commit, 2);
      await until("it is undone", async () => {
        const [last] = await ask<{ cause: string }[]>(router, "config", "log");
        return last?.cause === "confirm-timeout";
      });
      await ask(router, "config", "set", LEVEL, "debug");
      await ask(router, "config", "commit", "--confirmed", "6");
      await router.end("SIGKILL");
    }
    await using router = await routers.started("confirmed", content);
    await until("it is undone after the restart", async () => {
      const [last] = await ask<{ id: number; cause: string }[]>(router, "config", "log");
      return last?.id === 5 && last.cause === "confirm-timeout";
    });
    assert.equal(JSON.stringify(await ask<object>(router, "config", "show", LEVEL)).includes("debug"), false);
  });

  it("an agent of the configuration is added and removed by command, as a commit", async () => {
    await using router = await routers.started("agent", routers.configuration("agent"));
    const [tenant, capability, address] = [
      ["--tenant", "acme"],
      ["--capability", "/vision/ocr"],
      ["--address", "fd00:a::10"],
    ];
    const add = ["agent", "add", AGENT, ...tenant!, ...capability!, ...address!, "--version", "1"];
    await ask(router, ...add, "--port", "8080");
    await ask(router, ...add, "--port", "8081");
    assert.equal((await ask<unknown[]>(router, "show", "agents")).length, 2);
    assert.equal((await ask<{ instances: string[] }>(router, "agent", "remove", AGENT)).instances.length, 2);
    assert.deepEqual(await ask(router, "show", "agents"), []);
    const { faults } = await refusal(ask(router, ...add.with(4, "nobody"), "--port", "8080"));
    assert.deepEqual(
      faults.map(({ tag }) => tag),
      ["instance-required"],
    );
  });
});
