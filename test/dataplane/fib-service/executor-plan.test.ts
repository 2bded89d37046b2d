import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readExecutorPlan } from "../../../src/dataplane/fib-service/executor-plan.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { OPTIONS } from "../memory/story.ts";
import { hop, PLAN } from "./rig.ts";

/** An executor that holds what these operations make. */
const holds = (...operations: readonly Operation[]) => ({
  asked: 0,
  async read(most: number, take: (operation: Operation) => void) {
    this.asked = most;
    for (const operation of operations) take(operation);
  },
});

describe("what an executor holds", () => {
  it("is taken as tables", async () => {
    const session = holds(...PLAN);
    const plan = await readExecutorPlan(session, OPTIONS);
    assert.ok(plan.tables !== undefined);
    assert.equal(plan.operations, PLAN.length);
    const { capabilities, nodes } = plan.tables.snapshot(1);
    assert.deepEqual([capabilities.size, nodes.length], [1, 1]);
    const { groups, nextHops, nodes: routers, policies, aggregates } = plan.tables.sizes;
    const most = OPTIONS.maxCapabilities + groups + nextHops + routers + policies + aggregates;
    assert.equal(session.asked, most, "no more objects than the tables have room for");
  });

  it("is an empty plan where it has none", async () => {
    const plan = await readExecutorPlan(holds(), OPTIONS);
    assert.ok(plan.tables !== undefined);
    assert.deepEqual([plan.operations, [...plan.tables.plannedNextHops()].length], [0, 0]);
  });

  it("is no plan where one of its objects cannot be: the first says why", async () => {
    const nameless: Operation = { type: "remove-group", group: 9 };
    const plan = await readExecutorPlan(holds(hop(1), nameless, { ...hop(2), index: 0 } as Operation), OPTIONS);
    assert.ok(plan.tables === undefined);
    assert.match(plan.why, /group 9/);
  });

  it("is not known where the session ends before all has come", async () => {
    const session = { read: () => Promise.reject(new Error("the stream has ended")) };
    await assert.rejects(readExecutorPlan(session, OPTIONS), /the stream has ended/);
  });
});
