import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Reader, Writer } from "../../../src/base/index.ts";
import {
  asPathLength,
  decodeAsPath,
  encodeAsPath,
  firstAs,
  mergeAs4Path,
  prependAs,
  prependBehindMembers,
} from "../../../src/bgp/wire/index.ts";
import type { AsPathSegment } from "../../../src/rib/index.ts";
import { octets } from "./samples.ts";

const sequence = (...numbers: number[]): AsPathSegment => ({ type: "sequence", numbers });
const set = (...numbers: number[]): AsPathSegment => ({ type: "set", numbers });
const confed = (...numbers: number[]): AsPathSegment => ({ type: "confed-sequence", numbers });

const DECODED = [
  { name: "empty", see: "RFC 4271 §5.1.2", width: 4, wire: "", want: [] },
  {
    name: "a sequence",
    see: "RFC 4271 §4.3 b)",
    width: 4,
    wire: "02 02 0000fde8 00010000",
    want: [sequence(65000, 65536)],
  },
  {
    name: "2-octet numbers",
    see: "RFC 6793 §4.1",
    width: 2,
    wire: "02 02 fde8 5ba0 01 01 0007",
    want: [sequence(65000, 23456), set(7)],
  },
  {
    name: "unknown segment type",
    see: "RFC 7606 §7.2",
    width: 4,
    wire: "05 01 0000fde8",
    want: "unknown segment type",
  },
  {
    name: "segment overrun",
    see: "RFC 7606 §7.2",
    width: 4,
    wire: "02 02 0000fde8",
    want: "segment longer than the attribute",
  },
  {
    name: "segment underrun",
    see: "RFC 7606 §7.2",
    width: 4,
    wire: "02 01 0000fde8 02",
    want: "half a segment header",
  },
  { name: "segment of no numbers", see: "RFC 7606 §7.2", width: 4, wire: "02 00", want: "empty segment" },
  { name: "AS 0", see: "RFC 7607 §2", width: 4, wire: "02 01 00000000", want: "AS 0" },
] as const;

describe("AS_PATH", () => {
  for (const { name, see, width, wire, want } of DECODED) {
    it(`${name} (${see})`, () => assert.deepEqual(decodeAsPath(new Reader(octets(wire)), width), want));
  }

  it("counts a set once and a confederation not at all (RFC 5065 §5.3)", () => {
    assert.equal(asPathLength([confed(1, 2), sequence(3, 4), set(5, 6, 7)]), 3);
  });

  it("prepends into the first sequence, in front of a set, and beyond 255 numbers (RFC 4271 §5.1.2)", () => {
    assert.deepEqual(prependAs([], 1), [sequence(1)]);
    assert.deepEqual(prependAs([sequence(2)], 1), [sequence(1, 2)]);
    assert.deepEqual(prependAs([set(2)], 1), [sequence(1), set(2)]);
    assert.deepEqual(prependAs([confed(9), sequence(2)], 1), [sequence(1, 2)]);
    const full = sequence(...Array.from({ length: 255 }, () => 2));
    assert.deepEqual(prependAs([full], 1), [sequence(1), full]);
    assert.equal(firstAs([confed(9), sequence(2)]), 2);
    assert.equal(firstAs([set(2)]), undefined);
  });

  it("what policy prepends stands behind the members of a confederation (RFC 5065)", () => {
    assert.deepEqual(prependBehindMembers([confed(9), sequence(2)], 1), [confed(9), sequence(1, 2)]);
    assert.deepEqual(prependBehindMembers([confed(9)], 1), [confed(9), sequence(1)]);
    assert.deepEqual(prependBehindMembers([sequence(2)], 1), [sequence(1, 2)]);
    assert.deepEqual(prependBehindMembers([], 1), [sequence(1)]);
  });

  it("splits what is longer than a segment holds", () => {
    const out = new Writer();
    encodeAsPath([sequence(...Array.from({ length: 300 }, (_, i) => i + 1))], 4, out);
    const path = decodeAsPath(new Reader(out.finish()), 4);
    assert.ok(typeof path !== "string");
    assert.deepEqual(
      path.map(({ numbers }) => numbers.length),
      [255, 45],
    );
  });

  const MERGED = [
    {
      name: "the old speakers' part stays in front",
      path: [sequence(1, 23456, 23456)],
      as4: [sequence(70000, 80000)],
      want: [sequence(1, 70000, 80000)],
    },
    { name: "nothing in front", path: [sequence(23456, 2)], as4: [sequence(70000, 2)], want: [sequence(70000, 2)] },
    {
      name: "AS4_PATH longer than AS_PATH is ignored",
      path: [sequence(1)],
      as4: [sequence(70000, 2)],
      want: [sequence(1)],
    },
    {
      name: "a set counts as one",
      path: [set(1, 2), sequence(23456)],
      as4: [sequence(70000)],
      want: [set(1, 2), sequence(70000)],
    },
    {
      name: "members next to what is prepended stay, others go",
      path: [confed(8), sequence(1, 2), confed(9), sequence(23456, 3), confed(7)],
      as4: [sequence(70000, 3)],
      want: [confed(8), sequence(1, 2), confed(9), sequence(70000, 3)],
    },
    {
      name: "members behind a segment of which a part is covered go",
      path: [confed(8), sequence(1, 23456), confed(9)],
      as4: [sequence(70000)],
      want: [confed(8), sequence(1, 70000)],
    },
    {
      name: "confederation segments in AS4_PATH do not count",
      path: [sequence(1, 23456)],
      as4: [confed(9), sequence(70000)],
      want: [sequence(1, 70000)],
    },
  ];
  for (const { name, path, as4, want } of MERGED) {
    it(`AS4_PATH: ${name} (RFC 6793 §4.2.3)`, () => assert.deepEqual(mergeAs4Path(path, as4), want));
  }
});
