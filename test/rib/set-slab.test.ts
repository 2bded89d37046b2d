import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SetSlab } from "../../src/rib/set-slab.ts";

/** How many chunks runs lie in that live for a while, of lengths that follow each other. */
function chunksOf(slab: SetSlab, lengths: readonly number[], alive: number): number {
  const chunks = new Set<Uint8Array>();
  const live: [place: number, length: number][] = [];
  for (const length of lengths) {
    const [oldest] = live.length === alive ? live.splice(0, 1) : [];
    if (oldest !== undefined) slab.free(...oldest);
    const place = slab.put(new Uint8Array(length), 0, length);
    chunks.add(slab.chunk(place));
    live.push([place, length]);
  }
  return chunks.size;
}

describe("octets of attribute sets", () => {
  it("what was freed is used again by sets of about the same length, however lengths go on", () => {
    // A hundred live sets of at most 4 kB: 0.4 MB. Without reuse between lengths, every length takes memory of its own: 100 MB.
    const rising = Array.from({ length: 51_200 }, (_, i) => 1 + Math.floor(i / 100) * 8);
    assert.ok(chunksOf(new SetSlab(), rising, 100) <= 6);
    assert.ok(chunksOf(new SetSlab(), rising.toReversed(), 100) <= 6);
  });

  it("no two runs share an octet, and each holds what was put", () => {
    const step = fc.record({ length: fc.integer({ min: 1, max: 65_535 }), free: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const slab = new SetSlab();
        const live = new Map<number, { place: number; length: number }>();
        for (const [i, { length, free }] of steps.entries()) {
          const old = live.get(free);
          if (old !== undefined) {
            slab.free(old.place, old.length);
            live.delete(free);
          }
          live.set(i + 100, { place: slab.put(new Uint8Array(length).fill(i + 1), 0, length), length });
          const [first] = live.keys();
          if (live.size > 20) {
            slab.free(live.get(first!)!.place, live.get(first!)!.length);
            live.delete(first!);
          }
        }
        for (const [i, { place, length }] of live) {
          const start = slab.start(place);
          const octets = slab.chunk(place).subarray(start, start + length);
          assert.equal(octets.length, length);
          assert.ok(octets.every((octet) => octet === i - 100 + 1));
        }
      }),
      { numRuns: 30 },
    );
  });
});
