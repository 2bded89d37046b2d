import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { corpusOf, examine, minimised } from "./corpus.ts";
import { TARGETS, type Target } from "./decoders.ts";

/** Flipped and random inputs of each decoder. */
const RUNS = 1000;

/** What a length may lie: nothing, one, all there is, one less, one more. */
const LIES = [
  () => 0,
  () => 1,
  (_: number, most: number) => most,
  (value: number) => value - 1,
  (value: number) => value + 1,
];

describe("decoders of BGP, whatever comes in", () => {
  for (const target of TARGETS) {
    it(`${target.name}: the corpus`, (t) => {
      const corpus = corpusOf(target);
      for (const { file, octets } of corpus) examine(target, octets, `corpus file ${file}`);
      t.diagnostic(`${corpus.length} inputs`);
    });

    it(`${target.name}: cut at each octet`, () => {
      for (const seed of target.seeds) {
        for (let end = 0; end <= seed.length; end++) examine(target, seed.slice(0, end), `cut at ${end}`);
      }
    });

    // Whatever octets are a length, they are among these; and so are all others.
    it(`${target.name}: each octet and each pair of octets is 0, 1, its maximum, one less, one more`, () => {
      for (const seed of target.seeds) {
        for (let at = 0; at < seed.length; at++) {
          for (const lie of LIES) {
            const bent = seed.slice();
            bent[at] = lie(bent[at]!, 0xff);
            examine(target, bent, `octet ${at} changed`);
          }
          if (at + 1 === seed.length) continue;
          for (const lie of LIES) {
            const bent = seed.slice();
            const value = lie((bent[at]! << 8) | bent[at + 1]!, 0xffff);
            bent[at] = value >>> 8;
            bent[at + 1] = value;
            examine(target, bent, `octets ${at} and ${at + 1} changed`);
          }
        }
      }
    });

    it(`${target.name}: bits flipped, octets left out, put in and repeated`, (t) => {
      const { seed } = new SeededRandom();
      t.diagnostic(`seed ${seed}`);
      fc.assert(
        fc.property(bentOf(target), (octets) => examine(target, octets, `seed ${seed}`)),
        { seed, numRuns: RUNS },
      );
    });
  }

  it("every seed means what it should, so that what is bent begins with something good", () => {
    for (const { name, seeds, run } of TARGETS) {
      for (const seed of seeds) assert.doesNotMatch(JSON.stringify(run(seed)), /"malformed"|"ok":false|"reset"/, name);
    }
  });

  it("a failing input is made small", () => {
    const target: Target = {
      name: "picky",
      seeds: [],
      run: (octets) => assert.ok(!octets.includes(7) || octets.length < 3, "seven"),
    };
    assert.equal(toHex(minimised(target, Uint8Array.of(1, 2, 3, 7, 4, 5, 6, 8, 9, 10))).includes("07"), true);
    assert.equal(minimised(target, Uint8Array.of(1, 2, 3, 7, 4, 5, 6, 8, 9, 10)).length, 3);
  });
});

interface Change {
  readonly at: number;
  readonly what: "flip" | "remove" | "insert" | "repeat";
  readonly value: number;
}

function bentOf({ seeds }: Target): fc.Arbitrary<Uint8Array> {
  const change = fc.record<Change>({
    at: fc.nat(4095),
    what: fc.constantFrom("flip", "flip", "flip", "remove", "insert", "repeat"),
    value: fc.nat(255),
  });
  return fc
    .tuple(fc.nat(seeds.length - 1), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([which, changes]) => changes.reduce(bend, seeds[which]!));
}

function bend(octets: Uint8Array, { at, what, value }: Change): Uint8Array {
  const place = octets.length === 0 ? 0 : at % octets.length;
  const [head, tail] = [octets.subarray(0, place), octets.subarray(place)];
  switch (what) {
    case "flip": {
      const bent = octets.slice();
      if (bent.length > 0) bent[place]! ^= 1 << (value & 7);
      return bent;
    }
    case "remove":
      return Uint8Array.of(...head, ...tail.subarray(1 + (value & 7)));
    case "insert":
      return Uint8Array.of(...head, value, ...tail);
    case "repeat":
      return Uint8Array.of(...head, ...tail.subarray(0, value & 31), ...tail);
  }
}
