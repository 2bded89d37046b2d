import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, milliseconds } from "../../../src/base/index.ts";
import { SharedTurns } from "../../../src/bgp/speaker/shared-turns.ts";

/** A clock that stands still unless work takes time; turns are taken one by one. */
function slowWorld() {
  let now = 0;
  let waiting: (() => void)[] = [];
  const clock: Clock = {
    wall: () => milliseconds(now),
    monotonic: () => milliseconds(now),
    after: () => ({ cancel() {} }),
    soon: (run) => waiting.push(run),
  };
  return {
    clock,
    work: (took: number) => {
      now += took;
    },
    turn: () => {
      const due = waiting;
      waiting = [];
      for (const run of due) run();
    },
  };
}

describe("SharedTurns", () => {
  it("a turn ends when its time is over, whoever waits; those who wait come first on the next one", () => {
    const { clock, work, turn } = slowWorld();
    const turns = SharedTurns.of(clock);
    const done: string[] = [];
    const job = (name: string, times: number) => {
      const run = (): void => {
        done.push(name);
        work(3);
        if (done.filter((one) => one === name).length < times) turns.later(run);
      };
      return run;
    };
    for (const name of ["a", "b", "c"]) turns.later(job(name, 2));
    turn();
    assert.deepEqual(done, ["a", "b"], "6 ms of 4");
    turn();
    assert.deepEqual(done, ["a", "b", "c", "a"]);
    turn();
    assert.deepEqual(done, ["a", "b", "c", "a", "b", "c"]);
    turn();
    assert.equal(done.length, 6);
  });

  it("who comes on a turn of its own is let in at once while there is time", () => {
    const { clock, work, turn } = slowWorld();
    const turns = SharedTurns.of(clock);
    const done: number[] = [];
    for (let i = 0; i < 4; i++) {
      turns.now(() => {
        done.push(i);
        work(3);
      });
    }
    assert.deepEqual(done, [0, 1]);
    turn();
    assert.deepEqual(done, [0, 1, 2], "the time of this turn was used already: one goes on all the same");
    turn();
    assert.deepEqual(done, [0, 1, 2, 3]);
  });

  it("a job that fails takes no others with it", () => {
    const { clock, turn } = slowWorld();
    const turns = SharedTurns.of(clock);
    const done: string[] = [];
    turns.later(() => {
      throw new Error("broken");
    });
    turns.later(() => done.push("other"));
    assert.throws(turn, /broken/);
    turn();
    assert.deepEqual(done, ["other"]);
  });
});
