import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityId, parseIpv6 } from "../../src/base/index.ts";
import { ChoiceBook } from "../../src/forwarding/choice-book.ts";
import { UnnamedChoices } from "../../src/forwarding/unnamed-choices.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { OCR, selection } from "./world.ts";

const which = { tenantIndex: fc.integer({ min: 1, max: 2 }), id: fc.integer({ min: 0, max: 3 }) };
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("hold" as const), ...which, site: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("take" as const), ...which }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("tell" as const), most: fc.integer({ min: 0, max: 9 }) }) },
);
const idOf = (number: number): CapabilityId => new Uint8Array(16).fill(0x10 + number) as CapabilityId;
const keyOf = ({ tenantIndex, id }: { readonly tenantIndex: number; readonly id: number }): string =>
  `${tenantIndex} ${Buffer.from(idOf(id)).toString("hex")}`;

describe("choices of capabilities without a name", () => {
  it("are what was said last, each told of once, whatever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
        const choices = new ChoiceBook(parseIpv6("2001:db8::1")!, new SeededRandom(seed));
        const unnamed = new UnnamedChoices(choices, new SeededRandom(seed + 1));
        const model = new Map<string, number>();
        const untold = new Set<string>();
        const told: string[] = [];
        let telling: Generator<void> | undefined;
        for (const one of steps) {
          if (one.type === "tell") {
            for (let i = 0; i < one.most; i++) {
              telling ??= unnamed.tell(({ capability }) => told.push(capability));
              if (telling.next().done === true) telling = undefined;
            }
            for (const key of told.splice(0)) assert.ok(untold.delete(key), `${key} was told of`);
            continue;
          }
          const { tenantIndex, id } = one;
          const key = keyOf(one);
          if (one.type === "hold") {
            const said = selection(OCR, one.site === 0 ? [] : [{ site: one.site }]);
            unnamed.hold({ ...said, tenantIndex, capabilityId: idOf(id), name: undefined });
            if (one.site === 0) untold.delete(key);
            else if (!model.has(key)) untold.add(key);
            if (one.site === 0) model.delete(key);
            else model.set(key, one.site);
          } else {
            const taken = unnamed.take(tenantIndex, idOf(id));
            assert.deepEqual(
              choices.get(taken)?.sites.map(({ originId }) => originId & 0xff) ?? [],
              [model.get(key) ?? []].flat(),
            );
            choices.release(taken);
            model.delete(key);
            untold.delete(key);
          }
          assert.equal(unnamed.untold, untold.size);
        }
        for (const _ of unnamed.tell(({ capability }) => told.push(capability)));
        assert.deepEqual(told.sort(), [...untold].sort());
      }),
      { numRuns: 500 },
    );
  });

  it("are told of in a step each, however many have been told of before", () => {
    const choices = new ChoiceBook(parseIpv6("2001:db8::1")!, new SeededRandom(1));
    const unnamed = new UnnamedChoices(choices, new SeededRandom(2));
    const hold = (tenantIndex: number): void =>
      unnamed.hold({ ...selection(OCR, [{ site: 1 }]), tenantIndex, name: undefined });
    for (let tenantIndex = 1; tenantIndex <= 10_000; tenantIndex++) hold(tenantIndex);
    assert.equal([...unnamed.tell(() => {})].length, 10_000);
    hold(10_001);
    hold(10_002);
    assert.equal([...unnamed.tell(() => {})].length, 2);
  });
});
