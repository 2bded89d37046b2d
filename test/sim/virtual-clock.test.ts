import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds as ms } from "../../src/base/index.ts";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualClock } from "./virtual-clock.ts";

it("timers fire at their own instant, equal ones in the order of arming, soon work in between", () => {
  const clock = new VirtualClock(0);
  const seen: string[] = [];
  const note = (what: string): void => void seen.push(`${what}@${clock.monotonic()}`);
  clock.after(ms(20), () => note("late"));
  clock.after(ms(10), () => {
    note("a");
    clock.soon(() => note("soon"));
    clock.after(ms(0), () => note("nested"));
  });
  clock.after(ms(10), () => note("b"));
  clock.after(ms(15), () => note("cancelled")).cancel();
  clock.advance(19);
  assert.deepEqual(seen, ["a@10", "soon@10", "b@10", "nested@10"]);
  assert.equal(clock.untilNext, 1);
  clock.advance(1);
  assert.deepEqual(seen.at(-1), "late@20");
  assert.equal(clock.armed, 0);
});

it("a step of the wall clock moves no timer", () => {
  const clock = new VirtualClock(1_000);
  let fired = 0;
  clock.after(ms(5), () => fired++);
  clock.stepWall(3_600_000);
  clock.advance(4);
  assert.deepEqual([fired, clock.wall(), clock.monotonic()], [0, 3_601_004, 4]);
});

it("a seed repeats its sequence, another one does not", () => {
  const draw = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 8 }, () => random.next());
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
  assert.ok(draw(3).every((value) => value >= 0 && value < 1));
});
