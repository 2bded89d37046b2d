import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { loadNative } from "../../../native/index.ts";
import { toHex } from "../../../src/base/index.ts";
import { CAPABILITY, CAPABILITY_LINE, CAPABILITY_PROBES, KEY_EMPTY } from "../../../src/dataplane/abi.ts";
import { capabilityHome } from "../../../src/dataplane/hashes.ts";
import { CapabilityTable } from "../../../src/dataplane/kernel/capability-table.ts";
import { tableSizes } from "../../../src/dataplane/sizes.ts";
import { CapabilityBatch, HELD_AT_ONCE } from "../../../src/forwarding/index.ts";

/** With what is in the memory. */
function tableOn(memory: Uint8Array): CapabilityTable {
  const table = new CapabilityTable(memory, loadNative().bpf.fillCapabilities);
  table.takeOver(() => {}).forEach(() => {});
  return table;
}

const LINES = 16;
const DOMAIN = Uint8Array.of(0xfd, 0x5e, 0, 0, 0, 0);

const freshMemory = (): Uint8Array => new Uint8Array(LINES * CAPABILITY_LINE.size);

/** An address for each number; only a few homes, so that entries push each other away. */
function addressOf(number: number): Uint8Array {
  for (let salt = 0; ; salt++) {
    const address = new Uint8Array(16);
    address.set(DOMAIN);
    new DataView(address.buffer).setUint32(6, number + 1);
    new DataView(address.buffer).setUint32(10, salt);
    if ([0, 1, 14, 15].includes(capabilityHome(address, LINES - 1))) return address;
  }
}

const ADDRESSES = Array.from({ length: 40 }, (_, number) => addressOf(number));

/** The search of `dataplane/choose.h`, one line a step. Ends with the groups as one word, `undefined` for nothing. */
function* search(memory: Uint8Array, address: Uint8Array): Generator<void, bigint | undefined> {
  const view = new DataView(memory.buffer);
  const key = new DataView(address.buffer).getBigUint64(6, true);
  const selector = new DataView(address.buffer).getUint16(14);
  const home = capabilityHome(address, LINES - 1);
  for (let probe = 0; probe < CAPABILITY_PROBES; probe++) {
    const line = ((home + probe) & (LINES - 1)) * CAPABILITY_LINE.size;
    for (const slot of [line, line + CAPABILITY.size])
      if (view.getBigUint64(slot, true) === key && view.getUint16(slot + CAPABILITY.offsets.selector) === selector)
        return view.getBigUint64(slot + CAPABILITY.offsets.group, true);
    if (view.getBigUint64(line + CAPABILITY.size, true) === KEY_EMPTY) return undefined;
    yield;
  }
  return undefined;
}

