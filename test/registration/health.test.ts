import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { describe, it } from "node:test";
import { milliseconds as ms, parseIpv6 } from "../../src/base/index.ts";
import { Directory, type HealthCheck, instanceState } from "../../src/directory/index.ts";
import { systemClock, systemRandom } from "../../src/host/index.ts";
import { statusResult } from "../../src/registration/health/probe.ts";
import { networkProbe, type ProbeResult, startHealthChecker } from "../../src/registration/index.ts";
import { AGENT_A, AGENT_B, bench, configured, HTTP_CHECK, offer } from "../directory/samples.ts";
import { firstLine, killed } from "../host/child.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

const PASSED: ProbeResult = { outcome: "passed" };
const REFUSED: ProbeResult = { outcome: "failed", reason: "connection refused" };
const { signal } = new AbortController();

/** A checker on a virtual clock whose probes the test answers. */
function checked(check: Partial<HealthCheck> = {}, options: { ports?: number[]; concurrency?: number } = {}) {
  const at = bench();
  const log = new ListLog();
  const asked: { port: number; at: number; answer: (result: ProbeResult) => void }[] = [];
  const { ports = [8080], concurrency = 256 } = options;
  const offers = ports.map((port) => offer({ port, check: { ...HTTP_CHECK, ...check } as HealthCheck }));
  at.directory.register(configured({ offers }));
  const checker = startHealthChecker(
    { concurrency },
    {
      ...{ directory: at.directory, clock: at.clock, random: new SeededRandom(1), log, metrics: at.metrics },
      probe: ({ port }) => new Promise((resolve) => asked.push({ port, at: at.clock.monotonic(), answer: resolve })),
    },
    signal,
  );
  const turn = () => new Promise(setImmediate);
  return {
    ...{ ...at, log, asked, checker },
    /** Lets time pass until the next probe is asked, and answers it. */
    async reply(result: ProbeResult): Promise<number> {
      for (let passed = 0; asked.length === 0; passed += 5) {
        assert.ok(passed < 10_000, "no probe came");
        at.clock.advance(5);
        await turn();
      }
      const probe = asked.shift()!;
      probe.answer(result);
      await turn();
      return probe.at;
    },
    health: () => [...at.directory.instances()].map((instance) => instance.health.state).join(),
  };
}

describe("verdicts", () => {
  it("the first success decides, and so do `fall` failures right behind each other", async () => {
    const at = checked({ fall: 5, rise: 5 });
    assert.equal(at.health(), "unknown");
    await at.reply(PASSED);
    assert.equal(at.health(), "up");
    await at.checker.settled;
    await at.checker[Symbol.asyncDispose]();

    const failing = checked({ fall: 3, rise: 5, interval: ms(1_000) });
    const first = await failing.reply(REFUSED);
    await failing.reply(REFUSED);
    assert.equal(failing.health(), "unknown");
    const third = await failing.reply(REFUSED);
    assert.ok(third - first <= 50, `${first} ${third}`);
    assert.equal(failing.health(), "down");
    await failing.checker.settled;
    await failing.checker[Symbol.asyncDispose]();
  });

  it("it takes `fall` failures in a row, the second right behind the first, and `rise` successes", async () => {
    const at = checked({ fall: 3, rise: 2, interval: ms(1_000) });
    await at.reply(PASSED);
    const first = await at.reply(REFUSED);
    const second = await at.reply(REFUSED);
    assert.equal(at.health(), "up");
    const third = await at.reply(REFUSED);
    assert.ok(first >= 900 && second - first <= 25 && third - second <= 25, `${first} ${second} ${third}`);
    assert.equal(at.health(), "down");
    const fourth = await at.reply(PASSED);
    assert.ok(fourth - third >= 900);
    assert.equal(at.health(), "down");
    await at.reply(REFUSED);
    await at.reply(PASSED);
    assert.equal(at.health(), "down", "successes must be in a row");
    await at.reply(PASSED);
    assert.equal(at.health(), "up");
    assert.deepEqual(at.told.slice(1), [
      "changed ocr-a /vision/ocr:8080 up up",
      "changed ocr-a /vision/ocr:8080 up down",
      "changed ocr-a /vision/ocr:8080 up up",
    ]);
    assert.deepEqual(at.log.events(), ["health.up", "health.down", "health.up"]);
    await at.checker[Symbol.asyncDispose]();
  });

  it("a success between failures begins anew", async () => {
    const at = checked({ fall: 2 });
    for (const result of [PASSED, REFUSED, PASSED, REFUSED, PASSED, REFUSED]) await at.reply(result);
    assert.equal(at.health(), "up");
    await at.checker[Symbol.asyncDispose]();
  });

  it("what this router could not ask says nothing about the instance", async () => {
    const at = checked({ fall: 1 });
    await at.reply(PASSED);
    for (let i = 0; i < 3; i++) await at.reply({ outcome: "inconclusive", reason: "EMFILE" });
    assert.equal(at.health(), "up");
    assert.equal(at.metrics.value("semrd_health_probes_total", { outcome: "inconclusive" }), 3);
    await at.checker[Symbol.asyncDispose]();
  });

  it("a failing listener of the directory does not stop the checks", async () => {
    const at = checked();
    at.directory.subscribe(() => {
      throw new Error("listener");
    });
    await at.reply(PASSED);
    await at.reply(REFUSED);
    await at.reply(REFUSED);
    assert.equal(at.health(), "down");
    assert.ok(at.log.events().includes("health.listener-failed"));
    await at.checker[Symbol.asyncDispose]();
  });
});

