import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OutcomeJudge } from "../../src/registration/health/outcome-judge.ts";

const TCP = { answers: true, mayGo: () => true };
const UDP = { answers: false, mayGo: () => true };

/** A judge that looks each 500 ms, and an instance whose outcomes are said as differences. */
function watched(counts = TCP) {
  const judge = new OutcomeJudge({ failures: 5, rest: 10_000 });
  let [now, flows, answered, refused] = [0, 0n, 0n, 0n];
  const look = (more: { flows?: number; answered?: number; refused?: number } = {}) => {
    flows += BigInt(more.flows ?? 0);
    answered += BigInt(more.answered ?? 0);
    refused += BigInt(more.refused ?? 0);
    now += 500;
    return judge.judge("one", { flows, answered, refused }, counts, now);
  };
  look();
  return {
    look,
    pass: (ms: number) => Array.from({ length: ms / 500 }, () => look()).find((said) => said !== undefined),
  };
}

describe("passive health", () => {
  it("five refusals in a row take an instance out, for 10 seconds; one more then, for 20", () => {
    const { look, pass } = watched();
    for (let i = 0; i < 4; i++) assert.equal(look({ flows: 1, refused: 1 }), undefined);
    const out = look({ flows: 1, refused: 1 });
    assert.deepEqual(out, { type: "out", reason: "refuses connections, 5 and more in a row", rest: 10_000 });
    assert.equal(pass(9_500), undefined);
    assert.deepEqual(look(), { type: "in" });
    const again = look({ flows: 1, refused: 1 });
    assert.equal(again?.type === "out" && again.rest, 20_000);
  });

  it("nobody is asked whether an instance may go before it would; one that may not goes when it may", () => {
    let asked = 0;
    let may = false;
    const mayGo = (): boolean => {
      asked++;
      return may;
    };
    const { look } = watched({ answers: true, mayGo });
    for (let i = 0; i < 100; i++) look({ flows: 10, answered: 10 });
    assert.equal(asked, 0);
    assert.equal(look({ flows: 7, refused: 7 }), undefined);
    assert.equal(asked, 1);
    may = true;
    assert.equal(look()?.type, "out");
  });

  it("one connection that works forgives the others", () => {
    const { look } = watched();
    for (let i = 0; i < 20; i++) assert.equal(look({ flows: 4, refused: 3, answered: 1 }), undefined);
    for (let i = 0; i < 4; i++) assert.equal(look({ flows: 1, refused: 1 }), undefined);
    assert.equal(look({ flows: 1, answered: 1 }), undefined);
    assert.equal(look({ flows: 4, refused: 4 }), undefined);
  });

  it("connections without an answer for 3 seconds are failures, late answers are not", () => {
    const { look, pass } = watched();
    look({ flows: 6 });
    assert.equal(pass(2_000), undefined);
    look({ answered: 6 });
    assert.equal(pass(10_000), undefined);
    look({ flows: 6 });
    const out = pass(3_500);
    assert.equal(out?.type === "out" && out.reason, "does not answer, 5 and more in a row");
  });

  it("UDP: silence says nothing, unreachable does", () => {
    const { look, pass } = watched(UDP);
    look({ flows: 100 });
    assert.equal(pass(20_000), undefined);
    assert.equal(look({ flows: 5, refused: 5 })?.type, "out");
  });

  it("after a time that went well the rest is short again", () => {
    const { look, pass } = watched();
    look({ flows: 5, refused: 5 });
    pass(10_000);
    for (let i = 0; i < 60; i++) look({ flows: 1, answered: 1 });
    const out = look({ flows: 5, refused: 5 });
    assert.equal(out?.type === "out" && out.rest, 10_000);
  });

  it("counters that begin anew are another instance's; who is gone is forgotten", () => {
    const judge = new OutcomeJudge({ failures: 5, rest: 1000 });
    judge.judge("one", { flows: 100n, answered: 0n, refused: 100n }, TCP, 0);
    assert.equal(judge.judge("one", { flows: 5n, answered: 0n, refused: 5n }, TCP, 500), undefined);
    judge.keep(new Set());
    assert.equal(judge.judge("one", { flows: 50n, answered: 0n, refused: 50n }, TCP, 1000), undefined);
  });

  it("never out while each look sees an answer, never in before its time (property)", () => {
    const look = fc.record({ flows: fc.nat(5), refused: fc.nat(5), answered: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 80 }), (looks) => {
        const judge = new OutcomeJudge({ failures: 3, rest: 2000 });
        const sum = { flows: 0n, answered: 0n, refused: 0n };
        let [now, outUntil] = [0, -1];
        judge.judge("one", { ...sum }, TCP, now);
        for (const { flows, refused, answered } of looks) {
          sum.flows += BigInt(flows + refused + answered);
          sum.refused += BigInt(refused);
          sum.answered += BigInt(answered);
          now += 500;
          const said = judge.judge("one", { ...sum }, TCP, now);
          if (said?.type === "out") {
            assert.equal(answered, 0);
            assert.equal(outUntil, -1);
            outUntil = now + said.rest;
          }
          if (said?.type === "in") {
            assert.ok(outUntil >= 0 && now >= outUntil);
            outUntil = -1;
          }
        }
      }),
    );
  });
});
