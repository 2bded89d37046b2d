import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Writer } from "../../src/base/index.ts";

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
