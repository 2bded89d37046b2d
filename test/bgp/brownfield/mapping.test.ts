import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, capabilityId, formatIpv6, seconds } from "../../../src/base/index.ts";
import {
  CapabilityBook,
  deriveRoute,
  judgePayloadCode,
  LabelBook,
  lostOf,
  mirrorRoute,
} from "../../../src/bgp/brownfield/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, decodeCapability, linkBandwidth } from "../../../src/bgp/wire/index.ts";
import { type AttributeSet, hasHashMismatch, type SemanticAttribute } from "../../../src/rib/index.ts";
import {
  ACME,
  address,
  CAPABILITIES,
  domain,
  FAMILIES,
  GLOBEX,
  HERE,
  LABELS,
  LOCATOR,
  mirrored,
  OCR,
  router,
  SITE,
  SPEECH,
  semantic,
  siteNlri,
  siteSet,
  VALID_UNTIL,
} from "./samples.ts";

const UNIQUE = 0;
const ANYCAST = 1;

/** What comes out at the other end. */
function roundTrip(set: AttributeSet, changes: (sent: AttributeSet) => AttributeSet = (sent) => sent, of = domain()) {
  const { addresses, set: sent } = mirrored(set, of);
  return deriveRoute(addresses[UNIQUE], changes(sent), HERE, of);
}

function derived(...args: Parameters<typeof roundTrip>) {
  const route = roundTrip(...args);
  assert.ok(route.ok, route.ok ? "" : route.reason);
  return route;
}

