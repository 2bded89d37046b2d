import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { Clock } from "../../../src/base/index.ts";
import { milliseconds, parseIpv6 } from "../../../src/base/index.ts";
import { RouteValidator, type ValidityChange } from "../../../src/bgp/rpki/index.ts";
import { encodePdu, type Pdu, PduFramer } from "../../../src/bgp/rpki/wire/index.ts";
import { encodeUnicast } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { fairTime } from "../../host/fair-time.ts";
import { RecordedLog, RecordedMetrics } from "../speaker/router.ts";

const V6 = { address: parseIpv6("2001:db8::")!, length: 32, maxLength: 48 };
const KEY = encodeUnicast({ family: "ipv6-unicast", address: parseIpv6("2001:db8:7::")!, length: 48 });

async function until(what: () => string, done: () => boolean): Promise<void> {
  const end = fairTime.now() + 20_000;
  while (!done()) {
    if (fairTime.now() > end) assert.fail(`not within 20 s: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A cache that says what the test says, and notes what it is asked. */
class Cache {
  readonly asked: Pdu[] = [];
  readonly server: net.Server;
  readonly port: number;
  socket: net.Socket | undefined;
  version: 0 | 1 = 1;
  answer: (pdu: Pdu, say: (...pdus: Pdu[]) => void) => void = () => {};

  private constructor(server: net.Server) {
    this.server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on("connection", (socket) => {
      this.socket = socket;
      const framer = new PduFramer();
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        framer.feed(chunk);
        for (let next = framer.next(); next.kind === "pdu"; next = framer.next()) {
          this.asked.push(next.pdu);
          this.answer(next.pdu, (...pdus) => this.say(...pdus));
        }
      });
    });
  }

  say(...pdus: Pdu[]): void {
    for (const pdu of pdus) this.socket?.write(encodePdu(this.version, pdu));
  }

  static async open(t: TestContext, port = 0): Promise<Cache> {
    const server = net.createServer().listen(port, "::1");
    await once(server, "listening");
    const cache = new Cache(server);
    t.after(() => cache.close());
    return cache;
  }

  close(): void {
    this.socket?.destroy();
    this.server.close();
  }
}

interface Validation {
  readonly validator: RouteValidator;
  readonly log: RecordedLog;
  readonly state: (autonomousSystem: number) => string;
  readonly changes: ValidityChange[];
}

function validate(
  t: TestContext,
  caches: readonly { port: number; preference?: number }[],
  clock: Clock = systemClock,
): Validation {
  const log = new RecordedLog();
  const validator = new RouteValidator(
    caches.map(({ port, preference = 1 }, index) => ({ name: `cache-${index}`, address: "::1", port, preference })),
    { clock, log, metrics: new RecordedMetrics() },
  );
  const changes: ValidityChange[] = [];
  validator.onChange = (change) => changes.push(change);
  t.after(() => validator[Symbol.asyncDispose]());
  const state = (autonomousSystem: number): string => validator.state("ipv6-unicast", KEY, 0, autonomousSystem);
  return { validator, log, state, changes };
}

const prefix = (autonomousSystem: number, announce = true): Pdu => ({
  type: "prefix",
  announce,
  ...V6,
  autonomousSystem,
});
const end = (serial: number, sessionId = 7): Pdu => ({
  type: "end-of-data",
  sessionId,
  serial,
  intervals: { refresh: 3600, retry: 600, expire: 600 },
});
const response = (sessionId = 7): Pdu => ({ type: "cache-response", sessionId });

it("a whole answer, a change on notification, a change of session, an unknown withdrawal", async (t) => {
  const cache = await Cache.open(t);
  cache.answer = ({ type }, say) => {
    if (type === "reset-query") say(response(), prefix(65001), prefix(65002), end(5));
  };
  const { validator, state, changes } = validate(t, [cache]);
  assert.equal(state(65001), "not-found");
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65001) === "valid",
  );
  assert.equal(state(65003), "invalid");
  await until(
    () => "told of a change",
    () => changes.length > 0,
  );
  assert.equal(changes[0]!.covers("ipv6-unicast", KEY, 0), true);

  cache.answer = ({ type }, say) => {
    if (type === "serial-query") say(response(), prefix(65001, false), prefix(65003), end(6));
  };
  changes.length = 0;
  cache.say({ type: "serial-notify", sessionId: 7, serial: 6 });
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65003) === "valid",
  );
  assert.deepEqual(cache.asked.at(-1), { type: "serial-query", sessionId: 7, serial: 5 });
  assert.deepEqual([state(65001), state(65002), validator.caches()[0]!.vrps], ["invalid", "valid", 2]);
  await until(
    () => "told of a change",
    () => changes.length > 0,
  );
  const elsewhere = encodeUnicast({ family: "ipv6-unicast", address: parseIpv6("2001:db9::")!, length: 48 });
  assert.deepEqual(
    [changes[0]!.covers("ipv6-unicast", KEY, 0), changes[0]!.covers("ipv6-unicast", elsewhere, 0)],
    [true, false],
  );

  // The cache has restarted: it says so on the next query, and everything of it goes until it was said again.
  cache.answer = ({ type }, say) => {
    if (type === "serial-query") say(response(9));
    if (type === "reset-query") say(response(9), prefix(65009), end(1, 9));
  };
  cache.say({ type: "serial-notify", sessionId: 7, serial: 7 });
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65009) === "valid",
  );
  assert.deepEqual([state(65002), validator.size], ["invalid", 1]);
  assert.ok(cache.asked.some((pdu) => pdu.type === "error-report" && pdu.code === 0));

  // What it withdraws it never announced: error 6, and all of it again.
  let broken = false;
  cache.answer = ({ type }, say) => {
    if (type === "serial-query") {
      broken = true;
      say(response(9), prefix(65004, false), end(2, 9));
    }
    if (type === "reset-query") say(response(9), prefix(65010), end(3, 9));
  };
  cache.say({ type: "serial-notify", sessionId: 9, serial: 2 });
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65010) === "valid",
  );
  assert.ok(broken && cache.asked.some((pdu) => pdu.type === "error-report" && pdu.code === 6));
  assert.equal(validator.size, 1);
});

it("a cache of version 0", async (t) => {
  const cache = await Cache.open(t);
  cache.version = 0;
  cache.answer = ({ type }, say) => {
    if (type === "reset-query") say(response(), prefix(65001), end(5));
  };
  const { validator, state } = validate(t, [cache]);
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65001) === "valid",
  );
  assert.equal(validator.caches()[0]!.version, 0);
});

it("the preferred cache counts while it has data; another one when its data has expired", async (t) => {
  const [first, second] = [await Cache.open(t), await Cache.open(t)];
  const say = (cache: Cache, autonomousSystem: number): void => {
    cache.answer = ({ type }, send) => {
      if (type === "reset-query") send(response(), prefix(autonomousSystem), end(1));
    };
  };
  say(first, 65001);
  // The second one answers after the first one, so that the timers of its data come second, too.
  let answers = (): void => say(second, 65002);
  second.answer = ({ type }, send) => {
    if (type === "reset-query") answers = () => send(response(), prefix(65002), end(1));
  };
  // Time of timers is the test's; what is real are the sockets.
  const timers: { delay: number; fire: () => void; cancelled: boolean }[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (delay, fire) => {
      const timer = { delay, fire, cancelled: false };
      timers.push(timer);
      const cancel = (): void => {
        timer.cancelled = true;
      };
      return { cancel };
    },
    monotonic: () => milliseconds(performance.now()),
  };
  const { validator, state, log, changes } = validate(
    t,
    [
      { port: first.port, preference: 1 },
      { port: second.port, preference: 2 },
    ],
    clock,
  );
  await until(
    () => JSON.stringify(validator.caches()),
    () => validator.caches()[0]!.vrps === 1,
  );
  answers();
  await until(
    () => JSON.stringify(validator.caches()),
    () => validator.caches().every(({ vrps }) => vrps === 1),
  );
  assert.deepEqual([state(65001), state(65002)], ["valid", "invalid"]);
  assert.deepEqual([validator.isActive("cache-0"), validator.isActive("cache-1")], [true, false]);
  first.close();
  await until(
    () => "lost",
    () => validator.caches()[0]!.state === "down",
  );
  assert.equal(state(65001), "valid", "data counts until it expires");
  const expiry = timers.filter(({ delay, cancelled }) => delay === 3601_000 && !cancelled);
  assert.equal(expiry.length, 2, timers.map(({ delay }) => delay).join());
  expiry[0]!.fire();
  assert.deepEqual([state(65001), state(65002)], ["invalid", "valid"]);
  assert.ok(log.has("rpki.cache.flushed"));
  for (const timer of timers) if (timer.delay === 1000 && !timer.cancelled) timer.fire();
  assert.equal(
    changes
      .at(-1)!
      .covers("ipv4-unicast", encodeUnicast({ family: "ipv4-unicast", address: new Uint8Array(4), length: 8 }), 0),
    true,
  );
  // The other one expires too: nothing is known, and no route is invalid for that.
  expiry[1]!.fire();
  assert.deepEqual([state(65001), state(65002)], ["not-found", "not-found"]);
});

it("200 000 VRPs are loaded and replaced, and only the difference is told", { timeout: 60_000 }, async (t) => {
  const cache = await Cache.open(t);
  const COUNT = 200_000;
  const table = (session: number, serial: number, last: number): Buffer => {
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    const parts: Uint8Array[] = [encodePdu(1, response(session))];
    for (let n = 0; n < COUNT; n++) {
      view.setUint32(0, 0x20010000 + (n >>> 8));
      view.setUint32(4, n << 24);
      const pdu: Pdu = {
        type: "prefix",
        announce: true,
        address,
        length: 40,
        maxLength: 48,
        autonomousSystem: n < COUNT - 1 ? 65001 : last,
      };
      parts.push(encodePdu(1, pdu));
    }
    return Buffer.concat([...parts, encodePdu(1, end(serial, session))]);
  };
  const [before, later] = [table(7, 1, 65001), table(7, 2, 65002)];
  cache.answer = ({ type }) => {
    if (type === "reset-query") cache.socket!.write(before);
    if (type === "serial-query") {
      cache.say({ type: "cache-reset" });
      cache.answer = () => cache.socket!.write(later);
    }
  };
  const { validator, changes } = validate(t, [cache]);
  await until(
    () => JSON.stringify(validator.caches()),
    () => validator.caches()[0]!.vrps === COUNT,
  );
  await until(
    () => "told",
    () => changes.length > 0,
  );
  changes.length = 0;
  cache.say({ type: "serial-notify", sessionId: 7, serial: 2 });
  await until(
    () => JSON.stringify(validator.caches()),
    () => validator.caches()[0]!.serial === 2,
  );
  assert.equal(validator.size, COUNT);
  await until(
    () => "told",
    () => changes.length > 0,
  );
  // One VRP has gone and one has come: nothing else is affected.
  const key = (n: number): Uint8Array => {
    const address = new Uint8Array(16);
    new DataView(address.buffer).setUint32(0, 0x20010000 + (n >>> 8));
    new DataView(address.buffer).setUint32(4, n << 24);
    return encodeUnicast({ family: "ipv6-unicast", address, length: 48 });
  };
  const covered = [0, 1, COUNT / 2, COUNT - 2, COUNT - 1].filter((n) => changes[0]!.covers("ipv6-unicast", key(n), 0));
  assert.deepEqual(covered, [COUNT - 1]);
  t.diagnostic(`${(validator.octets / COUNT).toFixed(0)} octets for each VRP`);
});

it("stayrtr: its file, and another one later", { timeout: 60_000 }, async (t) => {
  const STAYRTR = "/usr/bin/stayrtr";
  if (!existsSync(STAYRTR)) return t.skip("skipped: stayrtr is missing (apt-get install stayrtr)");
  const where = await mkdtemp(join(tmpdir(), "semrd-rtr-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  const file = join(where, "vrps.json");
  const write = (...numbers: number[]): Promise<void> =>
    writeFile(
      file,
      JSON.stringify({ roas: numbers.map((asn) => ({ prefix: "2001:db8::/32", maxLength: 48, asn: `AS${asn}` })) }),
    );
  await write(65001, 65002);
  const holder = net.createServer().listen(0, "::1");
  await once(holder, "listening");
  const { port } = holder.address() as net.AddressInfo;
  holder.close();
  const argv = [
    "-bind",
    `[::1]:${port}`,
    "-cache",
    file,
    "-checktime=false",
    "-metrics.addr",
    "",
    "-refresh",
    "1",
    "-loglevel",
    "error",
  ];
  const child = spawn(STAYRTR, argv, { stdio: "ignore" });
  const gone = once(child, "exit");
  t.after(() => {
    child.kill("SIGKILL");
    return gone;
  });
  const { validator, state } = validate(t, [{ port }]);
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65001) === "valid",
  );
  assert.deepEqual([state(65002), state(65003)], ["valid", "invalid"]);
  const { version, serial } = validator.caches()[0]!;
  await write(65002, 65003);
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65003) === "valid",
  );
  assert.deepEqual([state(65001), state(65002), validator.caches()[0]!.vrps], ["invalid", "valid", 2]);
  t.diagnostic(`version ${version}, serial ${serial} then ${validator.caches()[0]!.serial}`);
  return undefined;
});

it("a query that failed is not asked again before the cache's retry interval while there is data (RFC 8210 §6)", async (t) => {
  const cache = await Cache.open(t);
  cache.answer = ({ type }, say) => {
    if (type === "reset-query") say(response(), prefix(65001), end(5));
  };
  const waits: number[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (delay, fire) => {
      waits.push(delay / 1000);
      return systemClock.after(delay, fire);
    },
  };
  const { validator, state } = validate(t, [cache], clock);
  await until(
    () => JSON.stringify(validator.caches()),
    () => state(65001) === "valid",
  );
  const lost = (): void => void cache.socket?.destroy();
  const failed = (): void => cache.say({ type: "reset-query" }); // no cache says that
  for (const { what, end: happens, wait } of [
    { what: "a lost connection is made again soon", end: lost, wait: 1 },
    { what: "a failed query waits", end: failed, wait: 600 },
  ]) {
    waits.length = 0;
    const { failures, connections } = validator.caches()[0]!;
    happens();
    await until(
      () => what,
      () => validator.caches()[0]!.failures === failures + 1 && waits.length > 0,
    );
    assert.ok(waits.includes(wait), `${what}: ${waits}`);
    if (wait === 1)
      await until(
        () => "connected again",
        () => validator.caches()[0]!.connections === connections + 1,
      );
  }
  assert.equal(state(65001), "valid", "its data counts all the while");
});
