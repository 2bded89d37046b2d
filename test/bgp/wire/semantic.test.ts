import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, seconds, toHex, Writer } from "../../../src/base/index.ts";
import { decodeSemantic, encodeSemantic } from "../../../src/bgp/wire/index.ts";
import type { SemanticAttribute } from "../../../src/rib/index.ts";
import { octets, semanticSample } from "./samples.ts";

const MAGIC = "53454d52";
const LEASE = "0007 0014 0000000000000001 000000006b49d200 00000258";
const METRIC = "0003 000b 02 00 00 00 00 0000 00000007";
const { name: _name, ...unnamed } = semanticSample();
const of = (changes: Partial<SemanticAttribute>): SemanticAttribute => ({ ...unnamed, ...changes });

const VECTORS: { name: string; tlvs: string; want: SemanticAttribute | string }[] = [
  { name: "lease and metric", tlvs: LEASE + METRIC, want: of({}) },
  { name: "no metric is the worst score", tlvs: LEASE, want: of({ score: 0 }) },
  {
    name: "name",
    tlvs: `0001 000b ${toHex(new TextEncoder().encode("/vision/ocr"))} ${LEASE}${METRIC}`,
    want: semanticSample(),
  },
  {
    name: "version",
    tlvs: `${LEASE}${METRIC} 0002 0006 0002 0005 0001`,
    want: of({ version: { major: 2, minor: 5, compatibleMajor: 1 } }),
  },
  {
    name: "capacity",
    tlvs: `${LEASE}${METRIC} 0004 0008 00000064 00000032`,
    want: of({ capacity: { maximum: 100, remaining: 50 } }),
  },
  {
    name: "classes",
    tlvs: `${LEASE}${METRIC} 0005 0001 03 0006 0001 0f`,
    want: of({ latencyClass: 3, costClass: 15 }),
  },
  {
    name: "labels, one of them critical",
    tlvs: `${LEASE}${METRIC} 0008 0005 80 67647072 0008 0003 00 6575`,
    want: of({
      labels: [
        { text: "gdpr", critical: true },
        { text: "eu", critical: false },
      ],
    }),
  },
  { name: "state draining", tlvs: `${LEASE}${METRIC} 0009 0001 02`, want: of({ state: "draining" }) },
  {
    name: "access",
    tlvs: `${LEASE}${METRIC} 000a 0009 06 01bb 02 6832 02 beef`,
    want: of({ access: { protocol: "tcp", port: 443, alpn: "h2", descriptorDigest: octets("beef") } }),
  },
  {
    name: "access without ALPN and digest",
    tlvs: `${LEASE}${METRIC} 000a 0005 11 0035 00 00`,
    want: of({ access: { protocol: "udp", port: 53 } }),
  },
  {
    name: "aggregate",
    tlvs: `${LEASE}${METRIC} 000b 0007 00000003 01 05 09`,
    want: of({ aggregate: { count: 3, minimum: 1, mean: 5, maximum: 9 } }),
  },
  {
    name: "taxonomy and attestation",
    tlvs: `${LEASE}${METRIC} 000c 0004 0000002a 000d 0002 cafe`,
    want: of({ taxonomyRevision: 42, attestation: octets("cafe") }),
  },
  {
    name: "unknown TLVs are kept",
    tlvs: `7777 0002 0102 ${LEASE}${METRIC}`,
    want: of({ opaque: [{ type: 0x7777, value: octets("0102") }] }),
  },
  {
    name: "a Level 1 metric is kept, not read",
    tlvs: `0003 000b 01 00 00 00 00 0000 00000003 ${LEASE}${METRIC}`,
    want: of({ opaque: [{ type: 3, value: octets("0100000000000000000003") }] }),
  },
  {
    name: "metric of 10 octets: worst score",
    tlvs: `${LEASE} 0003 000a 02 00 00 00 00 0000 000007`,
    want: of({ score: 0 }),
  },
  { name: "score 11: worst score", tlvs: `${LEASE} 0003 000b 02 00 00 00 00 0000 0000000b`, want: of({ score: 0 }) },
  {
    name: "metric of an unknown format: worst score",
    tlvs: `${LEASE} 0003 000b 02 00 01 00 00 0000 00000007`,
    want: of({ score: 0 }),
  },
  { name: "two scores: worst score", tlvs: `${LEASE}${METRIC}${METRIC}`, want: of({ score: 0 }) },
  { name: "no lease", tlvs: METRIC, want: "no lease" },
  { name: "lease of 19 octets", tlvs: "0007 0013 0000000000000001 000000006b49d200 000002", want: "malformed lease" },
  {
    name: "lease beyond what a number holds",
    tlvs: "0007 0014 0000000000000001 0020000000000000 00000258",
    want: "malformed lease",
  },
  { name: "two leases", tlvs: LEASE + LEASE, want: "lease twice" },
  { name: "name that is none", tlvs: `0001 0001 2f ${LEASE}`, want: "malformed name" },
  { name: "critical label that is not UTF-8", tlvs: `${LEASE} 0008 0003 80 c328`, want: "malformed label" },
  { name: "label without text", tlvs: `${LEASE} 0008 0001 80`, want: "malformed label" },
  { name: "state 4", tlvs: `${LEASE} 0009 0001 04`, want: "malformed state" },
  { name: "cost class 16", tlvs: `${LEASE} 0006 0001 10`, want: "malformed cost class" },
  { name: "access by SCTP", tlvs: `${LEASE} 000a 0005 84 0035 00 00`, want: "malformed access" },
  { name: "access with octets left over", tlvs: `${LEASE} 000a 0006 11 0035 00 00 00`, want: "malformed access" },
  {
    name: "access whose ALPN is longer than the TLV",
    tlvs: `${LEASE} 000a 0005 11 0035 09 00`,
    want: "malformed access",
  },
  { name: "version of 5 octets", tlvs: `${LEASE} 0002 0005 0002 0005 00`, want: "malformed version" },
  { name: "capacity of 9 octets", tlvs: `${LEASE} 0004 0009 00000064 00000032 00`, want: "malformed capacity" },
  { name: "no latency class", tlvs: `${LEASE} 0005 0000`, want: "malformed latency class" },
  { name: "latency class 16", tlvs: `${LEASE} 0005 0001 10`, want: "malformed latency class" },
  { name: "aggregate of 6 octets", tlvs: `${LEASE} 000b 0006 00000003 01 05`, want: "malformed aggregate" },
  { name: "aggregate with score 11", tlvs: `${LEASE} 000b 0007 00000003 01 05 0b`, want: "malformed aggregate" },
  {
    name: "aggregate whose mean is the least",
    tlvs: `${LEASE} 000b 0007 00000003 05 01 09`,
    want: "malformed aggregate",
  },
  { name: "taxonomy revision of 3 octets", tlvs: `${LEASE} 000c 0003 00002a`, want: "malformed taxonomy revision" },
  { name: "two attestations", tlvs: `${LEASE} 000d 0001 01 000d 0001 02`, want: "attestation twice" },
  { name: "label that is no text, not critical", tlvs: `${LEASE} 0008 0003 00 c328`, want: "malformed label" },
  { name: "half a TLV header", tlvs: `${LEASE} 0009 00`, want: "half a TLV header" },
  { name: "TLV beyond the attribute", tlvs: `${LEASE} 0009 0002 00`, want: "TLV 9 longer than the attribute" },
];

