import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import type { FibRow, StatusReport } from "../../src/management/index.ts";
import { ExecutorProcess } from "../dataplane/suite/executor-process.ts";
import { certificate } from "../management/gnmi/gnmi-router.ts";
import { pair, stores } from "../management/stores.ts";
import { ended, RouterFolder, type RouterProcess } from "./router-process.ts";

const folder = mkdtempSync(path.join(tmpdir(), "semrd-fib-"));
after(() => rmSync(folder, { recursive: true }));
const routers = new RouterFolder(folder);

function withExecutor(name: string, port: number): object {
  const capability = [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080 }];
  return routers.configuration(name, {
    "semrd-agent:agents": { agent: [{ id: "spiffe://example.net/acme/agent/ocr-a", tenant: "acme", capability }] },
    "semrd-dataplane:dataplane": { driver: "fib-service", "fib-service": { address: "::1", port } },
  });
}

async function executorOf(router: RouterProcess) {
  const { dataplane } = (await router.ctl("show", "status")) as StatusReport;
  return { ...dataplane.executor!, adopted: dataplane.adopted, driver: dataplane.driver };
}

/** Asks until it is so, for at most twenty seconds. */
async function until(router: RouterProcess, state: string) {
  const end = performance.now() + 20_000;
  for (;;) {
    const executor = await executorOf(router);
    if (executor.state === state) return executor;
    if (performance.now() > end) assert.fail(`the executor is ${executor.state} (${executor.lastError}), not ${state}`);
  }
}

