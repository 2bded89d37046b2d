import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { CapabilityName } from "../../src/base/index.ts";
import type { Operation } from "../../src/forwarding/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { anyInput, feed, type Input } from "./inputs.ts";
import { CheckedSink, forwarding, octetsOf, TRANSITION_END } from "./world.ts";

const LIMITS = { capabilities: 4096, groups: 8191, nextHops: 8191, aggregates: 16 };

/** All comes, and goes again. */
const COMES_AND_GOES: Input[] = [true, false].flatMap((comes): Input[] => {
  const sites = comes ? [{ site: 2, weight: 1, as: "group" as const }] : [];
  const rules = [{ names: [], prefixes: ["/vision"], from: [2] }];
  return [
    { type: "nodes", nodes: comes ? [2] : [] },
    { type: "prefix", prefix: "/vision", sites },
    { type: "selection", name: "/vision/ocr" as CapabilityName, sites },
    { type: "policies", policies: comes ? [{ tenantIndex: 1, rules, capabilities: [] }] : [] },
    { type: "taxonomy", names: comes ? ["/audio/speech" as CapabilityName] : [], affinity: undefined },
    { type: "wait", span: 100_000 },
  ];
});

it("two routers with the same inputs make the same plan, octet by octet and operation by operation, whatever their secrets (property)", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 60 }), fc.integer(), (steps, secret) => {
      const routers = [1, secret].map((seed) => {
        return forwarding({ sink: new CheckedSink(), limits: LIMITS, random: new SeededRandom(seed) });
      });
      for (const step of steps) {
        const [one, other] = routers.map((router) => {
          feed(router, step);
          router.clock.settle();
          return router.sink.news();
        }) as [Operation[], Operation[]];
        assert.equal(octetsOf(other), octetsOf(one), `after ${step.type}`);
        for (const { type } of one) seen.add(type);
      }
      for (const { clock } of routers) clock.advance(TRANSITION_END);
      assert.equal(octetsOf(routers[1]!.sink.news()), octetsOf(routers[0]!.sink.news()));
      assert.deepEqual(routers[1]!.sink.snapshot(), routers[0]!.sink.snapshot());
    }),
    { numRuns: 150, examples: [[COMES_AND_GOES, 2]] },
  );
  for (const type of [
    "remove-capability",
    "remove-group",
    "remove-next-hop",
    "set-aggregate",
    "remove-aggregate",
    "set-policy",
    "remove-policy",
  ])
    assert.ok(seen.has(type), `${type} was never seen: ${[...seen].join()}`);
});
