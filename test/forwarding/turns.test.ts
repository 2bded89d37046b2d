import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CapabilityName } from "../../src/base/index.ts";
import type { Operation, TenantPolicy } from "../../src/forwarding/index.ts";
import type { PrefixSelection } from "../../src/rib/index.ts";
import { addressOf, CheckedSink, type Forwarding, forwarding, instance, locator, OCR, selection } from "./world.ts";

/** What is done at the end of a step, and how many of a kind at the most. */
const MOST: Partial<Record<Operation["type"], number>> = {
  ...{ "set-node": 128, "remove-node": 128, "set-aggregate": 64, "remove-policy": 256 },
  ...{ "remove-group": 128, "remove-next-hop": 128 },
};

/** How many operations each step was; the tables refuse those that are not allowed, such as removing what is named. */
class CountingSink extends CheckedSink {
  readonly steps: Operation[][] = [];

  override apply(operations: readonly Operation[], generation: number): void {
    this.generation = generation;
    this.steps.push([...operations]);
    for (const [i, operation] of operations.entries()) this.tables.apply(operation, i);
  }
}

function counted(from?: CountingSink): Forwarding & { readonly sink: CountingSink } {
  const sink = from ?? new CountingSink();
  return {
    ...forwarding({ sink, limits: { capabilities: 4096, groups: 8191, nextHops: 8191, aggregates: 4096 } }),
    sink,
  };
}

/** Runs until nothing is left; answers what was done, and that no step of it was long. */
function inShortSteps({ sink, clock, compiler }: Forwarding & { readonly sink: CountingSink }): Operation[] {
  clock.settle();
  assert.equal(compiler.pending, 0);
  for (const step of sink.steps)
    for (const [type, most] of Object.entries(MOST) as [Operation["type"], number][])
      assert.ok(count(step, type) <= most, `${count(step, type)} × ${type} in a step`);
  return sink.steps.splice(0).flat();
}

const COUNT = 1000;
const names = (prefix: string) => Array.from({ length: COUNT }, (_, i) => `/${prefix}/c${i}` as CapabilityName);
const count = (operations: readonly Operation[], type: Operation["type"]) =>
  operations.filter((operation) => operation.type === type).length;

describe("the end of a step is no long turn", () => {
  it("when a restart finds a plan that nobody asks for: groups, next hops and routers go a few at a time", () => {
    const first = counted();
    first.compiler.nodes(Array.from({ length: COUNT }, (_, i) => locator(2 + i)));
    for (const [i, name] of names("vision").entries())
      first.compiler.capabilityChanged(selection(name, [{ site: 2 + i }]));
    first.clock.settle();
    first.compiler[Symbol.dispose]();
    first.sink.steps.length = 0;

    const second = counted(first.sink);
    second.compiler.adopt(second.sink.held()).forEach(() => {});
    second.compiler.nodes([locator(1 + COUNT)]);
    second.compiler.capabilityChanged(selection(OCR, [{ site: 1 + COUNT }]));
    second.compiler.converged();
    const done = inShortSteps(second);
    assert.equal(count(done, "remove-capability"), COUNT);
    assert.equal(count(done, "remove-group"), COUNT - 1);
    assert.equal(count(done, "remove-next-hop"), COUNT - 1);
    assert.equal(count(done, "remove-node"), COUNT - 1);
    const { groups, nextHops, nodes } = second.sink.snapshot();
    assert.deepEqual([groups.size, nextHops.size, nodes.length], [1, 1, 1]);
    assert.ok(addressOf(second.sink, OCR));
  });

  it("when all routers of a large domain come at once, are wrapped otherwise, and go", () => {
    const router = counted();
    const { compiler } = router;
    const all = Array.from({ length: COUNT }, (_, i) => locator(2 + i));
    for (const [i, name] of names("vision").entries()) compiler.capabilityChanged(selection(name, [{ site: 2 + i }]));
    router.clock.settle();
    router.sink.steps.length = 0;
    compiler.nodes(all);
    assert.equal(count(inShortSteps(router), "set-node"), COUNT);
    compiler.tunnels(all.map((of) => ({ locator: of, encapsulation: { kind: "segments", waypoints: [locator(1)] } })));
    assert.equal(count(inShortSteps(router), "set-encapsulation"), COUNT);
    compiler.nodes([]);
    assert.equal(count(inShortSteps(router), "remove-node"), COUNT);
  });

  it("when prefixes of a thousand families are back after a restart, and change all at once", () => {
    const prefixes = (site: number): PrefixSelection[] =>
      Array.from({ length: COUNT }, (_none, i) => {
        const { capabilityId: _id, name: _name, ...chosen } = selection(OCR, [{ site: site + (i % 3) }]);
        return { ...chosen, prefix: `/family${i}` };
      });
    const first = counted();
    for (const each of prefixes(2)) first.compiler.prefixChanged(each);
    const all = count(inShortSteps(first), "set-aggregate");
    assert.ok(all > 0.9 * COUNT, "but those whose codes collide");
    first.compiler[Symbol.dispose]();
    const second = counted(first.sink);
    second.compiler.adopt(second.sink.held()).forEach(() => {});
    for (const each of prefixes(6)) second.compiler.prefixChanged(each);
    second.clock.settle();
    second.compiler.converged();
    assert.equal(count(inShortSteps(second), "set-aggregate"), all);
  });

  it("when every tenant loses its policy", () => {
    const router = counted();
    const tenants = Array.from({ length: COUNT }, (_, i): TenantPolicy => {
      return { tenantIndex: 1 + i, clients: { dscp: 3 }, rules: [], capabilities: [] };
    });
    router.compiler.policies(tenants);
    assert.equal(count(inShortSteps(router), "set-policy"), COUNT);
    router.compiler.policies([]);
    assert.equal(count(inShortSteps(router), "remove-policy"), COUNT);
    router.compiler.policies(tenants.slice(0, 5));
    assert.equal(count(inShortSteps(router), "set-policy"), 5);
  });
});

describe("what is left of a step", () => {
  it("is there again where somebody asks for it in time", () => {
    const router = counted();
    const { compiler, clock, sink } = router;
    for (const [i, name] of names("vision").entries()) compiler.capabilityChanged(selection(name, [{ site: 2 + i }]));
    compiler.instanceAdded(instance({ number: 1 }), "up");
    clock.settle();
    sink.steps.length = 0;
    const before = sink.snapshot().groups.size;
    for (const name of names("vision")) compiler.capabilityChanged(selection(name, []));
    clock.turn();
    assert.ok(compiler.pending > 0);
    for (const [i, name] of names("vision").entries()) compiler.capabilityChanged(selection(name, [{ site: 2 + i }]));
    inShortSteps(router);
    assert.equal(sink.snapshot().groups.size, before);
  });
});
