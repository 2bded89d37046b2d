import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { milliseconds } from "../../../src/base/index.ts";
import { REFUSAL } from "../../../src/dataplane/fib-service/messages.ts";
import { ACKNOWLEDGED_AT_ONCE, PlanHistory, type RefusalOf } from "../../../src/dataplane/fib-service/plan-history.ts";
import { DataplaneError } from "../../../src/dataplane/index.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { sequence } from "../../contract/dataplane/sequence.ts";
import { OPTIONS } from "../memory/story.ts";

const NOW = { wall: milliseconds(0), monotonic: milliseconds(0) };

const ROOM = 1000;
const empty = (): PlanTables => new PlanTables(OPTIONS.domain, ROOM);
const plan = (tables: PlanTables): unknown => comparable(tables.snapshot(0));

/** An executor as the protocol has it: strict, and refusing what it is told to. */
class ModelExecutor {
  planId: Uint8Array = new Uint8Array();
  tables = empty();
  sequence = 0;
  staging: { planId: Uint8Array; tables: PlanTables; sequence: number } | undefined;
  /** Refused although the tables would allow it. */
  refuses: (operation: Operation) => boolean = () => false;
  readonly refusals: RefusalOf[] = [];

  /** Carries out what the router hands over; the refusals among it. */
  take({ first, entries }: NonNullable<ReturnType<PlanHistory["take"]>>): RefusalOf[] {
    const news: RefusalOf[] = [];
    const at = this.staging ?? this;
    assert.equal(first, at.sequence + 1, "no gap");
    for (const [i, { operation }] of entries.entries()) {
      at.sequence = first + i;
      if (operation === "snapshot-end") {
        assert.ok(this.staging !== undefined);
        [this.planId, this.tables, this.sequence] = [this.staging.planId, this.staging.tables, this.staging.sequence];
        this.staging = undefined;
        continue;
      }
      const refusal = this.#carryOut(operation, at.tables);
      if (refusal !== undefined) news.push({ sequence: at.sequence, ...refusal });
    }
    this.refusals.push(...news);
    return news;
  }

  #carryOut(operation: Operation, tables: PlanTables): Omit<RefusalOf, "sequence"> | undefined {
    if (this.refuses(operation)) return { code: REFUSAL.internal, reason: "it does not want to" };
    try {
      tables.apply(operation, 0);
      return undefined;
    } catch (cause) {
      assert.ok(cause instanceof DataplaneError);
      const absent = operation.type.startsWith("remove-") && /there is no/.test(cause.message);
      return { code: absent ? REFUSAL.notFound : REFUSAL.notAllowed, reason: cause.message };
    }
  }
}

type Turn =
  | { readonly do: "apply"; readonly count: number }
  | { readonly do: "health"; readonly which: number; readonly state: "up" | "down" | "draining" }
  | { readonly do: "take"; readonly most: number }
  | { readonly do: "acknowledge" }
  | { readonly do: "disconnect"; readonly loses: boolean }
  | { readonly do: "retry" };

const turn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("apply" as const), count: fc.integer({ min: 1, max: 12 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("health" as const),
      which: fc.nat(10),
      state: fc.constantFrom("up" as const, "down" as const, "draining" as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), most: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.constant({ do: "acknowledge" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), loses: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: "retry" as const }) },
);

/** A router and an executor, joined by a session that may break. */
class Pair {
  readonly history = new PlanHistory(empty());
  executor = new ModelExecutor();
  handovers = 0;
  #plans = 0;
  #unacknowledged: { through: number; refusals: RefusalOf[] }[] = [];

  /** `between`: what happens between two parts of what the executor carried out while it was away. */
  connect(between: () => void = () => {}): void {
    const { history, executor } = this;
    const isOurs = history.planId !== undefined && comparableId(history.planId) === comparableId(executor.planId);
    const unheard = executor.refusals.filter(({ sequence: each }) => each > history.held.sequence);
    const parts = isOurs ? history.resume(executor.sequence, unheard, NOW, 3) : undefined;
    let part = parts?.next();
    for (; part?.done === false; part = parts?.next()) between();
    if (part?.value !== true) this.whole();
    history.connected = true;
  }

