import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { type Clock, parseIpv6, seconds } from "../../../src/base/index.ts";
import { BmpMonitor, type StationOptions } from "../../../src/bgp/bmp/index.ts";
import type { SpeakerObserver } from "../../../src/bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, type NlriBatch, UpdateDecoder } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { AttributeSet, Rib } from "../../../src/rib/index.ts";
import { RecordedLog, RecordedMetrics, type Router } from "../speaker/router.ts";
import { Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";
import { dissect, TSHARK } from "./capture.ts";
import { decodeBmp, type Said } from "./decode.ts";

const FAMILIES = ["ipv6-unicast", "ipv4-unicast", "capability"] as const;
const codec = new AttributeCodec(DEFAULT_DIALECT);

/** A station that takes what it is told, or nothing for a while. */
class TestStation {
  readonly #server: net.Server;
  readonly port: number;
  readonly sockets: net.Socket[] = [];
  octets = Buffer.alloc(0);
  isReading = true;

  private constructor(server: net.Server) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on("connection", (socket) => {
      this.sockets.push(socket);
      this.octets = Buffer.alloc(0);
      if (!this.isReading) socket.pause();
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        this.octets = Buffer.concat([this.octets, chunk]);
      });
    });
  }

  static async open(t: TestContext, port = 0): Promise<TestStation> {
    const server = net.createServer({ highWaterMark: 4096 }).listen(port, "::1");
    await once(server, "listening");
    const station = new TestStation(server);
    t.after(() => station.close());
    return station;
  }

  read(): void {
    this.isReading = true;
    for (const socket of this.sockets) socket.resume();
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }

  get said(): Said[] {
    return decodeBmp(this.octets);
  }
}

interface World {
  readonly a: Router;
  readonly b: Router;
  readonly scene: Scene;
  readonly monitor: BmpMonitor;
  readonly log: RecordedLog;
  readonly asked: string[];
  /** Lets simulated and real time pass until `done`. */
  until(what: () => string, done: () => boolean): Promise<void>;
}