function found(memory: Uint8Array, address: Uint8Array): bigint | undefined {
  const steps = search(memory, address);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

const change = fc.record({
  address: fc.constantFrom(...ADDRESSES),
  group: fc.integer({ min: 0, max: 65535 }),
  set: fc.boolean(),
});
const changes = fc.array(change, { maxLength: 200, size: "max" });

describe("the capability table", () => {
  it("shows the pass exactly what is set, after each change", () => {
    fc.assert(
      fc.property(changes, (list) => {
        const memory = freshMemory();
        const table = tableOn(memory);
        const expected = new Map<string, bigint>();
        for (const { address, group, set } of list) {
          if (!set) assert.equal(table.delete(address), expected.delete(toHex(address)));
          else if (table.set(address, { group, localGroup: 7 }))
            expected.set(toHex(address), BigInt(group) | (7n << 32n));
          else assert.ok(!expected.has(toHex(address)), "only a new address can lack room");
          for (const each of ADDRESSES) assert.equal(found(memory, each), expected.get(toHex(each)));
        }
        assert.equal(table.size, expected.size);
        assert.deepEqual(
          new Set([...table.entries(DOMAIN)].map(([address]) => toHex(address))),
          new Set(expected.keys()),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("never lets a search miss an entry that is there all the while, however it is interleaved with changes", () => {
    const before = fc.uniqueArray(fc.nat(30), { maxLength: 31 });
    fc.assert(
      fc.property(
        before,
        fc.nat(30),
        fc.array(fc.tuple(change, fc.nat(3)), { maxLength: 60 }),
        (present, sought, list) => {
          const memory = freshMemory();
          const table = tableOn(memory);
          for (const number of present) table.set(ADDRESSES[number]!, { group: 1, localGroup: 1 });
          const target = ADDRESSES[sought]!;
          if (!table.set(target, { group: 9, localGroup: 9 })) return;
          let steps = search(memory, target);
          for (const [{ address, group, set }, pace] of list) {
            if (address !== target) set ? table.set(address, { group, localGroup: 0 }) : table.delete(address);
            for (let i = 0; i < pace; i++) {
              const { done, value } = steps.next();
              if (done !== true) continue;
              assert.equal(value, 9n | (9n << 32n));
              steps = search(memory, target);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("a batch shows the pass the same as single changes do, in lines full of tombstones too", () => {
    const fill = fc.record({
      fill: fc.array(fc.tuple(fc.constantFrom(...ADDRESSES), fc.nat(65535)), { maxLength: 30 }),
      room: fc.oneof(fc.constant(1000), fc.nat(20)),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(change, fill), { maxLength: 60 }), (list) => {
        const memory = freshMemory();
        const table = tableOn(memory);
        const expected = new Map<string, bigint>();
        for (const step of list) {
          if (!("fill" in step)) {
            if (!step.set) table.delete(step.address);
            else if (table.set(step.address, { group: step.group, localGroup: 7 }))
              expected.set(toHex(step.address), BigInt(step.group) | (7n << 32n));
            if (!step.set) expected.delete(toHex(step.address));
            continue;
          }
          const batch = new CapabilityBatch(31);
          for (const [address, group] of step.fill) batch.push(address, group, 7);
          const { end, replaced } = table.fill(batch, 0, batch.length, step.room);
          const before: number[] = [];
          const size = expected.size;
          for (const [address, group] of step.fill.slice(0, end)) {
            const known = expected.get(toHex(address));
            if (known !== undefined) before.push(Number(known & 0xffffffffn), 7, 0);
            expected.set(toHex(address), BigInt(group) | (7n << 32n));
          }
          assert.deepEqual([...replaced], before);
          assert.ok(expected.size - size <= step.room);
          if (end < batch.length)
            assert.ok(!expected.has(toHex(step.fill[end]![0])), "only a new address can lack room");
        }
        for (const each of ADDRESSES) assert.equal(found(memory, each), expected.get(toHex(each)));
        assert.equal(table.size, expected.size);
        const again = tableOn(memory);
        for (const each of ADDRESSES) assert.equal(again.delete(each), expected.has(toHex(each)));
        assert.deepEqual([again.size, again.tombstones()], [0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves no tombstone behind once the entries that needed it are gone", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(ADDRESSES), fc.nat(), (list, rotate) => {
        const table = tableOn(freshMemory());
        const kept = list.filter((address) => table.set(address, { group: 1, localGroup: 0 }));
        const order = kept.map((_, i) => kept[(i * 7 + rotate) % kept.length]!);
        for (const address of new Set([...order, ...kept])) assert.ok(table.delete(address));
        assert.deepEqual([table.size, table.tombstones()], [0, 0]);
      }),
    );
  });

  it("is walked over in batches, each entry as it is set", () => {
    const entry = fc.record({
      address: fc.uint8Array({ minLength: 10, maxLength: 10 }).map((rest) => Uint8Array.of(...DOMAIN, ...rest)),
      group: fc.integer({ min: 0, max: 65_535 }),
      localGroup: fc.integer({ min: 0, max: 65_535 }),
      policy: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
      affinity: fc.constantFrom(undefined, "address" as const, "connection" as const, "none" as const),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 3 * HELD_AT_ONCE, size: "max" }), (list) => {
        const memory = new Uint8Array(1024 * CAPABILITY_LINE.size);
        const table = tableOn(memory);
        const expected = new Map<string, unknown>();
        for (const { address, group, localGroup, policy, affinity } of list) {
          const named = {
            ...{ group, localGroup },
            ...(policy === undefined ? {} : { policy }),
            ...(affinity === undefined ? {} : { affinity }),
          };
          if (table.set(address, named)) expected.set(toHex(address), { address, ...named });
        }
        const walked = tableOn(memory)
          .held(DOMAIN)
          .flatMap((batch) => Array.from({ length: batch.length }, (_, at) => batch.entry(at)))
          .map((found) => [toHex(found.address), found] as const);
        assert.deepEqual(new Map(walked), expected);
      }),
    );
  });

  it("takes over what another process left, tombstones included", () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const memory = freshMemory();
        const earlier = tableOn(memory);
        const carryOut = (table: CapabilityTable, list: typeof first): void => {
          for (const { address, group, set } of list)
            set ? table.set(address, { group, localGroup: 0 }) : table.delete(address);
        };
        carryOut(earlier, first);
        const adopting = tableOn(memory);
        carryOut(adopting, second);
        for (const address of ADDRESSES) adopting.delete(address);
        assert.deepEqual([adopting.size, adopting.tombstones()], [0, 0]);
      }),
    );
  });

  it("says when the lines of an address are full", () => {
    const table = tableOn(freshMemory());
    const set = ADDRESSES.map((address) => table.set(address, { group: 1, localGroup: 0 }));
    assert.equal(set.filter(Boolean).length, LINES * 2);
    assert.ok(set.includes(false));
  });
});

describe("capability table of the size that the driver chooses", () => {
  // the most that fit into one size of the table: 16 lines from home must be enough for every single one
  const most = 174_762;

  it(`takes ${most} addresses that differ like hashes`, (t) => {
    const { capabilityLines } = tableSizes(most);
    const seed = (Math.random() * 2 ** 32) >>> 0;
    t.diagnostic(`seed ${seed}`);
    const table = tableOn(new Uint8Array(capabilityLines * CAPABILITY_LINE.size));
    const view = new DataView(new ArrayBuffer(16));
    let state = seed;
    const random = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      const mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 0;
    };
    view.setUint16(6, 1);
    for (let number = 0; number < most; number++) {
      view.setUint32(8, random());
      view.setUint16(12, random());
      assert.ok(table.set(new Uint8Array(view.buffer), { group: 1, localGroup: 0 }), `number ${number} found no room`);
    }
  });
});