  whole(): void {
    const planId = Uint8Array.of(++this.#plans, 7);
    this.handovers++;
    this.history.beginSnapshot(planId);
    this.executor.refusals.length = 0;
    this.executor.staging = { planId, tables: empty(), sequence: 0 };
    this.#unacknowledged = [];
  }

  disconnect(options: { readonly loses: boolean }): void {
    this.history.disconnected();
    this.executor.staging = undefined;
    this.#unacknowledged = [];
    if (options.loses) this.executor = Object.assign(new ModelExecutor(), { refuses: this.executor.refuses });
  }

  take(most: number): boolean {
    const next = this.history.take(most);
    if (next === undefined) return false;
    const refusals = this.executor.take(next);
    this.#unacknowledged.push({ through: next.first + next.entries.length - 1, refusals });
    return true;
  }

  acknowledge(): void {
    const said = this.#unacknowledged.shift();
    if (said === undefined) return;
    const news = this.history.acknowledge(said.through, said.refusals, NOW);
    assert.notEqual(typeof news, "string", String(news));
  }

  setState(index: number, state: "up" | "down" | "draining"): void {
    if (!this.history.setState(index, state)) return;
    assert.ok(this.executor.tables.plannedNextHop(index) !== undefined, "health of what the executor has not");
    this.executor.tables.setState(index, state);
  }

  settle(): void {
    while (this.take(100) || !this.history.isSettled) this.acknowledge();
  }
}

const comparableId = (planId: Uint8Array): string => planId.join();

function play(
  operations: readonly Operation[],
  turns: readonly Turn[],
  refuses?: (operation: Operation) => boolean,
): Pair {
  const pair = new Pair();
  if (refuses !== undefined) pair.executor.refuses = refuses;
  pair.connect();
  let next = 0;
  let generation = 0;
  for (const each of turns)
    switch (each.do) {
      case "apply":
        pair.history.apply(operations.slice(next, next + each.count), ++generation);
        next += each.count;
        break;
      case "health":
        if (pair.history.tables.plannedNextHop(each.which) !== undefined && refuses === undefined)
          pair.setState(each.which, each.state);
        break;
      case "take":
        pair.take(each.most);
        break;
      case "acknowledge":
        pair.acknowledge();
        break;
      case "disconnect":
        pair.disconnect(each);
        pair.history.apply(operations.slice(next, next + 3), ++generation);
        next += 3;
        pair.connect(() => {
          pair.history.apply(operations.slice(next, next + 2), ++generation);
          next += 2;
        });
        break;
      case "retry":
        pair.history.retry();
        break;
    }
  return pair;
}

describe("the history of a plan", () => {
  const seed = Math.floor(Math.random() * 0x7fffffff);

  it("whatever is lost on the way, and whenever: the executor ends with the plan, and was never told what it could not do", (t) => {
    t.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(sequence, fc.array(turn, { maxLength: 120, size: "max" }), (operations, turns) => {
        const pair = play(operations, turns);
        pair.settle();
        assert.deepEqual(plan(pair.executor.tables), plan(pair.history.tables));
        assert.equal(pair.history.differences.size, 0);
        assert.deepEqual(pair.executor.refusals, []);
      }),
      { seed, numRuns: 200, interruptAfterTimeLimit: 20_000 },
    );
  });

  it("what was refused is known until it is put right: object by object, or by the whole plan", (t) => {
    t.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(
        sequence,
        fc.array(turn, { maxLength: 80, size: "max" }),
        fc.array(fc.boolean(), { minLength: 50, maxLength: 50 }),
        (operations, turns, moods) => {
          let mood = 0;
          const pair = play(operations, turns, () => moods[mood++ % moods.length]!);
          pair.settle();
          const { history, executor } = pair;
          if (history.differences.size === 0) assert.deepEqual(plan(executor.tables), plan(history.tables));
          executor.refuses = () => false;
          for (let round = 0; round < 3 && history.differences.size > 0; round++) {
            history.retry();
            pair.settle();
          }
          if (history.differences.size > 0) pair.whole();
          pair.settle();
          assert.equal(history.differences.size, 0);
          assert.deepEqual(plan(executor.tables), plan(history.tables));
        },
      ),
      { seed, numRuns: 200, interruptAfterTimeLimit: 20_000 },
    );
  });

  it("what the executor has carried out while it was away is taken in small parts", () => {
    const pair = new Pair();
    pair.connect();
    pair.settle();
    const { history, executor } = pair;
    const hop = (i: number): Operation => ({ type: "set-next-hop", index: i, nextHop: { kind: "local" }, state: "up" });
    history.apply(
      Array.from({ length: 2 * ACKNOWLEDGED_AT_ONCE + 1 }, (_, i) => hop(1 + (i % 2040))),
      1,
    );
    while (pair.take(256));
    pair.disconnect({ loses: false });
    const before = history.underway;
    assert.equal(before, 2 * ACKNOWLEDGED_AT_ONCE + 1);
    const left: number[] = [];
    const refusals = [30, 1500].map((i) => ({
      sequence: history.held.sequence + i,
      code: REFUSAL.internal,
      reason: "no",
    }));
    const parts = history.resume(executor.sequence, refusals, NOW);
    const refused = parts.map(({ refused: some }) => {
      left.push(history.underway);
      return some.length;
    });
    assert.deepEqual([...refused], [1, 1, 0]);
    assert.deepEqual(left, [ACKNOWLEDGED_AT_ONCE + 1, 1, 0]);
    assert.equal(history.differences.size, 2);
  });

  it("a session that broke is resumed: only what was not carried out is sent again", () => {
    const pair = new Pair();
    pair.connect();
    pair.settle();
    const begun = pair.executor.sequence;
    const hops = Array.from({ length: 50 }, (_, i): Operation => {
      return { type: "set-next-hop", index: i + 1, nextHop: { kind: "local" }, state: "up" };
    });
    pair.history.apply(hops, 1);
    pair.take(20);
    pair.take(20);
    pair.acknowledge();
    pair.disconnect({ loses: false });
    assert.equal(pair.executor.sequence, begun + 40, "carried out, though the word of it got lost");
    pair.connect();
    assert.equal(pair.handovers, 1, "the first");
    assert.equal(pair.history.take(100)?.first, begun + 41);
  });
});
