import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import type * as prom from "prom-client";
import { systemClock } from "../../src/host/index.ts";
import { textOf } from "../../src/telemetry/exposition.ts";
import { createMetrics, startMetricsServer, TelemetryError } from "../../src/telemetry/index.ts";
import { ListLog } from "../sim/tally-metrics.ts";

describe("registry", () => {
  it("the same name and labels give the same object, whatever the order of the labels", async () => {
    const metrics = createMetrics();
    const first = metrics.counter("semrd_test_total", "Tests", { a: "1", b: "2" });
    assert.equal(metrics.counter("semrd_test_total", "Tests", { b: "2", a: "1" }), first);
    first.add();
    first.add(2);
    metrics.counter("semrd_test_total", "Tests", { a: "1", b: "3" });
    metrics.gauge("semrd_test_peers", "Peers").set(-4);
    metrics.histogram("semrd_test_seconds", "Time").observe(0.003);
    const text = await metrics.expose();
    assert.match(text, /^semrd_test_total\{a="1",b="2"\} 3$/m);
    assert.match(text, /^semrd_test_total\{a="1",b="3"\} 0$/m);
    assert.match(text, /^semrd_test_peers -4$/m);
    assert.match(text, /^semrd_test_seconds_bucket\{le="0.0016"\} 0$/m);
    assert.match(text, /^semrd_test_seconds_bucket\{le="0.0064"\} 1$/m);
  });

  it("one name cannot be two metrics", () => {
    const metrics = createMetrics();
    metrics.counter("semrd_test_total", "Tests", { a: "1" });
    assert.throws(() => metrics.counter("semrd_test_total", "Tests", { c: "1" }), TypeError);
    assert.throws(() => metrics.gauge("semrd_test_total", "Tests", { a: "1" }), TypeError);
  });

  it("the text is what the library itself would write, whatever the labels and values", async () => {
    const piece = createRequire(import.meta.url);
    const registry: prom.Registry = new (piece("prom-client/lib/registry"))();
    const made = { help: "a\\b\nc", labelNames: ["name", "x"], registers: [registry] };
    const counter: prom.Counter = new (piece("prom-client/lib/counter"))({ name: "odd_total", ...made });
    const gauge: prom.Gauge = new (piece("prom-client/lib/gauge"))({ name: "odd", ...made });
    const histogram: prom.Histogram = new (piece("prom-client/lib/histogram"))({ name: "odd_seconds", ...made });
    new (piece("prom-client/lib/gauge"))({ name: "plain", help: "h", registers: [registry] }).set(3);
    for (const name of ['"', "\\", "a\nb", "ü,{}=", ""]) {
      counter.inc({ name, x: "1" }, 2.5);
      gauge.set({ name }, -1e21);
      histogram.observe({ name, x: "2" }, 0.3);
    }
    gauge.set({ name: "most" }, Number.POSITIVE_INFINITY);
    gauge.set({ name: "least" }, Number.NEGATIVE_INFINITY);
    assert.equal(await textOf(registry), await registry.metrics());
  });

  it("two registries share nothing", async () => {
    const [a, b] = [createMetrics(), createMetrics()];
    a.counter("semrd_test_total", "Tests").add(5);
    b.counter("semrd_test_total", "Tests").add(1);
    assert.match(await b.expose(), /^semrd_test_total 1$/m);
  });
});

describe("counters that are released", () => {
  it("are shown no more, count for nobody, and begin at zero when they are made again", async () => {
    const registry = createMetrics();
    const make = (peer: string) => registry.counter("semrd_test_total", "A test", { peer });
    const lines = async () =>
      (await registry.expose()).split("\n").filter((line) => line.startsWith("semrd_test_total"));
    const [one, other] = [make("one"), make("other")];
    one.add(3);
    other.add();
    registry.release!([one]);
    assert.deepEqual(await lines(), ['semrd_test_total{peer="other"} 1']);
    one.add(5);
    assert.deepEqual(await lines(), ['semrd_test_total{peer="other"} 1']);
    const again = make("one");
    assert.notEqual(again, one);
    again.add();
    registry.release!([one]); // of before: no matter of the new one
    assert.deepEqual((await lines()).sort(), ['semrd_test_total{peer="one"} 1', 'semrd_test_total{peer="other"} 1']);
  });
});

