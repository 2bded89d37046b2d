import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, seconds, toHex } from "../../src/base/index.ts";
import {
  type AttributeSet,
  BROWNFIELD_MARK,
  type CapabilitySelection,
  digestOf,
  type Rib,
} from "../../src/rib/index.ts";
import { SiteDecision } from "../../src/rib/site-decision.ts";
import {
  address,
  announce,
  attributeSet,
  batch,
  capabilityNumber,
  EPOCH,
  intern,
  kept,
  linkBandwidth,
  ribPeer,
  siteKey,
  target,
  withdraw,
  world,
} from "./world.ts";

const LLGR_STALE = 0xffff0006;
const RUNS = 300;
const ORIGINS = 4;

const mark = (flags: number): Uint8Array =>
  Uint8Array.of(BROWNFIELD_MARK.types[0]!, BROWNFIELD_MARK.subtype, 1, flags, 10, 0, 0, 1);

/** Mostly alike, so that late steps decide as well. */
const attributes = fc
  .record({
    rt: fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 99),
    localPref: fc.constantFrom(100, 100, 100, 100, undefined, 200, 0xffffffff),
    hops: fc.constantFrom(0, 0, 0, 0, 1, 2),
    score: fc.constantFrom(5, 5, 5, 0, 7, 10),
    latencyClass: fc.constantFrom(undefined, undefined, 0, 2, 255),
    costClass: fc.constantFrom(undefined, undefined, 1, 255),
    state: fc.constantFrom("up", "up", "up", "up", "degraded", "draining", "down"),
    stale: fc.constantFrom(false, false, false, true),
    bandwidth: fc.constantFrom(undefined, undefined, 100, 100, 250.5, 0, -3, Number.POSITIVE_INFINITY, 1e30),
    name: fc.constantFrom(undefined, "/vision/ocr", "/vision/faces"),
    lease: fc.constantFrom(3600, 3600, 3600, 3600, 0, -5, 30),
    label: fc.constantFrom(undefined, undefined, undefined, "known", "unknown"),
    critical: fc.boolean(),
    mark: fc.constantFrom(undefined, undefined, undefined, undefined, 0, 1),
    withoutSemantic: fc.constantFrom(false, false, false, false, false, false, false, true),
    nextHop: fc.constantFrom("2001:db8:ff::1", "2001:db8:ff::2", "::ffff:192.0.2.1"),
    late: fc.boolean(),
  } as const)
  .map((say): { readonly set: AttributeSet; readonly asOctets: boolean } => {
    const { bandwidth, label, name, latencyClass, costClass } = say;
    const communities = [
      target(say.rt),
      ...(bandwidth === undefined ? [] : [linkBandwidth(bandwidth)]),
      ...(say.mark === undefined ? [] : [mark(say.mark)]),
    ];
    const set = attributeSet({
      ...(say.localPref !== undefined && { localPref: say.localPref }),
      asPath: say.hops === 0 ? [] : [{ type: "sequence", numbers: [64500, 64501].slice(0, say.hops) }],
      nextHop: address(say.nextHop),
      communities: say.stale ? [LLGR_STALE] : [],
      extendedCommunities: say.late ? communities.toReversed() : communities,
      ...(say.withoutSemantic && { withoutSemantic: true as const }),
      semantic: {
        ...{ score: say.score, state: say.state, name: name as CapabilityName },
        ...(latencyClass !== undefined && { latencyClass }),
        ...(costClass !== undefined && { costClass }),
        lease: { sequence: 1n, validUntil: seconds(EPOCH + say.lease), renew: seconds(1) },
        labels: label === undefined ? [] : [{ text: label, critical: say.critical }],
      },
    });
    return { set, asOctets: say.late };
  });

const PEERS = 5;
const route = {
  peer: fc.integer({ min: 0, max: PEERS - 1 }),
  capability: fc.integer({ min: 1, max: 2 }),
  origin: fc.integer({ min: 2, max: 1 + ORIGINS }),
  rd: fc.constantFrom(1, 1, 1, 2),
};
const event = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant("announce" as const), ...route, of: attributes }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("withdraw" as const), ...route }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("stale" as const), peer: route.peer }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("drain" as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("later" as const), seconds: fc.constantFrom(1, 40) }) },
);

