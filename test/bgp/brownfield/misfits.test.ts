import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { capabilityId } from "../../../src/base/index.ts";
import { CapabilityBook, deriveRoute, lostOf } from "../../../src/bgp/brownfield/index.ts";
import { type AttributeSet, hasHashMismatch } from "../../../src/rib/index.ts";
import { derived, roundTrip, UNIQUE, uncritical, without } from "./round-trip.ts";
import { ACME, address, domain, FAMILIES, GLOBEX, HERE, mirrored, OCR, SPEECH, siteNlri, siteSet } from "./samples.ts";

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
      extendedCommunities: [
        ...sent.extendedCommunities.filter((c) => c[0] !== 0x83 && c[0] !== 0x84),
        Uint8Array.from(octets),
      ],
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

  for (const [kept, dropped] of [
    [0x83, 0x84],
    [0x84, 0x83],
  ] as const)
    it(`fits with the mark of type 0x${kept.toString(16)} alone: the other one was stripped on the way`, () => {
      const { set: sent } = mirrored(siteSet());
      const whole = derived(siteSet(), (set) => set);
      const { set } = derived(siteSet(), (set) => ({
        ...set,
        extendedCommunities: set.extendedCommunities.filter((octets) => octets[0] !== dropped),
      }));
      assert.ok(sent.extendedCommunities.some((octets) => octets[0] === dropped));
      assert.deepEqual(set, whole.set);
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