/** Routers a and b in a simulated network; what a tells its stations goes over real sockets. */
async function world(
  t: TestContext,
  stations: readonly Partial<StationOptions>[],
  clock: Clock = systemClock,
): Promise<World> {
  const scene = new Scene(t);
  const log = new RecordedLog();
  let made: BmpMonitor | undefined;
  const observer = (rib: Rib): SpeakerObserver => {
    const options = stations.map((station, index) => ({
      name: `station-${index}`,
      address: "::1",
      port: 0,
      connectRetry: seconds(1),
      tables: ["post-policy", "loc-rib"] as const,
      neighbors: [],
      statisticsInterval: undefined,
      ...station,
    }));
    const local = { name: "a", description: "semrd test", autonomousSystem: 65000, bgpIdentifier: 0x0a000001 };
    made = new BmpMonitor(options, {
      rib,
      codec,
      clock,
      log,
      metrics: new RecordedMetrics(),
      local,
      families: FAMILIES,
    });
    return made.observer;
  };
  const families = FAMILIES.map((family) => ({ family }));
  const [a, b] = await scene.pair(
    { peers: [{ address: "2001:db8::b", families }], observer, maxRoutes: 300_000 },
    { peers: [{ address: "2001:db8::a", families }], maxRoutes: 300_000 },
  );
  const monitor = made!;
  const asked: string[] = [];
  monitor.askAgain = (peer) => {
    asked.push(peer);
    a.speaker.clearSoft(peer, "in");
  };
  t.after(() => monitor[Symbol.asyncDispose]());
  const until = async (what: () => string, done: () => boolean): Promise<void> => {
    const end = systemClock.monotonic() + 20_000;
    while (!done()) {
      if (systemClock.monotonic() > end) assert.fail(`not within 20 s: ${what()} (seed ${scene.seed})`);
      scene.clock.advance(20);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { a, b, scene, monitor, log, asked, until };
}

const { semantic: _, localPref: _l, ...PLAIN } = setSample({ nextHop: parseIpv6("2001:db8::b")! });

function prefix(n: number): Uint8Array {
  const address = new Uint8Array(16);
  address[0] = 0x2a;
  new DataView(address.buffer).setUint32(4, n);
  return address;
}

function originate(router: Router, from: number, to: number, changes: Partial<AttributeSet> = {}): void {
  for (let n = from; n < to; n++)
    router.speaker.originateUnicast(
      { family: "ipv6-unicast", address: prefix(n), length: 64 },
      { ...PLAIN, ...changes },
    );
}

/** The routes that a station has in mind of a peer, by what it was told: `family key` to its next hop. */
function tableAt(said: readonly Said[], peer: "adj" | "loc-rib", policy: "pre" | "post" = "post"): Map<string, string> {
  const table = new Map<string, string>();
  const decoder = new UpdateDecoder(
    codec,
    { asWidth: 4, internal: true },
    { families: FAMILIES, extendedNextHop: true },
  );
  const free = new UpdateDecoder(codec, { asWidth: 4, internal: false }, { families: FAMILIES, extendedNextHop: true });
  for (const one of said) {
    if ((one.peer === "loc-rib") !== (peer === "loc-rib")) continue;
    if (one.type === "peer-up" || one.type === "peer-down") table.clear();
    if (one.type !== "route-monitoring") continue;
    if (peer === "adj" && one.postPolicy !== (policy === "post")) continue;
    const by = peer === "loc-rib" ? free : decoder;
    const outcome = by.decode(one.update!, 19, one.update!.length);
    if (outcome.kind === "end-of-rib") continue;
    assert.equal(outcome.kind, "routes");
    const keys = (batch: NlriBatch): string[] =>
      Array.from({ length: batch.count }, (_, i) =>
        Buffer.from(batch.octets.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)).toString("hex"),
      );
    for (const key of [...keys(by.withdrawn), ...keys(by.classic.withdrawn)]) table.delete(key);
    for (const key of [...keys(by.announced), ...keys(by.classic.announced)]) table.set(key, "");
  }
  return table;
}

const v6Routes = (router: Router, of: (row: { readonly peer: number; readonly best: boolean }) => boolean): number =>
  [...router.rib.unicast("ipv6-unicast").rowsOf({})].filter(of).length;

it("a station hears of the session with both OPENs, what import policy left, the best routes, statistics and the end", async (t) => {
  const station = await TestStation.open(t);
  const { a, b, scene, monitor, until } = await world(t, [{ port: station.port, statisticsInterval: seconds(1) }]);
  originate(b, 0, 50);
  originate(a, 40, 60);
  b.originate(1);
  b.speaker.originateUnicast(
    { family: "ipv4-unicast", address: Uint8Array.of(203, 0, 113, 0), length: 24 },
    { ...PLAIN, nextHop: parseIpv6("::ffff:192.0.2.7")! },
  );
  scene.quiet(a, b);
  await until(
    () => JSON.stringify(monitor.stations()),
    () => tableAt(station.said, "adj").size === 52 && tableAt(station.said, "loc-rib").size === 62,
  );
  const { said } = station;
  assert.deepEqual(said[0], {
    type: "initiation",
    tlvs: [
      [1, "semrd test"],
      [2, "a"],
    ],
  });
  const [up] = said.filter(({ type, peer }) => type === "peer-up" && peer !== "loc-rib");
  assert.equal(up!.peer, "20010db800000000000000000000000b");
  assert.deepEqual(
    up!.opens!.map((open) => [open[18], new DataView(open.buffer, open.byteOffset).getUint32(24)]),
    [
      [1, 0x0a000001],
      [1, 0x0a000002],
    ],
  );
  const [local] = said.filter(({ type, peer }) => type === "peer-up" && peer === "loc-rib");
  assert.deepEqual([local!.tlvs, local!.opens![0]], [[], local!.opens![1]]);

  // Changes, one by one and many.
  b.speaker.withdrawUnicast({ family: "ipv6-unicast", address: prefix(3), length: 64 });
  originate(b, 0, 2, { communities: [0xfde80001] });
  await until(
    () => `${tableAt(station.said, "adj").size}`,
    () => tableAt(station.said, "adj").size === 51 && tableAt(station.said, "loc-rib").size === 61,
  );
  await until(
    () => "statistics",
    () => station.said.some(({ type, statistics }) => type === "statistics" && statistics!.get(7) === 51n),
  );
  assert.ok(
    station.said.some(
      ({ type, peer, statistics }) => type === "statistics" && peer === "loc-rib" && statistics!.get(8) === 61n,
    ),
  );
  b.speaker.clear("2001:db8::a");
  await until(
    () => "peer down",
    () => station.said.some(({ type }) => type === "peer-down"),
  );
  const down = station.said.find(({ type }) => type === "peer-down");
  assert.equal(down!.reason, 3, "the peer's NOTIFICATION");
  scene.quiet(a, b);
  await until(
    () => "up again",
    () => tableAt(station.said, "adj").size === 51,
  );
  await monitor[Symbol.asyncDispose]();
  await until(
    () => "termination",
    () => station.said.at(-1)?.type === "termination",
  );
  assert.deepEqual(station.said.at(-1)!.tlvs, [[1, "0000"]]);

  if (!existsSync(TSHARK)) return t.skip("skipped: tshark is missing (apt-get install tshark)");
  const where = await mkdtemp(join(tmpdir(), "semrd-bmp-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  const { rows, wrong } = await dissect(join(where, "bmp.pcap"), station.octets, station.port, [
    "bmp.type",
    "bgp.type",
  ]);
  // It has not heard of the capability family: SAFI 251 is for private use.
  const malformed = wrong.split("\n").filter((line) => line !== "" && !line.includes("Unknown SAFI (251)"));
  assert.deepEqual(malformed, []);
  const types = rows.flatMap(([type]) => type!.split(",")).map(Number);
  const own = station.said.map(({ type }) =>
    ["route-monitoring", "statistics", "peer-down", "peer-up", "initiation", "termination"].indexOf(type),
  );
  assert.deepEqual(types, own);
  t.diagnostic(`tshark: ${types.length} messages, none malformed`);
  return undefined;
});

it("before import policy: UPDATEs as they came; a station that comes later has the neighbour asked again", async (t) => {
  const [first, second] = [await TestStation.open(t), await TestStation.open(t)];
  const both = { tables: ["pre-policy", "post-policy"] } as const;
  const { a, b, scene, monitor, asked, until } = await world(t, [
    { port: first.port, ...both },
    { port: second.port, ...both, neighbors: ["2001:db8::99"] },
  ]);
  originate(b, 0, 20);
  scene.quiet(a, b);
  await until(
    () => JSON.stringify(monitor.stations()),
    () => tableAt(first.said, "adj", "pre").size === 20 && tableAt(first.said, "adj").size === 20,
  );
  assert.equal(first.said.filter(({ type, postPolicy }) => type === "route-monitoring" && !postPolicy)[0]!.asWidth, 4);
  assert.deepEqual(
    second.said.map(({ type }) => type),
    ["initiation"],
    "its neighbour is another",
  );
  const before = asked.length;
  first.sockets[0]!.destroy();
  await until(
    () => JSON.stringify(monitor.stations()),
    () =>
      first.sockets.length === 2 &&
      tableAt(first.said, "adj", "pre").size === 20 &&
      tableAt(first.said, "adj").size === 20,
  );
  assert.equal(asked.length, before + 1);
  assert.equal(monitor.stations()[0]!.connections, 2);
});

it("a station that takes nothing holds up nothing, and has the truth when it reads again", {
  timeout: 60_000,
}, async (t) => {
  const station = await TestStation.open(t);
  station.isReading = false;
  const { a, b, scene, monitor, until } = await world(t, [{ port: station.port }]);
  scene.quiet(a, b);
  await until(
    () => "connected",
    () => monitor.stations()[0]!.connections === 1,
  );
  // Each with a set of its own, so that the messages are many: more than the station's buffers and the queue hold.
  const communities = Array.from({ length: 200 }, (_, n) => 0xfde80000 + n);
  for (let round = 0; round < 12 && monitor.stations()[0]!.resyncs === 0; round++) {
    for (let n = 0; n < 4000; n++) {
      const set = { ...PLAIN, communities, multiExitDisc: round * 100_000 + n };
      b.speaker.originateUnicast({ family: "ipv6-unicast", address: prefix(n), length: 64 }, set);
    }
    await until(
      () => `round ${round}`,
      () => b.speaker.peers()[0]!.routesPending === 0,
    );
  }
  const slow = monitor.stations()[0]!;
  assert.ok(slow.resyncs >= 1, JSON.stringify(slow));
  assert.ok(slow.queued < 6 * 1024 * 1024, `${slow.queued} octets wait`);
  await until(
    () => "the session was held up",
    () => v6Routes(a, ({ peer }) => peer !== 0) === 4000,
  );
  for (let n = 0; n < 1000; n++) b.speaker.withdrawUnicast({ family: "ipv6-unicast", address: prefix(n), length: 64 });
  await until(
    () => "withdrawn",
    () => v6Routes(a, ({ peer }) => peer !== 0) === 3000,
  );
  station.read();
  let read = -1;
  await until(
    () => `${JSON.stringify(monitor.stations())}`,
    () => {
      const { state, queued } = monitor.stations()[0]!;
      const quiet = state === "up" && queued === 0 && read === station.octets.length;
      read = station.octets.length;
      return quiet && tableAt(station.said, "adj").size === 3000 && tableAt(station.said, "loc-rib").size === 3000;
    },
  );
  assert.ok(station.said.some(({ type, reason }) => type === "peer-down" && reason === 5));
  t.diagnostic(`${monitor.stations()[0]!.resyncs} resyncs, ${station.said.length} messages`);
});

it("a station that is not there is tried again, and less and less often", async (t) => {
  const station = await TestStation.open(t);
  const { port } = station;
  station.close();
  const timers: { readonly delay: number; readonly fire: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (delay, fire) => {
      timers.push({ delay, fire });
      return { cancel: () => {} };
    },
  };
  const { monitor, log, until } = await world(t, [{ port }], clock);
  for (let attempt = 1; attempt <= 12; attempt++) {
    await until(
      () => `${attempt} failures`,
      () => monitor.stations()[0]!.failures === attempt,
    );
    timers.at(-1)!.fire();
  }
  assert.deepEqual(
    timers.slice(0, 12).map(({ delay }) => delay / 1000),
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720],
  );
  assert.equal(log.lines.filter(({ event }) => event === "bmp.station.lost").length, 1, "said once");
  assert.match(monitor.stations()[0]!.lastError!, /ECONNREFUSED/);
});
