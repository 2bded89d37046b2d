import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { localStatistics, peerStatistics, type StatisticsParts } from "../../../src/bgp/bmp/statistics.ts";
import type { Statistic } from "../../../src/bgp/bmp/wire/index.ts";
import { DEFAULT_DIALECT, encodeMessage, IPV6_UNICAST, MessageType } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";
import { fairTime } from "../../host/fair-time.ts";
import { Puppet } from "../speaker/puppet.ts";
import { RecordedLog } from "../speaker/router.ts";
import { A, B, Scene } from "../speaker/scene.ts";
import { updateBody } from "../wire/samples.ts";
import { endsOfRib, FAMILIES, originate, TestStation, tableAt, watching, world } from "./world.ts";

const REACH = "800e1f 0002 01 10 20010db8000000000000000000000005 00 20 20010001 20 20010002";
/** Two routes, with ORIGIN and LOCAL_PREF, an empty AS_PATH unless another one is given, and what else is said. */
const update = (more: string, path = "400200"): Uint8Array =>
  updateBody(`${REACH} 40010100 ${path} 40050400000064 ${more}`.replaceAll(" ", ""));

describe("what a report says (RFC 7854 §4.8)", () => {
  /** Routes of neighbour 7 and of all, by family. */
  const ROUTES = { capability: [3, 30], "ipv6-unicast": [4, 40] } as const;
  const table = (family: RouteFamily) => {
    const [own, routes] = ROUTES[family as keyof typeof ROUTES];
    return { routes, pathsOf: (peer: number) => (peer === 7 ? own : assert.fail(`of ${peer}`)) };
  };
  const parts = { rib: { table }, codec: { dialect: DEFAULT_DIALECT } } as unknown as StatisticsParts;
  const peer = {
    counters: new Map([
      [0, 5],
      [4, 0],
    ]),
    session: {
      ...{ peerIndex: 7, families: ["capability", "ipv6-unicast"] as const },
      told: new Map([["ipv6-unicast", { size: 9 }]] as const),
    },
  };
  const shown = (statistics: readonly Statistic[]) =>
    statistics.map(({ type, family, value }) => `${type}${family ? ` ${family.afi}/${family.safi}` : ""}: ${value}`);
  const COUNTED = ["0: 5", "4: 0", "7: 7", "9 2/251: 3", "9 2/1: 4"];

  it("of a neighbour: what is counted, then what it said, together and by family", () => {
    assert.deepEqual(shown(peerStatistics(peer, { before: undefined, after: false }, parts)), COUNTED);
  });

  it("and what it is told before and after policy, where a station wants to know (RFC 8671 §6.2)", () => {
    const before = new Map([["ipv6-unicast", 11]] as const);
    assert.deepEqual(shown(peerStatistics(peer, { before, after: true }, parts)), [
      ...COUNTED,
      ...["14: 11", "16 2/1: 11", "15: 9", "17 2/1: 9"],
    ]);
    assert.deepEqual(
      shown(peerStatistics(peer, { before: new Map(), after: false }, parts)),
      [...COUNTED, "14: 0"],
      "of no family: none, which is not the same as not told",
    );
  });

  it("of this router: the best routes (RFC 9069 §4.6)", () => {
    assert.deepEqual(shown(localStatistics(["capability", "ipv6-unicast"], parts)), [
      "8: 70",
      "10 2/251: 30",
      "10 2/1: 40",
    ]);
  });
});

