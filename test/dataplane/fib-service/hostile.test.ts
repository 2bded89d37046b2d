import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import fc from "fast-check";
import { milliseconds } from "../../../src/base/index.ts";
import { PlanHistory } from "../../../src/dataplane/fib-service/plan-history.ts";
import { Session } from "../../../src/dataplane/fib-service/session.ts";
import {
  type FromExecutor,
  fibService,
  fromMessage,
  type ToExecutor,
  toMessage,
} from "../../../src/dataplane/index.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { sequence } from "../../contract/dataplane/sequence.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { OPTIONS } from "../memory/story.ts";

const { Program } = fibService();
const encode = Program!.responseSerialize as (message: FromExecutor) => Buffer;
const decode = Program!.responseDeserialize as (octets: Buffer) => FromExecutor;
const encodeOut = Program!.requestSerialize as (message: ToExecutor) => Buffer;
const decodeOut = Program!.requestDeserialize as (octets: Buffer) => ToExecutor;

const seed = Math.floor(Math.random() * 0x7fffffff);

/** What an executor says, all kinds, with values at the edges. */
const number = fc.oneof(fc.nat(20), fc.constantFrom(0, 1, 0xffffffff, Number.MAX_SAFE_INTEGER));
const refusal = fc.record({ sequence: number, code: fc.nat(9), reason: fc.string() });
const operations = sequence.map((each) => each.slice(0, 5).map(toMessage));
const said: fc.Arbitrary<FromExecutor> = fc.oneof(
  fc.record({
    welcome: fc.record({
      ...{ version: fc.nat(3), name: fc.string(), plan_id: fc.uint8Array({ maxLength: 17 }), sequence: number },
      ...{ generation: number, refusals: fc.array(refusal), window: fc.nat(), ports: fc.constant([]) },
      cannot: fc.array(fc.record({ feature: fc.string(), reason: fc.string() })),
    }),
  }),
  fc.record({ acknowledged: fc.record({ through: number, refusals: fc.array(refusal) }) }),
  fc.record({ health_done: fc.record({ number, refused: fc.string() }) }),
  fc.record({
    counters: fc.record({
      number,
      verdicts: fc.constant([{ name: "encapsulated", packets: 3 }]),
      next_hops: fc.constant([]),
    }),
  }),
  fc.record({ ports_done: fc.record({ number, ports: fc.constant([]) }) }),
  fc.record({ held: fc.record({ number, operations, done: fc.boolean() }) }),
  fc.record({ next_hop: fc.record({ next_hop: fc.nat(70_000), unreachable: fc.boolean(), reason: fc.string() }) }),
);

/** A stream without a network. */
class FakeCall extends Duplex {
  readonly sent: ToExecutor[] = [];

  constructor() {
    super({ objectMode: true });
  }

  override _read(): void {}

  override _write(message: ToExecutor, _encoding: string, done: () => void): void {
    this.sent.push(message);
    done();
  }

  cancel(): void {}
}

/** A session in the middle of its work, and its stream. */
function working(): { call: FakeCall; session: Session; history: PlanHistory; ended: () => string | undefined } {
  const call = new FakeCall();
  const history = new PlanHistory(new PlanTables(OPTIONS.domain, OPTIONS.maxCapabilities));
  const nothing = (): void => {};
  const observer = {
    acknowledged: nothing,
    counters: nothing,
    ports: nothing,
    nextHop: nothing,
    healthRefused: nothing,
  };
  const session = new Session(call as unknown as ClientDuplexStream<ToExecutor, FromExecutor>, {
    ...{ clock: new VirtualClock(), history, observer, newPlanId: () => new Uint8Array(16).fill(7) },
    deadlines: { welcome: milliseconds(1000), answer: milliseconds(1000) },
  });
  let ended: string | undefined;
  void session.ended.then((why) => {
    ended = why;
  });
  session.handOverWhole();
  history.apply([{ type: "set-next-hop", index: 1, nextHop: { kind: "local" }, state: "up" }], 1);
  session.pump();
  return { call, session, history, ended: () => ended };
}

/** Octets that are nearly messages: cut, with bits flipped, with octets put in. */
const bent = fc
  .tuple(said, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
  .map(([message, flips, cut]) => {
    const octets = Buffer.from(encode(message));
    for (const [at, value] of flips) if (octets.length > 0) octets[at % octets.length] = value;
    return cut % 3 === 0 ? octets.subarray(0, cut % (octets.length + 1)) : octets;
  });

describe("a hostile executor", () => {
  it("whatever it says, a session goes on or ends with a sentence, and never throws", async (t) => {
    t.diagnostic(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(fc.array(bent, { maxLength: 12 }), async (all) => {
        const { call, history, ended } = working();
        for (const octets of all) {
          let message: FromExecutor;
          try {
            message = decode(octets);
          } catch {
            continue; // gRPC ends the call then
          }
          call.emit("data", message);
        }
        await Promise.resolve();
        const why = ended();
        assert.ok(why === undefined || why.length > 10, why);
        assert.ok(history.underway >= 0 && history.waiting >= 0);
      }),
      { seed, numRuns: 600 },
    );
  });

  it("every truncation of every message is refused by the decoder, or means something that is borne", () => {
    for (const message of fc.sample(said, { seed, numRuns: 40 })) {
      const octets = encode(message);
      for (let length = 0; length <= octets.length; length++) {
        const { call } = working();
        try {
          call.emit("data", decode(octets.subarray(0, length)));
        } catch (cause) {
          assert.match(String(cause), /index out of range|invalid wire type|invalid|offset/i);
        }
      }
    }
  });
});

describe("operations as messages", () => {
  it("come back as they were, through the encoding", () => {
    fc.assert(
      fc.property(sequence, (all) => {
        const message = { operations: { first: 1, operations: all.map(toMessage), generation: 1, completes: true } };
        const back = decodeOut(Buffer.from(encodeOut(message))).operations!.operations.map(fromMessage);
        assert.deepEqual(back, all);
      }),
      { seed, numRuns: 100 },
    );
  });

  it("bent ones are another operation or a sentence", () => {
    fc.assert(
      fc.property(sequence, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }), (all, flips) => {
        const message = {
          operations: { first: 1, operations: all.slice(0, 20).map(toMessage), generation: 1, completes: true },
        };
        const octets = Buffer.from(encodeOut(message));
        for (const [at, value] of flips) octets[at % octets.length] = value;
        let back: ToExecutor;
        try {
          back = decodeOut(octets);
        } catch {
          return;
        }
        for (const each of back.operations?.operations ?? []) {
          const operation = fromMessage(each);
          if (typeof operation === "string") assert.ok(operation.length > 5);
          else {
            const tables = new PlanTables(OPTIONS.domain, OPTIONS.maxCapabilities);
            assert.throws(() => {
              tables.apply(operation, 0);
              throw new Error("allowed");
            }, /cannot be carried out|full|allowed/);
          }
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});
