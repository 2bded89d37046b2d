import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import {
  type Interval,
  type MatchOption,
  PolicyBook,
  type PolicyConditions,
  type PolicyDefinition,
  type PolicyPeer,
  type PrefixMember,
} from "../../../src/bgp/policy/index.ts";
import { routeTarget } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, RouteFamily } from "../../../src/rib/index.ts";
import { keySample, semanticSample, setSample } from "../wire/samples.ts";
import { interpret } from "./naive.ts";
import { FACTS, INSIDE, idOf, OUTSIDE } from "./world.ts";

// Few values everywhere, so that things meet.
const small = fc.integer({ min: 0, max: 4 });
const interval: fc.Arbitrary<Interval> = fc
  .tuple(small, small)
  .map(([a, b]) => ({ minimum: Math.min(a, b), maximum: Math.max(a, b) }));
const few = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 3 });
const option = fc.constantFrom<MatchOption>("any", "all", "invert");
const members = <T>(one: fc.Arbitrary<T>) => fc.record({ option, set: fc.record({ members: few(one) }) });
const family = fc.constantFrom<RouteFamily>("capability", "ipv4-unicast", "ipv6-unicast");
const state = fc.constantFrom("up", "degraded", "draining", "down");
const label = fc.tuple(fc.constantFrom("eu", "x"), fc.boolean()).map(([text, critical]) => ({ text, critical }));
const labelPattern = fc.record(
  { text: fc.constantFrom("eu", "x"), critical: fc.boolean() },
  { requiredKeys: ["text"] },
);

const communityPattern = fc.record({ administrator: interval, value: interval });
const largePattern = fc.record({ globalAdministrator: interval, data1: interval, data2: interval });
const extendedPattern = fc.record({
  forms: few(
    fc.record({
      fields: few(fc.record({ at: fc.constantFrom(0, 2, 4), octets: fc.constantFrom(1, 2, 4), values: interval })),
    }),
  ),
});
const token = fc.oneof(interval, fc.constant("many" as const));

/** Addresses with few bits in different places. */
const address = (octets: 4 | 16) =>
  fc.array(fc.nat(octets - 1), { maxLength: 2 }).map((places) => {
    const made = new Uint8Array(octets);
    for (const place of places) made[place >> 1]! |= 0x40 >> (place & 1);
    return made;
  });
const prefixMember: fc.Arbitrary<PrefixMember> = fc.constantFrom<4 | 16>(4, 16).chain((octets) =>
  fc.record({ address: address(octets), length: fc.nat(8 * octets) }).chain(({ address: all, length }) =>
    fc
      .tuple(fc.integer({ min: length, max: 8 * octets }), fc.integer({ min: length, max: 8 * octets }))
      .map(([a, b]) => ({
        address: cut(all, length),
        length,
        lengths: { minimum: Math.min(a, b), maximum: Math.max(a, b) },
      })),
  ),
);
const cut = (octets: Uint8Array, length: number): Uint8Array =>
  octets.map((octet, i) => octet & ~(0xff >> Math.min(8, Math.max(0, length - 8 * i))));

const conditions: fc.Arbitrary<PolicyConditions> = fc.record(
  {
    prefixes: fc.record({ option, set: fc.record({ members: few(prefixMember) }) }),
    capabilities: fc.record({ option, set: fc.record({ ids: few(small.map(idOf)) }) }),
    families: few(family),
    peers: fc.record({ option, set: fc.record({ addresses: few(fc.constantFrom(INSIDE.address, OUTSIDE.address)) }) }),
    routeTargets: few(small.map((value) => routeTarget(2, value))),
    communities: members(communityPattern),
    extendedCommunities: members(extendedPattern),
    largeCommunities: members(largePattern),
    asPath: members(fc.array(token, { maxLength: 6 })),
    asPathLength: interval,
    labels: members(labelPattern),
    score: interval,
    states: few(state),
    nextHops: few(fc.record({ address: address(16), length: fc.nat(128) })),
  },
  { requiredKeys: [] },
);

const largeCommunity = fc
  .tuple(small, small, small)
  .map(([globalAdministrator, data1, data2]) => ({ globalAdministrator, data1, data2 }));
const community = fc.tuple(small, small).map(([high, low]) => high * 65536 + low);
const change = <V, P>(value: fc.Arbitrary<V>, pattern: fc.Arbitrary<P>) =>
  fc.oneof(
    fc.record({ operation: fc.constantFrom("add" as const, "replace" as const), values: unique(value) }),
    fc.record({ operation: fc.constant("remove" as const), patterns: few(pattern) }),
  );
