import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { IndexPool } from "../../src/forwarding/index-pool.ts";

const LIMIT = 6;
const REST = 100;

const step = fc.oneof(
  fc.record({ type: fc.constant("take" as const) }),
  fc.record({ type: fc.constant("give" as const), which: fc.nat() }),
  fc.record({ type: fc.constant("give-unused" as const), which: fc.nat() }),
  fc.record({ type: fc.constant("wait" as const), for: fc.nat(60) }),
);

it("no index is given out twice or before it has rested, also when it was adopted; what there is, is given out", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: LIMIT })),
      fc.array(step, { maxLength: 60 }),
      (adopted, steps) => {
        const pool = new IndexPool(LIMIT, REST);
        for (const index of adopted) pool.claim(index);
        const used = new Set(adopted);
        const restingUntil = new Map<number, number>();
        /** Only what this pool gave out can be given back unheard of. */
        const own = new Set<number>();
        let now = 0;
        for (const { type, ...more } of steps) {
          if (type === "wait") now += (more as { for: number }).for;
          else if (type === "take") {
            const index = pool.take(now);
            const resting = [...restingUntil].filter(([, until]) => until > now).length;
            if (index === undefined) {
              assert.equal(used.size + resting, LIMIT);
              continue;
            }
            assert.ok(index >= 1 && index <= LIMIT, `${index} is out of range`);
            assert.ok(!used.has(index), `${index} is in use`);
            assert.ok((restingUntil.get(index) ?? 0) <= now, `${index} rests`);
            restingUntil.delete(index);
            used.add(index);
            own.add(index);
          } else {
            const candidates = [...used].filter((index) => type === "give" || own.has(index));
            const index = candidates[(more as { which: number }).which % candidates.length];
            if (index === undefined) continue;
            used.delete(index);
            own.delete(index);
            if (type === "give-unused") pool.giveUnused(index);
            else {
              pool.give(index, now);
              restingUntil.set(index, now + REST);
            }
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