describe("which instances are probed", () => {
  it("those with a check, from when they come until they go; a changed check begins anew and keeps the verdict", async () => {
    const at = checked();
    await at.reply(PASSED);
    at.directory.register(
      configured({ offers: [offer({ check: { ...HTTP_CHECK, path: "/other" } }), offer({ port: 1 })] }),
    );
    assert.deepEqual(
      at.asked.map(({ port }) => port),
      [8080],
    );
    assert.equal(at.health(), "up,unknown");
    await at.reply(PASSED);
    at.directory.register(configured({ agent: AGENT_B, offers: [offer({ port: 9, check: HTTP_CHECK })] }));
    assert.deepEqual(
      at.asked.map(({ port }) => port),
      [9],
    );
    at.directory.remove(AGENT_B, "command");
    await at.reply(REFUSED);
    at.directory.remove(AGENT_A, "command");
    at.clock.advance(10_000);
    assert.deepEqual([at.asked.length, at.clock.armed], [0, 0]);
    await at.checker[Symbol.asyncDispose]();
  });

  it("no more at a time than allowed, the others in their turn", async () => {
    const ports = Array.from({ length: 10 }, (_, i) => i + 1);
    const at = checked({}, { ports, concurrency: 3 });
    const order: number[] = [];
    for (let i = 0; i < 10; i++) {
      assert.ok(at.asked.length <= 3);
      order.push(at.asked[0]!.port);
      await at.reply(PASSED);
    }
    assert.deepEqual(order, ports);
    await at.checker.settled;
    await at.checker[Symbol.asyncDispose]();
  });

  it("disposing ends timers and waits for running probes", async () => {
    const at = checked({}, { ports: [1, 2] });
    await at.reply(PASSED);
    const disposed = at.checker[Symbol.asyncDispose]();
    at.asked.shift()!.answer(PASSED);
    await disposed;
    assert.equal(at.clock.armed, 0);
    assert.equal(at.health(), "up,unknown", "a result that came after the end counted");
  });
});

