import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Executor, type Plan } from "../../../lab/fib-executor/executor.ts";
import {
  type FromExecutor,
  type OperationMessage,
  REFUSAL,
  type RefusalMessage,
  runFibConformance,
  type ToExecutor,
} from "../../../src/dataplane/index.ts";
import { Listening } from "./rig.ts";

type Call = ServerDuplexStream<ToExecutor, FromExecutor>;

/** For an answer of an executor that gives it: what else the machine does may take long. */
const PATIENT = 20_000;
/** For an answer of one that is broken, which may never give it. */
const IMPATIENT = 400;

async function judge(executor: Executor, only?: string, deadline = PATIENT) {
  await using listening = await Listening.start(executor);
  const seed = Math.floor(Math.random() * 0x7fffffff);
  const options = { executor: { host: "::1", port: listening.port }, entries: 3000, deadline, seed };
  return await runFibConformance({ ...options, ...(only === undefined ? {} : { only }) });
}

/** An executor that lets something of what it says or hears be changed. */
class Bent extends Executor {
  hears: (message: ToExecutor) => ToExecutor | undefined = (message) => message;
  says: (message: FromExecutor) => FromExecutor | undefined = (message) => message;
  carriesOut: ((plan: Plan, message: OperationMessage, sequence: number) => readonly RefusalMessage[]) | undefined;

  constructor(bend: (bent: Bent) => void) {
    super();
    bend(this);
  }

  protected override program(call: Call): void {
    const write = call.write.bind(call) as (message: FromExecutor) => boolean;
    call.write = ((message: FromExecutor): boolean => {
      const said = this.says(message);
      return said === undefined || write(said);
    }) as Call["write"];
    super.program(call);
  }

  protected override take(call: Call, message: ToExecutor): void {
    const heard = this.hears(message);
    if (heard !== undefined) super.take(call, heard);
  }

  protected override carryOut(plan: Plan, message: OperationMessage, sequence: number): readonly RefusalMessage[] {
    return this.carriesOut?.(plan, message, sequence) ?? super.carryOut(plan, message, sequence);
  }

  /** As it should be. */
  rightly(plan: Plan, message: OperationMessage, sequence: number): readonly RefusalMessage[] {
    return super.carryOut(plan, message, sequence);
  }

  get stagingPlan(): Plan | undefined {
    return this.staging;
  }

  effectAtOnce(): void {
    this.held = this.staging ?? this.held;
  }
}

/** Each broken in one way, and the case that has to find it. */
const BROKEN: readonly { readonly how: string; readonly found: string; readonly bend: (executor: Bent) => void }[] = [
  {
    how: "carries nothing out and acknowledges everything",
    found: "operations of each kind",
    bend: (it) => {
      it.carriesOut = () => [];
    },
  },
  {
    how: "loses the states of next hops",
    found: "operations of each kind",
    bend: (it) => {
      it.carriesOut = (plan, message, sequence) =>
        message.operation === "set_next_hop_state" ? [] : it.rightly(plan, message, sequence);
    },
  },
  {
    how: "takes what is not allowed without a word",
    found: "what would leave a packet between two plans",
    bend: (it) => {
      it.carriesOut = (plan, message, sequence) => {
        it.rightly(plan, message, sequence);
        return [];
      };
    },
  },
  {
    how: "refuses without a reason",
    found: "what would leave a packet between two plans",
    bend: (it) => {
      it.carriesOut = (plan, message, sequence) =>
        it.rightly(plan, message, sequence).map((refusal) => ({ ...refusal, reason: "" }));
    },
  },
  {
    how: "refuses the removal of nothing as not allowed",
    found: "what would leave a packet between two plans",
    bend: (it) => {
      it.carriesOut = (plan, message, sequence) =>
        it.rightly(plan, message, sequence).map((refusal) => ({ ...refusal, code: REFUSAL.notAllowed }));
    },
  },
  {
    how: "drops the rest of a message behind a refusal",
    found: "after a refusal the operations behind it go on",
    bend: (it) => {
      let refusedBefore = 0;
      it.carriesOut = (plan, message, sequence) => {
        if (sequence === refusedBefore + 1 && refusedBefore > 0) return [];
        const refusals = it.rightly(plan, message, sequence);
        refusedBefore = refusals.length > 0 ? sequence : 0;
        return refusals;
      };
    },
  },
  {
    how: "reorders the operations of a message",
    found: "operations of each kind",
    bend: (it) => {
      it.hears = (message) =>
        message.operations === undefined
          ? message
          : {
              ...message,
              operations: { ...message.operations, operations: message.operations.operations.toReversed() },
            };
    },
  },
  {
    how: "acknowledges more than was sent",
    found: "operations of each kind",
    bend: (it) => {
      it.says = ({ acknowledged, ...others }) =>
        acknowledged === undefined
          ? others
          : { acknowledged: { ...acknowledged, through: Number(acknowledged.through) + 1 } };
    },
  },
  {
    how: "acknowledges nothing",
    found: "operations of each kind",
    bend: (it) => {
      it.says = (message) => (message.acknowledged === undefined ? message : undefined);
    },
  },
  {
    how: "bears gaps in the sequence",
    found: "a gap in the sequence ends the session",
    bend: (it) => {
      it.hears = (message) => {
        const { operations } = message;
        const at = (it.stagingPlan ?? it.held)?.sequence ?? 0;
        return operations === undefined ? message : { ...message, operations: { ...operations, first: at + 1 } };
      };
    },
  },
  {
    how: "puts a plan into effect before it is whole",
    found: "at its end and not sooner",
    bend: (it) => {
      it.says = (message) => {
        if (message.acknowledged !== undefined) it.effectAtOnce();
        return message;
      };
    },
  },
  {
    how: "forgets its plan with the session",
    found: "a session that breaks is resumed",
    bend: (it) => {
      it.hears = (message) => {
        if (message.hello !== undefined) it.held = undefined;
        return message;
      };
    },
  },
  {
    how: "does not say refusals again",
    found: "refusals that the router never heard of",
    bend: (it) => {
      it.says = ({ welcome, ...others }) =>
        welcome === undefined ? others : { welcome: { ...welcome, refusals: [] } };
    },
  },
  {
    how: "holds a plan that was made with other settings",
    found: "a plan made with other settings",
    bend: (it) => {
      let settings: NonNullable<ToExecutor["hello"]>["settings"] | undefined;
      it.hears = (message) => {
        if (message.hello === undefined) return message;
        const { tunnel_mtu: _, ...others } = message.hello.settings;
        settings = { ...(settings ?? message.hello.settings), ...others };
        return { ...message, hello: { ...message.hello, settings } };
      };
    },
  },
  {
    how: "confirms health without doing it",
    found: "health is in effect when it is confirmed",
    bend: (it) => {
      it.hears = (message) =>
        message.health === undefined ? message : { ...message, health: { ...message.health, state: 1 } };
    },
  },
  {
    how: "confirms the health of what is not there",
    found: "health is in effect when it is confirmed",
    bend: (it) => {
      it.says = ({ health_done: done, ...others }) =>
        done === undefined ? others : { health_done: { ...done, refused: "" } };
    },
  },
  {
    how: "takes another router in the middle of a session",
    found: "another router is refused",
    bend: (it) => {
      it.hears = (message) =>
        message.hello === undefined ? message : { ...message, hello: { ...message.hello, router: "whoever" } };
    },
  },
  {
    how: "loses the last slots of a group",
    found: "operations of each kind",
    bend: (it) => {
      it.carriesOut = (plan, message, sequence) => {
        const slots = message.set_slots;
        if (slots === undefined || slots.slot.length < 64) return it.rightly(plan, message, sequence);
        const fewer = (all: readonly number[]): readonly number[] => all.slice(0, 63);
        const cut = {
          ...slots,
          slot: fewer(slots.slot),
          current: fewer(slots.current),
          previous: fewer(slots.previous),
        };
        return it.rightly(plan, { ...message, set_slots: cut }, sequence);
      };
    },
  },
  {
    how: "forgets former owners",
    found: "operations of each kind",
    bend: (it) => {
      it.carriesOut = (plan, message, sequence) => {
        const slots = message.set_slots;
        return it.rightly(
          plan,
          slots === undefined ? message : { ...message, set_slots: { ...slots, previous: slots.current } },
          sequence,
        );
      };
    },
  },
  {
    how: "says nothing of ports",
    found: "counters and ports",
    bend: (it) => {
      it.says = (message) => (message.ports_done === undefined ? message : undefined);
    },
  },
];

