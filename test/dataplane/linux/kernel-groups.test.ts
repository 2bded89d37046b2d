import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Command, groupId } from "../../../src/dataplane/linux/commands.ts";
import { KernelGroups } from "../../../src/dataplane/linux/kernel-groups.ts";

const members = (...weights: readonly number[]) => new Map(weights.map((weight, at) => [at + 1, weight]));

/** The id, and what the kernel is told for it. */
function wanted(groups: KernelGroups, group: number, weights: readonly number[], localGroup = 0) {
  const commands: Command[] = [];
  const id = groups.want(group, localGroup, members(...weights), commands);
  return { id, commands };
}

describe("next-hop groups of the kernel", () => {
  it("are made when they are wanted first, and again only with other members", () => {
    const groups = new KernelGroups();
    const first = wanted(groups, 5, [3, 1]);
    assert.equal(first.id, groupId(5, 0));
    assert.match(first.commands.join(), /^nexthop replace id .* group /);
    assert.deepEqual(wanted(groups, 5, [3, 1]).commands, []);
    const other = wanted(groups, 5, [1, 1]);
    assert.deepEqual([other.id, other.commands.length], [first.id, 1]);
    assert.deepEqual(wanted(groups, 5, [1, 1]).commands, []);
  });

  it("are one for each pair of the plan's, and none without members", () => {
    const groups = new KernelGroups();
    assert.deepEqual(wanted(groups, 5, []), { id: 0, commands: [] });
    wanted(groups, 5, [1]);
    wanted(groups, 5, [1], 6);
    assert.deepEqual([...groups.ids()], [groupId(5, 0), groupId(5, 6)]);
  });

  it("go with the last route that leads there", () => {
    const groups = new KernelGroups();
    const { id } = wanted(groups, 5, [1]);
    const local = wanted(groups, 6, [1]).id;
    groups.use([id, local]);
    groups.use([id, 0]);
    assert.deepEqual(groups.leave([id, local]), [`nexthop del id ${local}`]);
    assert.deepEqual(groups.leave([0, id]), [`nexthop del id ${id}`]);
    assert.deepEqual([[...groups.ids()], groups.leave([id])], [[], []]);
    assert.equal(wanted(groups, 5, [1]).commands.length, 1, "it is made anew");
  });

  it("a route may lead to one twice: it is there until both have gone", () => {
    const groups = new KernelGroups();
    const { id } = wanted(groups, 5, [1]);
    groups.use([id, id]);
    assert.deepEqual(groups.leave([id, 0]), []);
    assert.deepEqual(groups.leave([id]), [`nexthop del id ${id}`]);
  });

  it("what the kernel may have lost is told again", () => {
    const groups = new KernelGroups();
    const { commands } = wanted(groups, 5, [1]);
    groups.clear();
    assert.deepEqual(wanted(groups, 5, [1]).commands, commands);
  });
});
