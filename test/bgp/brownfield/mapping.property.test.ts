import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { CapabilityName } from "../../../src/base/index.ts";
import { deriveRoute, LabelBook } from "../../../src/bgp/brownfield/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, linkBandwidth } from "../../../src/bgp/wire/index.ts";
import { derived, leaseOf, sorted, UNIQUE, uncritical } from "./round-trip.ts";
import { ACME, CAPABILITIES, domain, HERE, LABELS, mirrored, OCR, siteSet } from "./samples.ts";

describe("whatever comes", () => {
  it("no combination of communities throws, and what is taken has all it needs", () => {
    const word = fc.record({
      globalAdministrator: fc.constantFrom(65000, 64501),
      data1: fc.oneof(fc.integer({ min: 0x53000000, max: 0x530000ff }), fc.integer({ min: 0, max: 0xffffffff })),
      data2: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0xffffffff)),
    });
    const { addresses, set } = mirrored(
      siteSet({}, { latencyClass: 1, labels: [uncritical("eu")] }),
      domain({ payloadCode: 220 }),
    );
    const octets = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }),
        fc.subarray(set.largeCommunities as never[]),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.boolean(),
        fc.uint8Array({ maxLength: 64 }),
        fc.option(octets, { nil: undefined }),
        (extra, kept, community, isMark, payload, other) => {
          const mark = isMark ? Uint8Array.of(0x83, 0x53, ...community.subarray(2)) : community;
          const at =
            other === undefined
              ? addresses[UNIQUE]
              : Uint8Array.of(...addresses[UNIQUE].subarray(0, 6), ...other.subarray(6));
          const route = deriveRoute(
            at,
            {
              ...set,
              largeCommunities: [...kept, ...extra],
              extendedCommunities: [...set.extendedCommunities.slice(0, 1), mark],
              opaque: [{ flags: 0xc0, code: 220, value: payload }],
            },
            HERE,
            domain({ payloadCode: 220 }),
          );
          if (!route.ok) return;
          assert.equal(route.key.length, 30);
          assert.ok(route.set.semantic!.score >= 0 && route.set.semantic!.score <= 10);
          assert.ok(Number.isSafeInteger(route.set.semantic!.lease.validUntil));
          new AttributeCodec(DEFAULT_DIALECT).identity(route.set, "capability");
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("every site that can be said comes back as it was", () => {
    const labels = fc.subarray(["gdpr", "eu", "gpu"]);
    const klass = fc.option(fc.integer({ min: 0, max: 15 }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 }),
        fc.constantFrom("up", "degraded", "draining", "down"),
        klass,
        klass,
        labels,
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.integer({ min: 1, max: 65535 }),
        (score, state, latencyClass, costClass, texts, minutes, weight) => {
          const said = {
            score,
            state,
            ...(latencyClass === undefined ? {} : { latencyClass }),
            ...(costClass === undefined ? {} : { costClass }),
            labels: texts.map(uncritical),
            ...leaseOf(60 * minutes),
          } as const;
          const set = siteSet({ extendedCommunities: [...ACME.exportTargets, linkBandwidth(65000, weight)] }, said);
          const route = derived(set);
          assert.deepEqual(sorted(route.set.semantic!), sorted({ ...set.semantic!, name: OCR }));
          assert.deepEqual(route.set.extendedCommunities.at(-1), linkBandwidth(65000, weight));
        },
      ),
    );
  });

  it("labels have one place each, inside the communities", () => {
    for (const [namespace, bit] of [
      [10, 0],
      [-1, 0],
      [0, 32],
      [0, -1],
      [0.5, 1],
    ] as const) {
      assert.throws(() => new LabelBook([{ text: "x", namespace, bit }]), RangeError);
    }
    assert.throws(
      () =>
        new LabelBook([
          { text: "x", namespace: 0, bit: 1 },
          { text: "y", namespace: 0, bit: 1 },
        ]),
      /same bit/,
    );
    assert.throws(
      () =>
        new LabelBook([
          { text: "x", namespace: 0, bit: 1 },
          { text: "x", namespace: 0, bit: 2 },
        ]),
      /two bits/,
    );
    assert.deepEqual(LABELS.labels(0, 0xffffffff), ["gdpr", "eu"], "bits without a label say nothing");
    assert.equal(CAPABILITIES.identify("/other/x" as CapabilityName, 1).familyCode >= 0x8000, true);
  });
});