const unique = <V>(value: fc.Arbitrary<V>) =>
  fc.uniqueArray(value, { maxLength: 3, selector: (made) => JSON.stringify(made) });
const actions = fc.record(
  {
    localPref: small,
    multiExitDisc: small,
    communities: change(community, communityPattern),
    largeCommunities: change(largeCommunity, largePattern),
    prepend: fc.record({ count: small, autonomousSystem: small }, { requiredKeys: ["count"] }),
    nextHop: fc.constant("self" as const),
    labels: change(label, labelPattern),
  },
  { requiredKeys: [] },
);

/** Usually two conditions or fewer, else nothing ever fits. */
const sparse = conditions.chain((all) =>
  fc
    .subarray(Object.keys(all), { maxLength: 2 })
    .map((kept): PolicyConditions => Object.fromEntries(Object.entries(all).filter(([name]) => kept.includes(name)))),
);
const statement = fc.record({
  name: fc.constant("s"),
  conditions: sparse,
  actions,
  result: fc.constantFrom("accept", "reject", "next-statement", "next-policy"),
});
const definitions: fc.Arbitrary<PolicyDefinition[]> = fc
  .array(fc.array(statement, { maxLength: 5 }), { minLength: 1, maxLength: 3 })
  .map((policies) => policies.map((statements, i) => ({ name: `p${i}`, statements })));

const set: fc.Arbitrary<AttributeSet> = fc
  .record({
    communities: unique(community),
    extendedCommunities: few(small.map((value) => routeTarget(2, value))),
    largeCommunities: unique(largeCommunity),
    asPath: fc.array(
      fc
        .tuple(
          fc.constantFrom("sequence" as const, "sequence" as const, "set" as const, "confed-sequence" as const),
          fc.array(small, { minLength: 1, maxLength: 4 }),
        )
        .map(([type, numbers]) => ({ type, numbers })),
      { maxLength: 2 },
    ),
    nextHop: address(16),
    semantic: fc.record({ labels: unique(label), score: small, state }).map(semanticSample),
    plain: fc.boolean(),
  })
  .map(({ plain, ...changes }) => {
    const made = setSample(changes);
    if (!plain) return made;
    const { semantic: _, ...without } = made;
    return without;
  });

const keyOf: Readonly<Record<RouteFamily, fc.Arbitrary<Uint8Array>>> = {
  capability: fc.tuple(small, small).map(([n, origin]) => keySample(n, origin)),
  "ipv4-unicast": prefixKey(4),
  "ipv6-unicast": prefixKey(16),
  "route-target": fc.constant(Uint8Array.of(0)),
};
function prefixKey(octets: 4 | 16): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(address(octets), fc.nat(8 * octets))
    .map(([all, length]) => Uint8Array.of(length, ...cut(all, length).subarray(0, (length + 7) >> 3)));
}

const routes = fc.tuple(family, fc.constantFrom(INSIDE, OUTSIDE)).chain(([of, peer]) =>
  fc.record({
    peer: fc.constant<PolicyPeer>({ ...peer, family: of }),
    sets: fc.array(set, { minLength: 1, maxLength: 4 }),
    keys: fc.array(keyOf[of], { minLength: 1, maxLength: 6 }),
  }),
);

it("a compiled policy says of every route what a plain interpreter says", (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
  t.diagnostic(`seed ${seed}`);
  const seen = { accept: 0, replace: 0, reject: 0, "by-key": 0 };
  fc.assert(
    fc.property(definitions, routes, (policies, { peer, sets, keys }) => {
      const book = new PolicyBook(policies, FACTS);
      const chain = book.chain(policies.map(({ name }) => name));
      for (const one of sets) {
        const judgement = chain(one, peer);
        seen[judgement.verdict]++;
        for (const key of keys) {
          const octets = Uint8Array.of(7, ...key, 7);
          const verdict = judgement.verdict === "by-key" ? judgement.of(octets, 1) : judgement;
          const want = interpret(policies, one, peer, key);
          seen[verdict.verdict]++;
          if (verdict.verdict === "reject") assert.equal(want, "reject");
          else assert.deepEqual(verdict.verdict === "replace" ? verdict.attributes : one, want);
        }
      }
    }),
    { seed, numRuns: 3000 },
  );
  // A property that only ever sees one answer would prove nothing.
  for (const [verdict, times] of Object.entries(seen)) assert.ok(times > 300, `${verdict}: ${times}`);
});
