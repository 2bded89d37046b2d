import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Clock, milliseconds } from "../../src/base/index.ts";
import type { CapabilityBook, PlanId } from "../../src/forwarding/capability-book.ts";
import { NumberQueue } from "../../src/forwarding/number-queue.ts";
import { WorkQueue } from "../../src/forwarding/work-queue.ts";

/** A queue on a clock of which each look takes half a millisecond, and the plans that it has done. */
function startQueue() {
  let now = 0;
  const turns: (() => void)[] = [];
  const clock = {
    monotonic: () => {
      now += 0.5;
      return milliseconds(now);
    },
    soon: (task: () => void) => void turns.push(task),
    after: () => ({ cancel() {} }),
  } as unknown as Clock;
  const waits = new Set<PlanId>();
  const book = {
    waits: (plan: PlanId) => waits.has(plan),
    setWaits: (plan: PlanId, is: boolean) => void (is ? waits.add(plan) : waits.delete(plan)),
  } as unknown as CapabilityBook;
  const done: PlanId[] = [];
  const ahead: PlanId[] = [];
  const queue = new WorkQueue({
    ...{ clock, book, sink: {} },
    lookAhead: (plans) => void ahead.push(...plans.filter((plan) => plan !== 0)),
    compile: (plan) => {
      done.push(plan);
      return 1;
    },
    gathered: () => 0,
    sliceDone: () => {},
  });
  /** Answers whether there was one. */
  const turn = (): boolean => {
    const task = turns.shift();
    task?.();
    return task !== undefined;
  };
  return { queue, done, ahead, turn };
}

function* steps(count: number, each: () => void = () => {}): Generator<void> {
  for (let i = 0; i < count; i++) {
    each();
    yield;
  }
}

describe("sweeps", () => {
  it("that come without end leave plans every other slice, and plans without end leave it to them", () => {
    const { queue, done, turn } = startQueue();
    let swept = 0;
    for (let i = 0; i < 50; i++) queue.addSweep(`prefix ${i}`, () => steps(100, () => void swept++));
    for (let i = 0; i < 400; i++) {
      queue.addSweep(`prefix ${50 + i}`, () => steps(100, () => void swept++));
      queue.touch(1 + i);
      assert.ok(turn());
      assert.ok(done.length >= (i - 1) / 2, `${done.length} plans in ${i} slices`);
    }
    assert.ok(swept > 400, `${swept} steps`);
    while (turn());
    assert.equal(swept, 450 * 100);
    assert.equal(done.length, 400);
    assert.equal(queue.size, 0);
  });

  it("for the same thing are one until it has begun, and then another", () => {
    const { queue, turn } = startQueue();
    let begun = 0;
    const begin = () => {
      begun++;
      return steps(40);
    };
    for (let i = 0; i < 1000; i++) queue.addSweep("prefix", begin);
    assert.ok(queue.size <= 2, `${queue.size} are left`);
    assert.ok(turn());
    assert.equal(begun, 1);
    for (let i = 0; i < 1000; i++) queue.addSweep("prefix", begin);
    assert.ok(queue.size <= 2, `${queue.size} are left`);
    while (turn());
    assert.equal(begun, 2);
    assert.equal(queue.size, 0);
  });
});

describe("plans", () => {
  it("are looked ahead at once each, in the order in which they are done, but for one that waits by itself", () => {
    const { queue, done, ahead, turn } = startQueue();
    for (let plan = 1; plan <= 1000; plan++) queue.touch(plan);
    while (turn());
    assert.deepEqual(
      done,
      Array.from({ length: 1000 }, (_, i) => 1 + i),
    );
    assert.ok(ahead.length >= 999, `${ahead.length}`);
    assert.deepEqual(ahead, done.slice(0, ahead.length));
    queue.touch(7);
    while (turn());
    assert.deepEqual(done.slice(1000), [7]);
    assert.ok(!ahead.slice(999).includes(7));
  });
});

describe("NumberQueue", () => {
  it("gives back what it was given, in order, however it fills and empties (property)", () => {
    const some = fc.oneof(fc.nat(40), fc.nat(300));
    let longest = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(some, some), { maxLength: 40 }), fc.nat(), (rounds, first) => {
        const queue = new NumberQueue();
        const ahead = new Int32Array(5);
        let model: number[] = [];
        let next = 1 + (first & 0xffff);
        for (const [pushed, shifted] of rounds) {
          for (let i = 0; i < pushed; i++) {
            queue.push(next);
            model.push(next++);
          }
          longest = Math.max(longest, model.length);
          queue.peek(ahead);
          assert.deepEqual(
            [...ahead],
            Array.from({ length: 5 }, (_, i) => model[i] ?? 0),
          );
          for (let i = 0; i < shifted; i++) assert.equal(queue.shift(), model[i] ?? 0);
          model = model.slice(shifted);
          assert.equal(queue.length, model.length);
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(longest > 500, `at most ${longest}`);
  });

  it("has little memory again after many, and goes on", () => {
    const queue = new NumberQueue();
    for (let round = 0; round < 2; round++) {
      for (let number = 1; number <= 50_000; number++) queue.push(number);
      for (let number = 1; number <= 50_000; number++) if (queue.shift() !== number) assert.fail(`${number}`);
      assert.deepEqual([queue.shift(), queue.length], [0, 0]);
    }
  });
});
