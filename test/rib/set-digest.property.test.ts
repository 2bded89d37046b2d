import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { AttributeSet, SetDigest } from "../../src/rib/attributes.ts";
import { fold, LATE_STEPS, LEADING_STEPS, lateRank, leadingRank, type PathFacts } from "../../src/rib/net-decision.ts";
import { digestOf } from "../../src/rib/set-digest.ts";
import { attributeSet } from "./world.ts";

const U32 = fc.oneof(fc.constantFrom(0, 1, 100, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
const NUMBERS = fc.array(U32, { minLength: 1, maxLength: 80 });
const SEGMENT = fc.record({
  type: fc.constantFrom("set" as const, "sequence" as const, "confed-sequence" as const, "confed-set" as const),
  numbers: NUMBERS,
});
const SETS: fc.Arbitrary<AttributeSet> = fc
  .record(
    {
      origin: fc.constantFrom("igp" as const, "egp" as const, "incomplete" as const),
      asPath: fc.array(SEGMENT, { maxLength: 70 }),
      multiExitDisc: U32,
      localPref: U32,
      originatorId: U32,
      clusterList: NUMBERS,
      communities: fc.array(fc.oneof(U32, fc.constantFrom(0xffff0006, 0xffffff01, 0xffffff02)), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  )
  .map((part) => attributeSet(part as Partial<AttributeSet>));

function factsOf(set: AttributeSet, others: Omit<PathFacts, "set">): PathFacts {
  return { set, ...others };
}

describe("ranks of a set that is no object", () => {
  it("are what the tables of steps say, for the leading and for the late ones", () => {
    const others = fc.record({
      eligible: fc.boolean(),
      kind: fc.constantFrom("internal" as const, "external" as const),
      stale: fc.boolean(),
      bgpIdentifier: U32,
      addressOrder: fc.nat(9000),
    });
    fc.assert(
      fc.property(SETS, others, (set, other) => {
        const digest: SetDigest = digestOf(set);
        const facts = factsOf(set, other);
        assert.equal(leadingRank(digest, other.eligible), fold(LEADING_STEPS, facts));
        const late = lateRank({
          internal: other.kind === "internal",
          stale: other.stale,
          routerId: set.originatorId ?? other.bgpIdentifier,
          clusterListLength: digest.clusterListLength,
          addressOrder: other.addressOrder,
        });
        assert.equal(late, fold(LATE_STEPS, facts));
      }),
    );
  });
});
