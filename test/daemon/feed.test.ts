import assert from "node:assert/strict";
import { it } from "node:test";
import { type CapabilityName, milliseconds } from "../../src/base/index.ts";
import { feedCompiler, JUDGED } from "../../src/daemon/feed.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import type { CapabilitySelection } from "../../src/rib/index.ts";
import { bench } from "../directory/samples.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";

const selection: CapabilitySelection = {
  ...{ tenantIndex: 1, capabilityId: new Uint8Array(16), name: "/vision/ocr" as CapabilityName, candidates: [] },
} as unknown as CapabilitySelection;

/** A feed from a RIB with so many changed destinations, on a clock on which each look at it takes a millisecond. */
function world(changed: number) {
  const { directory } = bench();
  const turns: (() => void)[] = [];
  let [now, left, prefixes, told] = [0, changed, 3, 0];
  const take = (visit: (one: CapabilitySelection) => void, limit: number): number => {
    for (let visited = 0; visited < limit && left > 0; visited++, left--) visit(selection);
    return left;
  };
  const feed = feedCompiler(
    {
      capabilityChanged: () => void told++,
      ...{ lookAhead() {}, prefixChanged() {}, instanceAdded() {}, instanceRemoved() {}, instancesChanged() {} },
    },
    {
      directory,
      capability: {
        onDestinationsChanged: undefined,
        drainDestinations: take,
        drainPrefixes: () => (prefixes = Math.max(0, prefixes - 1)),
        destinations: () => [].values(),
        select: () => selection,
      },
      clock: {
        monotonic: () => milliseconds(now++),
        wall: () => milliseconds(0),
        after: () => ({ cancel() {} }),
        soon: (run) => void turns.push(run),
      },
      metrics: new TallyMetrics(),
      selections: new SelectionFan(),
      health: { eligible: (one) => one, onChange: () => {} },
    },
  );
  let settled = 0;
  const ask = (): void => void feed.settled().then(() => settled++);
  /** One turn of the event loop; how often `settled` has been resolved by then. */
  const turn = async (): Promise<number> => {
    for (const run of turns.splice(0)) run();
    await Promise.resolve();
    return settled;
  };
  const more = (count: number): void => {
    left += count;
  };
  return { feed, ask, turn, told: () => told, more };
}

it("is settled when the compiler has heard of the last thing that was decided, over however many turns", async () => {
  const all = 10 * JUDGED.atOnce;
  const { ask, turn, told, more } = world(all);
  ask();
  ask();
  let turns = 0;
  for (; (await turn()) === 0; turns++) assert.ok(turns < 20, `${told()} of ${all} in ${turns} turns`);
  assert.equal(told(), all);
  assert.ok(turns > 2, "not in one go");
  more(5 * JUDGED.atOnce);
  ask();
  assert.equal(await turn(), 2, "there is more");
  while ((await turn()) === 2) assert.ok(turns++ < 40);
  assert.equal(told(), all + 5 * JUDGED.atOnce);
});

it("is settled on the next turn where nothing waits, and leaves nobody waiting when it ends", async () => {
  const { feed, ask, turn, more } = world(0);
  for (let turns = 0; turns < 5; turns++) await turn();
  ask();
  assert.equal(await turn(), 1);
  more(1000);
  ask();
  feed[Symbol.dispose]();
  ask();
  assert.equal(await turn(), 3);
});
