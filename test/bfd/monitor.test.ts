import assert from "node:assert/strict";
import { it } from "node:test";
import type { Bfd, BfdBinding, BfdChange, BfdSessionOptions, BfdStatus, TcpConnectionEnds } from "../../native/api.ts";
import { milliseconds } from "../../src/base/index.ts";
import { type BfdMonitor, type BfdPath, startBfdMonitor } from "../../src/bfd/index.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const B = "2001:db8::b";
const CONNECTION = { local: { address: "2001:db8::a", port: 179 }, remote: { address: B, port: 4000 } };

/** A monitor over a thread that does nothing but note what it is told. */
class World {
  readonly told: string[] = [];
  readonly logged: string[] = [];
  readonly clock = new VirtualClock(Date.UTC(2026, 10, 20));
  dropped = 0;
  realtime = true;
  status: Partial<BfdStatus> = {};
  word: string | undefined = "word 1";
  change: (change: Partial<BfdChange>) => void = () => {};
  openFails: (options: BfdSessionOptions) => boolean = () => false;
  readonly monitor: BfdMonitor;

  constructor(realtime = true) {
    this.realtime = realtime;
    const world = this;
    const bfd: Bfd = {
      start({ change }) {
        world.change = (some) =>
          change({
            session: 7,
            state: "Down",
            before: "Up",
            diagnostic: 1,
            remoteState: "Up",
            remoteIndependent: false,
            failed: true,
            peerEnded: false,
            stored: true,
            at: Number(process.hrtime.bigint()) / 1e6,
            ...some,
          });
        return {
          priority: realtime ? { realtime } : { realtime, reason: "EPERM" },
          get dropped() {
            return world.dropped;
          },
          discarded: {},
          openSession: (options) => {
            if (world.openFails(options)) throw new Error("EADDRNOTAVAIL");
            world.told.push(`open ${options.remote} ${options.desiredMinTx} us`);
            return {
              session: 7,
              get status() {
                return { state: "Up", remoteState: "Up", remoteIndependent: false, ...world.status } as BfdStatus;
              },
              setTimes: ({ desiredMinTx }) => void world.told.push(`times ${desiredMinTx} us`),
              setAdminDown: () => {},
              bind: (binding?: BfdBinding) =>
                void world.told.push(`bind ${(binding as unknown as string) ?? "nothing"}`),
              watch: (ends?: TcpConnectionEnds) => void world.told.push(`watch ${ends?.remote.port ?? "nothing"}`),
              [Symbol.dispose]: () => void world.told.push("close session"),
            };
          },
          [Symbol.dispose]: () => void world.told.push("close thread"),
        };
      },
    };
    const note = (event: string) => void this.logged.push(event);
    const path = { peer: B, local: "2001:db8::a", multihop: true, detectMultiplier: 3 };
    this.monitor = startBfdMonitor([{ ...path, desiredMinTx: milliseconds(50), requiredMinRx: milliseconds(50) }], {
      bfd,
      clock: this.clock,
      log: { error: note, warn: note, info: note, debug: note },
      metrics: new TallyMetrics(),
      paths: {
        binding: () => this.word as unknown as BfdBinding,
        set: (peer, state) => void this.told.push(`${state} ${peer}`),
      },
      sessions: {
        pathFailed: (_peer, { independent }) => void this.told.push(`failed ${independent}`),
        pathRecovered: () => void this.told.push("recovered"),
      },
    });
  }

  /** What was told since the last time. */
  news(): string[] {
    return this.told.splice(0);
  }
}

it("a failure: data plane, then speaker, with its time; back again", () => {
  const world = new World();
  assert.deepEqual(world.news(), [`open ${B} 50000 us`, "bind word 1"]);
  world.monitor.session(B, { type: "established", connection: CONNECTION });
  assert.deepEqual(world.news(), ["watch 4000", "bind word 1", `up ${B}`]);
  world.change({});
  assert.deepEqual(world.news(), ["bind word 1", `down ${B}`, "failed false"]);
  const status = world.monitor.status(B);
  assert.deepEqual([status?.pathFailed, status?.failures], [true, 1]);
  assert.ok(Math.abs(status!.failedAt! - world.clock.wall()) < 1000);
  world.change({ state: "Up", before: "Init", failed: false });
  assert.deepEqual(world.news(), ["bind word 1", `up ${B}`, "recovered"]);
  assert.equal(world.monitor.status("2001:db8::c"), undefined);
});

