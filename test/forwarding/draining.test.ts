import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf, type Forwarding, forwarding, instance, OCR, owners, selection, TRANSITION_END } from "./world.ts";

/** Who gets what begins here, and what the data plane thinks of each instance: both must agree for a packet to arrive. */
function here({ sink }: Forwarding): { owners: Record<string, number>; states: Record<string, string> } {
  const { nextHops } = sink.snapshot();
  const states = [...nextHops.values()].flatMap(({ nextHop, state }) =>
    nextHop.kind === "instance" ? [[`i${nextHop.instance.at(-1)}`, state] as const] : [],
  );
  return { owners: owners(sink, addressOf(sink, OCR), "localGroup"), states: Object.fromEntries(states) };
}

/** Two instances behind this router, whose site is the only one. */
function served(): Forwarding {
  const world = forwarding();
  const { compiler, clock } = world;
  compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
  for (const number of [1, 2]) compiler.instanceAdded(instance({ number }), "up");
  compiler.capabilityChanged(selection(OCR, [{ site: 1 }]));
  clock.settle();
  return world;
}

describe("instances that drain", () => {
  it("get nothing that begins while another one is up", () => {
    const world = served();
    world.compiler.instanceState(instance({ number: 1 }).id, "draining");
    world.clock.advance(TRANSITION_END);
    assert.deepEqual(here(world).states, { i1: "draining", i2: "up" });
    assert.deepEqual(
      Object.keys(here(world).owners).map((text) => text.split("<-")[0]),
      ["i2", "i2"],
      "some of them formerly of i1, which keeps its flows",
    );
  });

  it("serve on when nobody else does, and were never told to stop in between", () => {
    const world = served();
    const { compiler, clock, sink } = world;
    compiler.instanceState(instance({ number: 1 }).id, "draining");
    clock.advance(TRANSITION_END);
    sink.news();
    compiler.instanceState(instance({ number: 2 }).id, "draining");
    clock.settle();
    assert.deepEqual(here(world).states, { i1: "up", i2: "up" });
    const ofLast = sink
      .snapshot()
      .nextHops.entries()
      .find(([, { nextHop }]) => JSON.stringify(nextHop).includes(instance({ number: 2 }).id))![0];
    const told = sink
      .news()
      .filter((operation) => operation.type === "set-next-hop-state" && operation.index === ofLast);
    assert.deepEqual(told, [], "the last one that was up");
  });

  it("stop to as soon as one is up again, and keep their flows", () => {
    const world = served();
    const { compiler, clock } = world;
    for (const number of [1, 2]) compiler.instanceState(instance({ number }).id, "draining");
    clock.settle();
    compiler.instanceAdded(instance({ number: 3 }), "up");
    clock.settle();
    assert.deepEqual(here(world).states, { i1: "draining", i2: "draining", i3: "up" });
    for (const text of Object.keys(here(world).owners)) assert.match(text, /^i3<-i[12]$/);
  });

  it("end with their deadline, or when they are gone", () => {
    const world = served();
    const { compiler, clock } = world;
    for (const number of [1, 2]) compiler.instanceState(instance({ number }).id, "draining");
    clock.settle();
    compiler.instanceState(instance({ number: 1 }).id, "down");
    clock.settle();
    assert.deepEqual(here(world), { owners: { i2: 64 }, states: { i1: "down", i2: "up" } });
    compiler.instanceRemoved(instance({ number: 2 }));
    clock.settle();
    assert.deepEqual(here(world).owners, {});
  });

  it("leave what begins to the other sites while there are better ones: packets are sent on there", () => {
    const world = served();
    const { compiler, clock } = world;
    for (const number of [1, 2]) compiler.instanceState(instance({ number }).id, "draining");
    compiler.capabilityChanged(selection(OCR, [{ site: 1, as: "draining" }, { site: 2 }]));
    clock.settle();
    assert.deepEqual(here(world).states, { i1: "draining", i2: "draining" });
    for (const text of Object.keys(here(world).owners)) assert.match(text, /^-<-i[12]$/);
    // All drain: none is better.
    compiler.capabilityChanged(selection(OCR, [{ site: 1 }, { site: 2 }]));
    clock.settle();
    assert.deepEqual(here(world).states, { i1: "up", i2: "up" });
    for (const text of Object.keys(here(world).owners)) assert.match(text, /^i[12]/);
  });

  it("do after a restart what they did before it", () => {
    const world = served();
    const { compiler, clock, sink } = world;
    for (const number of [1, 2]) compiler.instanceState(instance({ number }).id, "draining");
    clock.advance(TRANSITION_END);
    compiler[Symbol.dispose]();
    const again = forwarding({ sink });
    again.compiler.adopt(sink.held()).forEach(() => {});
    sink.news();
    for (const number of [1, 2])
      again.compiler.instanceAdded({ ...instance({ number }), adminState: "draining" }, "draining");
    again.clock.settle();
    again.compiler.capabilityChanged(selection(OCR, [{ site: 1 }]));
    again.compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
    again.compiler.converged();
    again.clock.settle();
    assert.deepEqual(sink.news(), []);
    again.compiler.instanceAdded(instance({ number: 3 }), "up");
    again.clock.settle();
    assert.deepEqual(here(again).states, { i1: "draining", i2: "draining", i3: "up" });
  });

  it("get nothing after a restart either, while the one that served is not back yet", () => {
    const world = served();
    const draining = { ...instance({ number: 1 }), adminState: "draining" } as const;
    world.compiler.instanceState(draining.id, "draining");
    world.clock.advance(TRANSITION_END);
    const { sink } = world;
    const again = (): Forwarding => {
      const next = forwarding({ sink });
      next.compiler.adopt(sink.held()).forEach(() => {});
      sink.news();
      next.compiler.capabilityChanged(selection(OCR, [{ site: 1 }]));
      next.compiler.instanceAdded(draining, "draining");
      next.clock.settle();
      assert.deepEqual(sink.news(), [], "it may be back in a moment");
      return next;
    };
    world.compiler[Symbol.dispose]();
    const first = again();
    first.compiler.instanceAdded(instance({ number: 2 }), "up");
    first.clock.settle();
    assert.deepEqual(sink.news(), []);
    first.compiler[Symbol.dispose]();
    const second = again();
    second.compiler.instanceAdded(instance({ number: 2, health: "down" }), "down");
    second.clock.settle();
    assert.deepEqual(here(second).states, { i1: "up", i2: "down" }, "now nobody else is there");
    for (const text of Object.keys(here(second).owners)) assert.match(text, /^i1/);
    second.compiler[Symbol.dispose]();
  });

  it("serve on when the one that served is not back at the end", () => {
    const world = served();
    const { compiler, clock, sink } = world;
    compiler.instanceState(instance({ number: 1 }).id, "draining");
    clock.advance(TRANSITION_END);
    compiler[Symbol.dispose]();
    const again = forwarding({ sink });
    again.compiler.adopt(sink.held()).forEach(() => {});
    again.compiler.instanceAdded(instance({ number: 1 }), "draining");
    again.compiler.capabilityChanged(selection(OCR, [{ site: 1 }]));
    again.compiler.converged();
    again.clock.advance(TRANSITION_END);
    assert.deepEqual(here(again), { owners: { i1: 64 }, states: { i1: "up" } });
  });
});
