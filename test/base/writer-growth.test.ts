import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { OctetSlab, Writer } from "../../src/base/index.ts";

it("whatever the order and size of runs, a Writer holds all of them however often its buffer grew", () => {
  const run = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.nat(3), fc.array(run, { maxLength: 12 }), (capacity, runs) => {
      const writer = new Writer(capacity);
      for (const octets of runs) writer.bytes(octets);
      assert.deepEqual(Buffer.from(writer.finish()), Buffer.concat(runs));
    }),
  );
});

it("single octets, words and long words are not lost when they make the buffer grow", () => {
  const step = fc.constantFrom("u8", "u16", "u32", "u64");
  fc.assert(
    fc.property(fc.nat(3), fc.array(step, { maxLength: 20 }), (capacity, steps) => {
      const writer = new Writer(capacity);
      let expected = "";
      for (const [i, each] of steps.entries()) {
        const octet = (i + 1).toString(16).padStart(2, "0");
        if (each === "u64") writer.u64(BigInt(i + 1));
        else writer[each](i + 1);
        expected += octet.padStart({ u8: 2, u16: 4, u32: 8, u64: 16 }[each]!, "0");
      }
      assert.equal(Buffer.from(writer.finish()).toString("hex"), expected);
    }),
  );
});

it("octets are taken back, written over and put in between, as in an array", () => {
  const edit = fc.record({ what: fc.constantFrom("truncate", "put8", "insert8"), at: fc.nat(60), value: fc.nat(255) });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.array(edit, { maxLength: 20 }), (octets, edits) => {
      const writer = new Writer(1).bytes(octets);
      const expected = [...octets];
      for (const { what, at, value } of edits) {
        if (what === "truncate") {
          writer.truncate(at);
          expected.length = Math.min(expected.length, at);
        } else if (what === "insert8" && at <= expected.length) {
          writer.insert8(at);
          expected.splice(at, 0, 0);
        } else if (what === "put8" && at < expected.length) {
          writer.put8(at, value);
          expected[at] = value;
        }
      }
      assert.deepEqual([...writer.finish()], expected);
    }),
  );
  assert.throws(() => new Writer().u8(1).put8(1, 2), RangeError);
});

it("copies in a slab keep what they were given, whatever comes after them and whatever becomes of the source", () => {
  const slab = new OctetSlab();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), (runs) => {
      const expected = runs.map((run) => [...run]);
      const copies = runs.map((run) => slab.copy(run));
      for (const run of runs) run.fill(0);
      assert.deepEqual(
        copies.map((copy) => [...copy]),
        expected,
      );
    }),
  );
  assert.deepEqual([...slab.copy(Uint8Array.of(1, 2, 3, 4), 1, 2)], [2, 3]);
});