describe("the mapping of brownfield (DESIGN 4.5)", () => {
  it("makes two addresses of a site's route", () => {
    const { addresses, set } = mirrored(siteSet());
    const start = [...capabilityId(OCR, 1).subarray(0, 4)].map((octet) => octet.toString(16).padStart(2, "0")).join("");
    const half = `${start.slice(0, 4)}:${start.slice(4)}`;
    assert.equal(formatIpv6(addresses[UNIQUE]), formatIpv6(address(`fd5e:3d00:1:1:1:${half}:2`)));
    assert.equal(formatIpv6(addresses[ANYCAST]), formatIpv6(address(`fd5e:3d00:1:1:1:${half}:0`)));
    assert.equal(set.semantic, undefined, "SEMANTIC is never said in unicast");
  });

  it("says in communities what the format says, number for number", () => {
    const said = { latencyClass: 3, costClass: 15, labels: ["eu", "gdpr", "gpu", "none"].map(uncritical) };
    const set = siteSet({}, { ...said, aggregate: { count: 2, minimum: 7, mean: 7, maximum: 7 }, state: "degraded" });
    const { set: sent, labelsLost } = mirrored(set);
    const view = new DataView(capabilityId(OCR, 1).buffer);
    assert.deepEqual(
      sent.largeCommunities.map(({ globalAdministrator, data1, data2 }) => [globalAdministrator, data1, data2]),
      [
        [65000, 0x53000001, view.getUint32(4)],
        [65000, 0x53000002, view.getUint32(8)],
        [65000, 0x53000003, 0x00010004],
        [65000, 0x53000004, (30 << 16) | (7 << 12) | (1 << 8) | 2],
        [65000, 0x53000005, 0x030f],
        [65000, 0x53000006, 0x80000001],
        [65000, 0x5300000f, 0x80],
        [65000, 0x53000010, 30_000_000],
        [65000, 0x53000030, 0xfd00ffff],
        [65000, 0x53000031, 0],
        [65000, 0x53000032, 0],
        [65000, 0x53000033, 2],
      ],
    );
    assert.deepEqual(labelsLost, ["none"]);
    const mark = sent.extendedCommunities.at(-1)!;
    assert.deepEqual([...mark], [0x83, 0x53, 1, 0x04 | 0x08, 10, 255, 0, 2]);
    assert.ok(sent.extendedCommunities.includes(ACME.exportTargets[0]!), "the route target says the tenant");
  });

  const FIELDS: readonly { readonly name: string; readonly said: Partial<SemanticAttribute> }[] = [
    { name: "version", said: { version: { major: 65535, minor: 65535, compatibleMajor: 65535 } } },
    ...Array.from({ length: 11 }, (_, score) => ({ name: `score ${score}`, said: { score } })),
    ...(["up", "degraded", "draining", "down"] as const).map((state) => ({ name: `state ${state}`, said: { state } })),
    { name: "both classes", said: { latencyClass: 0, costClass: 15 } },
    { name: "latency class alone", said: { latencyClass: 15 } },
    { name: "cost class alone", said: { costClass: 0 } },
    { name: "labels", said: { labels: ["gdpr", "eu", "gpu"].map(uncritical) } },
    { name: "one label", said: { labels: [uncritical("gpu")] } },
    { name: "number of instances", said: { aggregate: { count: 255, minimum: 7, mean: 7, maximum: 7 } } },
    { name: "a lease of long ago", said: leaseOf(60) },
    { name: "a lease of far away", said: leaseOf(60 * 0xffffffff) },
  ];
  for (const { name, said } of FIELDS) {
    it(`${name} comes back as it was`, () => {
      const route = derived(siteSet({}, said));
      assert.deepEqual(route.set.semantic, { ...semantic(said), name: OCR });
      assert.deepEqual(route.lost, []);
      assert.equal(route.mismatch, false);
    });
  }

  it("key, tunnel end, weight and everything that is not ours come back as well", () => {
    const other = { globalAdministrator: 64500, data1: 1, data2: 2 };
    const { set, key, originId, anycast } = derived(
      siteSet({ communities: [0xfde80001], largeCommunities: [other], multiExitDisc: 5 }),
      (sent) => ({ ...sent, nextHop: address("2001:db8::99") }),
    );
    const nlri = decodeCapability(key)!;
    assert.ok(nlri.type === "site");
    assert.deepEqual(nlri.capabilityId, capabilityId(OCR, 1));
    assert.deepEqual([...nlri.routeDistinguisher], [0, 1, 10, 255, 0, 1, 0, 1], "of the router that made it");
    assert.deepEqual([nlri.originId, originId, anycast], [router("10.255.0.2"), router("10.255.0.2"), false]);
    assert.deepEqual(set.nextHop, LOCATOR, "whatever the next hop on the way");
    assert.deepEqual(set.extendedCommunities.at(-1), linkBandwidth(65000, 30));
    assert.deepEqual([set.communities, set.largeCommunities[0], set.multiExitDisc], [[0xfde80001], other, 5]);
  });

  it("the weight survives when link bandwidth does not, and counts when it was changed", () => {
    const without = (sent: AttributeSet) => ({
      ...sent,
      extendedCommunities: sent.extendedCommunities.filter((c) => c[1] !== 4),
    });
    assert.deepEqual(derived(siteSet(), without).set.extendedCommunities.at(-1), linkBandwidth(65000, 30));
    const changed = (sent: AttributeSet) => {
      const others = without(sent);
      return { ...others, extendedCommunities: [linkBandwidth(1, 99), ...others.extendedCommunities] };
    };
    const bandwidths = derived(siteSet(), changed).set.extendedCommunities.filter((c) => c[0] === 0x40 && c[1] === 4);
    assert.deepEqual(bandwidths, [linkBandwidth(65000, 30)]);
  });

  it("a value beyond its field is the largest one", () => {
    const set = siteSet(
      { extendedCommunities: [...ACME.exportTargets, linkBandwidth(65000, 70_000)] },
      { aggregate: { count: 300, minimum: 7, mean: 7, maximum: 7 } },
    );
    const route = derived(set);
    assert.equal(route.set.semantic!.aggregate!.count, 255);
    assert.deepEqual(route.set.extendedCommunities.at(-1), linkBandwidth(65000, 65535));
  });

  it("the digest of an attestation is said; the attestation is not", () => {
    const route = derived(siteSet({}, { attestation: Uint8Array.of(1, 2, 3) }));
    assert.equal(route.set.semantic!.attestation, undefined);
    const digest = route.set.largeCommunities.filter(({ data1 }) => data1 === 0x53000020 || data1 === 0x53000021);
    // SHA-256 of 01 02 03 begins with 039058c6f2c0cb49.
    assert.deepEqual(
      digest.map(({ data2 }) => data2),
      [0x039058c6, 0xf2c0cb49],
    );
    const gone = (sent: AttributeSet) => without(sent, 0x53000021);
    assert.deepEqual(derived(siteSet({}, { attestation: Uint8Array.of(1, 2, 3) }), gone).lost, ["attestation"]);
  });

  it("what cannot be said in communities is not mirrored", () => {
    const refusal = (...args: Parameters<typeof mirrorRoute>) => {
      const route = mirrorRoute(...args);
      return route.ok ? undefined : route.reason;
    };
    const critical = siteSet({}, { labels: [{ text: "gdpr", critical: true }] });
    assert.equal(refusal(siteNlri(), critical, SITE, domain()), "critical-label");
    assert.equal(
      refusal(siteNlri({ capabilityId: new Uint8Array(16) }), siteSet(), SITE, domain()),
      "unknown-capability",
    );
    assert.equal(refusal(siteNlri(), siteSet({ extendedCommunities: [] }), SITE, domain()), "unknown-tenant");
    const { semantic: _, ...plain } = siteSet();
    assert.equal(refusal(siteNlri(), plain, SITE, domain()), "no-semantic");
  });
});

