import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DifferenceRetries } from "../../../src/dataplane/fib-service/difference-retries.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

/** What is told again, and when, in seconds since the start; each attempt asks for the next one, as refusals do. */
function retried(differences: number) {
  const clock = new VirtualClock(0);
  const executor = { differences, refuses: true };
  const told: string[] = [];
  const tell = (how: string) => () => {
    told.push(`${clock.monotonic() / 1000} ${how}`);
    if (executor.refuses) retries.later();
  };
  const retries: DifferenceRetries = new DifferenceRetries({
    clock,
    differences: () => executor.differences,
    oneByOne: tell("one by one"),
    whole: tell("whole"),
  });
  return { clock, executor, told, retries };
}

describe("what an executor has not carried out is told again", () => {
  it("less and less often, and each fourth time as a whole plan", () => {
    const { clock, told, retries } = retried(3);
    retries.later();
    clock.advance(250_000);
    assert.deepEqual(told, [
      ...["1 one by one", "3 one by one", "7 one by one", "15 whole"],
      ...["31 one by one", "63 one by one", "123 one by one", "183 whole", "243 one by one"],
    ]);
  });

  it("as a whole plan at once where it is much", () => {
    for (const [differences, how] of [
      [1024, "one by one"],
      [1025, "whole"],
    ] as const) {
      const { clock, told, retries } = retried(differences);
      retries.later();
      clock.advance(1_000);
      assert.deepEqual(told, [`1 ${how}`]);
    }
  });

  it("what is asked for twice before it is time is told once", () => {
    const { clock, executor, told, retries } = retried(1);
    executor.refuses = false;
    retries.later();
    clock.advance(900);
    retries.later();
    clock.advance(60_000);
    assert.deepEqual(told, ["1 one by one"]);
  });

  it("when nothing differs, what will is told again soon", () => {
    const { clock, executor, told, retries } = retried(1);
    retries.later();
    clock.advance(8_000);
    executor.refuses = false;
    executor.differences = 0;
    clock.advance(60_000);
    assert.equal(told.length, 3, "nothing is told that is carried out by now");
    retries.none();
    executor.differences = 1;
    retries.later();
    clock.advance(1_000);
    assert.equal(told.at(-1), "69 one by one");
  });

  it("not while there is nobody to tell, and with the next session as late as before", () => {
    const { clock, executor, told, retries } = retried(1);
    retries.later();
    clock.advance(1_000);
    retries.rest();
    clock.advance(60_000);
    assert.deepEqual(told, ["1 one by one"]);
    executor.refuses = false;
    retries.later();
    clock.advance(2_000);
    assert.deepEqual(told, ["1 one by one", "63 one by one"]);
  });
});
