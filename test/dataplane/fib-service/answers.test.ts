import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { momentOf } from "../../../src/base/index.ts";
import { Answers } from "../../../src/dataplane/fib-service/answers.ts";
import { type Acknowledgement, PlanHistory } from "../../../src/dataplane/fib-service/plan-history.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { OPTIONS } from "../memory/story.ts";
import { hop } from "./rig.ts";

const OPERATIONS = 5000;

/** Operations that were all sent, and nothing of them answered. */
function sent() {
  const clock = new VirtualClock();
  const history = new PlanHistory(new PlanTables(OPTIONS.domain, OPTIONS.maxCapabilities));
  history.beginSnapshot(new Uint8Array(16));
  history.connected = true;
  for (let next = history.take(1); next !== undefined; next = history.take(1));
  history.acknowledge(history.underway, [], momentOf(clock));
  history.apply(
    Array.from({ length: OPERATIONS }, (_, i) => ({
      ...hop(1 + (i % 500)),
      state: i % 1000 < 500 ? "up" : "down",
    })) as never,
    1,
  );
  while (history.take(OPERATIONS - history.underway) !== undefined);
  const taken: (Acknowledgement | string)[] = [];
  const answers = new Answers({ clock, history, taken: (news) => taken.push(news) });
  const first = history.held.sequence;
  return { clock, history, answers, taken, first };
}

describe("what an executor acknowledges", () => {
  it("is taken in parts, in order, each of its turn, when it is a whole window", () => {
    const { clock, history, answers, taken, first } = sent();
    assert.equal(history.underway, OPERATIONS);
    const refusals = [7, 1500, 4999, 5000].map((n) => ({ sequence: first + n, code: 1, reason: `no ${n}` }));
    answers.add({ through: first + 4000, refusals: refusals.slice(0, 2) });
    answers.add({ through: first + OPERATIONS, refusals: refusals.slice(2) });
    const underway = [history.underway];
    for (let turns = 0; history.underway > 0; turns++) {
      assert.ok(turns < 10, "it ends");
      clock.settle();
      underway.push(history.underway);
    }
    assert.ok(taken.length >= 5, `${taken.length} parts`);
    assert.ok(underway[0]! >= OPERATIONS - 1024, "no turn takes more than a part");
    const refused = taken.flatMap((news) =>
      typeof news === "string" ? [news] : news.refused.map(({ refusal }) => refusal.reason),
    );
    assert.deepEqual(refused, ["no 7", "no 1500", "no 4999", "no 5000"]);
  });

  it("cannot be more than was sent when it was said, whatever is still to be taken", () => {
    const { history, answers, taken, first } = sent();
    answers.add({ through: first + 4000, refusals: [] });
    answers.add({ through: first + OPERATIONS + 1, refusals: [] });
    assert.match(String(taken.at(-1)), /operation \d+ was acknowledged: those up to \d+ were before/);
    assert.equal(history.held.sequence, first + 4000, "what was said before counts");
  });

  it("is forgotten with the plan that it was about", () => {
    const { clock, history, answers, taken, first } = sent();
    answers.add({ through: first + OPERATIONS, refusals: [] });
    answers.forget();
    history.beginSnapshot(new Uint8Array(16).fill(1));
    clock.settle();
    assert.equal(history.held.sequence, 0);
    assert.equal(taken.length, 1);
  });

  it("is not taken any more once the session is over", () => {
    const { clock, history, answers, first } = sent();
    answers.add({ through: first + OPERATIONS, refusals: [] });
    const { underway } = history;
    answers.close();
    clock.settle();
    assert.equal(history.underway, underway);
  });
});
