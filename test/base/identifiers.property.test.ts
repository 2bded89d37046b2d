import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { IdentifierMap, IdentifierSet, toHex, WordIndex } from "../../src/base/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";

/** Few, which differ in one octet of a word, and more than one block of numbers has room for. */
const identifier = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(1), fc.constantFrom(0, 0x80, 0xff)).map((words) => {
  const octets = new Uint8Array(16);
  for (const [at, octet] of words.entries()) octets[5 * at] = octet;
  return octets;
});
const step = fc.record({
  type: fc.constantFrom("put", "put", "put", "delete", "ask"),
  tenantIndex: fc.constantFrom(0, 1, 2, 0xffff),
  identifier,
});
const steps = fc.array(step, { maxLength: 300, size: "max" });
const keyOf = (tenantIndex: number, id: Uint8Array): string => `${tenantIndex} ${toHex(id)}`;

/** Runs `each` with one array for all identifiers, which is another one afterwards: nothing of it may be kept. */
function walk(
  all: typeof steps extends fc.Arbitrary<infer T> ? T : never,
  each: (one: (typeof all)[number]) => void,
): void {
  const asked = new Uint8Array(16);
  for (const { type, tenantIndex, identifier } of all) {
    asked.set(identifier);
    each({ type, tenantIndex, identifier: asked });
    asked.fill(0x55);
  }
}

describe("IdentifierSet", () => {
  it("answers as a set of texts does, whatever comes and goes (property)", () => {
    let most = 0;
    fc.assert(
      fc.property(steps, fc.nat(), (all, seed) => {
        const set = new IdentifierSet(new SeededRandom(seed));
        const model = new Set<string>();
        walk(all, ({ type, tenantIndex, identifier: id }) => {
          const key = keyOf(tenantIndex, id);
          const isKnown = model.has(key);
          if (type === "put") assert.equal(set.add(tenantIndex, id), !isKnown);
          else if (type === "delete") assert.equal(set.delete(tenantIndex, id), isKnown);
          else assert.equal(set.has(tenantIndex, id), isKnown);
          if (type === "put") model.add(key);
          if (type === "delete") model.delete(key);
          assert.equal(set.size, model.size);
          most = Math.max(most, model.size);
        });
        const members = Array.from(set.members(), ({ tenantIndex, id }) => keyOf(tenantIndex, id));
        assert.deepEqual(members.toSorted(), [...model].toSorted());
        let left = set.size;
        for (const { tenantIndex, id } of set.members()) {
          assert.ok(set.delete(tenantIndex, id));
          left--;
        }
        assert.deepEqual([set.size, left], [0, 0], "all can be deleted while they are told of");
      }),
      { numRuns: 2000, verbose: 1 },
    );
    assert.ok(most > 64, `at most ${most} at a time`);
  });
});

describe("IdentifierMap", () => {
  it("answers as a map by text does, whatever comes and goes (property)", () => {
    let most = 0;
    fc.assert(
      fc.property(steps, fc.nat(), (all, seed) => {
        const map = new IdentifierMap<object>(new SeededRandom(seed));
        const model = new Map<string, object>();
        walk(all, ({ type, tenantIndex, identifier: id }) => {
          const key = keyOf(tenantIndex, id);
          assert.equal(map.get(tenantIndex, id), model.get(key));
          if (type === "put") {
            const value = {};
            map.set(tenantIndex, id, value);
            model.set(key, value);
          }
          if (type === "delete") {
            assert.equal(map.delete(tenantIndex, id), model.get(key));
            model.delete(key);
          }
          assert.equal(map.size, model.size);
          most = Math.max(most, model.size);
        });
        assert.deepEqual(new Set(map.values()), new Set(model.values()));
      }),
      { numRuns: 2000, verbose: 1 },
    );
    assert.ok(most > 64, `at most ${most} at a time`);
  });
});