function encoded(semantic: SemanticAttribute): Uint8Array {
  const out = new Writer(8192);
  encodeSemantic(semantic, out);
  return out.finish();
}

describe("SEMANTIC (DESIGN 4.2 and 4.4)", () => {
  for (const { name, tlvs, want } of VECTORS) {
    it(name, () => {
      const answer = decodeSemantic(octets(MAGIC + tlvs));
      assert.deepEqual(answer, want);
      // What was understood says the same again after it was written by us.
      if (typeof answer !== "string") assert.deepEqual(decodeSemantic(encoded(answer)), answer);
    });
  }

  it("wrong magic", () => {
    assert.equal(decodeSemantic(octets(`53454d53 ${LEASE}`)), "no magic");
    assert.equal(decodeSemantic(octets("5345")), "no magic");
  });

  const u16 = fc.integer({ min: 0, max: 0xffff });
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const optional = <T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> =>
    fc.option(value, { nil: undefined }).map((given) => (given === undefined ? {} : { [key]: given }));
  const plain = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
    fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<T>;
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  const semantic = fc
    .tuple(
      plain({
        score: fc.integer({ min: 0, max: 10 }),
        lease: plain({
          sequence: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
          validUntil: fc.maxSafeNat().map(seconds),
          renew: u32.map(seconds),
        }),
        labels: fc.array(plain({ text, critical: fc.boolean() }), { maxLength: 3 }),
        state: fc.constantFrom("up", "degraded", "draining", "down"),
        opaque: fc.array(plain({ type: fc.integer({ min: 14, max: 0xffff }), value: fc.uint8Array({ maxLength: 9 }) })),
      }),
      optional("name", fc.constant("/audio/speech" as CapabilityName)),
      optional("version", plain({ major: u16, minor: u16, compatibleMajor: u16 })),
      optional("capacity", plain({ maximum: u32, remaining: u32 })),
      optional("latencyClass", fc.integer({ min: 0, max: 15 })),
      optional(
        "aggregate",
        fc
          .tuple(u32, fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 3, maxLength: 3 }))
          .map(([count, scores]) => {
            const [minimum, mean, maximum] = scores.sort((a, b) => a - b) as [number, number, number];
            return { count, minimum, mean, maximum };
          }),
      ),
      optional("taxonomyRevision", u32),
      optional("attestation", fc.uint8Array({ maxLength: 40 })),
    )
    .map((parts) => Object.assign({}, ...parts) as SemanticAttribute);

  it("reads back what it wrote", () => {
    fc.assert(fc.property(semantic, (given) => assert.deepEqual(decodeSemantic(encoded(given)), given)));
  });

  const whole = encoded(
    semanticSample({ labels: [{ text: "gdpr", critical: true }], capacity: { maximum: 9, remaining: 1 } }),
  );

  // Last in it is the state "up", which is also what its absence means.
  const stateLength = 5;

  it("no truncation is taken for the whole, and none throws", () => {
    for (let length = 0; length < whole.length; length++) {
      const answer = decodeSemantic(whole.subarray(0, length));
      // A cut between two TLVs leaves a valid, smaller attribute; everything else is refused.
      if (typeof answer !== "string") assert.ok(encoded(answer).length <= whole.length, `cut at ${length}`);
      if (length !== whole.length - stateLength) assert.notDeepEqual(answer, decodeSemantic(whole), `cut at ${length}`);
    }
  });

  it("no flipped bits and no lying length throw", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 8 }), (flips) => {
        const bent = whole.slice();
        for (const flip of flips) bent[flip >>> 3]! ^= 1 << (flip & 7);
        const answer = decodeSemantic(bent);
        if (typeof answer !== "string") assert.ok(answer.score >= 0 && answer.score <= 10);
      }),
      { numRuns: 2000 },
    );
  });
});
