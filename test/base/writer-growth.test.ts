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
