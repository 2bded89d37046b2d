import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds } from "../../src/base/index.ts";
import { ExecutorHealth } from "../../src/daemon/executor-health.ts";
import type { DataplaneDriver, NextHopNews } from "../../src/dataplane/index.ts";
import type { NextHop } from "../../src/forwarding/index.ts";
import type { CapabilitySelection } from "../../src/rib/index.ts";
import { address } from "../dataplane/memory/frames.ts";
import { SILENT } from "../dataplane/memory/story.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const [R2, R3] = [address("2001:db8:f::2"), address("2001:db8:f::3")];
const candidates = [R2, R3].map((nextHop) => ({ nextHop, local: false }));
const selection = { group: candidates } as unknown as CapabilitySelection;
const tunnel = (locator: Uint8Array): NextHop => ({ kind: "tunnel", locator });

function world() {
  let listener: (news: NextHopNews) => void = () => undefined;
  const unreachable: { nextHop: number; reason: string }[] = [];
  const plan = { plannedNextHop: (index: number) => ({ nextHop: tunnel(index === 2 ? R2 : R3), state: "up" }) };
  const driver = {
    ...{ plan, executor: { unreachable } },
    watchNextHops: (told: typeof listener) => {
      listener = told;
    },
  } as unknown as DataplaneDriver;
  const clock = new VirtualClock();
  const health = new ExecutorHealth({
    driver,
    directory: {} as never,
    clock,
    random: new SeededRandom(1),
    log: SILENT,
  });
  let changes = 0;
  health.onChange = () => changes++;
  const say = (index: 2 | 3, isOut: boolean): void => {
    const at = unreachable.findIndex(({ nextHop }) => nextHop === index);
    if (isOut && at < 0) unreachable.push({ nextHop: index, reason: "dark" });
    if (!isOut && at >= 0) unreachable.splice(at, 1);
    listener({ nextHop: tunnel(index === 2 ? R2 : R3), unreachable: isOut, reason: isOut ? "dark" : "" });
  };
  const left = () => health.eligible(selection).group.map(({ nextHop }) => nextHop);
  return { clock, health, unreachable, say, left, changes: () => changes };
}

it("a router that the executor cannot reach is left out where there is another; all stay where nobody would be left", () => {
  const { say, left, changes, health } = world();
  assert.equal(health.eligible(selection), selection);
  say(2, true);
  assert.deepEqual(left(), [R3]);
  say(2, true);
  assert.equal(changes(), 1, "said twice is one change");
  say(3, true);
  assert.deepEqual(left(), [R2, R3]);
  say(2, false);
  assert.deepEqual(left(), [R2]);
  say(3, false);
  assert.deepEqual(left(), [R2, R3]);
  assert.equal(changes(), 4);
});

it("who is not named any more is tried again after half a minute; who is stays out", () => {
  const { clock, unreachable, say, left, changes } = world();
  say(2, true);
  clock.advance(milliseconds(31_000));
  assert.deepEqual(left(), [R3], "still named");
  unreachable.length = 0;
  clock.advance(milliseconds(31_000));
  assert.deepEqual(left(), [R2, R3]);
  assert.equal(changes(), 2);
});
