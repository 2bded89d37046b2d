import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, seconds, toHex } from "../../src/base/index.ts";
import { type AttestationState, type CapabilitySelection, RibError, type Tenant } from "../../src/rib/index.ts";
import {
  ACME,
  agentKey,
  announce,
  attributeSet,
  EPOCH,
  GLOBEX,
  instanceKey,
  kept,
  linkBandwidth,
  prefixKey,
  ribPeer,
  siteKey,
  target,
  withdraw,
  world,
} from "./world.ts";

const TENANTS: readonly Tenant[] = [
  ACME,
  GLOBEX,
  { ...ACME, name: "third", index: 3, importTargets: [target(3), target(99)] },
];
const RUNS = 300;

const place = fc.record({
  kind: fc.constantFrom("site", "site", "site", "site", "site", "instance", "agent", "prefix"),
  number: fc.integer({ min: 1, max: 3 }),
  origin: fc.integer({ min: 2, max: 4 }),
  rd: fc.constantFrom(1, 1, 2),
});
const set = fc.record({
  localPref: fc.constantFrom(100, 100, 200),
  rt: fc.constantFrom(1, 1, 1, 2, 3, 99, 50),
  second: fc.constantFrom(undefined, undefined, undefined, 2),
  bandwidth: fc.constantFrom(undefined, undefined, 10, 20),
  score: fc.integer({ min: 0, max: 3 }),
  state: fc.constantFrom("up", "up", "draining", "down"),
  name: fc.constantFrom(undefined, "/x/a", "/x/b"),
  lease: fc.constantFrom(3600, 3600, 40, 80, -3),
  withoutSemantic: fc.constantFrom(false, false, false, false, false, true),
} as const);
const peer = fc.integer({ min: 0, max: 2 });
const event = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ type: fc.constant("announce" as const), peer, places: fc.tuple(place, place), set }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant("withdraw" as const), peer, places: fc.tuple(place, place, place) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("drain" as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("later" as const), seconds: fc.constantFrom(1, 20, 61) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("tenants" as const), of: fc.subarray([...TENANTS]) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("attested" as const),
      as: fc.constantFrom("valid", "invalid", "not-found"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("turn" as const) }) },
);

function keyOf({ kind, number, origin, rd }: typeof place extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  if (kind === "instance") return instanceKey(number, origin, rd);
  if (kind === "agent") return agentKey(number, origin, rd);
  return kind === "prefix" ? prefixKey("/a", origin) : siteKey(number, origin, rd);
}

function setOf(say: typeof set extends fc.Arbitrary<infer T> ? T : never) {
  const { rt, second, bandwidth, name } = say;
  return attributeSet({
    localPref: say.localPref,
    extendedCommunities: [
      ...[rt, ...(second === undefined ? [] : [second])].map(target),
      ...(bandwidth === undefined ? [] : [linkBandwidth(bandwidth)]),
    ],
    ...(say.withoutSemantic && { withoutSemantic: true as const }),
    semantic: {
      ...{ score: say.score, state: say.state, name: name as CapabilityName },
      lease: { sequence: 1n, validUntil: seconds(EPOCH + say.lease), renew: seconds(1) },
    },
  });
}

/** Of those that can carry traffic: nobody is told where only the step of another one changes. */
const ofUsable = ({ candidates }: CapabilitySelection) =>
  candidates
    .filter(({ usable }) => usable)
    .map(({ candidate, judgement, step }) => [candidate.originId, candidate.peer, judgement, step]);

describe("who follows what changes among destinations", () => {
  it("knows in the end what select says, whatever tenants, sets, leases and claims do meanwhile", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60, size: "max" }),
        fc.boolean(),
        fc.integer(),
        (events, accept, seed) => {
          let attested: AttestationState = "not-found";
          const { rib, clock } = world(
            {
              ...{ maxRoutes: 64, maxAttributeSets: 48, acceptUnattested: accept },
              attestation: ({ localPref }) => (localPref === 200 ? attested : "valid"),
            },
            seed,
          );
          const peers = [0, rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3, "external"))];
          const followed = new Map<string, CapabilitySelection>();
          const drain = (limit: number): number =>
            rib.capability.drainDestinations(
              (said) => void followed.set(`${said.tenantIndex} ${toHex(said.capabilityId)}`, kept(said)),
              limit,
            );
          for (const one of events) {
            if (one.type === "drain") drain(one.limit);
            else if (one.type === "later") clock.advance(1000 * one.seconds);
            else if (one.type === "tenants") rib.setTenants(one.of);
            else if (one.type === "turn") clock.settle();
            else if (one.type === "withdraw") withdraw(rib, peers[one.peer]!, ...one.places.map(keyOf));
            else if (one.type === "attested") {
              attested = one.as;
              rib.attestationsChanged();
            } else {
              try {
                announce(rib, peers[one.peer]!, setOf(one.set), ...one.places.map(keyOf));
              } catch (cause) {
                if (!(cause instanceof RibError)) throw cause;
              }
            }
          }
          for (let i = 0; i < 2; i++) {
            clock.advance(61_000);
            let drains = 0;
            while (drain(7) > 0) assert.ok(drains++ < 1000, "it comes to an end");
          }
          const known = new Set<string>();
          for (const { tenantIndex, capabilityId } of rib.capability.destinations()) {
            const key = `${tenantIndex} ${toHex(capabilityId)}`;
            known.add(key);
            const now = kept(rib.capability.select(tenantIndex, capabilityId));
            const last = followed.get(key);
            assert.ok(last !== undefined, `nobody was told of ${key}`);
            assert.deepEqual([last.name, last.group, last.winner], [now.name, now.group, now.winner], key);
            const usable = ofUsable(now).map((row) => row.join());
            for (const row of ofUsable(last))
              assert.ok(usable.includes(row.join()), `${key}: ${row} is none of ${usable}`);
          }
          for (const [key, { group }] of followed) if (!known.has(key)) assert.deepEqual(group, [], `${key} is gone`);
        },
      ),
      { numRuns: RUNS, verbose: 1 },
    );
  });
});
