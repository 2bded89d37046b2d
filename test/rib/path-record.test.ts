import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  LARGEST_PEER,
  LARGEST_SET_ID,
  peerIn,
  recordOf,
  recordWords,
  SET,
  setIn,
  tagIn,
  timeIn,
  writeEpoch,
  writePath,
  writeSet,
} from "../../src/rib/path-record.ts";
import { PathTimes } from "../../src/rib/path-times.ts";
import { world } from "./world.ts";

const upTo = (max: number) => fc.oneof(fc.integer({ min: 0, max }), fc.constantFrom(0, 1, max - 1, max));

describe("record of a path", () => {
  it("keeps what is written up to the largest numbers, apart from its neighbours", () => {
    const path = fc.record({
      set: upTo(LARGEST_SET_ID),
      peer: upTo(LARGEST_PEER),
      epoch: upTo(255),
      time: upTo(0xffff),
    });
    fc.assert(
      fc.property(
        fc.array(path, { minLength: 3, maxLength: 3 }),
        upTo(LARGEST_SET_ID),
        upTo(255),
        (paths, set, epoch) => {
          const records = new Int32Array(recordWords(paths.length));
          const check = (expected: readonly (typeof paths)[number][]): void => {
            for (const [i, each] of expected.entries()) {
              const at = recordOf(i + 1);
              assert.equal(setIn(records, at), each.set);
              assert.equal(peerIn(records, at), each.peer);
              assert.equal(tagIn(records, at), each.peer + 65536 * each.epoch);
              assert.equal(timeIn(records, at), each.time);
            }
          };
          for (const [i, each] of paths.entries()) {
            writePath(records, recordOf(i + 1), each.set, each.peer + 65536 * each.epoch, each.time);
          }
          check(paths);
          writeSet(records, recordOf(2), set);
          check([paths[0]!, { ...paths[1]!, set }, paths[2]!]);
          writeEpoch(records, recordOf(2), paths[1]!.peer + 65536 * epoch);
          check([paths[0]!, { ...paths[1]!, set, epoch }, paths[2]!]);
        },
      ),
      { verbose: 1 },
    );
  });

  it("says that there is a path by one word, whatever set and epoch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LARGEST_SET_ID }), upTo(255), (set, epoch) => {
        const records = new Int32Array(recordWords(1));
        writePath(records, recordOf(1), set, epoch << 16, 0);
        assert.notEqual(records[recordOf(1) + SET], 0);
      }),
    );
  });

  it("has no room for more sets or neighbours: such a table is not made", () => {
    assert.throws(
      () => world({ maxAttributeSets: LARGEST_SET_ID + 1 }),
      /maxAttributeSets 16777216 is more than 16777215/,
    );
    assert.throws(() => world({ maxPeers: LARGEST_PEER + 1 }), /maxPeers 65536 is more than 65535/);
    using rib = world({ maxPeers: LARGEST_PEER }).rib;
    assert.equal(rib.peer(0)?.name, "self");
  });
});

/** Paths that come `step` seconds apart, one each time; none goes. Returns the error of each, in seconds. */
function come(times: PathTimes, from: number, step: number, count: number): number[] {
  const errors: number[] = [];
  for (let i = 0; i < count; i++) {
    const time = times.at(from + i * step, T);
    times.retain(time);
    errors.push(from + i * step - times.secondsOf(time));
  }
  return errors;
}

const T = 1_700_000_000;

describe("times of paths", () => {
  it("are exact while paths of 32 767 seconds are there, however many paths", () => {
    const times = new PathTimes();
    assert.deepEqual(new Set(come(times, T, 1, 32_767)), new Set([0]));
    for (let i = 0; i < 1000; i++) times.retain(times.at(T + 32_766, T));
    assert.equal(times.secondsOf(times.at(T + 32_766, T)), T + 32_766);
  });

  it("are those of a minute, an hour and a day before where still more are kept, and never later than now", () => {
    const times = new PathTimes();
    let now = T;
    const run = (step: number, count: number): number => {
      const errors = come(times, now, step, count);
      now += step * count;
      assert.ok(Math.min(...errors) >= 0);
      return Math.max(...errors);
    };
    assert.equal(run(1, 32_767), 0);
    assert.equal(run(1, 600), 59);
    assert.equal(run(60, 16_384 - 10), 0); // 11 days of minutes
    assert.equal(run(60, 600), 3540);
    assert.equal(run(3600, 8192 - 10), 0);
    assert.equal(run(3600, 240), 23 * 3600);
    assert.equal(run(86_400, 8192 - 10), 0); // 22 years of days
    assert.equal(new Set(come(times, now, 86_400, 10)).size, 10, "no number is left: all have the latest");
  });

  it("are exact again when paths have gone", () => {
    const times = new PathTimes();
    const held: number[] = [];
    for (let i = 0; i < 32_800; i++) {
      const time = times.at(T + i, T);
      times.retain(time);
      held.push(time);
    }
    assert.notEqual(times.secondsOf(times.at(T + 32_799, T)), T + 32_799);
    for (const time of held.splice(0, 100)) times.release(time);
    const time = times.at(T + 40_000, T);
    assert.equal(times.secondsOf(time), T + 40_000);
  });

  it("have the wall clock of then beside them, however it is set, and use numbers again", () => {
    const commands = fc.array(
      fc.oneof(
        fc.record({
          type: fc.constant("come" as const),
          by: fc.nat({ max: 5 }),
          set: fc.integer({ min: -500, max: 500 }),
        }),
        fc.record({ type: fc.constant("go" as const), which: fc.nat() }),
      ),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(commands, (steps) => {
        const times = new PathTimes();
        const paths: { time: number; seconds: number; wall: number }[] = [];
        const walls = new Map<number, number>();
        let [now, wall] = [0, T];
        for (const step of steps) {
          if (step.type === "go") {
            const [gone] = paths.length === 0 ? [] : paths.splice(step.which % paths.length, 1);
            if (gone !== undefined) times.release(gone.time);
          } else {
            now += step.by;
            wall += step.set;
            if (!walls.has(now)) walls.set(now, wall);
            const time = times.at(now, wall);
            times.retain(time);
            paths.push({ time, seconds: now, wall: walls.get(now)! });
            assert.ok(time <= 2 * paths.length + 2 || time <= steps.length);
          }
          for (const path of paths)
            assert.deepEqual([times.secondsOf(path.time), times.wallOf(path.time)], [path.seconds, path.wall]);
        }
      }),
      { verbose: 1 },
    );
  });

  it("take no number for a second from which nothing stays", () => {
    const times = new PathTimes();
    for (let i = 0; i < 200_000; i++) {
      const time = times.at(T + i, T);
      assert.ok(time <= 2);
      times.retain(time);
      times.release(time);
    }
  });
});
