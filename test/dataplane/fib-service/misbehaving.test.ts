import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Executor, type Plan } from "../../../lab/fib-executor/executor.ts";
import { milliseconds } from "../../../src/base/index.ts";
import {
  type FromExecutor,
  type OperationMessage,
  REFUSAL,
  type RefusalMessage,
  type ToExecutor,
} from "../../../src/dataplane/index.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { OTHER_LOCATOR } from "../memory/story.ts";
import { driven, hop, Listening, PLAN, until } from "./rig.ts";

type Call = ServerDuplexStream<ToExecutor, FromExecutor>;

/** Does as it should, until it is told otherwise. */
class Willing extends Executor {
  carries: (
    message: OperationMessage,
    rightly: () => readonly RefusalMessage[],
    sequence: number,
  ) => readonly RefusalMessage[] = (_, rightly) => rightly();

  get call(): Call {
    return this.session!.call;
  }

  protected override carryOut(plan: Plan, message: OperationMessage, sequence: number): readonly RefusalMessage[] {
    return this.carries(message, () => super.carryOut(plan, message, sequence), sequence);
  }
}

async function together(options: Parameters<typeof driven>[1] = {}) {
  const executor = new Willing();
  const listening = await Listening.start(executor);
  const router = await driven(listening.port, options);
  router.driver.apply(PLAN, 1);
  await router.driver.settled();
  return {
    ...{ executor, driver: router.driver, log: router.log, metrics: router.metrics },
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await listening[Symbol.asyncDispose]();
    },
  };
}

