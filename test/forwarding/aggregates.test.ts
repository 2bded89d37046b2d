import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, formatIpv6Prefix } from "../../src/base/index.ts";
import type { PrefixSelection } from "../../src/rib/index.ts";
import {
  addressOf,
  type Forwarding,
  forwarding,
  OCR,
  owners,
  type SiteInput,
  selection,
  TRANSITION_END,
} from "./world.ts";

/** What the RIB says of a prefix of names. Site 1 is this router. */
function prefix(text: string, sites: readonly SiteInput[]): PrefixSelection {
  const { tenantIndex, group, winner, candidates } = selection(OCR, sites);
  return { tenantIndex, prefix: text, group, winner, candidates };
}

/** Prefix, its policy, and who has how many slots. */
function aggregates({ sink }: Forwarding): Record<string, Record<string, number>> {
  const { aggregates: found = [], groups, nextHops } = sink.snapshot();
  const nameOf = (index: number): string => {
    const nextHop = nextHops.get(index)?.nextHop;
    return nextHop?.kind === "tunnel" ? `r${nextHop.locator[15]}` : (nextHop?.kind ?? "-");
  };
  return Object.fromEntries(
    found.map(({ prefix: of, group }) => {
      const counts: Record<string, number> = {};
      for (const { current } of groups.get(group)!.slots) counts[nameOf(current)] = (counts[nameOf(current)] ?? 0) + 1;
      return [formatIpv6Prefix(of), counts];
    }),
  );
}

const LIMITS = { capabilities: 64, groups: 1023, nextHops: 1023, aggregates: 2 };
const VISION = "fd00:5e3d:0:1:1::/80";
const TENANT = "fd00:5e3d:0:1::/64";

