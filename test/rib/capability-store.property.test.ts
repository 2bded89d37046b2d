import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LONGEST_KEY, SITE_LIST, typedKeyLength } from "../../src/rib/capability-key.ts";
import { CapabilityStore } from "../../src/rib/capability-store.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { siteKey } from "./world.ts";

const OPTIONS = { maxRoutes: 64, maxPaths: 64, keyWords: 10, maxKey: LONGEST_KEY, keyLength: typedKeyLength };
/** All keys hash alike. */
const BROKEN = { next: () => 0, fill: (octets: Uint8Array) => void octets.fill(0) };

const step = fc.record({
  type: fc.constantFrom(2, 2, 2, 4, 3),
  capability: fc.integer({ min: 1, max: 5 }),
  origin: fc.integer({ min: 1, max: 4 }),
  remove: fc.boolean(),
  ahead: fc.boolean(),
});

function keyOf({ type, capability, origin }: { type: number; capability: number; origin: number }): Uint8Array {
  const key = siteKey(capability, origin);
  key[0] = type;
  return key;
}

describe("capability store", () => {
  for (const [name, random] of [
    ["", new SeededRandom(5)],
    [", whatever hashes alike", BROKEN],
  ] as const) {
    it(`finds what was added and not removed, and who is alone${name}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
          const store = new CapabilityStore(OPTIONS, random);
          const present = new Map<string, number>();
          /** Identifiers with their type, as text: those that have been shared since their first net came. */
          const shared = new Set<string>();
          const identifierOf = (text: string): string => text.split(",").slice(0, 26).join();
          const company = (identifier: string): number =>
            [...present.keys()].filter((other) => identifierOf(other) === identifier).length;
          for (const { remove, ahead, ...which } of steps) {
            const key = keyOf(which);
            const view = new DataView(key.buffer);
            const text = key.toString();
            const hashes = Int32Array.of(store.hash(view, 0, key.length));
            const batch = { octets: key, starts: Int32Array.of(0), lengths: Int32Array.of(key.length), count: 1 };
            if (ahead) store.lookAhead(batch, view, hashes);
            const hash = hashes[0]!;
            const found = store.find(view, 0, key.length, hash);
            assert.equal(found, present.get(text) ?? 0);
            if (found === 0) present.set(text, store.addNet(view, 0, key.length, hash));
            else if (remove) {
              store.lose(found, ahead ? hash : store.hashOf(found));
              store.removeNet(found);
              present.delete(text);
            }
            const identifier = identifierOf(text);
            if (company(identifier) > 1) shared.add(identifier);
            else if (company(identifier) === 0) shared.delete(identifier);
            const ofFound = new Map<number, string>();
            for (const [other, id] of present) {
              const octets = Uint8Array.from(other.split(","), Number);
              const its = new DataView(octets.buffer);
              assert.equal(store.find(its, 0, octets.length, store.hash(its, 0, octets.length)), id);
              if (octets[0] !== 2) continue;
              const isAlone = store.isAlone(id);
              assert.equal(isAlone, !shared.has(identifierOf(other)));
              const found = store.withIdentifier(SITE_LIST, octets, 10);
              assert.ok(isAlone ? found === id : found < 0);
              const named = ofFound.get(found) ?? identifierOf(other);
              assert.equal(identifierOf(other), named, "two identifiers have one place");
              ofFound.set(found, named);
            }
            assert.equal(store.netCount, present.size);
          }
          for (const id of present.values()) {
            store.lose(id, store.hashOf(id));
            store.removeNet(id);
          }
          assert.ok(
            store.index.slots.every((word) => word === 0),
            "something is left in the index",
          );
          assert.ok(
            store.places.every((word) => word === 0),
            "something is left beside the nets",
          );
        }),
        { verbose: 1 },
      );
    });
  }

  it("says nothing of a net that is alone under another type", () => {
    const store = new CapabilityStore(OPTIONS, BROKEN);
    const key = keyOf({ type: 4, capability: 1, origin: 1 });
    const view = new DataView(key.buffer);
    const hash = store.hash(view, 0, key.length);
    assert.equal(store.find(view, 0, key.length, hash), 0);
    store.addNet(view, 0, key.length, hash);
    assert.equal(store.withIdentifier(SITE_LIST, key, 10), 0);
  });

  it("is as it was when whoever is told of company cannot make room for it", () => {
    const store = new CapabilityStore(OPTIONS, new SeededRandom(5));
    const [first, second] = [siteKey(1, 1), siteKey(1, 2)].map((key) => new DataView(key.buffer));
    const add = (view: DataView): number => {
      const hash = store.hash(view, 0, 30);
      return store.find(view, 0, 30, hash) || store.addNet(view, 0, 30, hash);
    };
    const id = add(first!);
    const before = store.index.slots.slice();
    store.onCompany = (net) => {
      assert.equal(net, id);
      throw new RangeError("no room");
    };
    assert.throws(() => add(second!), /no room/);
    assert.deepEqual(store.index.slots, before);
    assert.equal(store.isAlone(id), true);
    assert.equal(add(first!), id);
    store.onCompany = () => {};
    assert.notEqual(add(second!), id);
    assert.equal(add(first!), id);
  });
});
