import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIpv6, toHex } from "../../../src/base/index.ts";
import { AttributeCodec, type AttributeContext, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import { SetScanner } from "../../../src/bgp/wire/set-scanner.ts";
import { type AttributeSet, digestOf, type RouteFamily } from "../../../src/rib/index.ts";
import { setSample } from "./samples.ts";

/*
 * The short way against the long one: whatever octets come, what `SetScanner` takes is what `AttributeCodec.decode` would have
 * made of them, in identity, digest, view and object.
 */

const codec = new AttributeCodec(DEFAULT_DIALECT);
const NEXT_HOP = parseIpv6("2001:db8::77")!;

interface Piece {
  readonly flags: number;
  readonly code: number;
  readonly value: readonly number[];
}

const octet = fc.nat(255);
const value = (width: number, most: number) =>
  fc
    .integer({ min: 1, max: most })
    .chain((count) => fc.array(octet, { minLength: width * count, maxLength: width * count }));
const u32 = value(4, 1);
/** Communities that mean something, among others. */
const community = fc.oneof(
  fc.constantFrom([255, 255, 255, 1], [255, 255, 255, 2], [255, 255, 255, 3], [255, 255, 0, 0], [255, 255, 0, 6]),
  value(4, 1),
);
/** Few of them are the same. */
const large = fc.oneof(
  { weight: 20, arbitrary: value(12, 1) },
  fc.constantFrom(new Array(12).fill(1), new Array(12).fill(2)),
);
/** The state of an origin among them (RFC 8097). */
const extended = fc.oneof({ weight: 20, arbitrary: value(8, 1) }, fc.constant([0x43, 0, 0, 0, 0, 0, 0, 2]));
const segment = fc
  .tuple(
    fc.oneof({ weight: 40, arbitrary: fc.constantFrom(1, 2) }, { weight: 1, arbitrary: fc.nat(5) }),
    fc.oneof({ weight: 40, arbitrary: fc.integer({ min: 1, max: 6 }) }, { weight: 1, arbitrary: fc.nat(255) }),
  )
  .chain(([type, count]) =>
    fc
      .array(fc.oneof({ weight: 300, arbitrary: fc.nat(0xfffffffe).map((n) => n + 1) }, fc.constant(0)), {
        minLength: count,
        maxLength: count,
      })
      .map((numbers) => [
        type,
        count,
        ...numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]),
      ]),
  );
const flat = (parts: fc.Arbitrary<readonly (readonly number[])[]>) => parts.map((all) => all.flat());

/** A well-formed value of each code that is known, and of two that are not. */
const VALUES: readonly (readonly [flags: number, code: number, value: fc.Arbitrary<readonly number[]>])[] = [
  [0x40, 1, fc.constantFrom([0], [1], [2])],
  [0x40, 2, flat(fc.array(segment, { maxLength: 4 }))],
  [0x40, 3, u32],
  [0x80, 4, u32],
  [0x40, 5, u32],
  [0x40, 6, fc.constant([])],
  [0xc0, 7, value(8, 1)],
  [0xc0, 8, flat(fc.array(community, { minLength: 1, maxLength: 70 }))],
  [0x80, 9, u32],
  [0x80, 10, value(4, 70)],
  [0xc0, 16, flat(fc.array(extended, { minLength: 1, maxLength: 40 }))],
  [0xc0, 17, value(8, 1)],
  [0xc0, 18, value(8, 1)],
  [0xc0, 25, value(20, 20)],
  [0xc0, 32, flat(fc.array(large, { minLength: 1, maxLength: 40 }))],
  [0xc0, 35, u32],
  [0xc0, 99, value(1, 300)],
  [0x80, 98, value(1, 300)],
  [0x40, 97, value(1, 3)],
];

const sample = codec.encode(setSample(), { asWidth: 4, internal: true });
const semanticAt = findSemantic(sample);
const SEMANTIC: readonly number[] = [...sample.subarray(semanticAt + 3, semanticAt + 3 + sample[semanticAt + 2]!)];

function findSemantic(octets: Uint8Array): number {
  let at = 0;
  while (octets[at + 1] !== 255) at += 3 + octets[at + 2]!;
  return at;
}

