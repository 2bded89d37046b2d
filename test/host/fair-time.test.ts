import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { SeededRandom } from "../sim/seeded-random.ts";
import { FairTime, stoodInLine, waitFor } from "./fair-time.ts";

const OWN = 1;

/** A machine of which the test says how late it is, and who waits for it. */
function machine() {
  const waits = new Map([[OWN, 0]]);
  let now = 1000;
  const time = new FairTime({ now: () => now, stoodInLine: (pid) => waits.get(pid) ?? 0, pid: OWN });
  const pass = (span: number, waited: Readonly<Record<number, number>> = {}): number => {
    now += span;
    for (const [pid, more] of Object.entries(waited)) waits.set(Number(pid), (waits.get(Number(pid)) ?? 0) + more);
    return time.now();
  };
  return { time, waits, pass };
}

describe("time that passes only as far as a test's processes could use it", () => {
  it("is the clock's where nobody waits", () => {
    const { pass } = machine();
    assert.equal(pass(50), 50);
    assert.equal(pass(1000), 1050);
  });

  it("stands while this process, or one that it follows, stands in line; of several the longest counts", () => {
    const { time, pass } = machine();
    assert.equal(pass(100, { 1: 30 }), 70);
    const leave = time.follow(2);
    time.follow(3);
    assert.equal(pass(100, { 1: 10, 2: 60, 3: 20 }), 110);
    leave();
    assert.equal(pass(100, { 2: 90 }), 210);
  });

  it("takes a wait into account that is only counted once it is over, and no wait from before it followed", () => {
    const { time, waits, pass } = machine();
    waits.set(2, 5000);
    time.follow(2);
    assert.equal(pass(100), 100);
    assert.equal(pass(50, { 2: 120 }), 100);
    assert.equal(pass(50), 100);
    assert.equal(pass(50), 130);
  });

  it("follows nobody who could not be started, and is not moved by one that is gone", () => {
    const { time, waits, pass } = machine();
    time.follow(undefined)();
    time.follow(2);
    pass(100, { 2: 40 });
    waits.delete(2);
    assert.equal(pass(100), 160);
  });

  it("never runs back, and never faster than the clock (random)", () => {
    const random = new SeededRandom();
    for (let run = 0; run < 2000; run++) {
      const { time, pass } = machine();
      for (let pid = 2; pid < 5; pid++) time.follow(pid);
      let [before, sum, waited] = [0, 0, 0];
      for (let step = 0; step < 20; step++) {
        const span = random.next() * 100;
        const more = Object.fromEntries(
          [1, 2, 3, 4].map((pid) => [pid, random.next() < 0.3 ? random.next() * 150 : 0]),
        );
        const now = pass(span, more);
        sum += span;
        waited += Math.max(...Object.values(more));
        assert.ok(now >= before && now - before <= span + 1e-9, `seed ${random.seed}`);
        assert.ok(now >= sum - waited - 1e-9, `seed ${random.seed}`);
        before = now;
      }
    }
  });

  it("the kernel counts how long a process of a busy processor stands in line", async () => {
    const spin = () => spawn("taskset", ["-c", "0", "sh", "-c", "while :; do :; done"], { stdio: "ignore" });
    const both = [spin(), spin()];
    try {
      const end = performance.now() + 60_000;
      const waited = () => both.reduce((sum, { pid }) => sum + stoodInLine(pid!), 0);
      while (waited() < 100 && performance.now() < end) await after(20);
      assert.ok(waited() >= 100, `${waited()} ms`);
    } finally {
      for (const one of both) {
        one.kill("SIGKILL");
        await once(one, "exit");
      }
    }
    assert.equal(stoodInLine(both[0]!.pid!), 0);
  });

  it("a wait ends when it is done, or says what it waited for", async () => {
    let looks = 0;
    await waitFor("three looks", () => ++looks === 3, { every: 1, limit: 10_000 });
    assert.equal(looks, 3);
    const never = waitFor(
      () => `the ${"moon"}`,
      () => false,
      { every: 1, limit: 30 },
    );
    await assert.rejects(never, /^Error: not within 0\.03 s \(\d+ s by the clock\): the moon$/);
  });
});
