import assert from "node:assert/strict";
import { it } from "node:test";
import { inTurns } from "../../src/management/configuration/in-turns.ts";

it("a long work gives others their turn after 64 pieces, and leaves none of them out", async () => {
  let done = 0;
  const atTurns: number[] = [];
  function* pieces(): Generator<number> {
    for (let i = 0; i < 200; i++) {
      done++;
      yield i;
    }
  }
  const turn = async (): Promise<void> => void atTurns.push(done);
  assert.deepEqual(
    await inTurns(pieces(), turn),
    Array.from({ length: 200 }, (_, i) => i),
  );
  assert.deepEqual(atTurns, [64, 128, 192]);
});
