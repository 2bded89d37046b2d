import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { GROUP_SLOTS } from "../../src/forwarding/index.ts";
import { assignSlots } from "../../src/forwarding/slot-assignment.ts";
import type { GroupMember } from "../../src/forwarding/slot-claims.ts";
import { slotsOf } from "./slot-model.ts";

const NOBODY = new Uint16Array(GROUP_SLOTS);

const members = (most: number, heaviest: number, lastHop = 0xffff) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: lastHop }), { minLength: 1, maxLength: most })
    .chain((hops) =>
      fc.tuple(
        ...hops.map((nextHop) =>
          fc.integer({ min: 1, max: heaviest }).map((weight) => ({ nextHop, key: nextHop * 7919, weight })),
        ),
      ),
    )
    .map((list) => list as readonly GroupMember[]);

const held = (owners: Uint16Array, { nextHop }: GroupMember): number =>
  owners.filter((owner) => owner === nextHop).length;
const shareOf = (group: readonly GroupMember[], { weight }: GroupMember): number =>
  (GROUP_SLOTS * weight) / group.reduce((sum, member) => sum + member.weight, 0);

function assertBalanced(group: readonly GroupMember[], owners: Uint16Array, within: number): void {
  assert.ok(owners.every((owner) => group.some(({ nextHop }) => nextHop === owner)));
  for (const member of group) {
    const off = Math.abs(held(owners, member) - shareOf(group, member));
    assert.ok(off < within, `next hop ${member.nextHop} is ${off} slots off`);
  }
}

describe("slots of a group", () => {
  it("afresh: every count is within one slot of the exact share, whatever the order of members", () => {
    fc.assert(
      fc.property(members(100, 1000), fc.integer(), (group, seed) => {
        const owners = assignSlots(group, NOBODY, seed);
        assertBalanced(group, owners, 1 + 1e-9);
        assert.deepEqual(assignSlots(group.toReversed(), NOBODY, seed), owners);
      }),
      { verbose: 1 },
    );
  });

  it("are decided once: asking again changes nothing", () => {
    const change = fc.tuple(fc.array(members(8, 10), { minLength: 1, maxLength: 6 }), fc.integer());
    fc.assert(
      fc.property(change, ([groups, seed]) => {
        let owners: Uint16Array = NOBODY;
        for (const group of groups) {
          owners = assignSlots(group, owners, seed);
          assert.deepEqual(assignSlots(group, owners, seed), owners);
          assertBalanced(group, owners, 2 + 1e-9);
        }
      }),
      { verbose: 1 },
    );
  });

  it("removing a member moves only its slots", () => {
    fc.assert(
      fc.property(members(12, 5), fc.nat(), fc.integer(), (group, which, seed) => {
        fc.pre(group.length > 1);
        const gone = group[which % group.length]!;
        const before = assignSlots(group, NOBODY, seed);
        const left = group.filter((member) => member !== gone);
        const after = assignSlots(left, before, seed);
        for (let slot = 0; slot < GROUP_SLOTS; slot++) {
          if (before[slot] !== gone.nextHop) assert.equal(after[slot], before[slot], `slot ${slot}`);
        }
        assertBalanced(left, after, 2);
      }),
      { verbose: 1 },
    );
  });

  it("adding a member of a group of equals moves slots to it alone, and no more than it gets", () => {
    fc.assert(
      fc.property(members(12, 1), fc.integer(), (group, seed) => {
        fc.pre(group.length > 1);
        const added = group[0]!;
        const others = group.slice(1);
        const before = assignSlots(others, NOBODY, seed);
        const after = assignSlots(group, before, seed);
        let moved = 0;
        for (let slot = 0; slot < GROUP_SLOTS; slot++) {
          if (after[slot] === before[slot]) continue;
          assert.equal(after[slot], added.nextHop, `slot ${slot}`);
          moved++;
        }
        assert.equal(moved, held(after, added));
        assert.ok(moved <= Math.ceil(shareOf(group, added)));
      }),
      { verbose: 1 },
    );
  });

  it("a member that leaves and returns gets its own slots back", () => {
    fc.assert(
      fc.property(members(12, 5), fc.nat(), fc.integer(), (group, which, seed) => {
        fc.pre(group.length > 1);
        const full = assignSlots(group, NOBODY, seed);
        const without = assignSlots(group.toSpliced(which % group.length, 1), full, seed);
        assert.deepEqual(assignSlots(group, without, seed), full);
      }),
      { verbose: 1 },
    );
  });

  it("are those of the plain model, whatever the past, with few members and with hundreds", () => {
    const group = fc.oneof(members(16, 5, 20), members(16, 1000, 20), members(40, 3, 50), members(100, 100, 120));
    // Keys that are the same, as of two instances whose ids have one hash, and weights that are no integers.
    const bent = fc.tuple(group, fc.boolean(), fc.constantFrom(1, 1 / 3)).map(([list, sameKeys, by]) =>
      list.map((member) => ({
        ...member,
        key: sameKeys ? member.key % 3 : member.key,
        weight: member.weight * by,
      })),
    );
    const mixed = fc.array(fc.tuple(bent, fc.nat(63), fc.nat(0xffff)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(mixed, fc.integer(), (steps, seed) => {
        let owners: Uint16Array = NOBODY.slice();
        for (const [list, slot, stranger] of steps) {
          const wanted = slotsOf(list, [...owners], seed);
          owners = assignSlots(list, owners, seed);
          assert.deepEqual([...owners], wanted);
          // Somebody who is no member, or nobody, had one of the slots.
          owners[slot] = stranger;
        }
      }),
      { numRuns: 100, verbose: 1 },
    );
  });

  it("nobody: no owner", () => {
    assert.deepEqual(assignSlots([], new Uint16Array(GROUP_SLOTS).fill(3), 1), NOBODY);
  });
});