const piece: fc.Arbitrary<Piece> = fc
  .oneof(
    { weight: 12, arbitrary: fc.nat(VALUES.length - 1).chain((i) => VALUES[i]![2].map((v) => ({ i, v }))) },
    { weight: 1, arbitrary: fc.constant({ i: -1, v: SEMANTIC }) },
  )
  .chain(({ i, v }) => {
    const [flags, code] = i < 0 ? [0x80, 255] : [VALUES[i]![0], VALUES[i]![1]];
    const low = fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.constantFrom(0x20, 0x0f, 0x10, 0x3f));
    const bent = fc.oneof({ weight: 80, arbitrary: fc.constant(0) }, fc.constantFrom(0x80, 0x40, 0xc0));
    const cut = fc.oneof({ weight: 80, arbitrary: fc.constant(undefined) }, fc.nat(40));
    return fc
      .tuple(low, bent, cut)
      .map(([l, b, c]) => ({ flags: (flags ^ b) | l, code, value: c === undefined ? v : v.slice(0, c) }));
  });

const mandatory: fc.Arbitrary<readonly Piece[]> = fc
  .tuple(VALUES[0]![2], VALUES[1]![2], VALUES[4]![2], fc.boolean())
  .map(([origin, path, preference, has]) => [
    { flags: 0x40, code: 1, value: origin },
    { flags: 0x40, code: 2, value: path },
    ...(has ? [{ flags: 0x40, code: 5, value: preference }] : []),
  ]);

const attributes: fc.Arbitrary<readonly Piece[]> = fc
  .tuple(mandatory, fc.array(piece, { maxLength: 7 }))
  .map(([first, others]) => [...first, ...others].filter((a, i, all) => all.findIndex((b) => b.code === a.code) === i))
  .chain((all) => fc.shuffledSubarray([...all], { minLength: Math.max(0, all.length - 1), maxLength: all.length }));

interface Laid {
  readonly gathered: Uint8Array;
  readonly starts: Int32Array;
  readonly count: number;
}

function lay(pieces: readonly Piece[]): Laid {
  const out: number[] = [];
  const starts: number[] = [];
  for (const { flags, code, value } of pieces) {
    starts.push(out.length);
    const extended = value.length > 255 || (flags & 0x10) !== 0;
    out.push(extended ? flags | 0x10 : flags & 0xef, code);
    if (extended) out.push(value.length >>> 8);
    out.push(value.length & 0xff, ...value);
  }
  return { gathered: Uint8Array.from(out), starts: Int32Array.from(starts), count: starts.length };
}

const byCode = (set: AttributeSet): AttributeSet => ({
  ...set,
  opaque: [...set.opaque].sort((a, b) => a.code - b.code),
});

/** What a view says, attribute by attribute. */
function seen(set: AttributeSet): AttributeSet {
  const copy: Record<string, unknown> = {};
  const names = ["origin", "asPath", "multiExitDisc", "localPref", "originatorId", "clusterList", "onlyToCustomer"];
  const lists = ["communities", "extendedCommunities", "largeCommunities", "semantic", "opaque"];
  for (const name of [...names, ...lists]) {
    const found = set[name as keyof AttributeSet];
    if (found !== undefined) copy[name] = found;
  }
  return structuredClone({ ...copy, nextHop: Uint8Array.from(set.nextHop) }) as unknown as AttributeSet;
}

function compare(pieces: readonly Piece[], family: RouteFamily, context: AttributeContext, viaReach: boolean): boolean {
  const { gathered, starts, count } = lay(pieces);
  const nextHop = viaReach ? NEXT_HOP : undefined;
  const scanner = new SetScanner(codec, context);
  const taken = scanner.scan({ octets: gathered, starts, count }, family, nextHop);
  if (!taken) return false;
  const outcome = codec.decode(gathered, { family, nextHop }, context);
  assert.equal(outcome.kind, "valid");
  assert.ok(outcome.kind === "valid");
  assert.deepEqual(outcome.faults, []);
  assert.equal(toHex(scanner.octets.subarray(0, scanner.length)), toHex(outcome.identity));
  assert.deepEqual(scanner.digest, digestOf(outcome.set));
  assert.deepEqual(byCode(seen(scanner.set)), byCode(seen(outcome.set)));
  const at = scanner.nextHop;
  assert.equal(toHex(at.octets.subarray(at.start, at.start + 16)), toHex(outcome.set.nextHop));
  const { octets, start, end } = scanner.communities;
  assert.equal(toHex(octets.subarray(start, end)), outcome.set.extendedCommunities.map(toHex).join(""));
  lookedFor(pieces, outcome.set, family, { ...context, nextHop });
  // Somewhere in a larger piece of memory, as the RIB keeps it.
  const kept = new Uint8Array(scanner.length + 64);
  kept.set(outcome.identity, 40);
  assert.deepEqual(byCode(codec.decodeIdentity(kept, 40, scanner.length)), byCode(outcome.set));
  const hidden = scanner.set;
  hidden.hidesMultiExitDisc = true;
  const { multiExitDisc: _, ...others } = outcome.set;
  assert.equal(hidden.multiExitDisc, undefined);
  assert.deepEqual(byCode(hidden.whole), byCode(others));
  return true;
}

