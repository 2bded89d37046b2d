import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds } from "../../../src/base/index.ts";
import { EventLog } from "../../../src/management/events/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

it("the newest 10 000 events are kept, in order; who watches hears of all", () => {
  const clock = new VirtualClock(1_000);
  const log = new EventLog(clock);
  let heard = 0;
  const watch = log.subscribe(() => heard++);
  for (let i = 0; i < 10_500; i++) {
    log.publish({ name: "m:n", target: [], content: { i } });
    clock.advance(1);
  }
  watch[Symbol.dispose]();
  log.publish({ name: "m:n", target: [], content: { i: 10_500 } });
  assert.equal(heard, 10_500);
  const kept = [...log.from(milliseconds(0))].map(({ content }) => content.i);
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [10_000, 501, 10_500]);
  assert.deepEqual(
    kept,
    kept.toSorted((a, b) => Number(a) - Number(b)),
  );
  assert.deepEqual(
    [...log.from(milliseconds(11_499))].map(({ content }) => content.i),
    [10_499, 10_500],
  );
});