it("counts what goes round, what was withdrawn for its mistakes and what was refused, each by its type (RFC 7854 §4.8)", async (t) => {
  const station = await TestStation.open(t);
  const told = watching([{ port: station.port, statisticsInterval: seconds(1) }], systemClock, new RecordedLog());
  const scene = new Scene(t);
  await scene.router({
    address: A,
    identifier: "10.0.0.1",
    peers: [{ address: B, passive: true, families: [{ family: "ipv6-unicast" }] }],
    observer: told.observer,
  });
  t.after(() => told.monitor[Symbol.asyncDispose]());
  const puppet = await Puppet.up(scene, [IPV6_UNICAST]);
  puppet.update(update("", "400206 0201 0000fde8")); // 65000 is this AS
  puppet.update(update("800904 0a000001")); // 10.0.0.1 is this router
  puppet.update(update("800a04 0a000001")); // and its cluster
  puppet.update(update("800a08 0a000009 0a000001"));
  puppet.update(update("c00803 0000fd")); // half a community
  scene.clock.advance(100);
  const last = () => station.said.findLast(({ type, peer }) => type === "statistics" && peer !== "loc-rib")?.statistics;
  const types = [0, 3, 4, 5, 11, 12];
  const end = fairTime.now() + 10_000;
  while (last()?.get(12) !== 2n) {
    assert.ok(fairTime.now() < end, `${[...(last() ?? [])]}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(
    types.map((type) => last()!.get(type)),
    [0n, 2n, 1n, 1n, 1n, 2n],
  );
});

it("counts what says nothing new: announcements, withdrawals, whole UPDATEs; an answer to a refresh is none (RFC 7854 §4.8)", async (t) => {
  const station = await TestStation.open(t);
  const told = watching([{ port: station.port, statisticsInterval: seconds(1) }], systemClock, new RecordedLog());
  const scene = new Scene(t);
  const router = await scene.router({
    ...{ address: A, identifier: "10.0.0.1", observer: told.observer },
    peers: [{ address: B, passive: true, families: [{ family: "ipv6-unicast" }] }],
  });
  t.after(() => told.monitor[Symbol.asyncDispose]());
  const puppet = await Puppet.up(scene, [IPV6_UNICAST], { routeRefresh: true, enhancedRouteRefresh: true });
  const withdraw = (...prefixes: string[]): Uint8Array =>
    updateBody(
      `800f${(3 + 5 * prefixes.length).toString(16).padStart(2, "0")}000201${prefixes.map((prefix) => `20${prefix}`).join("")}`,
    );
  puppet.update(update(""));
  puppet.update(update("")); // both once more
  puppet.update(update("c00804 ffff0006")); // with a community: something else
  puppet.update(withdraw("20010001", "20010009")); // one of them is not there
  puppet.update(withdraw("20010001")); // any more
  puppet.update(update("c00804 ffff0006")); // one of them is new
  scene.clock.advance(100);
  assert.equal(router.speaker.refresh(B), true);
  scene.clock.advance(100);
  const mark = (subtype: number): Uint8Array => Uint8Array.of(0, 2, subtype, 1);
  puppet.say(encodeMessage(MessageType.RouteRefresh, mark(1)));
  puppet.update(update("c00804 ffff0006")); // what was asked for
  puppet.say(encodeMessage(MessageType.RouteRefresh, mark(2)));
  scene.clock.advance(100);
  puppet.update(update("", "400206 0201 0000fde8")); // goes round: withdraws both
  puppet.update(update("", "400206 0201 0000fde8")); // and says nothing new of what is not taken
  scene.clock.advance(100);
  const last = () => station.said.findLast(({ type, peer }) => type === "statistics" && peer !== "loc-rib")?.statistics;
  const end = fairTime.now() + 10_000;
  while (last()?.get(4) !== 2n) {
    assert.ok(fairTime.now() < end, `${[...(last() ?? [])]}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(
    [1, 2, 13].map((type) => last()!.get(type)),
    [2n + 1n, 2n, 2n],
  );
});

it("what a table had before it was told has no time, what changes has (RFC 7854 §5)", async (t) => {
  const [first, late] = [await TestStation.open(t), await TestStation.open(t)];
  const tables = ["post-policy", "loc-rib", "adj-rib-out-pre-policy", "adj-rib-out-post-policy"] as const;
  const { a, b, scene, monitor, until } = await world(t, [
    { port: first.port, tables },
    { port: late.port, tables },
  ]);
  originate(b, 0, 20);
  originate(a, 20, 40);
  scene.quiet(a, b);
  const known = (station: TestStation) => () =>
    tableAt(station.said, "adj").size === 20 && tableAt(station.said, "loc-rib").size === 40;
  await until(() => "told", known(late));
  late.sockets.at(-1)!.destroy();
  // What the first connection heard is with the station until the next one comes there, and that one is told in parts.
  const isTold = (): boolean => late.sockets.length === 2 && endsOfRib(late.said) === tables.length * FAMILIES.length;
  await until(() => `${endsOfRib(late.said)} tables of a family; ${JSON.stringify(monitor.stations())}`, isTold);
  assert.ok(known(late)());
  const timesOf = (station: TestStation): Set<boolean> =>
    new Set(station.said.filter(({ type }) => type === "route-monitoring").map(({ at }) => at !== 0));
  assert.deepEqual([...timesOf(late)], [false]);
  const before = late.said.length;
  originate(b, 0, 1, { communities: [0xfde80001] });
  await until(
    () => "changed",
    () => late.said.slice(before).filter(({ type }) => type === "route-monitoring").length >= 2,
  );
  const now = Date.now() / 1000;
  for (const { type, at } of late.said.slice(before)) {
    if (type === "route-monitoring") assert.ok(Math.abs(at! - now) < 60, `${at}`);
  }
});

it("a route that no usual message holds is told in a long one (RFC 8654), and the made-up OPEN offers that (RFC 9069 §4.4)", async (t) => {
  const station = await TestStation.open(t);
  const { b, scene, a, until } = await world(t, [{ port: station.port }]);
  originate(b, 0, 2, { communities: Array.from({ length: 1500 }, (_, n) => 0xfde80000 + n) });
  scene.quiet(a, b);
  await until(
    () => `${tableAt(station.said, "adj").size}`,
    () => tableAt(station.said, "adj").size === 2 && tableAt(station.said, "loc-rib").size === 2,
  );
  const up = station.said.find(({ type, peer }) => type === "peer-up" && peer === "loc-rib")!;
  const open = Buffer.from(up.opens![0]!).toString("hex");
  assert.ok(open.includes("0600") && open.includes("0506000100010002"), `extended messages and next hops: ${open}`);
});
