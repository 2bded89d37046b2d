import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { copyOctets, copyWholeWords, fromHex, OctetView, SPARE_OCTETS, sameOctets } from "../../src/base/index.ts";

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
      { numRuns: 5000 },
    );
  });

  it("copies whole words: the run that is meant, and no more behind it than is spared", () => {
    fc.assert(
      fc.property(runs, fc.nat(9), ({ octets, shift, at, cut }, behind) => {
        const length = octets.length - Math.min(cut, octets.length - 1);
        const from = new Uint8Array(shift + octets.length + behind).fill(0x3c);
        from.set(octets, shift);
        const into = new Uint8Array(at + length + SPARE_OCTETS).fill(0xa5);
        copyWholeWords(new OctetView().over(from), shift, new OctetView().over(into), at, length);
        assert.deepEqual(into.subarray(at, at + length), octets.subarray(0, length));
        assert.ok(into.subarray(0, at).every((octet) => octet === 0xa5));
        assert.equal(into.at(-1), 0xa5);
      }),
      { numRuns: 5000 },
    );
  });

  it("copies and compares exactly whatever the octets would be as numbers, also once it is compiled", () => {
    // As floating-point numbers: not-a-number, quiet and signalling, with and without sign, the holes of arrays, -0, infinity.
    const words = [
      "7ff8",
      "7ff0000000000001",
      "fff8",
      "fff7fffffff7ffff",
      "fff6fffffff6ffff",
      "80",
      "7ff0",
      "ffffffffffffffff",
    ];
    const inOrder = words.map((word) => fromHex(word.padEnd(16, "0")));
    const from = Uint8Array.from(
      [...inOrder, ...inOrder.map((word) => word.toReversed()), [1, 2, 3]].flatMap((word) => [...word]),
    );
    const [source, into] = [new OctetView().over(from), new Uint8Array(from.length + 8)];
    const target = new OctetView().over(into);
    for (let round = 0; round < 100_000; round++) {
      const length = from.length - (round & 7);
      into.fill(0);
      if ((round & 8) === 0) copyOctets(source, 0, target, round & 3, length);
      else copyWholeWords(source, 0, target, round & 3, length);
      for (let i = 0; i < length; i++)
        if (into[i + (round & 3)] !== from[i]) assert.fail(`octet ${i} of round ${round}`);
      assert.ok(sameOctets(source, 0, target, round & 3, length));
      const which = (round & 3) + (round % length);
      into[which]! ^= 0x80;
      assert.ok(!sameOctets(source, 0, target, round & 3, length));
    }
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
      { numRuns: 5000 },
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
