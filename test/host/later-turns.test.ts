import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LaterTurns } from "../../src/host/later-turns.ts";

/** An event loop of immediates alone, whose rounds are run by hand. */
function loopOf() {
  let now = 0;
  const thrown: unknown[] = [];
  let queue: (() => void)[] = [];
  return {
    now: () => now,
    immediate: (run: () => void): void => void queue.push(run),
    work(milliseconds: number): void {
      now += milliseconds;
    },
    /** Answers how long the round was. As Node's, it goes on behind one that throws. */
    round(): number {
      const [began, due] = [now, queue];
      queue = [];
      for (const run of due) {
        try {
          run();
        } catch (cause) {
          thrown.push(cause);
        }
      }
      return now - began;
    },
    thrown,
    get isIdle() {
      return queue.length === 0;
    },
  };
}

describe("work for later turns", () => {
  it("shares rounds: nobody begins when somebody has worked for long, and each comes in its order", () => {
    const loop = loopOf();
    const turns = new LaterTurns(loop);
    const done: string[] = [];
    const slices = (name: string, left: number): void =>
      turns.soon(() => {
        done.push(name);
        loop.work(2.5);
        if (left > 1) slices(name, left - 1);
      });
    for (const name of ["compiler", "feed", "origination"]) slices(name, 3);
    const rounds: number[] = [];
    while (!loop.isIdle) rounds.push(loop.round());
    assert.equal(Math.max(...rounds), 2.5);
    assert.deepEqual(done, Array.from({ length: 3 }, () => ["compiler", "feed", "origination"]).flat());
  });

  it("does what is short in one round, and what is asked for in it in the next", () => {
    const loop = loopOf();
    const turns = new LaterTurns(loop);
    const done: number[] = [];
    for (let i = 0; i < 10; i++) {
      turns.soon(() => {
        done.push(i);
        loop.work(0.01);
        turns.soon(() => done.push(10 + i));
      });
    }
    loop.round();
    assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    loop.round();
    assert.equal(done.length, 20);
  });

  it("loses nothing when one of them throws", () => {
    const loop = loopOf();
    const turns = new LaterTurns(loop);
    const mistake = new Error("its own");
    let done = 0;
    turns.soon(() => {
      throw mistake;
    });
    turns.soon(() => done++);
    loop.round();
    assert.deepEqual([loop.thrown, done], [[mistake], 1]);
  });

  it("does what many ask for at the same time, in whose rounds few are asked again, and loses nothing by those that throw", () => {
    const loop = loopOf();
    const many = 20_000;
    let asked = 0;
    const turns = new LaterTurns({
      now: loop.now,
      immediate(run) {
        asked++;
        loop.immediate(run);
      },
    });
    const done: number[] = [];
    for (let i = 0; i < many; i++)
      turns.soon(() => {
        done.push(i);
        loop.work(0.02);
        if (i % 100 === 0) throw new Error(`${i}`);
      });
    let most = 0;
    for (; !loop.isIdle; most = Math.max(most, asked)) {
      asked = 0;
      assert.ok(loop.round() < 2.1);
    }
    assert.deepEqual(
      done,
      Array.from({ length: many }, (_, i) => i),
    );
    assert.equal(loop.thrown.length, many / 100);
    assert.ok(most <= 400, `${most} immediates were asked for in a round`);
    // Who comes later is served as before.
    turns.soon(() => done.push(many));
    loop.round();
    assert.equal(done.at(-1), many);
  });

  it("does each once, in the order in which they were asked for, whatever they take and whoever asks", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(3)), { maxLength: 60 }), (jobs) => {
        const loop = loopOf();
        const turns = new LaterTurns(loop);
        const [asked, done]: [number[], number[]] = [[], []];
        let next = 0;
        const ask = (): void => {
          const job = jobs[next];
          if (job === undefined) return;
          const number = next++;
          asked.push(number);
          turns.soon(() => {
            done.push(number);
            loop.work(job[0]);
            for (let i = 0; i < job[1]; i++) ask();
          });
        };
        while (next < jobs.length || !loop.isIdle) {
          ask();
          // less than 2 ms, then one of at most 4
          assert.ok(loop.round() <= 1 + 4);
        }
        assert.deepEqual(done, asked);
      }),
      { numRuns: 1000 },
    );
  });
});
