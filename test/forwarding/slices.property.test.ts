import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { CapabilityName } from "../../src/base/index.ts";
import type { GroupIndex, PlanSnapshot } from "../../src/forwarding/index.ts";
import { nextHopKey } from "../../src/forwarding/next-hop-table.ts";
import { feed, type Input, input, instanceOf } from "./inputs.ts";
import { BusyClock, type Forwarding, forwarding, instance, locator, selection, TRANSITION_END } from "./world.ts";

/** The plan by what its indexes mean: the tables of two routers that chose other numbers are the same. */
function meaning({ capabilities, groups, nextHops, nodes }: PlanSnapshot) {
  const name = (index: number) => (index === 0 ? "nobody" : nextHopKey(nextHops.get(index)!.nextHop));
  const group = (index: GroupIndex) => {
    const planned = groups.get(index);
    return planned && [...planned.slots.map(({ current, previous }) => `${name(current)}<-${name(previous)}`)];
  };
  return {
    entries: [...capabilities]
      .map(([address, { group: sites, localGroup, affinity }]) => ({
        ...{ address, affinity, sites: group(sites), local: group(localGroup) },
      }))
      .sort((a, b) => (a.address < b.address ? -1 : 1)),
    nextHops: [...nextHops.values()]
      .map(({ nextHop, state }) => `${nextHopKey(nextHop)} ${state} ${JSON.stringify(nextHop)}`)
      .sort(),
    nodes: nodes.map(({ locator: of, vni }) => `${of.join()} ${vni}`).sort(),
  };
}

/** In one go each: whoever said it waits until it is carried out. */
function whole(router: Forwarding, steps: readonly Input[]): void {
  for (const step of steps) {
    feed(router, step);
    router.clock.settle();
  }
}

/** Between slices of what was said before. */
function between(router: Forwarding, steps: readonly Input[], turns: readonly number[]): void {
  for (const [i, step] of steps.entries()) {
    feed(router, step);
    for (let left = turns[i % turns.length]!; left > 0; left--) router.clock.turn();
  }
}

const turns = fc.array(fc.nat(4), { minLength: 1, maxLength: 20 });
const MANY = Array.from({ length: 9 }, (_, i) => `/family${i % 4}/capability${i}` as CapabilityName);

/** Each thing is said once: nothing in the plan comes from a past. */
const SAID: { readonly told: (router: Forwarding) => void }[] = [
  ...MANY.map((name, i) => ({
    told: ({ compiler }: Forwarding) =>
      compiler.capabilityChanged(selection(name, [{ site: 2 + (i % 3) }, { site: 5, weight: 1 + (i % 2) }])),
  })),
  {
    told: ({ compiler }: Forwarding) =>
      compiler.taxonomy(MANY.values().map((name) => ({ tenantIndex: 1, name, majorVersion: 1 }))),
  },
  {
    told: ({ compiler }: Forwarding) =>
      compiler.instancesChanged(
        MANY.values().map((name, i) => ({ instance: instance({ number: 100 + i, name }), state: "up" as const })),
      ),
  },
  { told: ({ compiler }: Forwarding) => compiler.nodes([2, 3, 4, 5].map(locator)) },
  { told: ({ compiler }: Forwarding) => compiler.tunnels([{ locator: locator(3), vni: 9 }]) },
];
const said = fc.shuffledSubarray(SAID, { minLength: 10 });

describe("what is said between the slices of a job", () => {
  it("makes the plan that it makes without slices, in whatever order", () => {
    let most = 0;
    fc.assert(
      fc.property(said, turns, (all, pauses) => {
        const [sliced, one] = [forwarding({ clock: new BusyClock() }), forwarding()];
        for (const [i, { told }] of all.entries()) {
          told(sliced);
          for (let left = pauses[i % pauses.length]!; left > 0; left--) sliced.clock.turn();
          most = Math.max(most, sliced.compiler.pending);
          told(one);
          one.clock.settle();
        }
        for (const { clock } of [sliced, one]) clock.advance(TRANSITION_END);
        assert.equal(sliced.compiler.pending, 0);
        assert.deepEqual(meaning(sliced.sink.snapshot()), meaning(one.sink.snapshot()));
      }),
      { numRuns: 8, verbose: 1, examples: [[SAID, [0]]] },
    );
    assert.ok(most > 1, "some waits while other things are said");
  });

  it("is neither lost nor half carried out: in the end there is what was said last", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 50 }), turns, (steps, pauses) => {
        const [sliced, one] = [forwarding({ clock: new BusyClock() }), forwarding()];
        between(sliced, steps, pauses);
        whole(one, steps);
        // Slots remember what was in between, also whose they were, and keep the way to those: only who has any now is the same
        const owners = ({ sink, clock, compiler }: Forwarding) => {
          clock.advance(2 * TRANSITION_END);
          assert.equal(compiler.pending, 0);
          const { entries, nextHops, nodes } = meaning(sink.snapshot());
          const now = (slots: readonly string[] = []) =>
            [...new Set(slots.map((text) => text.split("<-")[0]))].filter((owner) => owner !== "nobody").sort();
          const served = entries.map(({ sites, local, ...entry }) => {
            return { ...entry, sites: now(sites), local: now(local) };
          });
          const serving = new Set(served.flatMap(({ sites, local }) => [...sites, ...local]));
          const isKept = (text: string) =>
            !text.includes('"kind":"instance"') && !serving.has(text.split(" {")[0]!.replace(/ [a-z]+$/, ""));
          return { entries: served, nextHops: nextHops.filter((text) => !isKept(text)), nodes };
        };
        assert.deepEqual(owners(sliced), owners(one));
      }),
      { numRuns: 60, verbose: 1 },
    );
  });

  it("about instances while a restart takes them over: they keep their places, and nothing is written that is there", () => {
    fc.assert(
      fc.property(turns, fc.nat(6), fc.boolean(), (pauses, at, dies) => {
        const first = forwarding();
        // One that is down has no slot, and its next hop is there for nobody but itself
        const all = MANY.map((name, i) => {
          return { instance: instance({ number: 100 + i, name }), state: i % 2 === 0 ? "up" : "down" } as const;
        });
        const names = MANY.map((name) => ({ tenantIndex: 1, name, majorVersion: 1 }));
        first.compiler.taxonomy(names);
        first.compiler.instancesChanged(all);
        first.compiler.instanceAdded(instanceOf(1), "up");
        first.clock.advance(TRANSITION_END);
        first.compiler[Symbol.dispose]();
        first.sink.news();
        const second = forwarding({ sink: first.sink, clock: new BusyClock() });
        const { compiler, clock, sink } = second;
        compiler.adopt(sink.held()).forEach(() => {});
        compiler.instancesChanged(all.values());
        compiler.taxonomy(names.values());
        compiler.instanceAdded(instanceOf(1), "up");
        for (let left = pauses[0]!; left > 0; left--) clock.turn();
        compiler.converged(); // before the last of them is handed over
        if (dies) {
          for (let left = at; left > 0; left--) clock.turn();
          compiler.instanceState(instanceOf(1).id, "down");
          assert.equal(sink.news().at(-1)?.type, "set-next-hop-state", "at once");
        }
        clock.advance(2 * TRANSITION_END);
        assert.equal(compiler.pending, 0);
        const written = sink
          .news()
          .filter(({ type }) => !(dies && type !== "set-next-hop" && type !== "remove-next-hop"));
        assert.deepEqual(written, [], "an instance whose next hop went and came again has lost its counters");
      }),
      { numRuns: 12, verbose: 1 },
    );
  });
});
