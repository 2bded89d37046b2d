import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CapabilityName } from "../../src/base/index.ts";
import { HELD_AT_ONCE } from "../../src/forwarding/index.ts";
import {
  addressOf,
  type Forwarding,
  forwarding,
  instance,
  locator,
  OCR,
  owners,
  selection,
  TRANSITION_END,
  TRANSITION_HOLD,
} from "./world.ts";

const SPEECH = "/audio/speech" as CapabilityName;

/** A router with three sites and two instances is killed; the next process begins with what it left in the data plane. */
function restarted(): Forwarding {
  const second = forwarding({ sink: killed().sink });
  second.compiler.adopt(second.sink.held()).forEach(() => {});
  return second;
}

function killed(): Forwarding {
  const first = forwarding();
  first.compiler.taxonomy([OCR, SPEECH].map((name) => ({ tenantIndex: 1, name, majorVersion: 1 })));
  first.compiler.nodes([locator(2), locator(3)]);
  first.compiler.instanceAdded(instance({ number: 1 }), "up");
  first.compiler.instanceAdded(instance({ number: 2 }), "up");
  first.compiler.capabilityChanged(selection(OCR, [{ site: 1 }, { site: 2 }, { site: 3, weight: 2 }]));
  first.compiler.capabilityChanged(selection(SPEECH, [{ site: 3 }]));
  first.clock.advance(TRANSITION_HOLD);
  first.compiler[Symbol.dispose]();
  first.sink.news();
  return first;
}

describe("adoption of what an earlier process left", () => {
  it("removes and empties nothing while routes and agents are coming back", () => {
    const { compiler, sink, clock } = restarted();
    clock.settle();
    compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
    compiler.nodes([locator(2)]);
    compiler.instanceAdded(instance({ number: 1, health: "unknown" }), "down");
    compiler.capabilityChanged(selection(OCR, []));
    compiler.capabilityChanged(selection(OCR, [{ site: 3, weight: 2 }]));
    clock.advance(10 * TRANSITION_HOLD);
    assert.deepEqual(sink.news(), []);
    compiler.instanceAdded(instance({ number: 1 }), "up");
    compiler.instanceAdded(instance({ number: 2 }), "up");
    compiler.capabilityChanged(selection(OCR, [{ site: 1 }, { site: 2 }, { site: 3, weight: 2 }]));
    clock.settle();
    compiler.converged();
    clock.settle();
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["remove-capability", "remove-group", "remove-node"],
      "only what nobody asked for: the other capability and node",
    );
  });

  it("adds what is new at once", () => {
    const { compiler, sink, clock } = restarted();
    compiler.capabilityChanged(selection(SPEECH, [{ site: 3 }, { site: 4 }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, SPEECH)), { r3: 32, "r4<-r3": 32 });
    compiler.capabilityChanged(selection(SPEECH, [{ site: 4 }]));
    clock.settle();
    assert.deepEqual(
      owners(sink, addressOf(sink, SPEECH)),
      { r4: 32, "r4<--": 32 },
      "the route of site 3 came and went",
    );
  });

  it("leaves no address behind that names the group of instances that are gone", () => {
    const { compiler, clock } = restarted();
    const other = instance({ number: 3, name: SPEECH });
    for (const one of [instance({ number: 1 }), instance({ number: 2 }), other]) compiler.instanceAdded(one, "up");
    clock.settle();
    for (const number of [1, 2]) compiler.instanceRemoved(instance({ number }));
    clock.advance(10 * TRANSITION_HOLD);
    compiler.converged();
    // Carried out at once, before the job that looks for what nobody asks for: the sink refuses a group that is named.
    compiler.instanceState(other.id, "down");
    clock.settle();
    assert.equal(compiler.pending, 0);
  });

  it("drops what is known to be gone: found down, removed, or refused", () => {
    const { compiler, sink, clock } = restarted();
    compiler.instanceAdded(instance({ number: 1, health: "down" }), "down");
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), { i2: 64 });
    compiler.instanceAdded(instance({ number: 2 }), "up");
    compiler.instanceRemoved(instance({ number: 2 }));
    compiler.capabilityChanged(selection(SPEECH, [{ site: 3, as: "down" }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), {});
    assert.deepEqual(owners(sink, addressOf(sink, SPEECH)), {});
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { here: 16, r2: 16, r3: 32 });
  });

  it("takes steps in which nothing is written; whoever is killed at any of them leaves all of it to the next", () => {
    const { sink } = killed();
    const before = sink.snapshot();
    const steps = forwarding({ sink }).compiler.adopt(sink.held()).toArray().length;
    const batches = Math.ceil(before.capabilities.size / HELD_AT_ONCE);
    assert.equal(steps, before.nextHops.size + before.groups.size + batches + before.nodes.length);
    for (let last = 0; last <= steps; last++) {
      const { compiler, clock } = forwarding({ sink });
      compiler
        .adopt(sink.held())
        .take(last)
        .forEach(() => void clock.advance(1));
      compiler[Symbol.dispose]();
      assert.deepEqual(sink.news(), [], `${last} steps`);
      assert.deepEqual(sink.snapshot(), before, `${last} steps`);
    }
    const { compiler, clock } = forwarding({ sink });
    compiler.adopt(sink.held()).forEach(() => {});
    compiler.capabilityChanged(selection(OCR, [{ site: 1 }, { site: 2 }, { site: 3, weight: 2 }]));
    for (const number of [1, 2]) compiler.instanceAdded(instance({ number }), "up");
    clock.settle();
    assert.deepEqual(sink.news(), []);
  });

  it("an instance that dies while it is adopted is dead with the first that is told of it, whenever that was", () => {
    const { sink } = killed();
    const steps = forwarding({ sink }).compiler.adopt(sink.held()).toArray().length;
    for (let death = 0; death <= steps; death++) {
      const world = killed();
      const { compiler, clock } = forwarding({ sink: world.sink });
      const of = [...world.sink.snapshot().nextHops].find(
        ([, { nextHop }]) => nextHop.kind === "instance" && nextHop.instance === instance({ number: 1 }).id,
      )!;
      let step = 0;
      // What writes states without the compiler: a thread, an executor.
      const dies = (): void => world.sink.tables.setState(of[0], "down");
      for (const _ of compiler.adopt(world.sink.held())) if (step++ === death) dies();
      if (death === steps) dies();
      compiler.instanceAdded(instance({ number: 1, health: "down" }), "down");
      compiler.instanceAdded(instance({ number: 2 }), "up");
      clock.settle();
      assert.equal(world.sink.snapshot().nextHops.get(of[0])?.state, "down", `dead at step ${death}`);
      assert.deepEqual(
        owners(world.sink, addressOf(world.sink, OCR), "localGroup"),
        { i2: 64 },
        `dead at step ${death}`,
      );
    }
  });

  it("ends the transitions that the earlier process had begun", () => {
    const first = forwarding();
    first.compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    first.clock.settle();
    first.compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3 }]));
    first.clock.settle();
    first.compiler[Symbol.dispose]();
    const { compiler, sink, clock } = forwarding({ sink: first.sink });
    compiler.adopt(sink.held()).forEach(() => {});
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, "r3<-r2": 32 });
    clock.advance(TRANSITION_END);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, r3: 32 });
  });
});
