import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, milliseconds } from "../../src/base/index.ts";
import type { CapabilityBook, PlanId } from "../../src/forwarding/capability-book.ts";
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
  const [waits, next] = [new Set<PlanId>(), new Map<PlanId, PlanId>()];
  const book = {
    waits: (plan: PlanId) => waits.has(plan),
    setWaits: (plan: PlanId, is: boolean) => void (is ? waits.add(plan) : waits.delete(plan)),
    nextWaiting: (plan: PlanId) => next.get(plan) ?? 0,
    setNextWaiting: (plan: PlanId, to: PlanId) => void next.set(plan, to),
  } as unknown as CapabilityBook;
  const done: PlanId[] = [];
  const queue = new WorkQueue({
    ...{ clock, book, sink: {} },
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
  return { queue, done, turn };
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
