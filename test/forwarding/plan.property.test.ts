import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, octetsEqual } from "../../src/base/index.ts";
import type { Tunnel } from "../../src/forwarding/index.ts";
import { feed, type Input, input, instanceOf, NAMES } from "./inputs.ts";
import { addressOf, ColumnsSink, forwarding, owners, type SiteInput, TRANSITION_END } from "./world.ts";

/** The latest word about everything: what a restarted router would be told again. */
function latest(steps: readonly Input[]): {
  inputs: Input[];
  sitesOf: Map<string, readonly SiteInput[]>;
  up: Map<number, string>;
  tunnels: readonly Tunnel[];
  taxonomy: (Input & { type: "taxonomy" }) | undefined;
} {
  const sitesOf = new Map<string, readonly SiteInput[]>();
  const instances = new Map<number, Input & { type: "instance" }>();
  let taxonomy: (Input & { type: "taxonomy" }) | undefined;
  let nodes: Input | undefined;
  let wrapped: (Input & { type: "tunnels" }) | undefined;
  for (const step of steps) {
    if (step.type === "selection") sitesOf.set(step.name, step.sites as SiteInput[]);
    if (step.type === "instance") instances.set(step.number, step);
    if (step.type === "remove") instances.delete(step.number);
    if (step.type === "taxonomy") taxonomy = step;
    if (step.type === "nodes") nodes = step;
    if (step.type === "tunnels") wrapped = step;
    const known = step.type === "state" ? instances.get(step.number) : undefined;
    if (step.type === "state" && known !== undefined) instances.set(step.number, { ...known, state: step.state });
  }
  const selections = [...sitesOf].map(([each, its]) => ({ type: "selection", name: each, sites: its }) as Input);
  const inputs = [
    ...selections,
    ...instances.values(),
    ...[taxonomy, nodes, wrapped].filter((step) => step !== undefined),
  ];
  return {
    inputs,
    sitesOf,
    taxonomy,
    tunnels: wrapped?.tunnels ?? [],
    up: new Map([...instances].map(([n, its]) => [n, its.state])),
  };
}

