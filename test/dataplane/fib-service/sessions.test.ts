import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { Executor, type Plan } from "../../../lab/fib-executor/executor.ts";
import { type Clock, milliseconds, parseIpv6Prefix } from "../../../src/base/index.ts";
import {
  type FromExecutor,
  type OperationMessage,
  REFUSAL,
  type RefusalMessage,
  type ToExecutor,
} from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { driven, hop, Listening, PLAN, until } from "./rig.ts";

const hops = (from: number, count: number): Operation[] => Array.from({ length: count }, (_, i) => hop(from + i));

/** Counts what it is told, and can be told to misbehave. */
class Probed extends Executor {
  operations = 0;
  snapshots = 0;
  /** Why it refuses an operation. */
  refuses: (message: OperationMessage) => string | undefined = () => undefined;
  /** Takes operations in only when it is let. */
  gate: Promise<void> | undefined;
  /** Says nothing of what it did. */
  isMute = false;

  get call(): ServerDuplexStream<ToExecutor, FromExecutor> {
    return this.session!.call;
  }

  protected override take(call: ServerDuplexStream<ToExecutor, FromExecutor>, message: ToExecutor): void {
    if (message.message === "snapshot_begin") this.snapshots++;
    if (message.message !== "operations" || this.gate === undefined) {
      super.take(call, message);
      return;
    }
    const gate = this.gate;
    call.pause();
    void gate.then(() => {
      super.take(call, message);
      call.resume();
    });
  }

  protected override carryOut(plan: Plan, message: OperationMessage, sequence: number): readonly RefusalMessage[] {
    this.operations++;
    const reason = this.refuses(message);
    if (reason !== undefined) return [{ sequence, code: REFUSAL.internal, reason }];
    return super.carryOut(plan, message, sequence);
  }
}

const plan = (executor: Executor, generation: number): unknown =>
  comparable({ ...executor.held!.dataplane.snapshot(), generation });