it("while a neighbour restarts its word is not bound, unless its C bit is set; a next hop that is new is", () => {
  const world = new World();
  world.monitor.session(B, { type: "established", connection: CONNECTION });
  world.news();
  world.monitor.session(B, { type: "ended", retained: true });
  assert.deepEqual(world.news(), ["watch nothing", "bind nothing", `up ${B}`]);
  world.change({ stored: false });
  assert.deepEqual(world.news(), ["bind nothing"], "its BFD ended with its process");
  world.word = "word 2";
  world.monitor.rebind();
  assert.deepEqual(world.news(), ["bind nothing"]);
  world.status = { remoteIndependent: true };
  world.monitor.rebind();
  assert.deepEqual(world.news(), ["bind word 2"]);
  world.change({ remoteIndependent: true });
  assert.deepEqual(world.news(), ["bind word 2", `down ${B}`, "failed true"]);
  world.monitor.rebind();
  assert.deepEqual(world.news(), ["bind word 2", `down ${B}`], "a new next hop over a broken path starts off");
});

it("changes that were dropped are made up for from the state of now", () => {
  const world = new World();
  world.news();
  world.dropped = 3;
  world.status = { state: "Down", remoteState: "Down" };
  world.change({ session: 99 });
  assert.deepEqual(world.news(), ["bind word 1", `down ${B}`, "failed false"]);
  assert.ok(world.logged.includes("bfd.changes-dropped"));
});

it("says that it has no real-time priority; what an earlier process left off is set on; closes once", () => {
  const world = new World(false);
  assert.deepEqual(world.logged, ["bfd.no-realtime-priority"]);
  world.news();
  world.monitor.session("2001:db8::c", { type: "established", connection: undefined });
  assert.deepEqual(world.news(), ["up 2001:db8::c"]);
  world.monitor[Symbol.dispose]();
  world.monitor[Symbol.dispose]();
  assert.deepEqual(world.news(), ["close session", "close thread"]);
  world.change({});
  world.monitor.session(B, { type: "ended", retained: true });
  assert.deepEqual(world.news(), [`up ${B}`], "after the end nothing is bound or watched");
});

const path = (more: Partial<BfdPath> = {}): BfdPath => ({
  peer: B,
  local: "2001:db8::a",
  multihop: true,
  detectMultiplier: 3,
  desiredMinTx: milliseconds(50),
  requiredMinRx: milliseconds(50),
  ...more,
});

it("paths that come, change and go while it runs", () => {
  const world = new World();
  world.monitor.session(B, { type: "established", connection: CONNECTION });
  world.news();
  world.monitor.watch(path({ desiredMinTx: milliseconds(20) }));
  assert.deepEqual(world.news(), ["times 20000 us"], "other times need no other session");
  world.monitor.watch(path({ multihop: false }));
  assert.deepEqual(world.news(), ["close session", `open ${B} 50000 us`, "bind word 1", "watch 4000"]);
  world.change({});
  world.news();
  assert.equal(world.monitor.unwatch(B), true);
  assert.deepEqual(world.news(), ["close session", `up ${B}`], "nobody says any more that the path is broken");
  assert.deepEqual([world.monitor.unwatch(B), world.monitor.status(B)], [false, undefined]);
  world.change({});
  assert.deepEqual(world.news(), [], "a change of before");
  world.monitor.watch(path());
  assert.deepEqual(world.news(), [`open ${B} 50000 us`, "bind word 1", "watch 4000"]);
});

it("a path that cannot be watched in another way is watched as before", () => {
  const world = new World();
  world.news();
  world.openFails = ({ multihop }) => !multihop;
  assert.throws(() => world.monitor.watch(path({ multihop: false })), /EADDRNOTAVAIL/);
  assert.deepEqual(world.news(), ["close session", `open ${B} 50000 us`, "bind word 1"]);
  assert.ok(world.monitor.status(B));
});