describe("a route that arrives poorer", () => {
  const LOSSES = [
    { what: "version", types: [0x53000003], kept: true },
    { what: "metric", types: [0x53000004], kept: true },
    { what: "classes", types: [0x53000005], kept: true },
    { what: "labels", types: [0x53000006], kept: true },
    { what: "locator", types: [0x53000032], kept: true },
    { what: "check", types: [0x53000001], kept: false },
    { what: "lease", types: [0x53000010], kept: false },
  ] as const;
  const said = { latencyClass: 1, labels: [uncritical("eu")] };
  for (const { what, types, kept } of LOSSES) {
    it(`without its ${what} it is ${kept ? "used with what is left" : "not used"}, and that is said`, () => {
      const route = roundTrip(siteSet({}, said), (sent) => without(sent, ...types));
      assert.equal(route.ok, kept);
      if (what === "check") assert.ok(route.lost.includes("check"));
      else assert.deepEqual(route.lost, [what]);
    });
  }

  it("without its metric it is the worst, and not down", () => {
    const route = derived(siteSet(), (sent) => without(sent, 0x53000004));
    assert.deepEqual([route.set.semantic!.score, route.set.semantic!.state], [0, "up"]);
  });

  it("without its locator the next hop counts inside the AS only", () => {
    const { addresses, set } = mirrored(siteSet());
    const poorer = without({ ...set, nextHop: address("2001:db8::7") }, 0x53000030);
    const inside = deriveRoute(addresses[UNIQUE], poorer, HERE, domain());
    assert.ok(inside.ok);
    assert.deepEqual(inside.set.nextHop, address("2001:db8::7"));
    const outside = deriveRoute(addresses[UNIQUE], poorer, { ...HERE, kind: "external" }, domain());
    assert.deepEqual([outside.ok, !outside.ok && outside.reason], [false, "no-locator"]);
  });

  it("without its mark it is recognised by its communities, and not used", () => {
    const route = roundTrip(siteSet(), (sent) => ({ ...sent, extendedCommunities: ACME.exportTargets }));
    assert.deepEqual(route, { ok: false, reason: "no-mark", lost: ["mark"] });
    assert.deepEqual(
      lostOf({ ...siteSet(), largeCommunities: [] }, domain()),
      [],
      "a route that never was ours lacks nothing",
    );
  });
});

