import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, capabilityAddress, capabilityId, hashedFamilyCode, toHex } from "../../src/base/index.ts";
import type { PrefixSelection } from "../../src/rib/index.ts";
import {
  CheckedSink,
  ColumnsSink,
  DOMAIN,
  type Forwarding,
  forwarding,
  instance,
  type SiteInput,
  selection,
  TRANSITION_END,
} from "./world.ts";

/** Some are below others, and some only look as if they were. */
const NAMES = [
  "/vision",
  "/vision/medical",
  "/vision/medical/xray",
  "/vision/medicine",
  "/audio/speech",
] as CapabilityName[];
const PREFIXES = ["/", "/vision", "/vision/medical", "/vision/medical/xray", "/vision/med", "/audio", "/a"];

const sites = fc.uniqueArray(
  fc.record({
    site: fc.integer({ min: 1, max: 5 }),
    weight: fc.integer({ min: 1, max: 4 }),
    as: fc.constantFrom("group", "group", "down" as const),
  }),
  { maxLength: 3, selector: ({ site }) => site },
);
const name = fc.constantFrom(...NAMES);
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("prefix" as const), prefix: fc.constantFrom(...PREFIXES), sites }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("capability" as const), name, sites }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("taxonomy" as const), names: fc.subarray(NAMES) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("instance" as const), name, isThere: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("wait" as const), span: fc.constantFrom(0, 1000, 100_000) }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function prefixSelection(prefix: string, its: readonly SiteInput[]): PrefixSelection {
  const { tenantIndex, group, winner, candidates } = selection(NAMES[0]!, its);
  return { tenantIndex, prefix, group, winner, candidates };
}

/** Instance number `i` offers name number `i`. */
const instanceOf = (of: CapabilityName) => instance({ number: NAMES.indexOf(of), name: of });

function tell({ compiler, clock }: Forwarding, step: Change): void {
  switch (step.type) {
    case "prefix":
      compiler.prefixChanged(prefixSelection(step.prefix, step.sites));
      break;
    case "capability":
      compiler.capabilityChanged(selection(step.name, step.sites));
      break;
    case "taxonomy":
      compiler.taxonomy(step.names.map((each) => ({ tenantIndex: 1, name: each, majorVersion: 1 })));
      break;
    case "instance":
      if (step.isThere) compiler.instanceAdded(instanceOf(step.name), "up");
      else compiler.instanceRemoved(instanceOf(step.name));
      break;
    case "wait":
      clock.advance(step.span);
      break;
  }
}

/** What was said last, and what follows from it for a name, looked for in all of it. */
class Oracle {
  readonly #prefixes = new Map<string, readonly SiteInput[]>();
  readonly #routes = new Map<string, readonly SiteInput[]>();
  #taxonomy: readonly string[] = [];
  readonly #instances = new Set<string>();

  constructor(steps: readonly Change[]) {
    for (const step of steps) {
      // What this router says itself is no answer to where others are
      if (step.type === "prefix")
        this.#prefixes.set(
          step.prefix,
          serving(step.sites).filter(({ site }) => site !== 1),
        );
      if (step.type === "capability") this.#routes.set(step.name, serving(step.sites));
      if (step.type === "taxonomy") this.#taxonomy = step.names;
      if (step.type === "instance") this.#instances[step.isThere ? "add" : "delete"](step.name);
    }
  }

  /** It has an entry. */
  knows(of: string): boolean {
    return this.#routesOf(of).length > 0 || this.#taxonomy.includes(of) || this.#instances.has(of);
  }

  #routesOf(of: string): readonly SiteInput[] {
    return this.#routes.get(of) ?? [];
  }

  /** Who serves a name that has an entry. */
  servers(of: string): readonly SiteInput[] {
    const own = this.#routesOf(of);
    return own.length > 0 ? own : this.#longest((prefix) => isBelow(of, prefix));
  }

  /** Who gets packets for a name without one: of a longer prefix an address says nothing. */
  strangers(of: string): readonly SiteInput[] {
    return this.#longest((prefix) => isBelow(of, prefix) && prefix.lastIndexOf("/") === 0);
  }

  #longest(isOf: (prefix: string) => boolean): readonly SiteInput[] {
    const found = [...this.#prefixes].filter(([prefix, its]) => its.length > 0 && isOf(prefix));
    return found.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? [];
  }
}