describe("aggregates", () => {
  it("of addresses are the family and the tenant, by the sites that know names below; longer prefixes have none", () => {
    const router = forwarding({ limits: LIMITS });
    const { compiler, clock, sink } = router;
    compiler.prefixChanged(prefix("/vision", [{ site: 2 }, { site: 3, weight: 3 }]));
    compiler.prefixChanged(prefix("/", [{ site: 4 }]));
    compiler.prefixChanged(prefix("/vision/medical", [{ site: 5 }]));
    clock.settle();
    assert.deepEqual(aggregates(router), { [VISION]: { r2: 16, r3: 48 }, [TENANT]: { r4: 64 } });
    compiler.prefixChanged(prefix("/vision", [{ site: 2, as: "down" }, { site: 3 }]));
    compiler.prefixChanged(prefix("/", []));
    clock.settle();
    clock.advance(TRANSITION_END);
    assert.deepEqual(aggregates(router), { [VISION]: { r3: 64 } });
    compiler.prefixChanged(prefix("/vision", []));
    clock.settle();
    const { groups, nextHops } = sink.snapshot();
    assert.deepEqual([aggregates(router), groups.size, nextHops.size], [{}, 0, 0]);
  });

  it("never lead here: what this router knows has an entry", () => {
    const router = forwarding({ limits: LIMITS });
    router.compiler.prefixChanged(prefix("/vision", [{ site: 1 }, { site: 2 }]));
    router.compiler.prefixChanged(prefix("/", [{ site: 1 }]));
    router.clock.settle();
    assert.deepEqual(aggregates(router), { [VISION]: { r2: 64 } });
  });

  it("of any length serve what is in the taxonomy and has no route of its own", () => {
    const router = forwarding({ limits: LIMITS });
    const { compiler, clock, sink } = router;
    const XRAY = "/vision/medical/xray" as CapabilityName;
    compiler.taxonomy([OCR, XRAY].map((name) => ({ tenantIndex: 1, name, majorVersion: 1 })));
    compiler.prefixChanged(prefix("/vision/medical", [{ site: 1 }, { site: 3 }]));
    clock.settle();
    const sites = () => [OCR, XRAY].map((name) => owners(sink, addressOf(sink, name)));
    assert.deepEqual(sites(), [{}, { r3: 64 }]);
    compiler.prefixChanged(prefix("/", [{ site: 2 }]));
    clock.settle();
    assert.deepEqual(sites(), [{ r2: 64 }, { r3: 64 }], "the longest one");
    compiler.capabilityChanged(selection(XRAY, [{ site: 4 }]));
    clock.settle();
    clock.advance(TRANSITION_END);
    assert.deepEqual(sites(), [{ r2: 64 }, { r4: 64 }], "a route of its own is better");
    compiler.capabilityChanged(selection(XRAY, []));
    compiler.prefixChanged(prefix("/vision/medical", [{ site: 3, as: "down" }]));
    compiler.prefixChanged(prefix("/", []));
    clock.settle();
    clock.advance(TRANSITION_END);
    assert.deepEqual(sites(), [{}, {}]);
  });

  it("share a group with capabilities of the same sites", () => {
    const router = forwarding({ limits: LIMITS });
    router.compiler.prefixChanged(prefix("/vision", [{ site: 2 }, { site: 3 }]));
    router.compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3 }]));
    router.clock.settle();
    assert.equal(router.sink.snapshot().groups.size, 1);
    router.compiler.prefixChanged(prefix("/vision", []));
    router.clock.settle();
    assert.equal(router.sink.snapshot().groups.size, 1);
  });

  it("have the policy that holds for everything below, and follow its rules", () => {
    const router = forwarding({ limits: LIMITS });
    const { compiler, clock, sink } = router;
    const rule = (prefixes: readonly string[], from: readonly number[]) => ({ names: [], prefixes, from });
    const allowed = (): readonly number[] | undefined => {
      const { aggregates: [one] = [], policies } = sink.snapshot();
      return policies?.get(one?.policy ?? 0)?.allowed;
    };
    compiler.prefixChanged(prefix("/vision", [{ site: 2 }]));
    const deeper = { ...rule(["/vision/ocr"], [9]), names: ["/vision" as CapabilityName] };
    compiler.policies([
      { tenantIndex: 1, rules: [rule(["/"], [3]), rule(["/vision"], [2]), deeper], capabilities: [] },
    ]);
    clock.settle();
    assert.deepEqual(allowed(), [2, 3], "not those of a longer prefix, nor of a name");
    compiler.policies([{ tenantIndex: 1, rules: [rule(["/vision"], [5])], capabilities: [] }]);
    clock.settle();
    assert.deepEqual(allowed(), [5]);
    compiler.policies([]);
    clock.settle();
    assert.deepEqual([allowed(), sink.snapshot().policies?.size], [undefined, 0]);
  });

  it("that have no room are left out and counted; a data plane without a place for them gets none", () => {
    const router = forwarding({ limits: { ...LIMITS, aggregates: 1 } });
    router.compiler.prefixChanged(prefix("/vision", [{ site: 2 }]));
    router.compiler.prefixChanged(prefix("/", [{ site: 2 }]));
    router.clock.settle();
    assert.deepEqual(Object.keys(aggregates(router)), [VISION]);
    assert.equal(router.metrics.value("semrd_forwarding_refused_total", { reason: "aggregates-full" }), 1);
    const none = forwarding();
    none.compiler.prefixChanged(prefix("/vision", [{ site: 2 }]));
    none.clock.settle();
    assert.deepEqual(none.sink.news(), []);
  });

  it("stay over a restart until everything is known, and give no operation when they are the same", () => {
    const first = forwarding({ limits: LIMITS });
    first.compiler.prefixChanged(prefix("/vision", [{ site: 2 }, { site: 3 }]));
    first.compiler.prefixChanged(prefix("/", [{ site: 4 }]));
    first.clock.settle();
    first.compiler[Symbol.dispose]();
    const second = forwarding({ sink: first.sink, limits: LIMITS });
    second.compiler.adopt(first.sink.held()).forEach(() => {});
    first.sink.news();
    second.compiler.prefixChanged(prefix("/vision", [{ site: 2 }]));
    second.compiler.prefixChanged(prefix("/vision", [{ site: 2 }, { site: 3 }]));
    second.clock.settle();
    assert.deepEqual(second.sink.news(), []);
    second.compiler.converged();
    second.clock.settle();
    assert.deepEqual(
      second.sink.news().map(({ type }) => type),
      ["remove-aggregate", "remove-group", "remove-next-hop"],
      "what nobody says any more goes",
    );
    assert.deepEqual(aggregates(second), { [VISION]: { r2: 32, r3: 32 } });
  });

  it("any changes: every operation is allowed, and what is left is what was said last", () => {
    const change = fc.record({
      prefix: fc.constantFrom("/", "/vision", "/audio", "/vision/medical"),
      sites: fc.uniqueArray(
        fc.record({ site: fc.integer({ min: 1, max: 4 }), weight: fc.integer({ min: 1, max: 3 }) }),
        { maxLength: 3, selector: ({ site }) => site },
      ),
      wait: fc.constantFrom(0, 1000, 100_000),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const router = forwarding({ limits: { ...LIMITS, aggregates: 9 } });
        const latest = new Map<string, readonly number[]>();
        for (const { prefix: of, sites, wait } of changes) {
          router.compiler.prefixChanged(prefix(of, sites));
          router.compiler.capabilityChanged(selection(OCR, sites));
          latest.set(
            of,
            sites.map(({ site }) => site).filter((site) => site !== 1),
          );
          router.clock.settle();
          router.clock.advance(wait);
        }
        router.clock.advance(TRANSITION_END);
        const wanted = [...latest].filter(([of, sites]) => sites.length > 0 && of !== "/vision/medical");
        const found = aggregates(router);
        assert.equal(Object.keys(found).length, wanted.length);
        const owners = Object.values(found).map((counts) => Object.keys(counts).toSorted().join());
        const sites = wanted.map(([, of]) =>
          of
            .map((site) => `r${site}`)
            .toSorted()
            .join(),
        );
        assert.deepEqual(owners.toSorted(), sites.toSorted());
      }),
      { numRuns: 80, verbose: 1 },
    );
  });
});