describe("an executor that does not keep to the protocol", { concurrency: true }, () => {
  const WRONG: readonly (readonly [how: string, said: (sequence: number) => FromExecutor, why: RegExp])[] = [
    [
      "acknowledges what was never sent",
      () => ({ acknowledged: { through: 1_000_000, refusals: [] } }),
      /operation 1000000 was acknowledged: those up to \d+ were before, and those up to \d+ were sent/,
    ],
    [
      "acknowledges in another order",
      (sequence) => ({ acknowledged: { through: sequence - 2, refusals: [] } }),
      /operation \d+ was acknowledged: those up to \d+ were before/,
    ],
    [
      "acknowledges twice",
      (sequence) => ({ acknowledged: { through: sequence, refusals: [] } }),
      /operation \d+ was acknowledged: those up to/,
    ],
    [
      "confirms health that was never said",
      () => ({ health_done: { number: 77, refused: "" } }),
      /health 77 was confirmed and never said/,
    ],
    [
      "says what it has, unasked",
      () => ({ held: { number: 1, operations: [], done: true } }),
      /said what it has, unasked/,
    ],
  ];
  for (const [how, said, why] of WRONG)
    it(`${how}: its session ends, the log says why, and it goes on where it was`, async () => {
      await using both = await together();
      const { driver, executor, log } = both;
      executor.call.write(said(executor.held!.sequence));
      await until(() => driver.executor.sessions === 2, "another session");
      assert.match(driver.executor.lastError!, why);
      const [line] = log.lines.filter(({ event }) => event === "dataplane.executor.away");
      assert.deepEqual(
        [line!.level, line!.fields.effect],
        ["error", "it works on with what it has and gets no change"],
      );
      driver.apply([hop(50)], 2);
      await driver.settled();
      assert.deepEqual([driver.executor.state, driver.executor.handovers], ["in-step", 1]);
    });

  it("refuses what is in another acknowledgement: its session ends", async () => {
    await using both = await together();
    const { driver, executor } = both;
    executor.carries = (_, rightly, sequence) => [
      ...rightly(),
      { sequence: sequence - 3, code: REFUSAL.internal, reason: "later" },
    ];
    driver.apply([hop(60)], 2);
    await until(() => driver.executor.lastError !== undefined, "it notices");
    assert.match(driver.executor.lastError!, /operation \d+ was refused in an acknowledgement of \d+ to \d+/);
  });

  it("acknowledges and does not carry out: found when it is asked what it holds, said, and put right", async () => {
    await using both = await together({ deadlines: { audit: milliseconds(300) } });
    const { driver, executor, log, metrics } = both;
    executor.carries = () => [];
    driver.apply(
      [hop(70), { type: "set-slots", group: 1, slots: [{ slot: 3, current: 70, previous: 70 }], backup: 0 }],
      2,
    );
    driver.apply(
      [
        { type: "remove-node", locator: OTHER_LOCATOR },
        { type: "set-next-hop-state", index: 1, state: "draining" },
      ],
      3,
    );
    await until(() => driver.executor.state === "differs", "it is found");
    const { refused } = driver.executor;
    assert.deepEqual(refused.map(({ object, reason }) => [object, reason]).toSorted(), [
      ["group 1", "it acknowledged this, and holds something else"],
      ["next hop 1", "it acknowledged this, and holds something else"],
      ["next hop 70", "it acknowledged this, and does not hold it"],
      ["node 2001:db8:f::2", "it acknowledged that this is gone, and holds it"],
    ]);
    assert.match(driver.limits.join(), /The executor refuses next hop 70: it acknowledged this, and does not hold it/);
    const lines = log.lines.filter(({ event }) => event === "dataplane.executor.mistaken");
    assert.deepEqual(
      [lines.length, lines[0]!.level, metrics.value("semrd_fib_service_mistaken_total")],
      [4, "error", 4],
    );
    executor.carries = (_, rightly) => rightly();
    const isRight = () => sameTables(executor, driver.snapshot());
    await until(() => driver.executor.state === "in-step" && isRight(), "it is put right");
  });

  it("is told nothing of a plan that changes while it is asked: nobody made a mistake", async () => {
    await using both = await together({ deadlines: { audit: milliseconds(20) } });
    const { driver, log } = both;
    for (let generation = 2; generation < 60; generation++) {
      driver.apply(
        [hop(100 + (generation % 7)), { type: "set-next-hop-state", index: 1, state: generation % 2 ? "up" : "down" }],
        generation,
      );
      driver.setHealth(2, generation % 3 === 0 ? "draining" : "up");
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await driver.settled();
    assert.ok(!log.events().includes("dataplane.executor.mistaken"));
    assert.equal(driver.executor.state, "in-step");
  });

  it("refuses everything: so many lines and no more, all of it counted, and right again once it takes them", async () => {
    await using both = await together();
    const { driver, executor, log } = both;
    executor.carries = (_, __, sequence) => [{ sequence, code: REFUSAL.tableFull, reason: "the ASIC is full" }];
    driver.apply(
      Array.from({ length: 400 }, (_, i) => hop(100 + i)),
      2,
    );
    await until(() => driver.executor.differences === 400, "it refuses");
    const told = (event: string): number => log.lines.filter((line) => line.event === event).length;
    assert.deepEqual([told("dataplane.executor.refused"), told("dataplane.executor.and-more")], [32, 1]);
    assert.equal(driver.executor.refused.length, 32);
    executor.carries = (_, rightly) => rightly();
    await until(() => driver.executor.state === "in-step", "it is right again");
    assert.ok(sameTables(executor, driver.snapshot()));
  });

  it("refuses the whole plan: its session ends with its reason, once in the log", async () => {
    class Unwilling extends Willing {
      protected override take(call: Call, message: ToExecutor): void {
        if (message.message !== "snapshot_end") super.take(call, message);
        else {
          const sequence = Number(message.snapshot_end!.sequence);
          call.write({
            acknowledged: { through: sequence, refusals: [{ sequence, code: 0, reason: "no second bank" }] },
          });
        }
      }
    }
    await using listening = await Listening.start(new Unwilling());
    await using router = await driven(listening.port, { deadlines: { start: milliseconds(200) } });
    await until(() => router.driver.executor.sessions >= 3, "it is tried again");
    assert.equal(router.driver.executor.lastError, "the whole plan was refused: no second bank");
    const errors = router.log.lines.filter(
      ({ event, level }) => event === "dataplane.executor.away" && level === "error",
    );
    assert.equal(errors.length, 1);
  });
});

function sameTables(executor: Executor, wanted: Parameters<typeof comparable>[0]): boolean {
  const held = executor.held!.dataplane.snapshot();
  const text = (snapshot: typeof held): string => JSON.stringify(comparable({ ...snapshot, generation: 0 }));
  return text(held) === text(wanted as typeof held);
}