/** Interned as one that came from the wire, whose communities nobody has made objects of. */
function announceOctets(rib: Rib, peer: number, set: AttributeSet, key: Uint8Array): void {
  const text = JSON.stringify(set, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  const identity = new TextEncoder().encode(text);
  const octets = new Uint8Array(3 + 8 * set.extendedCommunities.length);
  for (const [i, community] of set.extendedCommunities.entries()) octets.set(community, 3 + 8 * i);
  const communities = { octets, start: 3, end: octets.length };
  const source = { set, digest: digestOf(set), communities, decode: () => set };
  rib.capability.announce(peer, batch(key), rib.attributes.intern(identity, 0, identity.length, source));
}

/** What `select` says, without the further paths of each site. */
function selected(rib: Rib, { tenantIndex, capabilityId }: CapabilitySelection) {
  const whole = kept(rib.capability.select(tenantIndex, capabilityId));
  const rows = [...rib.capability.routesOf({ capabilityId })];
  const isBest = ({ candidate }: CapabilitySelection["candidates"][number]): boolean =>
    rows.some(
      ({ best, peer, originId, attributes: set }) =>
        best &&
        peer === candidate.peer &&
        originId === candidate.originId &&
        set === rib.attributes.get(candidate.attributes),
    );
  return { ...whole, candidates: whole.candidates.filter(isBest) };
}

describe("decisions that are made without objects", () => {
  it("are those of the rules, with the same steps and reasons in the same order", () => {
    let short = 0;
    let long = 0;
    const compare = (rib: Rib, limit: number): number =>
      rib.capability.drainDestinations((decision) => {
        if (decision instanceof SiteDecision) short++;
        else long++;
        assert.deepEqual(kept(decision), selected(rib, decision), toHex(decision.capabilityId));
      }, limit);
    const weights = fc.constantFrom("link-bandwidth", "link-bandwidth", "score", "equal");
    const options = fc.record({ weights, networkCostWeight: fc.constantFrom(0, 1, 3), acceptUnattested: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: "max" }), options, fc.integer(), (events, choice, seed) => {
        const { rib, clock } = world(
          { ...choice, understoodLabels: ["known"], attestation: () => (seed % 3 === 0 ? "valid" : "not-found") },
          seed,
        );
        const peers = Array.from({ length: PEERS }, (_, i) =>
          i === 0 ? 0 : rib.openPeer(ribPeer(10 + i, i % 2 === 0 ? "external" : "internal")),
        );
        for (const told of events) {
          if (told.type === "drain") {
            compare(rib, told.limit);
            continue;
          }
          if (told.type === "later") {
            clock.advance(1000 * told.seconds);
            continue;
          }
          const peer = peers[told.peer]!;
          if (told.type === "stale") {
            if (peer !== 0) rib.capability.markStale(peer);
            clock.settle();
            continue;
          }
          const key = siteKey(told.capability, told.origin, told.rd);
          if (told.type === "withdraw") withdraw(rib, peer, key);
          else if (told.of.asOctets) announceOctets(rib, peer, told.of.set, key);
          else announce(rib, peer, told.of.set, key);
        }
        while (compare(rib, 100) > 0);
      }),
      { numRuns: RUNS, verbose: 1 },
    );
    // It would be no comparison if one of the two never happened.
    assert.ok(short > 2 * long && long > 20, `${short} without objects, ${long} with`);
  });

  it("say what they say of one capability until the next is decided, and of that one then", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet({ nextHop: address("2001:db8::1") }), siteKey(1, 2));
    announce(rib, peer, attributeSet({ nextHop: address("2001:db8::2") }), siteKey(2, 3));
    const seen: CapabilitySelection[] = [];
    const copies: CapabilitySelection[] = [];
    rib.capability.drainDestinations((decision) => {
      seen.push(decision);
      copies.push(kept(decision));
    }, 10);
    assert.equal(seen[0], seen[1]);
    assert.deepEqual(
      copies.map(({ capabilityId }) => toHex(capabilityId)),
      [1, 2].map((number) => toHex(capabilityNumber(number))),
    );
    assert.deepEqual(
      copies.map(({ winner }) => winner?.originId),
      [0x0a000002, 0x0a000003],
    );
    assert.equal(intern(rib, attributeSet({ nextHop: address("2001:db8::1") })), copies[0]?.winner?.attributes);
  });

  it("are made the long way for more routes than there is room for", () => {
    const { rib, clock } = world({ maxRoutes: 1024 });
    const peer = rib.openPeer(ribPeer(2));
    for (let origin = 1; origin <= 256; origin++) announce(rib, peer, attributeSet(), siteKey(1, origin));
    const told: (readonly [boolean, number])[] = [];
    const drain = (): void => {
      rib.capability.drainDestinations((decision) => {
        told.push([decision instanceof SiteDecision, decision.group.length]);
        assert.deepEqual(kept(decision), selected(rib, decision));
      }, 1000);
    };
    drain();
    announce(rib, peer, attributeSet(), siteKey(1, 257));
    clock.settle();
    drain();
    assert.deepEqual(told, [
      [true, 256],
      [false, 257],
    ]);
  });
});
