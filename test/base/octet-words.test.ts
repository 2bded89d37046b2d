import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { copyOctets, OctetView, sameOctets } from "../../src/base/index.ts";

const runs = fc.record({
  octets: fc.uint8Array({ minLength: 1, maxLength: 60 }),
  shift: fc.nat(9),
  at: fc.nat(9),
  cut: fc.nat(59),
});

describe("octets in words", () => {
  it("copies exactly the run that is meant, wherever it lies", () => {
    fc.assert(
      fc.property(runs, ({ octets, shift, at, cut }) => {
        const start = Math.min(cut, octets.length - 1);
        const from = new Uint8Array(shift + octets.length);
        from.set(octets, shift);
        const into = new Uint8Array(80).fill(0xa5);
        const length = octets.length - start;
        copyOctets(new OctetView().over(from.subarray(shift)), start, new OctetView().over(into), at, length);
        const expected = new Uint8Array(80).fill(0xa5);
        expected.set(octets.subarray(start), at);
        assert.deepEqual(into, expected);
      }),
    );
  });

  it("tells runs apart by any octet, and by no octet around them", () => {
    fc.assert(
      fc.property(runs, fc.nat(59), fc.integer({ min: 1, max: 255 }), ({ octets, shift, at }, which, flip) => {
        const other = new Uint8Array(80).fill(flip);
        other.set(octets, at);
        const padded = new Uint8Array(shift + octets.length + 5);
        padded.set(octets, shift);
        const [a, b] = [new OctetView().over(padded), new OctetView().over(other)];
        assert.equal(sameOctets(a, shift, b, at, octets.length), true);
        other[at + (which % octets.length)]! ^= flip;
        assert.equal(sameOctets(a, shift, b, at, octets.length), false);
      }),
    );
  });

  it("looks at the octets that it is asked about, not at those before them", () => {
    const view = new OctetView();
    const [one, two] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
    assert.equal(view.over(one).getUint8(1), 2);
    assert.equal(view.over(two).getUint8(1), 5);
    assert.equal(view.over(two.subarray(1)).getUint8(1), 6);
    assert.equal(view.over(one).getUint8(1), 2);
  });
});
