import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import {
  type Clock,
  FaultError,
  type Log,
  type LogFields,
  type Milliseconds,
  milliseconds,
} from "../../src/base/index.ts";
import { systemClock } from "../../src/host/index.ts";
import { LOOK_EVERY } from "../../src/management/control/local-socket.ts";
import {
  type ControlHandlers,
  ControlRefusal,
  type ProblemReport,
  startControlServer,
} from "../../src/management/index.ts";
import { waitFor } from "../host/fair-time.ts";
import { openAccess } from "./nacm/admins.ts";
import { AGENTS, EXPLAIN, fixedManagement, fixedRouter, PREFIXES, ROUTES, STATUS } from "./router.ts";

class Lines implements Log {
  readonly events: string[] = [];
  error(event: string, _fields?: LogFields): void {
    this.events.push(`error ${event}`);
  }
  warn(event: string): void {
    this.events.push(`warn ${event}`);
  }
  info(event: string): void {
    this.events.push(`info ${event}`);
  }
  debug(): void {}
}

async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "semrd-control-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return path.join(folder, "run", "semrd.sock");
}

async function serve(t: TestContext, handlers: ControlHandlers): Promise<{ socket: string; log: Lines }> {
  const socket = await socketPath(t);
  const log = new Lines();
  const server = await startControlServer(
    { path: socket },
    handlers,
    { clock: systemClock, log, access: openAccess() },
    new AbortController().signal,
  );
  t.after(() => server[Symbol.asyncDispose]());
  return { socket, log };
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function ask(
  socket: string,
  target: string,
  { method = "GET", headers = {}, body }: Asked = {},
): Promise<Answer> {
  const request = http.request({ socketPath: socket, path: target, method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

/** What the server sends for these octets until it closes the connection. */
async function askRaw(socket: string, octets: string | Uint8Array): Promise<string> {
  const connection = net.connect(socket);
  const chunks: Buffer[] = [];
  connection.on("data", (chunk) => chunks.push(chunk));
  connection.on("error", () => {}); // the server may close before it has read everything
  connection.end(octets);
  await once(connection, "close");
  return Buffer.concat(chunks).toString();
}

describe("the control server", () => {
  it("answers what there is to read", async (t) => {
    const router = fixedRouter();
    const { socket } = await serve(t, router);
    const status = await ask(socket, "/v1/status");
    assert.equal(status.status, 200);
    assert.equal(status.headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(status.text), STATUS);
    for (const [resource, rows] of Object.entries({ agents: AGENTS, routes: ROUTES }))
      assert.deepEqual(JSON.parse((await ask(socket, `/v1/${resource}`)).text), rows);
    for (const resource of ["capabilities", "peers", "fib", "counters"])
      assert.equal((await ask(socket, `/v1/${resource}`)).status, 200, resource);
    const explained = await ask(socket, "/v1/explain?name=/Capability/Vision/OCR&tenant=acme&version=1");
    assert.deepEqual(JSON.parse(explained.text), EXPLAIN);
    assert.deepEqual(router.told, ['explain {"capability":"/vision/ocr","tenant":"acme","majorVersion":1}']);
  });

  it("finds the routes of a prefix, and those that cover an address", async (t) => {
    const rows = ["2001:db8::/32", "2001:db8:77::/48", "2001:db8:78::/48", "::/0"];
    const rows4 = ["192.0.2.0/24", "192.0.2.128/25", "0.0.0.0/0", "198.51.100.0/24"];
    const { socket } = await serve(
      t,
      fixedRouter({
        unicastRoutes: (family) =>
          (family === "ipv6-unicast" ? rows : rows4).map((prefix) => ({ ...PREFIXES[0]!, prefix })),
      }),
    );
    const found = async (query: string) =>
      JSON.parse((await ask(socket, `/v1/${query}`)).text).map((row: { prefix?: string; route?: string }) =>
        row.prefix === undefined ? row.route : row.prefix,
      );
    for (const [family, prefix, want] of [
      ["ipv6", "2001:DB8:77:0::/48", [rows[1]]],
      ["ipv6", "2001:db8::/31", []],
      ["ipv6", "2001:db8:77::1", [rows[0], rows[1], rows[3]]],
      ["ipv6", "192.0.2.1", []],
      ["ipv4", "192.0.2.0/24", [rows4[0]]],
      ["ipv4", "192.0.2.200", rows4.slice(0, 3)],
      ["ipv4", "0.0.0.0/0", [rows4[2]]],
    ] as const)
      assert.deepEqual(await found(`routes?family=${family}-unicast&prefix=${prefix}`), want, prefix);
    assert.deepEqual(await found("advertised?peer=2001:db8::2&family=ipv6-unicast&prefix=2001:db8:9::/48"), [
      "2001:db8:9::/48",
    ]);
    for (const wrong of ["192.0.2.1/24", "ocr", "2001:db8::/129"]) {
      const refused = await ask(socket, `/v1/routes?family=ipv4-unicast&prefix=${wrong}`);
      assert.deepEqual([refused.status, JSON.parse(refused.text).code], [400, "control.bad-prefix"]);
    }
  });

  it("filters lists, and sends them as lines for those who ask", async (t) => {
    const { socket } = await serve(t, fixedRouter());
    const some = await ask(
      socket,
      "/v1/agents?agent=spiffe%3A%2F%2Fexample.net%2Facme%2Fagent%2Focr-b&capability=/vision/ocr",
    );
    assert.deepEqual(JSON.parse(some.text), [AGENTS[1]]);
    assert.deepEqual(JSON.parse((await ask(socket, "/v1/routes?tenant=other")).text), []);
    assert.deepEqual(JSON.parse((await ask(socket, "/v1/routes?family=capability&peer=r3")).text), [ROUTES[1]]);
    assert.deepEqual(JSON.parse((await ask(socket, "/v1/routes?family=ipv6-unicast")).text), PREFIXES);
    const fromOne = await ask(socket, "/v1/routes?family=ipv6-unicast&peer=fd00:ffff::3");
    assert.deepEqual(JSON.parse(fromOne.text), [PREFIXES[1]]);
    assert.deepEqual(JSON.parse((await ask(socket, "/v1/routes?family=ipv4-unicast")).text), []);
    const spelt = await ask(socket, "/v1/routes?family=ipv6-unicast&peer=FD00:ffff:0::3");
    assert.deepEqual(JSON.parse(spelt.text), [PREFIXES[1]]);
    const lines = await ask(socket, "/v1/routes", { headers: { accept: "application/x-ndjson" } });
    assert.equal(lines.headers["content-type"], "application/x-ndjson");
    assert.deepEqual(
      lines.text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
      ROUTES,
    );
    assert.equal(
      (await ask(socket, "/v1/routes?tenant=other", { headers: { accept: "application/x-ndjson" } })).text,
      "",
    );
  });

  it("does what it is told", async (t) => {
    const router = fixedRouter();
    const { socket } = await serve(t, router);
    const id = "spiffe://example.net/acme/agent/ocr-a";
    const json = { "content-type": "application/json" };
    const added = await ask(socket, "/v1/agents", { method: "POST", headers: json, body: JSON.stringify({ id }) });
    assert.deepEqual([added.status, JSON.parse(added.text)], [201, { agent: id, instances: ["00112233aabbccdd"] }]);
    assert.equal((await ask(socket, `/v1/agents/${encodeURIComponent(id)}/drain`, { method: "POST" })).status, 200);
    const undrain = `/v1/agents/${encodeURIComponent(id)}/undrain?instances=00112233aabbccdd,ffeeddccbbaa9988`;
    assert.equal((await ask(socket, undrain, { method: "POST" })).status, 200);
    assert.equal((await ask(socket, `/v1/agents/${encodeURIComponent(id)}`, { method: "DELETE" })).status, 200);
    assert.equal((await ask(socket, "/v1/peers/fd00:ffff::2/clear", { method: "POST" })).status, 200);
    const counters = await ask(socket, "/v1/counters/reset?only=tags,tenants", { method: "POST" });
    assert.equal(JSON.parse(counters.text)["discontinuity-time"], "2026-11-20T12:00:00Z");
    const drained = await ask(socket, "/v1/router/drain", { method: "POST" });
    assert.deepEqual([drained.status, JSON.parse(drained.text)], [200, { draining: true }]);
    assert.deepEqual(JSON.parse((await ask(socket, "/v1/router/undrain", { method: "POST" })).text), {
      draining: false,
    });
    const checked = await ask(socket, "/v1/check-config?folder=/etc/semrd", {
      method: "POST",
      headers: json,
      body: "{}",
    });
    assert.deepEqual(JSON.parse(checked.text), { valid: false, faults: [{ reason: "no", line: 1 }], warnings: [] });
    assert.deepEqual(router.told, [
      `merge /semrd-router:router/semrd-agent:agents/agent[id='${id}'] ${JSON.stringify({ id })}`,
      `drain ${id}`,
      `undrain ${id} 00112233aabbccdd ffeeddccbbaa9988`,
      `remove ${id}`,
      "clear 2",
      "reset tags tenants",
      "drain router",
      "undrain router",
      "check 2 /etc/semrd",
    ]);
  });

  const REFUSED: readonly { name: string; target: string; asked?: Asked; status: number; code: string }[] = [
    { name: "no such resource", target: "/v1/nonsense", status: 404, code: "control.not-found" },
    { name: "no version", target: "/status", status: 404, code: "control.not-found" },
    { name: "another version", target: "/v2/status", status: 404, code: "control.not-found" },
    {
      name: "a method that does not fit",
      target: "/v1/status",
      asked: { method: "POST" },
      status: 405,
      code: "control.method",
    },
    { name: "an unknown parameter", target: "/v1/peers?tenant=acme", status: 400, code: "control.bad-request" },
    { name: "a family that is none", target: "/v1/routes?family=ipx", status: 400, code: "control.bad-family" },
    {
      name: "a filter of another family",
      target: "/v1/routes?family=ipv4-unicast&capability=/vision/ocr",
      status: 400,
      code: "control.bad-request",
    },
    { name: "a parameter twice", target: "/v1/routes?tenant=a&tenant=b", status: 400, code: "control.bad-request" },
    {
      name: "a bad percent-encoding",
      target: "/v1/agents/%zz",
      asked: { method: "DELETE" },
      status: 400,
      code: "control.bad-request",
    },
    { name: "explain without a name", target: "/v1/explain", status: 400, code: "control.bad-request" },
    { name: "explain of no name", target: "/v1/explain?name=ocr", status: 400, code: "control.bad-name" },
    {
      name: "a packet of nobody",
      target: "/v1/explain/packet?destination=/a",
      status: 400,
      code: "control.bad-request",
    },
    ...["port=0", "protocol=sctp", "flags=urg", "length=39", "hop-limit=256", "tunnel-from=r2", "colour=red"].map(
      (one) => ({
        name: `a packet with ${one}`,
        target: `/v1/explain/packet?source=fd00::1&destination=/a&${one}`,
        status: 400,
        code: "control.bad-request",
      }),
    ),
    { name: "explain of version 0", target: "/v1/explain?name=/a&version=0", status: 400, code: "control.bad-version" },
    {
      name: "a peer that is no address",
      target: "/v1/peers/r2/clear",
      asked: { method: "POST" },
      status: 400,
      code: "control.bad-address",
    },
    {
      name: "counters that there are not",
      target: "/v1/counters/reset?only=tags,all",
      asked: { method: "POST" },
      status: 400,
      code: "control.bad-counters",
    },
    { name: "a long target", target: `/v1/${"x".repeat(5000)}`, status: 400, code: "control.bad-request" },
    {
      name: "a body that is not JSON by its type",
      target: "/v1/agents",
      asked: { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" },
      status: 415,
      code: "control.not-json",
    },
    {
      name: "a body that is too large",
      target: "/v1/agents",
      asked: { method: "POST", body: " ".repeat(70_000) },
      status: 413,
      code: "control.too-large",
    },
    {
      name: "a body without a length that is too large",
      target: "/v1/agents",
      asked: { method: "POST", headers: { "transfer-encoding": "chunked" }, body: " ".repeat(70_000) },
      status: 413,
      code: "control.too-large",
    },
  ];
  for (const { name, target, asked, status, code } of REFUSED)
    it(`refuses ${name}`, async (t) => {
      const { socket } = await serve(t, fixedRouter());
      const answer = await ask(socket, target, asked);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      const problem = JSON.parse(answer.text) as ProblemReport;
      assert.deepEqual([answer.status, problem.code], [status, code], answer.text);
      if (status === 405) assert.equal(answer.headers.allow, "GET");
      assert.equal((await ask(socket, "/v1/status")).status, 200); // nothing else is disturbed
    });

  it("closes a connection whose request never ends, so that it keeps nobody out", { timeout: 20_000 }, async (t) => {
    const { socket } = await serve(t, fixedRouter());
    const slow = net.connect(socket, () => slow.write("GET /v1/status HTTP/1.1\r\nX: "));
    t.after(() => slow.destroy());
    const began = performance.now();
    slow.resume();
    await once(slow, "close");
    assert.ok(performance.now() - began < 10_000);
  });

  it("says what a handler refuses, and calls anything else a defect", async (t) => {
    const thrown: Record<string, Error> = {
      a: new ControlRefusal(404, "control.no-such-agent", "Not found", "there is no agent a"),
      b: new FaultError({ code: "directory.draining" }, "b is draining already"),
      c: new Error("cannot read properties"),
    };
    const router = fixedRouter({
      drainAgent: (agent) => {
        throw thrown[agent]!;
      },
      management: fixedManagement(
        [],
        [{ errorType: "application", errorTag: "invalid-value", errorSeverity: "error", path: "/a", message: "bad" }],
      ),
    });
    const { socket, log } = await serve(t, router);
    const answers = [];
    for (const agent of "abc") {
      const { status, text } = await ask(socket, `/v1/agents/${agent}/drain`, { method: "POST" });
      answers.push([status, (JSON.parse(text) as ProblemReport).code, (JSON.parse(text) as ProblemReport).detail]);
    }
    assert.deepEqual(answers, [
      [404, "control.no-such-agent", "there is no agent a"],
      [409, "directory.draining", "b is draining already"],
      [500, "control.defect", "a defect of semrd: cannot read properties; its log has the details"],
    ]);
    assert.deepEqual(log.events, ["error control.defect"]);
    const invalid = await ask(socket, "/v1/agents", { method: "POST", body: '{"id":"a:b"}' });
    assert.equal(invalid.status, 422);
    assert.deepEqual((JSON.parse(invalid.text) as ProblemReport).faults, [
      { path: "/a", reason: "bad", tag: "invalid-value" },
    ]);
  });

  it("answers what is no HTTP once, and goes on", async (t) => {
    const { socket } = await serve(t, fixedRouter());
    const text = await askRaw(socket, "show me everything\r\n\r\n");
    assert.match(text, /^HTTP\/1.1 400 Bad Request\r\n/);
    assert.match(text, /"control\.bad-request"/);
    assert.match(
      await askRaw(socket, `GET /v1/status HTTP/1.1\r\nx: ${"y".repeat(40_000)}\r\n\r\n`),
      /^HTTP\/1.1 431 /,
    );
    const request = Buffer.from(
      "POST /v1/agents HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(request.length - 1), fc.nat(7), fc.nat(request.length), async (at, bit, length) => {
        const octets = Uint8Array.from(request);
        octets[at]! ^= 1 << bit;
        const answer = await askRaw(socket, octets.subarray(0, length));
        assert.ok(answer === "" || /^HTTP\/1\.1 [2-5]\d\d /.test(answer), answer);
      }),
      { numRuns: 200 },
    );
    assert.equal((await ask(socket, "/v1/status")).status, 200);
  });
});

describe("long lists", () => {
  const row = (i: number) => ({ ...ROUTES[0]!, origin: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` });
  const COUNT = 100_000;

  it("are rendered in slices: no turn works for long", async (t) => {
    // CPU time of each turn of the event loop in which rows were taken: not disturbed by what else runs on the machine.
    const turns: number[] = [];
    let turn: NodeJS.CpuUsage | undefined;
    function* rows() {
      for (let i = 0; i < COUNT; i++) {
        if (turn === undefined) {
          const started = process.cpuUsage();
          turn = started;
          setImmediate(() => {
            const { user, system } = process.cpuUsage(started);
            turns.push((user + system) / 1000);
            turn = undefined;
          });
        }
        yield row(i);
      }
    }
    const { socket } = await serve(t, fixedRouter({ routes: rows }));
    const child = await import("node:child_process");
    // The reader is another process, or its work would be counted.
    const reader = child.spawn(process.execPath, ["-e", READER, socket], { stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    for await (const chunk of reader.stdout) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), `${COUNT}\n`);
    assert.ok(turns.length > 20, `${turns.length} turns`);
    const sorted = turns.toSorted((a, b) => a - b);
    // The bound is 4 ms of work; garbage collection and a compiler thread may be counted on top, but seldom.
    assert.ok(
      sorted[Math.floor(sorted.length * 0.9)]! < 8,
      `turns of ${sorted.slice(-10).map((ms) => ms.toFixed(1))} ms`,
    );
  });

  it("wait for a slow reader, and end when it goes away", async (t) => {
    let taken = 0;
    const ended = Promise.withResolvers<void>();
    function* rows() {
      try {
        for (let i = 0; i < COUNT; i++) {
          taken++;
          yield row(i);
        }
      } finally {
        ended.resolve();
      }
    }
    const { socket, log } = await serve(t, fixedRouter({ routes: rows }));
    const connection = net.connect(socket);
    connection.pause();
    connection.write("GET /v1/routes HTTP/1.1\r\nhost: x\r\n\r\n");
    // Another reader gets its answers meanwhile; after a hundred of them the list would long be through.
    for (let i = 0; i < 100; i++) assert.equal((await ask(socket, "/v1/status")).status, 200);
    const before = taken;
    assert.ok(before > 0 && before < COUNT / 10, `${before} rows were taken for a reader that reads nothing`);
    for (let i = 0; i < 20; i++) await ask(socket, "/v1/status");
    assert.equal(taken, before);
    connection.destroy();
    await ended.promise;
    assert.deepEqual(log.events, []);
  });

  it("may come from an asynchronous source, and are cut off when it fails", async (t) => {
    async function* rows() {
      for (let i = 0; i < 5000; i++) {
        if (i === 4000) throw new Error("the table was replaced");
        yield row(i);
      }
    }
    const { socket, log } = await serve(t, fixedRouter({ routes: rows }));
    await assert.rejects(ask(socket, "/v1/routes"), /aborted|hang up/);
    assert.deepEqual(log.events, ["warn control.answer.cut-off"]);
  });

  it("are one turn long even when a filter lets nothing through", async (t) => {
    let pauses = 0;
    function* rows() {
      let sameTurn = false;
      for (let i = 0; i < COUNT * 10; i++) {
        if (!sameTurn) {
          sameTurn = true;
          pauses++;
          setImmediate(() => {
            sameTurn = false;
          });
        }
        yield ROUTES[0]!;
      }
    }
    const { socket } = await serve(t, fixedRouter({ routes: rows }));
    assert.equal((await ask(socket, "/v1/routes?tenant=other")).text, "[\n\n]\n");
    assert.ok(pauses > 2, `${pauses} turns`);
  });
});

const READER = `
const [socketPath] = process.argv.slice(1);
require("node:http").get({ socketPath, path: "/v1/routes" }, (response) => {
  const chunks = [];
  response.on("data", (chunk) => chunks.push(chunk));
  response.on("end", () => console.log(JSON.parse(Buffer.concat(chunks)).length));
});`;

describe("the control socket", () => {
  const start = (socket: string) =>
    startControlServer(
      { path: socket },
      fixedRouter(),
      { clock: systemClock, log: new Lines(), access: openAccess() },
      new AbortController().signal,
    );

  it("is for owner and group only, in a folder that it makes, and gone afterwards", async (t) => {
    const socket = await socketPath(t);
    const server = await start(socket);
    assert.equal((await stat(socket)).mode & 0o777, 0o660);
    assert.equal((await stat(path.dirname(socket))).mode & 0o777, 0o755);
    await server[Symbol.asyncDispose]();
    await assert.rejects(stat(socket), { code: "ENOENT" });
  });

  it("is refused where another router answers", async (t) => {
    const socket = await socketPath(t);
    const server = await start(socket);
    t.after(() => server[Symbol.asyncDispose]());
    await assert.rejects(start(socket), { code: "control.in-use" });
    assert.equal((await ask(socket, "/v1/status")).status, 200);
  });

  it("replaces what a dead process left", async (t) => {
    const socket = await socketPath(t);
    const server = await start(socket);
    await server[Symbol.asyncDispose]();
    const child = await import("node:child_process");
    const dead = child.spawn(process.execPath, [
      "-e",
      `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`,
      socket,
    ]);
    await once(dead, "close");
    assert.ok((await stat(socket)).isSocket());
    const next = await start(socket);
    t.after(() => next[Symbol.asyncDispose]());
    assert.equal((await ask(socket, "/v1/status")).status, 200);
  });

  it("never replaces what is no socket", async (t) => {
    const socket = await socketPath(t);
    const { mkdir, writeFile, readFile } = await import("node:fs/promises");
    await mkdir(path.dirname(socket));
    await writeFile(socket, "precious");
    await assert.rejects(start(socket), { code: "control.path-taken" });
    assert.equal(await readFile(socket, "utf8"), "precious");
  });

  describe("where somebody has removed it", () => {
    /** Looks at the file every few milliseconds instead of every two seconds. */
    const looking: Clock = Object.assign(Object.create(systemClock), {
      after: (delay: Milliseconds, fire: () => void) =>
        systemClock.after(delay === LOOK_EVERY ? milliseconds(5) : delay, fire),
    });
    const watched = async (t: TestContext) => {
      const [socket, log] = [await socketPath(t), new Lines()];
      const parts = { clock: looking, log, access: openAccess() };
      const server = await startControlServer({ path: socket }, fixedRouter(), parts, new AbortController().signal);
      t.after(() => server[Symbol.asyncDispose]());
      const told = (event: string): Promise<void> =>
        waitFor(`${event} in the log`, () => log.events.includes(event), { every: 5, limit: 20_000 });
      return { socket, log, server, told };
    };

    it("is made anew with its folder, for owner and group, and who is in stays", async (t) => {
      const { socket, server, told } = await watched(t);
      const client = net.connect(socket);
      t.after(() => client.destroy());
      await once(client, "connect");
      await rm(path.dirname(socket), { recursive: true });
      await told("warn control.socket-made-anew");
      assert.equal((await stat(socket)).mode & 0o777, 0o660);
      assert.equal((await ask(socket, "/v1/status")).status, 200);
      client.write("GET /v1/status HTTP/1.1\r\nHost: r\r\n\r\n");
      assert.match(String((await once(client, "data"))[0]), /^HTTP\/1.1 200 OK/);
      await server[Symbol.asyncDispose]();
      await assert.rejects(stat(socket), { code: "ENOENT" });
    });

    it("and listens there himself, has it kept: while the router runs, and when it ends", async (t) => {
      const { socket, log, server, told } = await watched(t);
      const other = net.createServer((client) => client.end("somebody else"));
      other.listen(`${socket}.other`);
      t.after(() => other.close());
      await once(other, "listening");
      await rename(`${socket}.other`, socket);
      await told("error control.socket-gone");
      const heard = async (): Promise<string> => String((await once(net.connect(socket), "data"))[0]);
      assert.equal(await heard(), "somebody else");
      await server[Symbol.asyncDispose]();
      assert.equal(await heard(), "somebody else");
      assert.deepEqual(await readdir(path.dirname(socket)), [path.basename(socket)]);
      assert.equal(log.events.filter((event) => event === "error control.socket-gone").length, 1);
    });

    it("and puts something else there, has it kept, and the router's is back when that goes", async (t) => {
      const { socket, told } = await watched(t);
      await writeFile(`${socket}.other`, "precious");
      await rename(`${socket}.other`, socket);
      await told("error control.socket-gone");
      assert.equal(await readFile(socket, "utf8"), "precious");
      await rm(socket);
      await told("warn control.socket-made-anew");
      assert.equal((await ask(socket, "/v1/status")).status, 200);
    });
  });

  it("closes while lists are being read", async (t) => {
    const socket = await socketPath(t);
    function* endless() {
      for (;;) yield ROUTES[0]!;
    }
    const server = await startControlServer(
      { path: socket },
      fixedRouter({ routes: endless }),
      { clock: systemClock, log: new Lines(), access: openAccess() },
      new AbortController().signal,
    );
    const reading = assert.rejects(ask(socket, "/v1/routes"));
    await ask(socket, "/v1/status");
    await server[Symbol.asyncDispose]();
    await reading;
  });
});