describe("a router with an executor", () => {
  it("kill -9 of either side: the router takes the plan over, the executor gets it again", async () => {
    let executor = await ExecutorProcess.start();
    try {
      const content = withExecutor("r1", executor.port);
      await using first = await routers.started("r1", content);
      const begun = await until(first, "in-step");
      assert.deepEqual([begun.driver, begun.adopted, begun.handovers], ["fib-service", false, 1]);
      assert.match(begun.product!, /reference executor/);
      const words = ["config", "show", "--datastore", "operational", "/router/dataplane/state/executor"];
      const shown = JSON.stringify(await first.ctl(...words));
      assert.match(shown, new RegExp(`"address":"\\[::1\\]:${executor.port}"`));
      assert.match(shown, /"state":"in-step"/);
      assert.match(shown, /"differences":0/);
      await first.end("SIGKILL");

      await using second = await routers.started("r1", content);
      const again = await until(second, "in-step");
      assert.deepEqual([again.adopted, again.handovers], [true, 0]);
      const { dataplane: held } = (await second.ctl("show", "status")) as StatusReport;
      assert.ok(
        held.tables.every(({ used }) => used > 0),
        JSON.stringify(held.tables),
      );

      await executor.kill();
      const away = await until(second, "connecting");
      assert.ok(away.lastError!.length > 0);
      const { warnings, dataplane } = (await second.ctl("show", "status")) as StatusReport;
      assert.match([...warnings, ...dataplane.limits].join(), /is away/);
      assert.match(second.log, /"level":"error".*dataplane\.executor\.away/);
      executor = await ExecutorProcess.start(executor.port);
      const back = await until(second, "in-step");
      assert.equal(back.handovers, 1);
      await second.end("SIGTERM");
    } finally {
      await executor.kill();
    }
  });

  it("what the executor finds out by itself moves the slots: away from an instance, and back", async () => {
    await using executor = await ExecutorProcess.start();
    const at = (number: number) => [
      { name: "/vision/ocr", "major-version": 1, address: `fd00:a::${number}`, port: 8080 },
    ];
    const agent = [10, 11].map((number) => ({
      ...{ id: `spiffe://example.net/acme/agent/ocr-${number}`, tenant: "acme", capability: at(number) },
    }));
    const content = routers.configuration("r4", {
      "semrd-agent:agents": { agent },
      "semrd-dataplane:dataplane": { driver: "fib-service", "fib-service": { address: "::1", port: executor.port } },
    });
    await using router = await routers.started("r4", content);
    const slots = async () => {
      await until(router, "in-step");
      const [entry] = (await router.ctl("show", "fib")) as FibRow[];
      const local = entry!.nextHops.filter(({ kind }) => kind === "instance");
      return local.toSorted((a, b) => (a.towards < b.towards ? -1 : 1));
    };
    const shares = async (wanted: readonly number[]) => {
      const end = performance.now() + 20_000;
      for (;;) {
        const now = await slots();
        const got = ["[fd00:a::10]:8080", "[fd00:a::11]:8080"].map(
          (towards) => now.find((one) => one.towards === towards)?.slots ?? 0,
        );
        if (got.every((share, i) => share === wanted[i])) return now;
        assert.ok(performance.now() < end, `${got} instead of ${wanted}`);
      }
    };
    const [first] = await shares([32, 32]);
    executor.report(first!.index, "no neighbour answers");
    await shares([0, 64]);
    const agents = JSON.stringify(await router.ctl("show", "agents"));
    assert.match(agents, /the executor: no neighbour answers/);
    executor.report(first!.index);
    await shares([32, 32]);
  });

  it("is a configuration that says where, and TLS beyond this host", async () => {
    await certificate(folder, "r1", ["-subj", "/CN=r1"]);
    const CASES = [
      [{ address: "2001:db8::7" }, /reached with TLS only/],
      [{ address: "::1", tls: pair("r1") }, /belong together/],
      [{ address: "127.0.0.1" }, undefined],
    ] as const;
    for (const [service, says] of CASES) {
      const dataplane = {
        ...stores({ pairs: { r1: ["r1.pem", "r1.key"] } }),
        "semrd-dataplane:dataplane": { driver: "fib-service", "fib-service": service },
      };
      const file = await routers.written("checked", routers.configuration("checked", dataplane));
      const { code, out, err } = await ended(["--check", "--config", file]);
      assert.equal(code, says === undefined ? 0 : 78, out + err);
      if (says !== undefined) assert.match(err, says);
    }
    const none = routers.configuration("checked", { "semrd-dataplane:dataplane": { driver: "fib-service" } });
    const { err } = await ended(["--check", "--config", await routers.written("checked", none)]);
    assert.match(err, /has to know where its executor is/);
  });

  it("two routers with one executor: the second one is refused, 69", async () => {
    await using executor = await ExecutorProcess.start();
    await using _first = await routers.started("r2", withExecutor("r2", executor.port));
    const { code, err } = await ended(["--config", await routers.written("r3", withExecutor("r3", executor.port))]);
    assert.equal(code, 69, err);
    assert.match(err, /another semrd works with the executor/);
  });

  it("semrd fib-conformance: lines for people, one document for machines, and an exit code", async () => {
    await using executor = await ExecutorProcess.start();
    const address = `[::1]:${executor.port}`;
    const people = await ended(["fib-conformance", address, "--entries", "500"]);
    assert.deepEqual([people.code, people.err], [0, ""], people.out);
    assert.match(people.out, /^ok {6}hostile orders at random/m);
    assert.match(people.out, /reference executor at \[::1\]:\d+, version 2 of the protocol, conforms \(seed \d+\)$/m);
    const machines = await ended(["fib-conformance", address, "--json", "--only", "health"]);
    const report = JSON.parse(machines.out) as { conformant: boolean; results: object[] };
    assert.deepEqual([machines.code, report.conformant, report.results.length], [0, true, 1]);
    const nobody = await ended(["fib-conformance", "[::1]:1"]);
    assert.equal(nobody.code, 69, nobody.out);
    assert.equal((await ended(["fib-conformance", "nowhere"])).code, 64);
    assert.equal((await ended(["fib-conformance", address, "--key", "k.pem"])).code, 64);
  });
});
