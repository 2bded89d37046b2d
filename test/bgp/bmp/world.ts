/** Routers in a simulated network, and stations that one of them tells about it over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";
import { type Clock, parseIpv6, seconds } from "../../../src/base/index.ts";
import { BmpMonitor, type StationOptions } from "../../../src/bgp/bmp/index.ts";
import type { PeerOptions, SpeakerObserver } from "../../../src/bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, type NlriBatch, UpdateDecoder } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { AttributeSet, Rib } from "../../../src/rib/index.ts";
import { fairTime } from "../../host/fair-time.ts";
import { RecordedLog, RecordedMetrics, type Router, type RouterOptions } from "../speaker/router.ts";
import { Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";
import { decodeBmp, type Said } from "./decode.ts";

export const FAMILIES = ["ipv6-unicast", "ipv4-unicast", "capability"] as const;
const codec = new AttributeCodec(DEFAULT_DIALECT);

/** A station that takes what it is told, or nothing for a while. */
export class TestStation {
  readonly #server: net.Server;
  readonly port: number;
  readonly sockets: net.Socket[] = [];
  octets = Buffer.alloc(0);
  isReading = true;
  #said: { readonly of: Uint8Array; readonly messages: readonly Said[] } | undefined;

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

  /** Whoever waits looks at each turn of the event loop: read again only when more has come. */
  get said(): readonly Said[] {
    if (this.#said?.of !== this.octets) this.#said = { of: this.octets, messages: decodeBmp(this.octets) };
    return this.#said.messages;
  }
}

export interface World {
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
export async function world(
  t: TestContext,
  stations: readonly Partial<StationOptions>[],
  clock: Clock = systemClock,
  more: { readonly peer?: Partial<PeerOptions>; readonly b?: Partial<RouterOptions> } = {},
): Promise<World> {
  const scene = new Scene(t);
  const log = new RecordedLog();
  const told = watching(stations, clock, log);
  const families = FAMILIES.map((family) => ({ family }));
  const [a, b] = await scene.pair(
    { peers: [{ address: "2001:db8::b", families, ...more.peer }], observer: told.observer, maxRoutes: 300_000 },
    { peers: [{ address: "2001:db8::a", families }], maxRoutes: 300_000, ...more.b },
  );
  const { monitor } = told;
  const asked: string[] = [];
  monitor.askAgain = (peer) => {
    asked.push(peer);
    a.speaker.clearSoft(peer, "in");
  };
  t.after(() => monitor[Symbol.asyncDispose]());
  const until = async (what: () => string, done: () => boolean): Promise<void> => {
    const end = fairTime.now() + 20_000;
    while (!done()) {
      if (fairTime.now() > end) assert.fail(`not within 20 s: ${what()} (seed ${scene.seed})`);
      scene.clock.advance(20);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return { a, b, scene, monitor, log, asked, until };
}

/** A monitor for a router that is still to be made. */
export function watching(stations: readonly Partial<StationOptions>[], clock: Clock, log: RecordedLog) {
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
  return {
    observer,
    get monitor() {
      return made!;
    },
  };
}

/** `router` says so much that a station which takes nothing falls behind: what waits for it is bounded. */
export async function overwhelm({ a, b, scene, monitor, until }: World, router: Router): Promise<void> {
  scene.quiet(a, b);
  await until(
    () => "connected",
    () => monitor.stations()[0]!.connections === 1,
  );
  // Each with a set of its own, so that the messages are many: more than the station's buffers and the queue hold.
  const communities = Array.from({ length: 900 }, (_, n) => 0xfde80000 + n);
  for (let round = 0; round < 12 && monitor.stations()[0]!.resyncs === 0; round++) {
    for (let n = 0; n < 1500; n++) {
      const set = { ...PLAIN, communities, multiExitDisc: round * 100_000 + n };
      router.speaker.originateUnicast({ family: "ipv6-unicast", address: prefix(n), length: 64 }, set);
    }
    await until(
      () => `round ${round}`,
      () => router.speaker.peers()[0]!.routesPending === 0,
    );
  }
  const slow = monitor.stations()[0]!;
  assert.ok(slow.resyncs >= 1, JSON.stringify(slow));
  assert.ok(slow.queued < 6 * 1024 * 1024, `${slow.queued} octets wait`);
}

const { semantic: _, localPref: _l, ...plain } = setSample({ nextHop: parseIpv6("2001:db8::b")! });
export const PLAIN = plain;

export function prefix(n: number): Uint8Array {
  const address = new Uint8Array(16);
  address[0] = 0x2a;
  new DataView(address.buffer).setUint32(4, n);
  return address;
}

export function originate(router: Router, from: number, to: number, changes: Partial<AttributeSet> = {}): void {
  for (let n = from; n < to; n++)
    router.speaker.originateUnicast(
      { family: "ipv6-unicast", address: prefix(n), length: 64 },
      { ...PLAIN, ...changes },
    );
}

/** An UPDATE that says nothing: without attributes, or with an MP_UNREACH_NLRI of a family and no more. @see RFC 4724 §2 */
const LONGEST_END_OF_RIB = 29;

/** How many tables, each once for each family, a station was told to their end. */
export const endsOfRib = (said: readonly Said[]): number =>
  said.filter(({ update }) => update !== undefined && update.length <= LONGEST_END_OF_RIB).length;

type Table = ReadonlySet<string>;

/** By what was said, which is another list when more has come. */
const tables = new WeakMap<readonly Said[], Map<string, Table>>();

/** The keys of the routes that a station has in mind of a peer, by what it was told. */
export function tableAt(
  said: readonly Said[],
  peer: "adj" | "out" | "loc-rib",
  policy: "pre" | "post" = "post",
): Table {
  const known = tables.get(said) ?? new Map<string, Table>();
  tables.set(said, known);
  const name = `${peer} ${policy}`;
  const table = known.get(name) ?? readTable(said, peer, policy);
  known.set(name, table);
  return table;
}

function readTable(said: readonly Said[], peer: "adj" | "out" | "loc-rib", policy: "pre" | "post"): Table {
  const table = new Set<string>();
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
    if (peer !== "loc-rib" && (one.postPolicy !== (policy === "post") || one.out !== (peer === "out"))) continue;
    const by = peer === "loc-rib" ? free : decoder;
    const outcome = by.decode(one.update!, 19, one.update!.length);
    if (outcome.kind === "end-of-rib") continue;
    assert.equal(outcome.kind, "routes");
    const keys = (batch: NlriBatch): string[] =>
      Array.from({ length: batch.count }, (_, i) =>
        Buffer.from(batch.octets.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)).toString("hex"),
      );
    for (const key of [...keys(by.withdrawn), ...keys(by.classic.withdrawn)]) table.delete(key);
    for (const key of [...keys(by.announced), ...keys(by.classic.announced)]) table.add(key);
  }
  return table;
}