describe("the conformance command", () => {
  it("passes the reference executor", async (t) => {
    const report = await judge(new Executor());
    t.diagnostic(`seed ${report.seed}; ${JSON.stringify(report.timing)}`);
    assert.deepEqual(
      report.results.filter(({ result }) => result !== "passed"),
      [],
    );
    assert.equal(report.conformant, true);
    assert.equal(report.product, "semrd reference executor");
    assert.ok(report.timing!.operationsPerSecond > 0);
  });

  for (const { how, found, bend } of BROKEN)
    it(`finds an executor that ${how}`, async () => {
      const report = await judge(new Bent(bend), found, IMPATIENT);
      assert.deepEqual(
        report.results.map(({ name, result }) => [name.includes(found), result]),
        [[true, "failed"]],
      );
      assert.equal(report.conformant, false);
    });

  it("asks an executor of version 1, and one with less than all, for what they have and nothing else", async () => {
    const lacking = [{ feature: "aggregates", reason: "the ASIC has no second table" }];
    class Small extends Executor {
      override readonly cannot = lacking;

      protected override carryOut(plan: Plan, message: OperationMessage, sequence: number): readonly RefusalMessage[] {
        if (!message.operation?.endsWith("_aggregate")) return super.carryOut(plan, message, sequence);
        return [{ sequence, code: REFUSAL.unsupported, reason: "there are no aggregates here" }];
      }
    }
    class Old extends Executor {
      override readonly speaks = 1;
    }
    for (const [executor, version, why] of [
      [new Small(), 2, "the ASIC has no second table"],
      [new Old(), 1, "it speaks version 1, which has it not"],
    ] as const) {
      const report = await judge(executor, "aggregates");
      assert.deepEqual(
        report.results.map(({ result, why: said }) => [result, said]),
        [
          ["cannot", why],
          ["cannot", why],
        ],
      );
      assert.deepEqual([report.version, report.conformant], [version, true]);
      assert.equal((await judge(executor, "what it says it cannot")).conformant, true);
    }
  });

  it("finds an executor that takes what it says it cannot", async () => {
    class Boasting extends Executor {
      override readonly cannot = [{ feature: "rate-limits", reason: "it has no meters" }];
    }
    const report = await judge(new Boasting(), "what it says it cannot");
    assert.match(report.results[0]!.why!, /rate-limits: it says that it cannot, and took it/);
  });

  it("says where nobody answers", async () => {
    const options = { executor: { host: "::1", port: 1 }, entries: 10, deadline: 500, seed: 1 };
    await assert.rejects(runFibConformance(options), /no executor answers at \[::1\]:1/);
  });
});
