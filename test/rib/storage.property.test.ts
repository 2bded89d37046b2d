import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { KeyedHash, SegmentedIndex } from "../../src/base/index.ts";
import { hashFlooded } from "../../src/rib/fault.ts";
import { IdSet } from "../../src/rib/id-set.ts";
import { RibError } from "../../src/rib/index.ts";
import { reserve } from "../../src/rib/reserve.ts";
import { placeAfter, SlotIndex } from "../../src/rib/slot-index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog } from "../sim/tally-metrics.ts";

function find(index: SegmentedIndex, hash: number, id: number): boolean {
  const slots = index.segment(hash);
  for (let at = index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) {
    if (slots[at] === hash && slots[at + 1] === id) return true;
  }
  return false;
}

describe("segmented index", () => {
  it("holds what was inserted and not removed, with hashes that crowd together", () => {
    const step = fc.record({ id: fc.integer({ min: 1, max: 60 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (steps, spread) => {
        const index = new SegmentedIndex(1, hashFlooded);
        const hashOf = (id: number): number => (id % spread) | ((id & 1) << 31);
        const present = new Set<number>();
        for (const { id, remove } of steps) {
          if (remove && present.delete(id)) index.remove(hashOf(id), id);
          if (!remove && !present.has(id)) {
            present.add(id);
            index.insert(hashOf(id), id);
          }
          for (let each = 1; each <= 60; each++) assert.equal(find(index, hashOf(each), each), present.has(each));
        }
      }),
      { verbose: 1 },
    );
  });

  it("does not remove what is not there", () => {
    const index = new SegmentedIndex(1, hashFlooded);
    index.insert(5, 1);
    assert.throws(() => index.remove(5, 2), RangeError);
  });
});

function isIn(index: SlotIndex, hash: number, id: number): boolean {
  for (let at = index.home(hash); index.slots[at + 1] !== 0; at = placeAfter(at)) {
    if (index.slots[at] === hash && index.slots[at + 1] === id) return true;
  }
  return false;
}

function insertInto(index: SlotIndex, hash: number, id: number): void {
  let at = index.home(hash);
  while (index.slots[at + 1] !== 0) at = placeAfter(at);
  index.insert(at, hash, id);
}

describe("slot index", () => {
  it("holds what was inserted and not removed, with hashes that crowd together", () => {
    const step = fc.record({ id: fc.integer({ min: 1, max: 60 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (steps, spread) => {
        const index = new SlotIndex(64, hashFlooded);
        // Homes next to each other, at the end of the bucket as well.
        const hashOf = (id: number): number => ((id % spread) - 20) << 23;
        const present = new Set<number>();
        for (const { id, remove } of steps) {
          if (remove && present.delete(id)) index.remove(hashOf(id), id);
          if (!remove && !present.has(id)) {
            present.add(id);
            insertInto(index, hashOf(id), id);
          }
          for (let each = 1; each <= 60; each++) assert.equal(isIn(index, hashOf(each), each), present.has(each));
        }
      }),
      { verbose: 1 },
    );
  });

  it("grows while ids come and go, and loses none", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 20_000 }), (seed, limit) => {
        const random = new SeededRandom(seed);
        const index = new SlotIndex(limit, hashFlooded);
        const hashes = new Int32Array(limit + 1);
        random.fill(new Uint8Array(hashes.buffer));
        const goes = (id: number): boolean => hashes[id]! % 3 === 0;
        for (let id = 1; id <= limit; id++) {
          insertInto(index, hashes[id]!, id);
          if (id % 2 === 0 && goes(id / 2)) index.remove(hashes[id / 2]!, id / 2);
        }
        for (let id = 1; id <= limit; id++)
          assert.equal(isIn(index, hashes[id]!, id), !(goes(id) && id <= limit / 2), `${id}`);
      }),
      { verbose: 1, numRuns: 20 },
    );
  });

  it("refuses hashes that all crowd together, with nothing changed, and takes what is elsewhere", () => {
    const index = new SlotIndex(10_000, hashFlooded);
    for (let id = 1; id <= 256; id++) insertInto(index, 7, id);
    assert.throws(
      () => insertInto(index, 7, 257),
      (error) => error instanceof RibError && error.code === "rib.hash-flooded",
    );
    assert.equal(isIn(index, 7, 257), false);
    insertInto(index, 7 | (1 << 31), 257);
    assert.equal(isIn(index, 7 | (1 << 31), 257), true);
    for (let id = 1; id <= 256; id++) assert.equal(isIn(index, 7, id), true);
  });

  it("is never so full that a search has no end", () => {
    const index = new SlotIndex(1000, hashFlooded);
    let id = 0;
    const fill = (): void => {
      for (;;) insertInto(index, (id % 512) << 23, ++id);
    };
    assert.throws(fill, (error) => error instanceof RibError && error.code === "rib.hash-flooded");
    assert.equal(isIn(index, 3 << 23, 0x7fffffff), false);
    assert.equal(id - 1, 500);
  });

  it("does not remove what is not there", () => {
    const index = new SlotIndex(64, hashFlooded);
    insertInto(index, 5, 1);
    assert.throws(() => index.remove(5, 2), RangeError);
  });
});