async function serving(
  handle: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number; readonly server: Server }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    handle(socket);
  }).listen({ host: "::1", port: 0 });
  await once(server, "listening");
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("probes over the network", () => {
  const check = (type: "tcp" | "http"): HealthCheck => ({ ...HTTP_CHECK, type, timeout: ms(150) }) as HealthCheck;
  const probe = (port: number, type: "tcp" | "http") =>
    networkProbe({ address: parseIpv6("::1")!, port, protocol: "tcp" }, check(type), signal);

  const HTTP: readonly { name: string; answer: readonly string[]; want: string }[] = [
    { name: "200", answer: ["HTTP/1.1 200 OK\r\n\r\n"], want: "passed" },
    { name: "204 without a reason phrase", answer: ["HTTP/1.1 204\r\n\r\n"], want: "passed" },
    { name: "HTTP/1.0", answer: ["HTTP/1.0 200 OK\r\n\r\n"], want: "passed" },
    { name: "in single octets", answer: [..."HTTP/1.1 200 OK\r\n"], want: "passed" },
    { name: "503", answer: ["HTTP/1.1 503 Busy\r\n\r\n"], want: "status 503" },
    { name: "a redirect", answer: ["HTTP/1.1 302 Found\r\n\r\n"], want: "status 302" },
    { name: "something else", answer: ["SSH-2.0-OpenSSH\r\n"], want: "the answer is not HTTP" },
    { name: "a line without end", answer: ["x".repeat(1_100)], want: "the answer is not HTTP" },
    { name: "nothing", answer: [], want: "no answer in 150 ms" },
    { name: "half a line", answer: ["HTTP/1.1 2"], want: "no answer in 150 ms" },
  ];
  for (const { name, answer, want } of HTTP) {
    it(`http, answered with ${name}: ${want}`, async () => {
      const seen: string[] = [];
      await using server = await serving((socket) => {
        socket.once("data", (chunk) => {
          seen.push(chunk.toString());
          for (const piece of answer) socket.write(piece);
        });
      });
      const result = await probe(server.port, "http");
      assert.equal("reason" in result ? result.reason : result.outcome, want);
      assert.equal(
        seen[0],
        `GET /healthz HTTP/1.1\r\nHost: [::1]:${server.port}\r\nUser-Agent: semrd-health\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
      );
    });
  }

  it("http, closed or reset without an answer", async () => {
    await using closing = await serving((socket) => socket.once("data", () => socket.end()));
    await using resetting = await serving((socket) => socket.once("data", () => socket.resetAndDestroy()));
    assert.deepEqual(await probe(closing.port, "http"), { outcome: "failed", reason: "closed without an answer" });
    assert.deepEqual(await probe(resetting.port, "http"), { outcome: "failed", reason: "connection reset" });
  });

  it("tcp: a connection is enough; a closed port is refused at once", async () => {
    const server = await serving(() => {});
    assert.deepEqual(await probe(server.port, "tcp"), PASSED);
    await server[Symbol.asyncDispose]();
    assert.deepEqual(await probe(server.port, "tcp"), REFUSED);
  });

  it("time in which this process was held up does not count against the other end", { timeout: 20_000 }, async () => {
    const script = `require("node:http").createServer((q, s) => s.end("ok")).listen({ host: "::1", port: 0 },
      function () { console.log(this.address().port); });`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const port = Number(await firstLine(child));
      for (const type of ["tcp", "http"] as const) {
        const result = probe(port, type);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        assert.deepEqual(await result, PASSED, type);
      }
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("an aborted probe ends at once and says nothing", async () => {
    await using server = await serving(() => {});
    const controller = new AbortController();
    const result = networkProbe(
      { address: parseIpv6("::1")!, port: server.port, protocol: "tcp" },
      check("http"),
      controller.signal,
    );
    controller.abort();
    assert.equal((await result).outcome, "inconclusive");
  });

  it("a status line says the same however it is cut", () => {
    for (const whole of ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 500 Oh\n", "HTTP/2 200\r\n", "HTTP/1.1 200x\r\n"]) {
      for (let cut = 0; cut < whole.length; cut++) assert.equal(statusResult(whole.slice(0, cut)), undefined);
      assert.notEqual(statusResult(whole), undefined);
    }
    assert.equal(statusResult("HTTP/1.1 200x\r\n")!.outcome, "failed");
  });
});

it("an agent that is killed with -9 is down within an interval and the second opinion, and up again when it is back", {
  timeout: 30_000,
}, async (t) => {
  const script = `require("node:http").createServer((q, s) => s.end("ok")).listen({ host: "::1", port: Number(process.argv[1]) },
    function () { console.log(this.address().port); });`;
  const start = async (port: number) => {
    const child = spawn(process.execPath, ["-e", script, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    return { child, port: Number(await firstLine(child)) };
  };
  const first = await start(0);
  const clock = systemClock;
  const metrics = new TallyMetrics();
  using directory = new Directory({ perAgent: 9, perTenant: 9 }, { clock, metrics });
  await using checker = startHealthChecker(
    {},
    { directory, clock, random: systemRandom, log: new ListLog(), metrics },
    signal,
  );
  const until = (state: string) =>
    new Promise<void>((resolve) => {
      const subscription = directory.subscribe((changes) => {
        if (instanceState(changes[0]!.instance) !== state) return;
        subscription[Symbol.dispose]();
        resolve();
      });
    });
  let reached = until("up");
  directory.register(configured({ offers: [offer({ at: "::1", port: first.port, check: HTTP_CHECK })] }));
  await reached;
  await checker.settled;
  reached = until("down");
  const failed = (): number => metrics.value("semrd_health_probes_total", { outcome: "failed" });
  const before = failed(); // one that took too long on a busy machine is no matter
  await killed(first.child);
  await reached;
  // When these are made is what the virtual clock tells above.
  const more = failed() - before;
  assert.ok(more > 0 && more <= HTTP_CHECK.fall, `${more} probes failed`);
  assert.match([...directory.instances()][0]!.health.reason!, /connection (refused|reset)/);
  reached = until("up");
  const second = await start(first.port);
  await reached;
  await killed(second.child);
});