describe("server", () => {
  const signal = new AbortController().signal;

  it("serves /metrics on loopback and nothing else, and is gone when disposed", async () => {
    const registry = createMetrics({ process: "included" });
    const server = await startMetricsServer(
      { address: "::1", port: 0 },
      { registry, clock: systemClock, log: new ListLog() },
      signal,
    );
    const url = `http://[::1]:${server.port}`;
    const good = await fetch(`${url}/metrics`);
    assert.equal(good.status, 200);
    assert.match(good.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    assert.match(await good.text(), /^process_cpu_seconds_total /m);
    assert.equal((await fetch(`${url}/`)).status, 404);
    assert.equal((await fetch(`${url}/metrics`, { method: "POST" })).status, 405);
    await server[Symbol.asyncDispose]();
    await assert.rejects(fetch(`${url}/metrics`));
  });

  it("is somewhere else when it is to be: who is being answered has the whole text, and nobody is let in before", async () => {
    const registry = createMetrics();
    registry.counter("semrd_test_total", "A test").add(7);
    const [asked, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    registry.beforeExpose(() => {
      asked.resolve();
      return ready.promise;
    });
    const log = new ListLog();
    const parts = { registry, clock: systemClock, log };
    await using server = await startMetricsServer({ address: "127.0.0.1", port: 0 }, parts, signal);
    const { port } = server;
    const scraped = (host: string): Promise<string> =>
      fetch(`http://${host}:${port}/metrics`).then(
        (answer) => answer.text(),
        () => "nothing",
      );

    const early = scraped("127.0.0.1");
    await asked.promise;
    await assert.rejects(server.prepare({ address: "fd00::1", port }), { code: "telemetry.not-loopback" });
    const refused = await server.prepare({ address: "::1", port });
    assert.equal(await scraped("[::1]"), "nothing");
    await refused.abandon();
    const change = await server.prepare({ address: "::1", port });
    assert.equal(await scraped("[::1]"), "nothing");
    await change.apply();
    await change.finish();
    assert.deepEqual([server.address, server.port], ["::1", port]);
    assert.equal(await scraped("127.0.0.1"), "nothing");

    ready.resolve();
    assert.match(await early, /^semrd_test_total 7$/m);
    assert.match(await scraped("[::1]"), /^semrd_test_total 7$/m);
    const told = log.events().filter((event) => event.startsWith("telemetry."));
    assert.deepEqual(told, [...Array(3).fill("telemetry.listening"), "telemetry.listening-ended"]);
  });

  it("does not wait for who is being answered, neither at another place nor at the end", async () => {
    const registry = createMetrics();
    const asked = Promise.withResolvers<void>();
    registry.beforeExpose(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const parts = { registry, clock: systemClock, log: new ListLog() };
    const server = await startMetricsServer({ address: "127.0.0.1", port: 0 }, parts, signal);
    const cutOff = assert.rejects(fetch(`http://127.0.0.1:${server.port}/metrics`));
    await asked.promise;
    const change = await server.prepare({ address: "::1", port: server.port });
    await change.apply();
    await change.finish();
    await server[Symbol.asyncDispose]();
    await cutOff;
  });

  it("refuses an address that is not loopback, and says what to do", async () => {
    for (const address of ["::", "0.0.0.0", "fd00::1", "::2", "128.0.0.1"]) {
      await assert.rejects(
        startMetricsServer(
          { address, port: 0 },
          { registry: createMetrics(), clock: systemClock, log: new ListLog() },
          signal,
        ),
        (cause: TelemetryError) => cause.code === "telemetry.not-loopback" && cause.message.includes("use ::1"),
      );
    }
    const anywhere = { address: "0.0.0.0", port: 0, exposure: "anywhere" } as const;
    await using _ = await startMetricsServer(
      anywhere,
      { registry: createMetrics(), clock: systemClock, log: new ListLog() },
      signal,
    );
  });

  it("a port in use is one clear error", async () => {
    const parts = { registry: createMetrics(), clock: systemClock, log: new ListLog() };
    await using first = await startMetricsServer({ address: "127.0.0.1", port: 0 }, parts, signal);
    await assert.rejects(
      startMetricsServer({ address: "127.0.0.1", port: first.port }, parts, signal),
      (cause: unknown) =>
        cause instanceof TelemetryError && cause.code === "telemetry.listen-failed" && /EADDRINUSE/.test(cause.message),
    );
  });
});
