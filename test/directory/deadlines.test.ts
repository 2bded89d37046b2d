import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Deadlines } from "../../src/directory/deadlines.ts";

it("keys come out in the order of their last deadline, whatever was set before", () => {
  const step = fc.record({ key: fc.constantFrom(..."abcdefgh"), at: fc.option(fc.nat(50), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.nat(50), (steps, now) => {
      const deadlines = new Deadlines();
      const model = new Map<string, number>();
      for (const { key, at } of steps) {
        deadlines.set(key, at);
        if (at === undefined) model.delete(key);
        else model.set(key, at);
      }
      const sorted = [...model].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
      assert.equal(deadlines.next, sorted[0]?.[1]);
      const due: string[] = [];
      for (let key = deadlines.take(now); key !== undefined; key = deadlines.take(now)) due.push(key);
      assert.deepEqual(
        due,
        sorted.filter(([, at]) => at <= now).map(([key]) => key),
      );
      assert.equal(deadlines.next, sorted.find(([, at]) => at > now)?.[1]);
    }),
  );
});