/** An AS is found in the path, or is not, whichever it is that the scanner has looked for. */
function lookedFor(
  pieces: readonly Piece[],
  { asPath }: AttributeSet,
  family: RouteFamily,
  { nextHop, ...context }: AttributeContext & { readonly nextHop: Uint8Array | undefined },
): void {
  const numbers = asPath.flatMap((segment) => segment.numbers);
  const [first = 1, last = 2] = [numbers[0], numbers.at(-1)];
  for (const localAs of [first, last, 65_000, undefined]) {
    const { gathered, starts, count } = lay(pieces);
    const scanner = new SetScanner(codec, localAs === undefined ? context : { ...context, localAs });
    const places = { octets: gathered, starts, count };
    // What was found in the set before is of no matter.
    for (let times = 0; times < 2; times++) {
      assert.ok(scanner.scan(places, family, nextHop));
      for (const number of [first, last, 65_000, 0]) {
        assert.equal(scanner.set.hasInPath(number), numbers.includes(number));
      }
    }
  }
}

describe("SetScanner", () => {
  const families = fc.constantFrom<RouteFamily>("capability", "ipv6-unicast", "ipv4-unicast");

  it("takes what the decoder takes, to the same set, and nothing that the decoder faults (RFC 7606 §7)", () => {
    let taken = 0;
    fc.assert(
      fc.property(attributes, families, fc.boolean(), fc.nat(3), (pieces, family, internal, rare) => {
        // Most neighbours of another AS keep to themselves what is meant for inside.
        const inside = new Set(internal || rare === 0 ? [] : [5, 9, 10]);
        const sent = pieces.filter(({ code }) => !inside.has(code));
        if (compare(sent, family, { asWidth: 4, internal }, rare !== 1)) taken++;
      }),
      { numRuns: 3000 },
    );
    assert.ok(taken > 300, `only ${taken} of 3000 went the short way: the test shows too little`);
  });

  it("takes what BIRD, FRR, OpenBGPD and GoBGP send, in their order", () => {
    const path = { flags: 0x40, code: 2, value: [2, 2, 0, 0, 253, 232, 0, 1, 0, 0] };
    const large = { flags: 0xc0, code: 32, value: Array.from({ length: 24 }, (_, i) => i) };
    const extended = { flags: 0xc0, code: 16, value: new Array(8).fill(0) };
    const set = [
      { flags: 0x40, code: 1, value: [0] },
      path,
      { flags: 0x80, code: 4, value: [0, 0, 0, 9] },
      large,
      extended,
    ];
    assert.equal(compare(set, "ipv6-unicast", { asWidth: 4, internal: false }, true), true);
    assert.equal(compare(set.toReversed(), "ipv6-unicast", { asWidth: 4, internal: false }, true), true);
    const semantic = { flags: 0x80, code: 255, value: SEMANTIC };
    assert.equal(compare([...set, semantic], "capability", { asWidth: 4, internal: false }, true), true);
  });

  it("says where things are of a set that it had to make room for", () => {
    const set = [
      { flags: 0x40, code: 1, value: [0] },
      { flags: 0x40, code: 2, value: [2, 1, 0, 0, 253, 232] },
      { flags: 0xc0, code: 99, value: new Array(9000).fill(7) },
    ];
    assert.equal(compare(set, "capability", { asWidth: 4, internal: false }, true), true);
    const { gathered, starts, count } = lay(set);
    const scanner = new SetScanner(codec, { asWidth: 4, internal: false });
    for (const nextHop of [NEXT_HOP, NEXT_HOP.map((octet) => octet ^ 1)]) {
      assert.ok(scanner.scan({ octets: gathered, starts, count }, "capability", nextHop));
      const at = scanner.nextHop;
      assert.equal(toHex(at.octets.subarray(at.start, at.start + 16)), toHex(nextHop));
    }
  });

  it("leaves sessions of 2-octet AS numbers to the decoder (RFC 6793)", () => {
    const set = [
      { flags: 0x40, code: 1, value: [0] },
      { flags: 0x40, code: 2, value: [2, 1, 0, 9] },
    ];
    assert.equal(compare(set, "ipv6-unicast", { asWidth: 2, internal: false }, true), false);
  });
});
