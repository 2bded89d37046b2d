import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { CAPABILITY, CAPABILITY_LINE } from "../../src/dataplane/abi.ts";
import { capabilityHome } from "../../src/dataplane/hashes.ts";

const { bpf } = loadNative();
const LINES = 16;
const NO_FLAGS = new Uint8Array(1);
const NOTHING = new Uint32Array(0);

const linesOf = (count = LINES) => ({
  table: new Uint8Array(count * CAPABILITY_LINE.size),
  states: new Uint8Array(count),
  passing: new Uint8Array(count),
});

/** Capabilities 1 to `count`. */
function columnsOf(count: number) {
  const addresses = new Uint8Array(16 * count);
  for (let at = 0; at < count; at++) addresses[16 * at + 13] = at + 1;
  return {
    ...{ addresses, groups: new Uint16Array(count).fill(7), localGroups: new Uint16Array(count).fill(8) },
    ...{ policies: new Uint32Array(count).fill(0x10009), affinities: new Uint8Array(count) },
  };
}

describe("fillCapabilities", () => {
  it("writes an entry at its home as the header lays it out, and nothing of those outside of the part", () => {
    const [lines, columns] = [linesOf(), columnsOf(3)];
    columns.affinities[1] = 2;
    assert.deepEqual(bpf.fillCapabilities(lines, columns, 1, 2, 9, Uint8Array.of(0, 1, 4)), {
      ...{ end: 2, replaced: NOTHING },
    });
    const address = columns.addresses.subarray(16, 32);
    const home = capabilityHome(address, LINES - 1);
    const slot = new Uint8Array(CAPABILITY.size);
    const view = new DataView(slot.buffer);
    slot.set(address.subarray(6, 14), CAPABILITY.offsets.key);
    slot.set(address.subarray(14, 16), CAPABILITY.offsets.selector);
    slot[CAPABILITY.offsets.flags] = 4;
    view.setUint32(CAPABILITY.offsets.group, 7, true);
    view.setUint32(CAPABILITY.offsets.local_group, 8, true);
    view.setUint32(CAPABILITY.offsets.policy, 0x10009, true);
    const expected = linesOf();
    expected.table.set(slot, home * CAPABILITY_LINE.size);
    expected.states[home] = 1;
    assert.deepEqual(lines, expected);
  });

  it("replaces what is there and says what it led to, and stops at the first that has no room", () => {
    const [lines, columns] = [linesOf(), columnsOf(2 * LINES + 1)];
    const all = columns.groups.length;
    assert.deepEqual(bpf.fillCapabilities(lines, columns, 0, 3, all, NO_FLAGS), { end: 3, replaced: NOTHING });
    columns.groups[1] = 70;
    columns.localGroups[1] = 80;
    columns.policies[1] = 90;
    const { end, replaced } = bpf.fillCapabilities(lines, columns, 0, all, all, NO_FLAGS);
    const named = [7, 8, 0x10009];
    assert.deepEqual([end, [...replaced]], [all - 1, [...named, ...named, ...named]]);
    assert.ok(lines.states.every((state) => state === 3));
    assert.deepEqual(
      [...bpf.fillCapabilities(lines, columns, 0, 3, 0, NO_FLAGS).replaced],
      [...named, 70, 80, 90, ...named],
    );
  });

  it("writes over one that is there as it writes a new one", () => {
    const columns = columnsOf(4);
    const written = linesOf();
    bpf.fillCapabilities(
      written,
      { ...columns, affinities: Uint8Array.of(2, 1, 0, 2) },
      0,
      4,
      4,
      Uint8Array.of(0, 1, 4),
    );
    const other = { ...columns, groups: Uint16Array.of(1, 2, 3, 0xffff), localGroups: new Uint16Array(4) };
    const replaced = linesOf();
    bpf.fillCapabilities(replaced, { ...other, policies: new Uint32Array(4).fill(5) }, 0, 4, 4, NO_FLAGS);
    bpf.fillCapabilities(
      replaced,
      { ...columns, affinities: Uint8Array.of(2, 1, 0, 2) },
      0,
      4,
      0,
      Uint8Array.of(0, 1, 4),
    );
    assert.deepEqual(replaced, written);
  });

  it("stops where as many are new as there is room for", () => {
    const [lines, columns] = [linesOf(), columnsOf(8)];
    bpf.fillCapabilities(lines, columns, 2, 4, 8, NO_FLAGS);
    const { end, replaced } = bpf.fillCapabilities(lines, columns, 0, 8, 3, NO_FLAGS);
    assert.deepEqual([end, replaced.length / 3], [5, 2]);
    assert.equal(bpf.fillCapabilities(lines, columns, 0, 5, 0, NO_FLAGS).replaced.length / 3, 5);
    assert.equal(bpf.fillCapabilities(lines, columns, 5, 8, 0, NO_FLAGS).end, 5);
  });

  it("touches nothing when something does not fit", () => {
    const lines = linesOf();
    const columns = columnsOf(4);
    const fill = (given: object, part: object = {}, first = 0, end = 4, flags = NO_FLAGS, room = 4): void => {
      bpf.fillCapabilities({ ...lines, ...given }, { ...columns, ...part }, first, end, room, flags);
    };
    const odd = new Uint8Array(LINES * CAPABILITY_LINE.size + 1).subarray(1);
    const range = { name: "RangeError" };
    assert.throws(() => fill({ table: lines.table.subarray(64) }), range);
    assert.throws(() => fill({ table: new Uint8Array(8 * CAPABILITY_LINE.size) }), range);
    assert.throws(() => fill({ table: odd }), range);
    assert.throws(() => fill({ states: new Uint8Array(LINES - 1) }), range);
    assert.throws(() => fill({ passing: new Uint8Array(LINES + 1) }), range);
    assert.throws(() => fill({}, { addresses: new Uint8Array(63) }), range);
    for (const [name, short] of Object.entries({
      ...{ groups: new Uint16Array(3), localGroups: new Uint16Array(3) },
      ...{ policies: new Uint32Array(3), affinities: new Uint8Array(3) },
    })) {
      assert.throws(() => fill({}, { [name]: short }), range, name);
      assert.throws(() => fill({}, { [name]: new Float64Array(4) }), { name: "TypeError" }, name);
      assert.throws(() => fill({}, { [name]: undefined }), { name: "TypeError" }, name);
    }
    assert.throws(() => fill({}, { affinities: Uint8Array.of(0, 0, 0, 1) }), range);
    assert.throws(() => fill({}, {}, 3, 2), range);
    assert.throws(() => fill({}, {}, 0, 5), range);
    assert.throws(() => fill({}, {}, -1, 4), range);
    assert.throws(() => fill({}, {}, 0, 4, new Uint8Array(0)), range);
    assert.throws(() => fill({}, {}, 0, 4, NO_FLAGS, -1), range);
    assert.throws(() => bpf.fillCapabilities(undefined as never, columns, 0, 4, 4, NO_FLAGS), { name: "TypeError" });
    assert.deepEqual(lines, linesOf());
  });
});
