import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { it, type TestContext } from "node:test";
import { milliseconds } from "../../src/base/index.ts";
import { ListeningSocket } from "../../src/sockets/index.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const REFUSED = "semrd_connections_not_accepted_total";

/** A server that greets who comes, and lets him go when he goes. */
async function greeting(t: TestContext, options: { readonly isOpenToMany?: boolean } = {}) {
  const [clock, log, metrics] = [new VirtualClock(), new ListLog(), new TallyMetrics()];
  const server = createServer((socket) => socket.on("error", () => {}).write("hello"));
  const where = { host: "127.0.0.1", port: 0 };
  const socket = await ListeningSocket.open(server, where, { name: "greeter", ...options, clock, log, metrics });
  t.after(() => socket[Symbol.asyncDispose]());
  return { server, socket, clock, log, metrics };
}

/** Whether the router talks to a client, which stays. */
async function greeted(t: TestContext, port: number): Promise<boolean> {
  const client = connect(port, "127.0.0.1").on("error", () => {});
  t.after(() => client.destroy());
  const [said] = await Promise.race([once(client, "data"), once(client, "close").then(() => [undefined])]);
  return said !== undefined;
}

const setLimit = (soft: number): void => {
  execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${soft}:`]);
};
const openNow = (): number => readdirSync("/proc/self/fd").length;

it("an error of a listener ends nothing: each is counted, one a minute is told of, and who comes is served", async (t) => {
  const { server, socket, clock, log, metrics } = await greeting(t);
  const failure = (): Error => Object.assign(new Error("accept ENOBUFS"), { code: "ENOBUFS" });
  for (let n = 0; n < 3; n++) server.emit("error", failure());
  clock.advance(milliseconds(61_000));
  server.emit("error", failure());
  assert.equal(metrics.value(REFUSED, { listener: "greeter", reason: "system" }), 4);
  const fields = { listener: "greeter", address: "127.0.0.1", port: socket.port, reason: "accept ENOBUFS" };
  assert.deepEqual(
    log.lines,
    [1, 2].map(() => ({ level: "warn", event: "sockets.accept-failed", fields })),
  );
  assert.equal(await greeted(t, socket.port), true);
});

it("a place that is taken is the caller's error, and nobody is told of it twice", async (t) => {
  const first = await greeting(t);
  const { clock, log } = first;
  const again = createServer();
  const own = { name: "again", clock, log };
  await assert.rejects(ListeningSocket.open(again, { host: "127.0.0.1", port: first.socket.port }, own), {
    code: "EADDRINUSE",
  });
  assert.deepEqual([again.listening, log.lines], [false, []]);
});

it("where few descriptors are left, who may be anybody is turned away, and neighbours and operators are not", async (t) => {
  const soft = Number(
    /^Max open files\s+(\d+)/m.exec(execFileSync("cat", ["/proc/self/limits"], { encoding: "utf8" }))![1],
  );
  t.after(() => setLimit(soft));
  const limit = 400;
  setLimit(limit);
  const [open, trusted] = [await greeting(t, { isOpenToMany: true }), await greeting(t)];
  const held: number[] = [];
  t.after(() => {
    for (const fd of held) closeSync(fd);
  });
  while (openNow() < limit - 60) held.push(openSync("/dev/null", "r"));

  const clients = [];
  for (let n = 0; n < 5; n++) clients.push(await greeted(t, open.socket.port));
  assert.deepEqual(clients, [false, false, false, false, false]);
  assert.equal(await greeted(t, trusted.socket.port), true);
  const refused = { listener: "greeter", reason: "descriptors" };
  assert.deepEqual([open.metrics.value(REFUSED, refused), trusted.metrics.value(REFUSED, refused)], [5, 0]);
  assert.deepEqual([open.log.events(), trusted.log.events()], [["sockets.few-descriptors"], []]);
  const [{ fields }] = open.log.lines as [(typeof open.log.lines)[0]];
  assert.deepEqual([fields.listener, fields.port, fields.limit], ["greeter", open.socket.port, limit]);
  assert.ok(Number(fields.open) > limit - 64 && Number(fields.open) <= limit, `${fields.open} open`);

  // Somebody raises the limit: it is seen with the next second.
  setLimit(limit + 100);
  open.clock.advance(milliseconds(1_000));
  assert.equal(await greeted(t, open.socket.port), true);
  setLimit(limit);
  open.clock.advance(milliseconds(1_000));

  for (const fd of held.splice(0)) closeSync(fd);
  assert.equal(await greeted(t, open.socket.port), true);
});
