import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { RoutePolicy } from "../../../src/bgp/policy/index.ts";
import type { PeerObserver } from "../../../src/bgp/speaker/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { dissect, TSHARK } from "./capture.ts";
import type { Said } from "./decode.ts";
import { originate, overwhelm, prefix, TestStation, tableAt, world } from "./world.ts";

const OUT = ["adj-rib-out-pre-policy", "adj-rib-out-post-policy"] as const;
const B = "2001:db8::b";
/** Routes with this community stay here. */
const HELD = 0xfde80063;
const exportPolicy: RoutePolicy = (set) =>
  set.communities.includes(HELD) ? { verdict: "reject", reason: "policy" } : { verdict: "accept" };
const none = (): void => {};

/** What a neighbour hears, as octets. */
function listener(heard: string[]): () => PeerObserver {
  return () => ({
    received(octets, start, end) {
      if (octets[start + 18] === 2) heard.push(Buffer.from(octets.subarray(start, end)).toString("hex"));
    },
    ...{
      stateChanged: none,
      established: none,
      ended: none,
      announced: none,
      withdrawn: none,
      swept: none,
      gone: none,
    },
  });
}

/** Without markers: a station that comes a little later hears one of its own. */
const isRoutes = (update: string): boolean => update.length > 2 * 31;
const updates = (said: readonly Said[]): string[] =>
  said
    .filter(({ type, out, postPolicy }) => type === "route-monitoring" && out === true && postPolicy === true)
    .map(({ update }) => Buffer.from(update!).toString("hex"))
    .filter(isRoutes);

it("what a neighbour is told: before export policy, and octet for octet as the session carries it (RFC 8671)", async (t) => {
  const station = await TestStation.open(t);
  const heard: string[] = [];
  const { a, b, scene, monitor, until } = await world(
    t,
    [{ port: station.port, tables: OUT, statisticsInterval: seconds(1) }],
    systemClock,
    { peer: { exportPolicy }, b: { observer: () => listener(heard) } },
  );
  await until(
    () => "connected",
    () => monitor.stations()[0]!.state !== "connecting",
  );
  originate(a, 0, 30);
  originate(a, 30, 50, { communities: [HELD] });
  originate(b, 100, 110);
  scene.quiet(a, b);
  const sizes = () => [tableAt(station.said, "out", "pre").size, tableAt(station.said, "out").size];
  const are = (before: number, after: number) => () => sizes().join() === `${before},${after}`;
  await until(() => sizes().join(), are(50, 30));
  a.speaker.withdrawUnicast({ family: "ipv6-unicast", address: prefix(3), length: 64 });
  a.speaker.withdrawUnicast({ family: "ipv6-unicast", address: prefix(33), length: 64 });
  originate(a, 5, 6, { communities: [HELD] });
  await until(() => sizes().join(), are(48, 28));
  assert.deepEqual(updates(station.said), heard.filter(isRoutes));
  assert.ok(station.said.every(({ type, out }) => type !== "route-monitoring" || out === true));

  await until(
    () => "statistics",
    () => station.said.some(({ statistics }) => statistics?.get(14) === 48n && statistics.get(16) === 48n),
  );
  const { statistics } = station.said.findLast(({ type }) => type === "statistics")!;
  assert.deepEqual([statistics!.get(15), statistics!.get(17)], [28n, 28n]);

  // One that comes later is told what the neighbour knows by then, packed anew, and goes on with what it hears.
  station.sockets[0]!.destroy();
  await until(
    () => `again: ${sizes()}`,
    () => station.sockets.length === 2 && monitor.stations()[0]!.state === "up" && are(48, 28)(),
  );
  const before = heard.length;
  originate(a, 200, 205);
  await until(() => sizes().join(), are(53, 33));
  assert.deepEqual(updates(station.said).slice(before - heard.length), heard.slice(before));

  const shown = a.speaker.told(B, "ipv6-unicast")!;
  const reasons = [...shown.routes()].map(({ state, reason }) => `${state} ${reason}`);
  assert.equal(shown.size, 33);
  assert.deepEqual(
    [...new Set(reasons)].sort().map((line) => [line, reasons.filter((other) => other === line).length]),
    [
      ["not-told policy", 20],
      ["told undefined", 33],
    ],
  );
  assert.equal(a.speaker.told("2001:db8::77", "ipv6-unicast"), undefined);

  if (!existsSync(TSHARK)) return t.skip("skipped: tshark is missing (apt-get install tshark)");
  const where = await mkdtemp(join(tmpdir(), "semrd-bmp-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  const fields = ["bmp.type", "bmp.peer.flags", "bmp.stats.type"];
  const { rows, wrong } = await dissect(join(where, "bmp.pcap"), station.octets, station.port, fields);
  assert.deepEqual(
    wrong.split("\n").filter((line) => line !== "" && !line.includes("Unknown SAFI (251)")),
    [],
  );
  const flags = rows.filter(([type]) => type === "0").map(([, value]) => value);
  assert.deepEqual([...new Set(flags)].sort(), ["0x90", "0xd0"], "V and O, with L after policy");
  t.diagnostic(`tshark: ${rows.length} messages, none malformed; flags ${[...new Set(flags)]}`);
  return undefined;
});

it("a station that takes nothing costs bounded memory and has what neighbours are told when it reads again", {
  timeout: 60_000,
}, async (t) => {
  const station = await TestStation.open(t);
  station.isReading = false;
  const made = await world(t, [{ port: station.port, tables: OUT }]);
  const { a, monitor, until } = made;
  await overwhelm(made, a);
  for (let n = 0; n < 500; n++) a.speaker.withdrawUnicast({ family: "ipv6-unicast", address: prefix(n), length: 64 });
  await until(
    () => "withdrawn",
    () => a.speaker.told(B, "ipv6-unicast")!.size === 1000,
  );
  station.read();
  let read = -1;
  await until(
    () => JSON.stringify(monitor.stations()),
    () => {
      const { state, queued } = monitor.stations()[0]!;
      const quiet = state === "up" && queued === 0 && read === station.octets.length;
      read = station.octets.length;
      return quiet && ["pre", "post"].every((of) => tableAt(station.said, "out", of as "pre" | "post").size === 1000);
    },
  );
  t.diagnostic(`${monitor.stations()[0]!.resyncs} resyncs, ${station.said.length} messages`);
});