describe("sessions with an executor", () => {
  it("a session that breaks is resumed: nothing is sent twice, nothing is lost, and health meanwhile arrives", async () => {
    const executor = new Probed();
    await using listening = await Listening.start(executor);
    await using router = await driven(listening.port);
    const { driver } = router;
    driver.apply(PLAN, 1);
    await driver.settled();
    const [operations, snapshots] = [executor.operations, executor.snapshots];
    executor.call.emit("error", { code: status.UNAVAILABLE, details: "the cable is out" });
    await until(() => driver.executor.state === "connecting", "it notices");
    driver.apply(hops(50, 7), 2);
    driver.setHealth(1, "down");
    await driver.settled();
    assert.equal(executor.snapshots, snapshots, "not handed over again");
    assert.equal(executor.operations - operations, 8, "seven operations and one state");
    assert.deepEqual(plan(executor, 2), comparable(driver.snapshot()));
    assert.equal(driver.snapshot().nextHops.get(1)?.state, "down");
    assert.deepEqual([driver.executor.sessions, driver.executor.handovers, driver.executor.generation], [2, 1, 2]);
    assert.ok(router.log.events().includes("dataplane.executor.away"));
  });

  it("a new process takes over what the executor has, and the executor is told nothing twice", async () => {
    const executor = new Probed();
    await using listening = await Listening.start(executor);
    const first = await driven(listening.port);
    first.driver.apply(PLAN, 41);
    await first.driver.settled();
    const before = comparable(first.driver.snapshot());
    await first[Symbol.asyncDispose]();
    const operations = executor.operations;
    await using second = await driven(listening.port);
    assert.equal(second.driver.adopted, true);
    assert.deepEqual(comparable(second.driver.snapshot()), before);
    assert.equal(second.driver.executor.generation, 41);
    second.driver.apply([hop(60)], 42);
    await second.driver.settled();
    assert.equal(executor.operations - operations, 1);
    assert.deepEqual([second.driver.executor.state, second.driver.executor.handovers], ["in-step", 0]);
  });

  it("an executor that comes back empty gets the whole plan", async () => {
    const first = await Listening.start(new Probed());
    await using router = await driven(first.port);
    const { driver } = router;
    driver.apply(PLAN, 1);
    await driver.settled();
    await first[Symbol.asyncDispose]();
    await until(() => driver.executor.state === "connecting", "it notices");
    driver.apply([hop(70)], 2);
    const executor = new Probed();
    await using _second = await Listening.start(executor, { port: first.port });
    await driver.settled();
    assert.deepEqual(plan(executor, 2), comparable(driver.snapshot()));
    assert.equal(driver.executor.handovers, 2);
  });

  it("an executor with the plan of an earlier process, met late, keeps it until routes are known", async () => {
    const executor = new Probed();
    const early = await Listening.start(executor);
    const before = await driven(early.port);
    before.driver.apply(PLAN, 1);
    await before.driver.settled();
    await before[Symbol.asyncDispose]();
    await early[Symbol.asyncDispose]();
    // Nobody listens, so that the start goes on without: what the driver is given then is its own beginning.
    const begun = performance.now();
    await using late = await driven(early.port, { deadlines: { start: milliseconds(300) } });
    assert.ok(performance.now() - begun >= 299, "a start waits a while for the executor");
    late.driver.apply([hop(80)], 1);
    await using _listening = await Listening.start(executor, { port: early.port });
    await until(() => late.driver.executor.state === "waiting", "it waits");
    assert.equal(executor.held!.dataplane.snapshot().capabilities.size, 1, "the plan of before is in effect");
    assert.match(late.driver.limits.join(), /plan of an earlier process/);
    late.driver.converged!();
    await late.driver.settled();
    assert.deepEqual(plan(executor, 1), comparable(late.driver.snapshot()));
  });

  it("what is refused is a state, a metric and a log line, and right again as soon as the executor takes it", async () => {
    const executor = new Probed();
    executor.refuses = (message) => (message.set_slots?.group === 2 ? "that bank of the ASIC is broken" : undefined);
    await using listening = await Listening.start(executor);
    await using router = await driven(listening.port);
    const { driver, log } = router;
    driver.apply(PLAN, 1);
    await until(() => driver.executor.state === "differs", "it differs");
    const { refused, differences } = driver.executor;
    assert.equal(differences, 2, "the group, and the capability that names it");
    assert.deepEqual(
      refused.map(({ object, code }) => [object, code]),
      [
        ["group 2", "internal"],
        ["capability fd5e::1:8001:1234:5678:0", "not-allowed"],
      ],
    );
    assert.match(driver.limits.join(), /refuses group 2: that bank of the ASIC is broken/);
    assert.ok(log.events().includes("dataplane.executor.refused"));
    executor.refuses = () => undefined;
    await until(() => driver.executor.state === "in-step", "it is tried again");
    assert.deepEqual(plan(executor, 1), comparable(driver.snapshot()));
    assert.deepEqual(driver.limits, []);
  });

  it("a slow executor holds the maker of operations back, not memory", async () => {
    const executor = new Probed();
    await using listening = await Listening.start(executor);
    await using router = await driven(listening.port);
    const { driver } = router;
    await driver.settled();
    const gate = Promise.withResolvers<void>();
    executor.gate = gate.promise;
    let generation = 0;
    while (!driver.isFull) {
      driver.apply(hops(1, 100), ++generation);
      assert.ok(generation < 100, "it never says that it is full");
    }
    assert.equal(executor.operations, 0);
    let resumed = false;
    driver.whenRoom!(() => {
      resumed = true;
    });
    assert.equal(resumed, false);
    gate.resolve();
    executor.gate = undefined;
    await driver.settled();
    assert.equal(resumed, true);
    assert.equal(driver.isFull, false);
    assert.equal(executor.held!.dataplane.snapshot().nextHops.size, 100);
  });

  it("an executor that answers nothing is given up, and tried again", async () => {
    const executor = new Probed();
    await using listening = await Listening.start(executor);
    const answer = milliseconds(150);
    /** Whose time for an answer is over when the test says so: the machine may have other work while one is on its way. */
    const waiting = new Set<() => void>();
    const clock: Clock = {
      ...systemClock,
      after(delay, fire) {
        if (delay !== answer) return systemClock.after(delay, fire);
        waiting.add(fire);
        return { cancel: () => void waiting.delete(fire) };
      },
    };
    await using router = await driven(listening.port, { deadlines: { answer } }, clock);
    const { driver } = router;
    driver.apply(PLAN, 1);
    await driver.settled();
    assert.equal(waiting.size, 0, "nothing is waited for");
    const gate = Promise.withResolvers<void>();
    executor.gate = gate.promise;
    driver.apply([hop(90)], 2);
    await until(() => waiting.size > 0, "it waits for an answer");
    for (const over of waiting) over();
    await until(() => driver.executor.state === "connecting", "it is given up");
    assert.match(driver.executor.lastError!, /did not come within 0.15 s/);
    executor.gate = undefined;
    gate.resolve();
    await driver.settled();
    assert.deepEqual(plan(executor, 2), comparable(driver.snapshot()));
  });

  it("what the executor finds out by itself is down in the plan that is shown, and up again", async () => {
    const executor = new Probed();
    await using listening = await Listening.start(executor);
    await using router = await driven(listening.port);
    const { driver } = router;
    driver.apply(PLAN, 1);
    await driver.settled();
    executor.call.write({ next_hop: { next_hop: 1, unreachable: true, reason: "port 3 has no light" } });
    await until(() => driver.plan.plannedNextHop(1)?.state === "down", "it is down");
    assert.deepEqual(driver.executor.unreachable, [{ nextHop: 1, reason: "port 3 has no light" }]);
    assert.equal(driver.snapshot().nextHops.get(1)?.state, "down");
    executor.call.write({ next_hop: { next_hop: 1, unreachable: false, reason: "" } });
    await until(() => driver.plan.plannedNextHop(1)?.state === "up", "it is up");
  });

  it("an executor of version 1 gets the plan without aggregates, and one of version 2 in its place all of it", async () => {
    const aggregate: Operation = {
      type: "set-aggregate",
      aggregate: { prefix: parseIpv6Prefix("fd5e:0:0:1:8001::/80")!, group: 1 },
    };
    class Old extends Probed {
      override readonly speaks: number = 1;
    }
    const old = new Old();
    const first = await Listening.start(old);
    await using router = await driven(first.port);
    const { driver } = router;
    driver.apply([...PLAN, aggregate], 1);
    driver.apply([{ ...aggregate }], 2);
    await driver.settled();
    assert.deepEqual(old.held!.dataplane.snapshot().aggregates, []);
    assert.deepEqual(
      [driver.executor.state, driver.executor.generation, driver.executor.differences],
      ["in-step", 2, 0],
    );
    assert.equal(driver.cannot.get("aggregates"), "it speaks version 1 of the protocol, which has it not");
    assert.match(driver.limits.join(), /The executor cannot: packets for a capability without an entry .*version 1/);
    assert.equal(driver.snapshot().aggregates?.length, 1, "the plan has it");
    await first[Symbol.asyncDispose]();
    await until(() => driver.executor.state === "connecting", "it notices");
    const young = new Probed();
    young.held = old.held;
    await using _second = await Listening.start(young, { port: first.port });
    await driver.settled();
    assert.deepEqual(young.held!.dataplane.snapshot().aggregates, driver.snapshot().aggregates);
    assert.deepEqual([...driver.cannot.keys()], []);
    assert.equal(young.snapshots, 1, "what it holds lacks something, so it gets everything");
    driver.apply([{ type: "remove-aggregate", prefix: aggregate.aggregate.prefix }], 3);
    await driver.settled();
    assert.deepEqual(young.held!.dataplane.snapshot().aggregates, []);
  });

  it("an executor of another version is told so, once", async () => {
    class Strange extends Probed {
      override readonly speaks: number = 0;
      tries = 0;

      protected override program(call: ServerDuplexStream<ToExecutor, FromExecutor>): void {
        this.tries++;
        super.program(call);
      }
    }
    const executor = new Strange();
    await using listening = await Listening.start(executor);
    await using router = await driven(listening.port, { deadlines: { start: milliseconds(300) } });
    await until(() => executor.tries >= 3, "it is asked again");
    assert.match(
      router.driver.executor.lastError!,
      /answers with version 0 of the protocol, and this router speaks 1 to 2/,
    );
    const said = router.log.lines.filter(
      ({ event, level }) => event === "dataplane.executor.away" && level === "error",
    );
    assert.equal(said.length, 1);
  });

  it("removing empties the executor", async () => {
    const executor = new Probed();
    await using listening = await Listening.start(executor);
    const router = await driven(listening.port);
    router.driver.apply(PLAN, 1);
    await router.driver.settled();
    await router.driver.remove();
    const { nextHops, groups, capabilities, nodes } = executor.held!.dataplane.snapshot();
    assert.deepEqual([nextHops.size, groups.size, capabilities.size, nodes.length], [0, 0, 0, 0]);
  });
});
