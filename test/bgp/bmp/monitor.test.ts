import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { type Clock, parseIpv6, seconds } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { Router } from "../speaker/router.ts";
import { dissect, TSHARK } from "./capture.ts";
import { originate, overwhelm, PLAIN, prefix, TestStation, tableAt, world } from "./world.ts";

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
  // The neighbour marks the end of what it was asked for (RFC 7313), so the station knows that this is all (RFC 7854 §3.3).
  const ends = (): string[] =>
    first.said
      .filter(({ type, postPolicy, update }) => type === "route-monitoring" && !postPolicy && update!.length < 31)
      .map(({ update }) => Buffer.from(update!.subarray(19)).toString("hex"));
  await until(
    () => ends().join(" "),
    () => ["00000006800f03000201", "00000006800f030002fb", "00000000"].every((end) => ends().includes(end)),
  );
});

it("a station that takes nothing holds up nothing, and has the truth when it reads again", {
  timeout: 60_000,
}, async (t) => {
  const station = await TestStation.open(t);
  station.isReading = false;
  const made = await world(t, [{ port: station.port, tables: ["post-policy", "loc-rib", "mirrored-errors"] }]);
  const { a, b, monitor, until } = made;
  await overwhelm(made, b);
  await until(
    () => "the session was held up",
    () => v6Routes(a, ({ peer }) => peer !== 0) === 1500,
  );
  for (let n = 0; n < 500; n++) b.speaker.withdrawUnicast({ family: "ipv6-unicast", address: prefix(n), length: 64 });
  await until(
    () => "withdrawn",
    () => v6Routes(a, ({ peer }) => peer !== 0) === 1000,
  );
  station.read();
  let read = -1;
  await until(
    () => `${JSON.stringify(monitor.stations())}`,
    () => {
      const { state, queued } = monitor.stations()[0]!;
      const quiet = state === "up" && queued === 0 && read === station.octets.length;
      read = station.octets.length;
      return quiet && tableAt(station.said, "adj").size === 1000 && tableAt(station.said, "loc-rib").size === 1000;
    },
  );
  assert.ok(station.said.some(({ type, reason }) => type === "peer-down" && reason === 5));
  const mirrored = station.said.filter(({ type }) => type === "mirroring").map(({ tlvs }) => tlvs);
  assert.ok(mirrored.length >= 1, "it is told that messages may be missing (RFC 7854 §4.7)");
  for (const tlvs of mirrored) assert.deepEqual(tlvs, [[1, "0001"]]);
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
