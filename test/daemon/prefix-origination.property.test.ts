import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityId, type CapabilityName, capabilityId, milliseconds, toHex } from "../../src/base/index.ts";
import type { CapabilityPrefixNlri } from "../../src/bgp/wire/index.ts";
import { Origination } from "../../src/daemon/origination.ts";
import type { OwnState } from "../../src/daemon/own-attributes.ts";
import { PrefixOrigination, type PrefixOriginationParts } from "../../src/daemon/prefix-origination.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { Directory } from "../../src/directory/index.ts";
import type { CapabilitySelection, Destination, Tenant } from "../../src/rib/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { ReusedSelection } from "./reused-selection.ts";

const NAMES = ["/vision", "/vision/ocr", "/vision/medical/xray", "/visionary", "/audio/speech"] as CapabilityName[];
const PREFIXES = ["/vision", "/vision/medical", "/audio"] as CapabilityName[];
/** The taxonomy knows the first of them, the others are named by their routes. */
const nameOf = (id: CapabilityId) => NAMES.slice(0, 2).find((name) => toHex(capabilityId(name, 1)) === toHex(id));
const TENANTS = ["acme", "globex"];

const tenantOf = (name: string, index: number): Tenant => ({
  ...{ name, index, importTargets: [], exportTargets: [] },
  routeDistinguisher: new Uint8Array([0, 0, 0, 0, 0, 0, 0, index]),
});

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("routes" as const),
      tenantIndex: fc.integer({ min: 1, max: 3 }),
      name: fc.constantFrom(...NAMES),
      usable: fc.integer({ min: 0, max: 3 }),
      excluded: fc.integer({ min: 0, max: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("tenants" as const),
      indexes: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: TENANTS.length }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Routes = Step & { type: "routes" };

/** Without routes nobody says the name. */
function selectionOf({ tenantIndex, name, usable, excluded }: Routes): CapabilitySelection {
  const candidates = Array.from({ length: usable + excluded }, (_, at) => {
    const candidate = { originId: at, local: false, peer: 1, attributes: 0, weight: 1, stale: false };
    return {
      candidate: { ...candidate, nextHop: new Uint8Array(16), learntAt: milliseconds(0) },
      judgement: at >= usable ? "excluded" : at === 0 ? "winner" : "group",
      ...{ usable: at < usable, step: "", reason: "" },
    } as const;
  });
  const group = candidates.slice(0, usable).map(({ candidate }) => candidate);
  return {
    ...{ tenantIndex, capabilityId: capabilityId(name, 1), group, winner: group[0], candidates },
    name: candidates.length === 0 ? undefined : name,
  };
}

/** By the attributes of a site. */
const SEMANTICS = Array.from({ length: 12 }, (_, i) => ({
  ...{ score: i % 11, state: i % 3 === 0 ? "draining" : "up" },
  ...(i % 4 === 0 ? {} : { aggregate: { count: i } }),
}));

const sites = fc.record({
  name: fc.constantFrom(...NAMES),
  usable: fc.array(fc.nat(SEMANTICS.length - 1), { maxLength: 4 }),
});

class Said {
  readonly prefixes = new Set<string>();
  readonly originate = (nlri: { readonly type: string }): void => void this.prefixes.add(textOf(nlri));
  readonly withdraw = (nlri: { readonly type: string }): void => void this.prefixes.delete(textOf(nlri));
}

function textOf(nlri: { readonly type: string }): string {
  const { routeDistinguisher, labels } = nlri as CapabilityPrefixNlri;
  return `${routeDistinguisher[7]} /${labels.join("/")}`;
}

describe("prefixes that this router answers for", () => {
  it("are said while a capability below them can be used, and not for tenants that are gone (property)", () => {
    let most = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = new VirtualClock();
        const latest = new Map<string, Routes>();
        const capability = {
          *destinations(): Generator<Destination> {
            for (const { tenantIndex, name } of latest.values())
              yield { tenantIndex, capabilityId: capabilityId(name, 1), name, routes: 1 };
          },
          select: (tenantIndex: number, id: CapabilityId) =>
            selectionOf(
              [...latest.values()].find(
                (one) => one.tenantIndex === tenantIndex && toHex(capabilityId(one.name, 1)) === toHex(id),
              )!,
            ),
        };
        const semantic = { score: 10, lease: { sequence: 0n } };
        const rib = { capability, attributes: { get: () => ({ semantic }) } } as never;
        const [said, selections, metrics] = [new Said(), new SelectionFan(), new TallyMetrics()];
        const reused = new ReusedSelection();
        let tenants = [tenantOf("acme", 1)];
        using origination = new Origination(
          {
            ...{ selector: 2, routerId: 2, localAs: 65000, locator: new Uint8Array(16), taxonomyRevision: 1 },
            ...{ tenants, prefixes: PREFIXES },
          },
          {
            ...{
              clock,
              metrics,
              log: new ListLog(),
              random: new SeededRandom(1),
              rib,
              routes: said,
              selections,
              nameOf,
            },
            directory: new Directory({ perAgent: 1, perTenant: 1 }, { clock, metrics }),
          },
        );
        for (const one of steps) {
          if (one.type === "routes") {
            latest.set(`${one.tenantIndex} ${one.name}`, one);
            reused.tell(selectionOf(one), (selection) => selections.site(selection));
          } else {
            tenants = one.indexes.map((index, at) => tenantOf(TENANTS[at]!, index));
            origination.change({ tenants, taxonomyRevision: 1 });
          }
          clock.settle();
          const wanted = [...latest.values()].flatMap(({ tenantIndex, name, usable }) =>
            usable === 0 || !tenants.some(({ index }) => index === tenantIndex)
              ? []
              : PREFIXES.filter((prefix) => name === prefix || name.startsWith(`${prefix}/`)).map(
                  (prefix) => `${tenantIndex} ${prefix}`,
                ),
          );
          assert.deepEqual([...said.prefixes].toSorted(), [...new Set(wanted)].toSorted());
          most = Math.max(most, said.prefixes.size);
        }
      }),
      { numRuns: 100, verbose: 1 },
    );
    assert.ok(most > 2);
  });

  it("say what the capabilities below them add up to, whatever comes and goes (property)", () => {
    let [most, looks] = [0, 0];
    fc.assert(
      fc.property(fc.array(sites, { maxLength: 40, size: "max" }), (changes) => {
        const clock = new VirtualClock();
        const observed = new Map<string, unknown>();
        let observations = 0;
        const damper = {
          observe(key: string, summary: unknown) {
            observations++;
            if (summary === undefined) observed.delete(key);
            else observed.set(key, summary);
          },
        } as unknown as PrefixOriginationParts["damper"];
        const selections = new SelectionFan();
        const own = { tenants: new Map([["acme", tenantOf("acme", 1)]]), routerId: 2 } as unknown as OwnState;
        const rib = {
          capability: { destinations: () => [].values() },
          attributes: { get: (id: number) => ({ semantic: SEMANTICS[id] }) },
        } as never;
        using _origination = new PrefixOrigination({
          ...{ own, prefixes: PREFIXES, announcer: {} as never, damper, rib, selections, clock },
          nameOf: () => undefined,
        });
        const latest = new Map<string, readonly number[]>();
        const reused = new ReusedSelection();
        for (const { name, usable } of changes) {
          const isSame = String(latest.get(name) ?? []) === String(usable);
          latest.set(name, usable);
          const before = observations;
          const selection = selectionOf({ type: "routes", tenantIndex: 1, name, usable: usable.length, excluded: 1 });
          const candidates = selection.candidates.map((one, at) => ({
            ...one,
            candidate: { ...one.candidate, attributes: usable[at] ?? 0 },
          }));
          reused.tell({ ...selection, candidates }, (one) => selections.site(one));
          if (isSame) assert.equal(observations, before, "no news, and nothing is observed");
          for (const prefix of PREFIXES) {
            const below = [...latest].filter(([one, ids]) => ids.length > 0 && `${one}/`.startsWith(`${prefix}/`));
            const said = below.flatMap(([, ids]) => ids.map((id) => SEMANTICS[id]!));
            const scores = said.map(({ score }) => score);
            const count = said.reduce((sum, { aggregate }) => sum + (aggregate?.count ?? 1), 0);
            const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
            const draining = below.every(([, ids]) => ids.every((id) => SEMANTICS[id]!.state === "draining"));
            const magnitude = 2 ** Math.floor(Math.log2(count));
            const [minimum, maximum] = [Math.min(...scores), Math.max(...scores)];
            const wanted = {
              ...{ state: draining ? "draining" : "up", score: mean, weight: magnitude, usable: magnitude },
              aggregate: { count, minimum, mean: Math.round(mean), maximum },
            };
            assert.deepEqual(observed.get(`prefix 1 ${prefix}`), below.length === 0 ? undefined : wanted);
            most = Math.max(most, below.length);
          }
          looks++;
        }
      }),
      { numRuns: 2000, verbose: 1 },
    );
    assert.ok(most > 2 && looks > 1000, `at most ${most}, ${looks} looks`);
  });
});
