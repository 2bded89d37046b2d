import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { it } from "node:test";
import { parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import { BmpMonitor } from "../../../src/bgp/bmp/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, UpdateDecoder } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { Rib } from "../../../src/rib/index.ts";
import { fairTime } from "../../host/fair-time.ts";
import { RecordedLog, RecordedMetrics } from "../speaker/router.ts";
import { A, B, C, Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";
import { decodeBmp } from "./decode.ts";

const D = "2001:db8::d";
const PREFIX = { family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:7::/48")! } as const;
const codec = new AttributeCodec(DEFAULT_DIALECT);

/** The path identifiers of the prefix that are left after these messages of a session with ADD-PATH. */
function paths(octets: Uint8Array): number[] {
  const families = ["ipv6-unicast"] as const;
  const decoder = new UpdateDecoder(codec, { asWidth: 4, internal: true }, { families, addPath: families });
  const left = new Set<number>();
  for (const { type, postPolicy, update } of decodeBmp(octets)) {
    if (type === "peer-up") left.clear();
    if (type !== "route-monitoring" || postPolicy !== true) continue;
    assert.notEqual(decoder.decode(update!, 19, update!.length).kind, "reset");
    const { announced, withdrawn } = decoder;
    for (let i = 0; i < withdrawn.count; i++) left.delete(withdrawn.pathIds![i]!);
    for (let i = 0; i < announced.count; i++) left.add(announced.pathIds![i]!);
  }
  return [...left];
}

it("a session with ADD-PATH is monitored with its path identifiers, live and from the table (RFC 7911)", async (t) => {
  const server = net.createServer().listen(0, "::1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const sockets: net.Socket[] = [];
  let heard = Buffer.alloc(0);
  server.on("connection", (socket) => {
    heard = Buffer.alloc(0);
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heard = Buffer.concat([heard, chunk]);
    });
  });
  const scene = new Scene(t);
  const client = { reflectorClient: true };
  const plain = [{ family: "ipv6-unicast" }] as const;
  const all = [{ family: "ipv6-unicast", addPath: { send: "all", receive: true } }] as const;
  const towards = [
    { address: B, families: plain, ...client },
    { address: D, families: plain, ...client },
    { address: C, families: all, ...client },
  ];
  const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: towards });
  const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, families: plain }] });
  const d = await scene.router({ address: D, identifier: "10.0.0.4", peers: [{ address: A, families: plain }] });
  let monitor: BmpMonitor | undefined;
  const observer = (rib: Rib) => {
    const station = {
      name: "s",
      address: "::1",
      port,
      connectRetry: seconds(1),
      tables: ["post-policy"] as const,
      neighbors: [],
      statisticsInterval: undefined,
    };
    const local = { name: "c", description: "", autonomousSystem: 65000, bgpIdentifier: 3 };
    const parts = { rib, codec, clock: systemClock, log: new RecordedLog(), metrics: new RecordedMetrics() };
    monitor = new BmpMonitor([station], { ...parts, local, families: ["ipv6-unicast"] });
    return monitor.observer;
  };
  await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A, families: all }], observer });
  t.after(async () => {
    await monitor![Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const until = async (what: string, done: () => boolean): Promise<void> => {
    const end = fairTime.now() + 20_000;
    while (!done()) {
      if (fairTime.now() > end) assert.fail(`not within 20 s: ${what} (seed ${scene.seed})`);
      scene.clock.advance(20);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  for (const router of [b, d]) {
    const { semantic: _, localPref: _l, ...set } = setSample({ nextHop: router.nextHop });
    router.speaker.originateUnicast(PREFIX, set);
  }
  await until("both paths, live", () => paths(heard).length === 2);
  sockets[0]!.destroy();
  await until("both paths, from the table", () => sockets.length === 2 && paths(heard).length === 2);
  const before = paths(heard);
  // The same from the other end: what A has told, read from its table, and said again.
  const told = a.speaker.told(C, "ipv6-unicast")!;
  const shown = [...told.routes()].map(({ state, pathId, reason }) => [state, pathId, reason]);
  assert.deepEqual(shown.sort(), before.map((id) => ["told", id, undefined]).sort());
  const decoder = new UpdateDecoder(
    codec,
    { asWidth: 4, internal: true },
    { families: ["ipv6-unicast"], addPath: ["ipv6-unicast"] },
  );
  const ids: number[] = [];
  const next = told.say(1, (update) => {
    assert.equal(decoder.decode(update, 19, update.length).kind, "routes");
    ids.push(...decoder.announced.pathIds!.subarray(0, decoder.announced.count));
  });
  assert.deepEqual([next, ids.sort()], [0, before.sort()]);
  b.speaker.withdrawUnicast(PREFIX);
  await until("one of them withdrawn", () => paths(heard).length === 1);
  assert.ok(before.includes(paths(heard)[0]!));
});
