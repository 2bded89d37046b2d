import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { octetsEqual } from "../../src/base/index.ts";
import { ImportTargets } from "../../src/rib/set-policy.ts";
import { attributeSet, distinguisher } from "./world.ts";

/** Few values in each half, so that targets have one of them in common. */
const half = fc.constantFrom([0, 2, 0xfd, 0xe8], [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0x80, 0, 0, 1]);
const target = fc.tuple(half, half).map((halves) => Uint8Array.from(halves.flat()));
const targets = fc.array(target, { maxLength: 4 });
const tenants = fc.uniqueArray(fc.record({ index: fc.integer({ min: 1, max: 0xffff }), importTargets: targets }), {
  selector: ({ index }) => index,
  maxLength: 6,
});

describe("who imports a set", () => {
  it("is the tenant with the lowest index that has one of its targets, whoever comes first", () => {
    fc.assert(
      fc.property(tenants, targets, fc.nat(3), (said, communities, before) => {
        const list = said.map((one) => {
          return { ...one, name: String(one.index), routeDistinguisher: distinguisher(1), exportTargets: [] };
        });
        const importers = list.filter(({ importTargets }) =>
          importTargets.some((one) => communities.some((community) => octetsEqual(community, one))),
        );
        const least = Math.min(...importers.map(({ index }) => index));
        const expected = importers.length === 0 ? 0 : least;
        const known = new ImportTargets(list);
        assert.equal(known.of(attributeSet({ extendedCommunities: communities })), expected);
        const octets = new Uint8Array(before + 8 * communities.length + 8).fill(0xff);
        for (const [i, community] of communities.entries()) octets.set(community, before + 8 * i);
        const end = before + 8 * communities.length;
        assert.equal(known.ofOctets({ octets, start: before, end }), expected);
      }),
      { numRuns: 1000 },
    );
  });
});