describe("plans", () => {
  it("any inputs: every operation is allowed, every packet is on the old or the new plan, and the last plan is right", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (steps) => {
        const router = forwarding();
        const { sink, clock, compiler } = router;
        for (const step of steps) feed(router, step);
        clock.settle();
        clock.advance(TRANSITION_END);
        assert.equal(compiler.pending, 0);
        const { sitesOf, up, taxonomy, tunnels: wrapped } = latest(steps);
        for (const each of NAMES) {
          const said = taxonomy?.names.includes(each) ? taxonomy.affinity : undefined;
          const entry = sink.snapshot().capabilities.get(addressOf(sink, each));
          if (entry !== undefined) assert.equal(entry.affinity, said, each);
        }
        const named = new Set<number>();
        for (const [each, its] of sitesOf) {
          const members = its.filter(({ as }) => as === "group");
          if (members.length === 0) continue;
          const total = members.reduce((sum, { weight = 1 }) => sum + weight, 0);
          const now = owners(sink, addressOf(sink, each as CapabilityName));
          for (const { site: which, weight = 1 } of members) {
            const text = which === 1 ? "here" : `r${which}`;
            const slots = Object.entries(now).reduce(
              (sum, [of, count]) => sum + (of.split("<-")[0] === text ? count : 0),
              0,
            );
            assert.ok(Math.abs(slots - (64 * weight) / total) < 2, `${slots} slots for ${weight} of ${total}`);
          }
          for (const text of Object.keys(now)) {
            const before = text.split("<-")[1];
            const drains = (which: number): boolean =>
              its.some((other) => other.site === which && other.as === "draining");
            if (before !== undefined) assert.ok(drains(before === "here" ? 1 : Number(before.slice(1))), text);
          }
        }
        for (const [i, each] of NAMES.entries()) {
          const own = [...up].filter(([n]) => n % 3 === i);
          if (own.length === 0) continue;
          const now = owners(sink, addressOf(sink, each), "localGroup");
          const current = new Set(
            Object.keys(now)
              .map((text) => text.split("<-")[0])
              .filter((text) => text !== "-"),
          );
          const those = (state: string): string[] => own.flatMap(([n, its]) => (its === state ? [`i${n}`] : []));
          const chosen = (sitesOf.get(each) ?? []).filter(({ as }) => as === "group");
          const isChosen = chosen.length === 0 || chosen.some(({ site }) => site === 1);
          const serving = those("up").length > 0 || !isChosen ? those("up") : those("draining");
          assert.deepEqual(current, new Set(serving));
          for (const { nextHop, state } of sink.snapshot().nextHops.values())
            if (
              nextHop.kind === "instance" &&
              serving.some((one) => instanceOf(Number(one.slice(1))).id === nextHop.instance)
            )
              assert.equal(state, "up", "what begins may be given to it");
        }
        // Nothing is in the tables that nobody names.
        const { groups, nextHops, capabilities, nodes } = sink.snapshot();
        for (const { nextHop } of nextHops.values()) {
          if (nextHop.kind !== "tunnel") continue;
          const wanted = wrapped.find((tunnel) => octetsEqual(tunnel.locator, nextHop.locator));
          assert.deepEqual(nextHop.encapsulation, wanted?.encapsulation);
        }
        for (const { locator: of, vni } of nodes)
          assert.equal(vni, wrapped.find((tunnel) => octetsEqual(tunnel.locator, of))?.vni);
        const used = new Set([...capabilities.values()].flatMap(({ group, localGroup }) => [group, localGroup]));
        for (const index of groups.keys()) assert.ok(used.has(index), `group ${index} is unused`);
        for (const { slots, backup } of groups.values())
          for (const { current, previous } of slots) for (const index of [current, previous, backup]) named.add(index);
        for (const [index, { nextHop }] of nextHops)
          assert.ok(named.has(index) || nextHop.kind === "instance", `next hop ${index} is unused`);
      }),
      { numRuns: 150, verbose: 1 },
    );
  });

  it("a sink that takes columns has the same tables after each turn", () => {
    const inputs = fc.array(input, { minLength: 5, maxLength: 60 });
    let columns = 0;
    fc.assert(
      fc.property(inputs, (steps) => {
        const sink = new ColumnsSink();
        const routers = [forwarding(), forwarding({ sink })] as const;
        for (const step of steps) {
          const tables = routers.map((router) => {
            feed(router, step);
            router.clock.settle();
            return { ...router.sink.snapshot(), generation: 0 };
          });
          assert.deepEqual(tables[1], tables[0]);
        }
        columns += sink.columns;
      }),
      { numRuns: 60, verbose: 1 },
    );
    assert.ok(columns > 0);
  });

  it("a restart with the same inputs gives no operation", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40 }), fc.array(fc.nat(), { maxLength: 12 }), (steps, order) => {
        const first = forwarding();
        for (const step of steps) feed(first, step);
        first.clock.settle();
        first.clock.advance(TRANSITION_END);
        first.compiler[Symbol.dispose]();
        const second = forwarding({ sink: first.sink });
        first.sink.news();
        // The process before this one was killed while it adopted.
        const killed = forwarding({ sink: first.sink });
        killed.compiler
          .adopt(first.sink.held())
          .take(order.length)
          .forEach(() => {});
        killed.compiler[Symbol.dispose]();
        second.compiler.adopt(first.sink.held()).forEach(() => {});
        const { inputs } = latest(steps);
        // In another order, and with turns in between.
        for (const place of order) if (inputs.length > 0) inputs.push(...inputs.splice(place % inputs.length, 1));
        for (const [i, step] of inputs.entries()) {
          feed(second, step);
          if ((order[i] ?? 0) % 2 === 0) second.clock.settle();
        }
        second.compiler.converged();
        second.clock.advance(2 * TRANSITION_END);
        assert.deepEqual(first.sink.news(), []);
      }),
      { numRuns: 150, verbose: 1 },
    );
  });
});