describe("a route that does not fit", () => {
  const refusal = (change: (sent: AttributeSet) => AttributeSet, at = UNIQUE, of = domain()): string | undefined => {
    const { addresses, set } = mirrored(siteSet());
    const route = deriveRoute(addresses[at]!, change(set), HERE, of);
    return route.ok ? undefined : route.reason;
  };
  const mark =
    (...octets: number[]) =>
    (sent: AttributeSet): AttributeSet => ({
      ...sent,
      extendedCommunities: [...sent.extendedCommunities.filter((c) => c[0] !== 0x83), Uint8Array.from(octets)],
    });

  it("its check octets are those of another capability: kept, marked, and not used", () => {
    const { addresses, set } = mirrored(siteSet());
    const change = (data1: number) =>
      set.largeCommunities.map((w) => (w.data1 === data1 ? { ...w, data2: (w.data2 ^ 1) >>> 0 } : w));
    for (const type of [0x53000001, 0x53000002]) {
      const route = deriveRoute(addresses[UNIQUE], { ...set, largeCommunities: change(type) }, HERE, domain());
      assert.ok(route.ok);
      assert.equal(route.mismatch, true);
      assert.ok(hasHashMismatch(route.set));
      assert.equal(route.capability.name, OCR);
    }
    const clean = derived(siteSet(), mark(0x83, 0x53, 1, 0x01, 10, 255, 0, 2));
    assert.equal(hasHashMismatch(clean.set), false, "nobody else says so for this router");
  });

  it("is of a tenant that is not here, or of one tenant by address and of another by route target", () => {
    assert.equal(
      refusal((sent) => sent, UNIQUE, domain({ tenants: [GLOBEX] })),
      "unknown-tenant",
    );
    const other = (sent: AttributeSet) => ({
      ...sent,
      extendedCommunities: [...sent.extendedCommunities.slice(1), ...GLOBEX.exportTargets],
    });
    assert.equal(refusal(other), "route-target");
  });

  it("is this router's own", () => assert.equal(refusal(mark(0x83, 0x53, 1, 0, 10, 255, 0, 1)), "own-origin"));
  it("has another format", () => assert.equal(refusal(mark(0x83, 0x53, 2, 0, 10, 255, 0, 2)), "unknown-version"));
  it("is contradicted by a second speaker", () => {
    const twice = (sent: AttributeSet): AttributeSet => ({
      ...sent,
      largeCommunities: [...sent.largeCommunities, { globalAdministrator: 64501, data1: 0x53000001, data2: 1 }],
    });
    assert.equal(refusal(twice), "ambiguous");
    const same = (sent: AttributeSet): AttributeSet => ({
      ...sent,
      largeCommunities: [...sent.largeCommunities, { globalAdministrator: 65000, data1: 0x53000004, data2: 1 }],
    });
    assert.equal(refusal(same), "ambiguous");
  });
  it("has words of others about things of no importance", () => {
    const more = (sent: AttributeSet): AttributeSet => ({
      ...sent,
      largeCommunities: [...sent.largeCommunities, { globalAdministrator: 64501, data1: 0x53000004, data2: 1 }],
    });
    assert.equal(refusal(more), undefined);
  });
  for (const locator of ["::1", "ff02::1", "fe80::1", "::ffff:192.0.2.1", "fd5e:3d00:1::7", "::"]) {
    it(`leads to ${locator}, where no tunnel can end`, () => {
      const { addresses, set } = mirrored(siteSet({ nextHop: address(locator) }));
      const route = deriveRoute(addresses[UNIQUE], set, HERE, domain());
      assert.deepEqual([route.ok, !route.ok && route.reason], [false, "bad-locator"]);
    });
  }
  it("is of a capability that the taxonomy does not have, unless the payload names it", () => {
    const nothing = new CapabilityBook([], FAMILIES);
    assert.equal(
      refusal((sent) => sent, UNIQUE, domain({ capabilities: nothing })),
      "unknown-capability",
    );
    const { addresses, set } = mirrored(siteSet(), domain({ payloadCode: 220 }));
    const route = deriveRoute(addresses[UNIQUE], set, HERE, domain({ capabilities: nothing, payloadCode: 220 }));
    assert.ok(route.ok);
    assert.equal(route.capability.name, OCR);
    const lie = mirrored(siteSet({}, {}), domain({ payloadCode: 220 })).set;
    const wrong = deriveRoute(
      mirrored(siteSet(), domain(), siteNlri({ capabilityId: capabilityId(SPEECH, 2) })).addresses[UNIQUE],
      lie,
      HERE,
      domain({ capabilities: nothing, payloadCode: 220 }),
    );
    assert.deepEqual([wrong.ok, !wrong.ok && wrong.reason], [false, "unknown-capability"]);
  });
});

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

function uncritical(text: string) {
  return { text, critical: false };
}

function leaseOf(validUntil: number): Pick<SemanticAttribute, "lease"> {
  return { lease: { sequence: BigInt(validUntil), validUntil: seconds(validUntil), renew: seconds(0) } };
}

function without(set: AttributeSet, ...types: readonly number[]): AttributeSet {
  return { ...set, largeCommunities: set.largeCommunities.filter(({ data1 }) => !types.includes(data1)) };
}

function sorted(attribute: SemanticAttribute): SemanticAttribute {
  return { ...attribute, labels: attribute.labels.toSorted((a, b) => (a.text < b.text ? -1 : 1)) };
}

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
