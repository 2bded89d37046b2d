import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { deriveRoute, judgePayloadCode } from "../../../src/bgp/brownfield/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, SemanticAttribute } from "../../../src/rib/index.ts";
import { derived, UNIQUE, uncritical } from "./round-trip.ts";
import { domain, HERE, LOCATOR, mirrored, OCR, siteSet, VALID_UNTIL } from "./samples.ts";

describe("the payload attribute", () => {
  const full = domain({ payloadCode: 220 });
  const rich: Partial<SemanticAttribute> = {
    labels: ["eu", "without-a-bit"].map(uncritical),
    access: { protocol: "tcp", port: 443, alpn: "h2" },
    capacity: { maximum: 10, remaining: 3 },
    aggregate: { count: 300, minimum: 1, mean: 5, maximum: 9 },
    lease: { sequence: 9n, validUntil: seconds(VALID_UNTIL + 17), renew: seconds(600) },
    taxonomyRevision: 4,
    attestation: Uint8Array.of(9, 9),
  };

  for (const flags of [0xc0, 0xd0, 0xe0, 0xf0, 0xc5]) {
    it(`brings everything, with flags 0x${flags.toString(16)} on the way`, () => {
      const set = siteSet({}, rich);
      const { set: sent } = mirrored(set, full);
      const codec = new AttributeCodec(DEFAULT_DIALECT);
      const octets = withFlags(codec.encode(sent, { asWidth: 4, internal: true }), 220, flags);
      const outcome = codec.decode(
        octets,
        { family: "ipv6-unicast", nextHop: LOCATOR },
        { asWidth: 4, internal: true },
      );
      assert.ok(outcome.kind === "valid");
      const route = deriveRoute(mirrored(set, full).addresses[UNIQUE], outcome.set, HERE, full);
      assert.ok(route.ok);
      assert.deepEqual(route.set.semantic, { ...set.semantic, name: OCR });
      assert.deepEqual(route.lost, []);
      assert.deepEqual(route.set.opaque, [], "it is not handed on in the capability family");
    });
  }

  it("lost or damaged, the communities go on, and it is said", () => {
    for (const change of [
      (sent: AttributeSet) => ({ ...sent, opaque: [] }),
      (sent: AttributeSet) => ({ ...sent, opaque: sent.opaque.map((a) => ({ ...a, value: a.value.slice(0, -1) })) }),
    ]) {
      const route = derived(siteSet({}, rich), change, full);
      assert.deepEqual(route.lost, ["payload"]);
      assert.equal(route.set.semantic!.score, 7);
      assert.equal(route.set.semantic!.access, undefined);
    }
  });

  it("longer than 2 kB it is not attached", () => {
    const labels = Array.from({ length: 40 }, (_, i) => uncritical(`${i}`.padStart(60, "x")));
    const { set, payloadLost } = mirrored(siteSet({}, { labels }), full);
    assert.deepEqual([payloadLost, set.opaque], [true, []]);
    assert.deepEqual(derived(siteSet({}, { labels }), undefined, full).lost, []);
  });

  it("may not have the codes that end sessions or mean something else", () => {
    for (const code of [0, 1, 14, 15, 16, 22, 23, 32, 35, 40, 254, 255, 256, 1.5]) {
      assert.equal(judgePayloadCode(code).usable, false, String(code));
    }
    for (const code of [11, 29, 42]) {
      const judged = judgePayloadCode(code);
      assert.ok(judged.usable && judged.warning !== undefined, String(code));
    }
    for (const code of [12, 13, 19, 20, 21, 24, 27, 28, 41, 128, 220, 230, 253]) {
      assert.deepEqual(judgePayloadCode(code), { usable: true }, String(code));
    }
  });
});

/** The same attributes with these flags in one of them, whose length then has one octet or two. */
function withFlags(octets: Uint8Array, code: number, flags: number): Uint8Array {
  const at = attributeAt(octets, code);
  const wasLong = (octets[at]! & 0x10) !== 0;
  const isLong = (flags & 0x10) !== 0;
  assert.ok(isLong || !wasLong, "a long value needs a long length");
  const length = isLong && !wasLong ? [0, octets[at + 2]!] : octets.subarray(at + 2, at + (wasLong ? 4 : 3));
  return Uint8Array.of(...octets.subarray(0, at), flags, code, ...length, ...octets.subarray(at + (wasLong ? 4 : 3)));
}

/** Where an attribute begins in whole attributes one after the other. */
function attributeAt(octets: Uint8Array, code: number): number {
  for (let at = 0; at < octets.length; ) {
    if (octets[at + 1] === code) return at;
    const isLong = (octets[at]! & 0x10) !== 0;
    at += isLong ? 4 + ((octets[at + 2]! << 8) | octets[at + 3]!) : 3 + octets[at + 2]!;
  }
  throw new Error(`no attribute ${code}`);
}