const serving = (its: readonly SiteInput[]): SiteInput[] => its.filter(({ as }) => as === "group");
const isBelow = (of: string, prefix: string): boolean => prefix === "/" || of === prefix || of.startsWith(`${prefix}/`);

/** Sites that own slots of a group, with how many each. */
function ownersOf(sink: CheckedSink, group: number): Map<number, number> {
  const { groups, nextHops } = sink.snapshot();
  const owners = new Map<number, number>();
  for (const { current } of groups.get(group)?.slots ?? []) {
    const nextHop = nextHops.get(current)?.nextHop;
    if (nextHop === undefined) continue;
    const site = nextHop.kind === "tunnel" ? nextHop.locator[15]! : 1;
    owners.set(site, (owners.get(site) ?? 0) + 1);
  }
  return owners;
}

function assertShares(found: ReadonlyMap<number, number>, wanted: readonly SiteInput[], of: string): void {
  assert.deepEqual(new Set(found.keys()), new Set(wanted.map(({ site }) => site)), of);
  const total = wanted.reduce((sum, { weight = 1 }) => sum + weight, 0);
  for (const { site, weight = 1 } of wanted)
    assert.ok(
      Math.abs(found.get(site)! - (64 * weight) / total) < 2,
      `${of}: ${found.get(site)} slots of site ${site}`,
    );
}

function addressOf(of: string): Uint8Array {
  const family = of.split("/")[1]!;
  const familyCode = family === "vision" ? 1 : hashedFamilyCode(family);
  const id = capabilityId(of as CapabilityName, 1);
  return capabilityAddress({ domain: DOMAIN, tenantIndex: 1, familyCode, capabilityId: id, selector: 0 });
}

const LIMITS = { capabilities: 64, groups: 1023, nextHops: 1023, aggregates: 16 };

describe("aggregates, against a search in all that was said", () => {
  it("each name is served by its own routes, else by the longest prefix that somebody serves; strangers by what addresses tell", () => {
    let [byPrefix, byAddress] = [0, 0];
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.boolean(), (steps, inColumns) => {
        const sink = inColumns ? new ColumnsSink() : new CheckedSink();
        const router = forwarding({ limits: LIMITS, sink });
        for (const step of steps) {
          tell(router, step);
          router.clock.settle();
        }
        router.clock.advance(TRANSITION_END);
        assert.equal(router.compiler.pending, 0);
        const oracle = new Oracle(steps);
        for (const each of NAMES) {
          const entry = sink.snapshot().capabilities.get(toHex(addressOf(each)));
          assert.equal(entry !== undefined, oracle.knows(each), each);
          if (entry === undefined) continue;
          assertShares(ownersOf(sink, entry.group), oracle.servers(each), each);
          byPrefix += oracle.servers(each).length;
        }
        for (const stranger of ["/vision/medical/unheard-of", "/vision/new", "/audio/new", "/a/new", "/else/new"]) {
          const found = sink.tables.aggregate(addressOf(stranger));
          assertShares(ownersOf(sink, found?.group ?? 0), oracle.strangers(stranger), stranger);
          byAddress += oracle.strangers(stranger).length;
        }
      }),
      { numRuns: 100, verbose: 1 },
    );
    assert.ok(byPrefix > 0 && byAddress > 0);
  });

  it("lead to the same sites in two routers that heard the same last, whatever came before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.array(change, { maxLength: 20 }), (before, steps) => {
        const plans = [[...before, ...steps], steps].map((told) => {
          const router = forwarding({ limits: LIMITS });
          // Everything is said again at the end, as it is after a restart
          const last = [...latest([...before, ...steps]).values()];
          for (const step of [...told, ...last]) {
            tell(router, step);
            router.clock.settle();
          }
          router.clock.advance(TRANSITION_END);
          const { aggregates = [] } = router.sink.snapshot();
          return new Map(
            aggregates.map(({ prefix, group }) => [
              `${toHex(prefix.address)}/${prefix.length}`,
              [...ownersOf(router.sink, group).keys()].toSorted(),
            ]),
          );
        });
        assert.deepEqual(plans[0], plans[1]);
      }),
      { numRuns: 60, verbose: 1 },
    );
  });
});

/** The last word about everything. */
function latest(steps: readonly Change[]): Map<string, Change> {
  const last = new Map<string, Change>();
  for (const step of steps) {
    if (step.type === "wait") continue;
    last.set(`${step.type} ${"prefix" in step ? step.prefix : "name" in step ? step.name : ""}`, step);
  }
  return last;
}