describe("set of ids", () => {
  it("is a set, and finds the next member from anywhere", () => {
    const step = fc.record({ id: fc.integer({ min: 1, max: 40_000 }), type: fc.constantFrom("add", "delete", "fill") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 40_000 }), (steps, from) => {
        const set = new IdSet();
        const model = new Set<number>();
        for (const { id, type } of steps) {
          if (type === "add") assert.equal(set.add(id), !model.has(id));
          if (type === "add") model.add(id);
          if (type === "delete") assert.equal(set.delete(id), model.delete(id));
          if (type === "fill") set.addUpTo(id % 200);
          if (type === "fill") for (let each = 1; each <= id % 200; each++) model.add(each);
        }
        assert.equal(set.size, model.size);
        const sorted = [...model].sort((a, b) => a - b);
        assert.equal(set.next(from), sorted.find((id) => id >= from) ?? 0);
        const walked: number[] = [];
        for (let id = set.next(1); id !== 0; id = set.next(id + 1)) walked.push(id);
        assert.deepEqual(walked, sorted);
      }),
      { verbose: 1 },
    );
  });
});

describe("keyed hash", () => {
  it("depends on the octets and the key, not on where the octets lie or what is around them", () => {
    const octets = fc.uint8Array({ minLength: 1, maxLength: 64 });
    const padding = fc.uint8Array({ maxLength: 9 });
    fc.assert(
      fc.property(octets, padding, padding, (key, before, after) => {
        const hash = new KeyedHash(new SeededRandom(3), 64);
        const alone = hash.hash(new DataView(Uint8Array.from(key).buffer), 0, key.length);
        const inside = Uint8Array.from([...before, ...key, ...after]);
        assert.equal(hash.hash(new DataView(inside.buffer), before.length, key.length), alone);
      }),
      { verbose: 1 },
    );
  });

  it("is the same of 16 octets the short way", () => {
    const identifier = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const check = (key: Uint8Array, seed: number): void => {
      const hash = new KeyedHash(new SeededRandom(seed), 64);
      const view = new DataView(Uint8Array.from([7, ...key, 9]).buffer);
      assert.equal(hash.hash16(view, 1), hash.hash(view, 1, 16));
    };
    fc.assert(fc.property(identifier, fc.integer(), check), { verbose: 1 });
  });

  it("spreads keys that cancel out in unkeyed mixers", () => {
    // Flipping the top bit of one word and what the mixer makes of it in the next gives 2^7 keys with one hash there.
    const hash = new KeyedHash(new SeededRandom(9), 64);
    const seen = new Set<number>();
    const key = new Uint8Array(32);
    const view = new DataView(key.buffer);
    for (let pattern = 0; pattern < 128; pattern++) {
      for (let word = 0; word < 7; word++) view.setUint32(4 * word, (pattern >> word) & 1 ? 0x80000000 : 0x10000);
      seen.add(hash.hash(view, 0, 32));
    }
    assert.equal(seen.size, 128);
  });
});

describe("reservation", () => {
  it("takes what the machine gives and says so, down to a minimum", () => {
    const log = new ListLog();
    const build = (most: number) => (routes: number) => {
      if (routes > most) throw new RangeError("Array buffer allocation failed");
      return routes;
    };
    assert.equal(reserve("routes", 1_000_000, log, build(300_000)), 250_000);
    assert.deepEqual(log.events(), ["rib.reservation-reduced"]);
    const refused = (error: unknown): boolean => error instanceof RibError && error.code === "rib.no-memory";
    assert.throws(() => reserve("routes", 1_000_000, log, build(10)), refused);
  });
});
