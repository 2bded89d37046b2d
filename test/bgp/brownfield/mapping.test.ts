import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { capabilityId, formatIpv6 } from "../../../src/base/index.ts";
import { mirrorRoute } from "../../../src/bgp/brownfield/index.ts";
import { decodeCapability, linkBandwidth } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, SemanticAttribute } from "../../../src/rib/index.ts";
import { ANYCAST, derived, leaseOf, UNIQUE, uncritical, without } from "./round-trip.ts";
import { ACME, address, domain, LOCATOR, mirrored, OCR, router, SITE, semantic, siteNlri, siteSet } from "./samples.ts";

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
    const mark = [0x53, 1, 0x04 | 0x08, 10, 255, 0, 2];
    assert.deepEqual(sent.extendedCommunities.slice(-2), [Uint8Array.of(0x83, ...mark), Uint8Array.of(0x84, ...mark)]);
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
    assert.equal(
      refusal(siteNlri({ routeDistinguisher: new Uint8Array(8) }), siteSet(), SITE, domain()),
      "unknown-tenant",
    );
    const { semantic: _, ...plain } = siteSet();
    assert.equal(refusal(siteNlri(), plain, SITE, domain()), "no-semantic");
  });
});