describe("WordIndex", () => {
  it("holds a hundred thousand, of which others take the numbers when they went, and begins anew after the last one", () => {
    const random = new SeededRandom();
    const index = new WordIndex({ key: 2, value: 1 }, random);
    const all = 100_000;
    const find = (at: number): number => {
      index.key.set([at & 0xff, Math.imul(at, 0x10001)]);
      return index.find();
    };
    for (let at = 0; at < all; at++) {
      assert.equal(find(at), 0, `seed ${random.seed}`);
      assert.equal(index.add(), at + 1);
      index.set(at + 1, 2, ~at);
    }
    for (let at = 0; at < all; at += 2) index.remove(find(at));
    assert.equal(index.size, all / 2);
    for (let at = 0; at < all; at++) {
      const number = find(at);
      assert.equal(number, at % 2 === 0 ? 0 : at + 1);
      if (number !== 0) assert.equal(index.get(number, 2), ~at);
    }
    for (let at = 0; at < all; at += 2) {
      assert.equal(find(at + all), 0);
      const number = index.add();
      assert.ok(number <= all, "no more memory");
      assert.equal(index.get(number, 2), 0, "nothing of who had it before");
    }
    assert.deepEqual([index.size, index.top], [all, all + 1]);
    for (let at = 0; at < 2 * all; at++) if (find(at) !== 0) index.remove(find(at));
    assert.deepEqual([index.size, index.top, find(1)], [0, 1, 0]);
    assert.equal(index.add(), 1);
  });

  it("finds the same whoever was looked ahead at, in whatever order, and whoever has gone since (property)", () => {
    // Zeros are what one that went leaves behind, but for its first word
    const key = fc.tuple(fc.nat(4), fc.constantFrom(0, 0, -1), fc.constantFrom(0, 0, 1));
    const keys = fc.array(key, { maxLength: 40, size: "max" });
    const doings = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ type: fc.constantFrom("put", "put", "delete", "ask"), key }) },
        { weight: 1, arbitrary: fc.record({ type: fc.constant("ahead"), keys, skipped: fc.nat(0xffff) }) },
      ),
      { maxLength: 120, size: "max" },
    );
    let ahead = 0;
    fc.assert(
      // Records of four words, and of a line
      fc.property(doings, fc.constantFrom(1, 13), fc.boolean(), fc.nat(), (all, value, keepsMemory, seed) => {
        const index = new WordIndex({ key: 3, value, keepsMemory }, new SeededRandom(seed));
        const model = new Map<string, number>();
        const find = (asked: readonly number[]): number => {
          index.key.set(asked);
          return index.find();
        };
        const known = (asked: readonly number[]): number => model.get(asked.join(" ")) ?? 0;
        for (const one of all) {
          if (!("key" in one)) {
            const numbers = index.lookAhead(Int32Array.from(one.keys.flat()), one.keys.length);
            for (const [at, asked] of one.keys.entries()) {
              if (at < numbers.length && numbers[at] !== 0) assert.equal(numbers[at], known(asked));
              if (at < numbers.length && numbers[at] !== 0) ahead++;
              if (((one.skipped >> (at & 15)) & 1) === 0) assert.equal(find(asked), known(asked));
            }
            continue;
          }
          const text = one.key.join(" ");
          assert.equal(find(one.key), known(one.key));
          if (one.type === "put" && !model.has(text)) {
            model.set(text, index.add());
            for (let word = 3; word < 3 + value; word++) index.set(known(one.key), word, known(one.key));
          } else if (one.type === "delete" && model.has(text)) {
            index.remove(known(one.key));
            model.delete(text);
          }
          assert.equal(index.size, model.size);
        }
        for (const [text, number] of model) {
          assert.equal(find(text.split(" ").map(Number)), number);
          for (let word = 3; word < 3 + value; word++) assert.equal(index.get(number, word), number);
        }
      }),
      { numRuns: 500, verbose: 1 },
    );
    assert.ok(ahead > 5000, `${ahead} found ahead`);
  });

  it("goes on in another page of records that are a line each", () => {
    const index = new WordIndex({ key: 2, value: 14 }, new SeededRandom(1));
    const all = (1 << 19) + 3000;
    const find = (at: number): number => {
      index.key.set([at, ~at]);
      return index.find();
    };
    for (let at = 1; at <= all; at++) {
      if (find(at) !== 0) assert.fail(`${at} is there`);
      index.set(index.add(), 15, -at);
    }
    for (let at = 1; at <= all; at++) if (index.get(at, 15) !== -at || find(at) !== at) assert.fail(`${at} is lost`);
    assert.equal(index.top, all + 1);
  });

  it("may keep its memory after the last one: whoever walks over records is at one that went", () => {
    for (const keepsMemory of [false, true]) {
      const index = new WordIndex({ key: 1, value: 2, keepsMemory }, new SeededRandom(1));
      const add = (at: number): number => {
        index.key[0] = at;
        return index.find() || index.add();
      };
      const all = 5000;
      for (let at = 1; at <= all; at++) index.set(add(at), 2, at);
      for (let at = 1; at <= all; at++) index.remove(add(at));
      assert.deepEqual([index.size, index.top], [0, keepsMemory ? all + 1 : 1]);
      if (keepsMemory) assert.deepEqual([index.get(all, 1), index.get(all, 2)], [0, 0]);
      assert.equal(add(7), keepsMemory ? all : 1);
      assert.equal(index.hasKey(add(7)), true);
      index.key[0] = 8;
      assert.equal(index.hasKey(index.top - 1), false);
    }
  });
});
