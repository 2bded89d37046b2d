import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SetSlab } from "../../src/rib/set-slab.ts";

const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 400 }) },
  { weight: 1, arbitrary: fc.constantFrom(7, 8, 9, 4096, 65_528, 65_535) },
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("put" as const), size, mark: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("free" as const), which: fc.nat(1000) }) },
);

describe("SetSlab", () => {
  it("keeps every run as it was put until it is freed, whatever comes and goes beside it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const slab = new SetSlab();
        const kept: { place: number; octets: Uint8Array }[] = [];
        for (const one of steps) {
          if (one.type === "put") {
            const source = new Uint8Array(one.size + 3).map((_, i) => (one.mark + 7 * i) & 0xff);
            const octets = source.slice(2, 2 + one.size);
            kept.push({ place: slab.put(source, 2, one.size), octets });
          } else if (kept.length > 0) {
            const [gone] = kept.splice(one.which % kept.length, 1);
            slab.free(gone!.place, gone!.octets.length);
          }
        }
        for (const { place, octets } of kept) {
          assert.notEqual(place, 0);
          const start = slab.start(place);
          assert.deepEqual(slab.chunk(place).slice(start, start + octets.length), octets);
        }
      }),
    );
  });

  it("uses freed room again for runs of the same size", () => {
    const slab = new SetSlab();
    const octets = new Uint8Array(100).fill(1);
    const first = slab.put(octets, 0, 100);
    slab.put(octets, 0, 100);
    slab.free(first, 100);
    assert.equal(slab.put(octets, 0, 97), first, "104 octets hold both");
  });

  it("begins another chunk of 1 MiB where a run does not fit the rest of one", () => {
    const slab = new SetSlab();
    const octets = new Uint8Array(65_535).fill(9);
    const places = Array.from({ length: 40 }, () => slab.put(octets, 0, octets.length));
    const chunks = new Set(places.map((place) => slab.chunk(place)));
    assert.equal(chunks.size, 3);
    for (const place of places) assert.ok(slab.start(place) + octets.length <= slab.chunk(place).length);
  });
});
