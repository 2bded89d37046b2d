import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds, seconds } from "../../../src/base/index.ts";
import { TimerSet } from "../../../src/bgp/speaker/timer-set.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const STEADY = { jitter: false };

function start(): { clock: VirtualClock; timers: TimerSet<"hold" | "keepalive">; fired: string[] } {
  const clock = new VirtualClock(0);
  const fired: string[] = [];
  const timers = new TimerSet<"hold" | "keepalive">(clock, new SeededRandom(1), (name) => {
    fired.push(`${name}@${clock.monotonic()}`);
  });
  return { clock, timers, fired };
}

describe("TimerSet", () => {
  it("arming again moves the deadline, later or earlier, and keeps one timer", () => {
    const { clock, timers, fired } = start();
    for (let i = 0; i < 100; i++) {
      timers.arm("hold", seconds(9), STEADY);
      clock.advance(1000);
    }
    assert.deepEqual([fired, clock.armed], [[], 1]);
    clock.advance(7999);
    assert.deepEqual(fired, []);
    clock.advance(1);
    assert.deepEqual(fired, ["hold@108000"]);
    timers.arm("hold", seconds(60), STEADY);
    timers.arm("hold", seconds(1), STEADY);
    clock.advance(1000);
    assert.deepEqual([fired.length, clock.armed], [2, 0]);
  });

  it("a disarmed timer does not fire, nor does the one that took its name early", () => {
    const { clock, timers, fired } = start();
    timers.arm("hold", seconds(3), STEADY);
    timers.arm("keepalive", seconds(3), STEADY);
    timers.disarm("hold");
    timers.arm("hold", seconds(5), STEADY);
    clock.advance(3000);
    assert.deepEqual(fired, ["keepalive@3000"]);
    timers.disarmAll();
    clock.advance(10_000);
    assert.deepEqual([fired.length, timers.isArmed("hold")], [1, false]);
  });

  it("a message that is read on the turn on which the timer is due saves it", () => {
    const { clock, timers, fired } = start();
    timers.arm("hold", seconds(3), STEADY);
    // The timer is due, and the socket is read right after the timers.
    clock.after(milliseconds(3000), () => clock.soon(() => assert.deepEqual(fired, ["hold@3000"])));
    clock.advance(3000);
    // The same with a message: handed over between the first look and the second.
    const again = start();
    again.clock.after(milliseconds(3000), () => again.clock.soon(() => again.timers.arm("hold", seconds(3), STEADY)));
    again.timers.arm("hold", seconds(3), STEADY);
    again.clock.advance(5999);
    assert.deepEqual(again.fired, []);
    again.clock.advance(1);
    assert.deepEqual(again.fired, ["hold@6000"]);
  });

  it("jitter cuts by up to a quarter (RFC 4271 §10)", () => {
    const { clock, timers, fired } = start();
    const seen: number[] = [];
    for (let i = 0; i < 200; i++) {
      const before = clock.monotonic();
      timers.arm("keepalive", seconds(4), { jitter: true });
      while (fired.length === i) clock.advance(10);
      seen.push(clock.monotonic() - before);
    }
    assert.ok(Math.min(...seen) >= 3000 && Math.max(...seen) <= 4010);
    assert.ok(Math.max(...seen) - Math.min(...seen) > 800, "it varies");
  });
});
