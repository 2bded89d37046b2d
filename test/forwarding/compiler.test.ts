import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CapabilityName } from "../../src/base/index.ts";
import { FLOW_MEMORY } from "../../src/forwarding/group-stages.ts";
import { lastLegAddress, type Operation } from "../../src/forwarding/index.ts";
import {
  addressOf,
  CheckedSink,
  forwarding,
  instance,
  locator,
  OCR,
  owners,
  QUARANTINE,
  type SiteInput,
  selection,
  TRANSITION_END,
  TRANSITION_HOLD,
} from "./world.ts";

const SPEECH = "/audio/speech" as CapabilityName;

describe("sites of a capability", () => {
  it("share the slots by weight; this router is a next hop of its own kind", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.capabilityChanged(
      selection(OCR, [
        { site: 1, weight: 1 },
        { site: 2, weight: 2 },
        { site: 3, weight: 1 },
      ]),
    );
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { here: 16, r2: 32, r3: 16 });
    assert.equal(compiler.pending, 0);
  });

  it("of capabilities with the same members are one group", () => {
    const { compiler, sink, clock } = forwarding();
    for (let i = 0; i < 50; i++) {
      compiler.capabilityChanged(selection(`/vision/c${i}` as CapabilityName, [{ site: 2 }, { site: 3 }]));
    }
    clock.settle();
    assert.equal(sink.snapshot().groups.size, 1);
    for (let i = 0; i < 50; i++)
      compiler.capabilityChanged(selection(`/vision/c${i}` as CapabilityName, [{ site: 3 }]));
    clock.settle();
    assert.equal(sink.snapshot().groups.size, 1);
    assert.equal(sink.snapshot().nextHops.size, 1);
    for (let i = 0; i < 50; i++) {
      compiler.capabilityChanged(selection(`/vision/c${i}` as CapabilityName, [{ site: 2 }, { site: 3 }]));
    }
    clock.advance(TRANSITION_HOLD);
    assert.equal(sink.snapshot().groups.size, 1);
  });

  it("in transition keep a living former owner for the hold time, and a dead one not at all", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    clock.settle();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3 }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, "r3<-r2": 32 });
    clock.advance(TRANSITION_HOLD - 1);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, "r3<-r2": 32 });
    sink.news();
    clock.advance(1);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, "r3<--": 32 }, "unknown flows are r3's now");
    clock.advance(FLOW_MEMORY - 1);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, "r3<--": 32 }, "remembered ones stay with r2");
    clock.advance(1);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, r3: 32 });
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-slots", "set-slots"],
    );
    compiler.capabilityChanged(selection(OCR, [{ site: 3 }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r3: 64 });
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-slots", "remove-next-hop"],
    );
  });

  it("in transition and asked back: who has not been seen meanwhile is still the first owner's", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    clock.settle();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3 }]));
    clock.settle();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3, as: "less-preferred" }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, "r2<--": 32 });
  });

  it("that lost by preference hand over; that drain keep their flows for as long as they drain", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    clock.settle();
    compiler.capabilityChanged(selection(OCR, [{ site: 3 }, { site: 2, as: "less-preferred" }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { "r3<-r2": 64 });
    clock.advance(TRANSITION_HOLD);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { "r3<-r2": 64 }, "without a slot r2 would be forgotten");
    clock.advance(FLOW_MEMORY);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r3: 64 });
    compiler.capabilityChanged(selection(OCR, [{ site: 4 }, { site: 3, as: "draining" }]));
    clock.advance(10 * TRANSITION_END);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { "r4<-r3": 64 });
    compiler.capabilityChanged(selection(OCR, [{ site: 4 }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { "r4<--": 64 });
    clock.advance(FLOW_MEMORY);
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r4: 64 });
  });

  it("of a lower preference are the backup, else the heaviest member is", () => {
    const { compiler, sink, clock } = forwarding();
    const backup = (): string => {
      const { groups, nextHops } = sink.snapshot();
      const [group] = groups.values();
      const hop = nextHops.get(group!.backup)!.nextHop;
      return hop.kind === "tunnel" ? `r${hop.locator[15]}` : hop.kind;
    };
    compiler.capabilityChanged(
      selection(OCR, [
        { site: 2, weight: 1 },
        { site: 3, weight: 5 },
      ]),
    );
    clock.settle();
    assert.equal(backup(), "r3");
    compiler.capabilityChanged(
      selection(OCR, [
        { site: 2 },
        { site: 9, as: "down" },
        { site: 5, as: "less-preferred" },
        { site: 6, as: "draining" },
      ]),
    );
    clock.settle();
    assert.equal(backup(), "r5");
  });

  it("at our own locator that are not ours would be a loop", () => {
    const { compiler, sink, clock } = forwarding();
    const looping = selection(OCR, [{ site: 1 }, { site: 2 }]);
    const group = looping.group.map((candidate) => ({ ...candidate, local: false }));
    compiler.capabilityChanged({ ...looping, group, winner: group[0] });
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 64 });
  });
});

describe("instances behind this router", () => {
  it("are the local group, and the members of C::selector lead here", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.instanceAdded(instance({ number: 1, weight: 3 }), "up");
    compiler.instanceAdded(instance({ number: 2, weight: 1 }), "up");
    compiler.capabilityChanged(selection(OCR, [{ site: 1 }, { site: 2 }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), { i1: 48, i2: 16 });
    assert.deepEqual(owners(sink, addressOf(sink, OCR, 7)), { here: 64 });
    assert.deepEqual(owners(sink, addressOf(sink, OCR, 7), "localGroup"), { i1: 48, i2: 16 });
  });

  it("that die are marked in the data plane before the call returns; the slots follow, and only theirs", () => {
    const { compiler, sink, clock } = forwarding();
    const [a, b] = [instance({ number: 1 }), instance({ number: 2 })];
    compiler.instanceAdded(a, "up");
    compiler.instanceAdded(b, "up");
    clock.advance(TRANSITION_HOLD);
    const index = [...sink.snapshot().nextHops].find(
      ([, { nextHop }]) => nextHop.kind === "instance" && nextHop.instance === a.id,
    )![0];
    sink.news();
    compiler.instanceState(a.id, "down");
    assert.deepEqual(sink.news(), [{ type: "set-next-hop-state", index, state: "down" }]);
    clock.settle();
    const [moved, ...others] = sink.news();
    assert.deepEqual(others, []);
    assert.equal(moved?.type === "set-slots" && moved.slots.length, 32);
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), { i2: 64 });
    compiler.instanceState(a.id, "up");
    assert.deepEqual(sink.news(), [{ type: "set-next-hop-state", index, state: "up" }]);
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), { "i1<-i2": 32, i2: 32 });
  });

  it("all dead: the group is gone and the address stays, so packets are refused instead of lost", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.instanceAdded(instance({ number: 1 }), "up");
    compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
    clock.settle();
    compiler.instanceState(instance({ number: 1 }).id, "down");
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), {});
    assert.equal(sink.snapshot().capabilities.get(addressOf(sink, OCR))?.localGroup, 0);
    assert.equal(sink.snapshot().nextHops.size, 2, "the instance keeps its next hop and its counters");
    compiler.instanceRemoved(instance({ number: 1 }));
    clock.settle();
    assert.equal(sink.snapshot().nextHops.size, 0);
    assert.equal(sink.snapshot().capabilities.size, 1);
  });

  it("that drain keep their flows and get no new ones", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.instanceAdded(instance({ number: 1 }), "up");
    compiler.instanceAdded(instance({ number: 2 }), "up");
    clock.settle();
    compiler.instanceState(instance({ number: 1 }).id, "draining");
    clock.advance(5 * TRANSITION_END);
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), { i2: 32, "i2<-i1": 32 });
    compiler.instanceRemoved(instance({ number: 1 }));
    clock.advance(FLOW_MEMORY);
    assert.deepEqual(owners(sink, addressOf(sink, OCR), "localGroup"), { i2: 64 });
  });

  it("that come one by one, and are many, change their group a few times and not each once", () => {
    const { compiler, sink, clock } = forwarding();
    const add = (number: number): void => {
      compiler.instanceAdded(instance({ number }), "up");
      clock.settle();
    };
    for (let number = 1; number <= 16; number++) add(number);
    const changes = (): number => sink.news().filter(({ type }) => type === "set-slots").length;
    assert.equal(changes(), 16 + 1, "few: each at once, and the group of C::selector");
    for (let number = 17; number <= 60; number++) add(number);
    assert.equal(changes(), 1, "the first of many is in the plan at once");
    assert.ok(compiler.pending > 0);
    compiler.instanceState(instance({ number: 1 }).id, "down");
    assert.equal(sink.news().at(-1)?.type, "set-next-hop-state", "who dies does not wait");
    clock.advance(100);
    assert.equal(changes(), 1);
    assert.equal(compiler.pending, 0);
    assert.equal(Object.keys(owners(sink, addressOf(sink, OCR), "localGroup")).length, 59);
  });

  it("by the thousand: in slices of a few hundred operations, and then one look at their group", () => {
    const batches: Operation[][] = [];
    const sink = new (class extends CheckedSink {
      override apply(operations: readonly Operation[], generation: number): void {
        batches.push([...operations]);
        this.generation = generation;
        for (const [i, operation] of operations.entries()) this.tables.apply(operation, i);
      }
    })();
    const { compiler, clock } = forwarding({ sink });
    const all = Array.from({ length: 1000 }, (_, i) => instance({ number: i + 1 }));
    compiler.instancesChanged(all.map((one) => ({ instance: one, state: "up" })));
    assert.ok(compiler.pending > 0);
    clock.settle();
    assert.equal(sink.snapshot().nextHops.size, 1001, "and this router");
    assert.ok(batches.every(({ length }) => length < 300));
    const touching = batches.filter((batch) => batch.some(({ type }) => type === "set-slots"));
    assert.equal(touching.length, 1);
    assert.equal(compiler.pending, 0);
    batches.length = 0;
    compiler.instancesChanged(all.map((one) => ({ instance: one, state: undefined })));
    clock.advance(1000);
    assert.ok(
      batches.every(({ length }) => length < 600),
      "down, and taken out",
    );
    assert.equal(sink.snapshot().nextHops.size, 0);
    assert.equal(compiler.pending, 0);
  });

  it("of an unknown tenant are refused and counted", () => {
    const { compiler, sink, clock, metrics } = forwarding();
    compiler.instanceAdded({ ...instance({ number: 1 }), tenant: "nobody" }, "up");
    clock.settle();
    assert.equal(sink.snapshot().capabilities.size, 0);
    assert.equal(metrics.value("semrd_forwarding_refused_total", { reason: "unknown-tenant" }), 1);
  });
});

describe("the plan as a whole", () => {
  it("has an entry for everything in the taxonomy, and drops what left it", () => {
    const { compiler, sink, clock } = forwarding();
    const list = [OCR, SPEECH].map((name) => ({ tenantIndex: 1, name, majorVersion: 1 }));
    compiler.taxonomy(list);
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, SPEECH)), {});
    assert.equal(sink.snapshot().capabilities.size, 2);
    compiler.capabilityChanged(selection(SPEECH, [{ site: 3 }]));
    compiler.taxonomy(list.slice(0, 1));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, SPEECH)), { r3: 64 });
    compiler.capabilityChanged(selection(SPEECH, []));
    clock.settle();
    assert.equal(sink.snapshot().capabilities.size, 1);
    assert.equal(sink.snapshot().groups.size, 0);
  });

  it("says of each address which datagrams stay together, and changes nothing else with it", () => {
    const { compiler, sink, clock } = forwarding();
    const known = { tenantIndex: 1, name: OCR, majorVersion: 1 };
    const installed = () => [...sink.snapshot().capabilities.values()].map(({ affinity }) => affinity);
    compiler.instanceAdded(instance({ number: 1 }), "up");
    for (const affinity of ["connection", "none", "address"] as const) {
      compiler.taxonomy([{ ...known, affinity }]);
      clock.settle();
      assert.deepEqual(installed(), [affinity, affinity], "C::0 and C::selector");
    }
    sink.news();
    compiler.taxonomy([known]);
    clock.settle();
    assert.deepEqual(installed(), [undefined, undefined]);
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-capability", "set-capability"],
    );
    const again = forwarding({ sink });
    again.compiler.adopt(sink.held()).forEach(() => {});
    again.compiler.taxonomy([{ ...known, affinity: "none" }]);
    again.clock.settle();
    const said = again.sink.news().flatMap((one) => (one.type === "set-capability" ? [one.entry.affinity] : []));
    assert.deepEqual(said, ["none", "none"], "after a restart, too");
  });

  it("gives an index no new meaning until it has rested", () => {
    const { compiler, sink, clock } = forwarding();
    const use = (site: number): number => {
      compiler.capabilityChanged(selection(OCR, [{ site }]));
      clock.settle();
      return [...sink.snapshot().nextHops.keys()][0]!;
    };
    const first = use(2);
    assert.notEqual(use(3), first);
    clock.advance(QUARANTINE - 1);
    assert.notEqual(use(4), first);
    clock.advance(1);
    assert.equal(use(5), first);
  });

  it("counts and skips what its tables have no room for", () => {
    const { compiler, sink, clock, metrics } = forwarding({ limits: { capabilities: 2, groups: 1, nextHops: 2 } });
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3 }, { site: 4 }]));
    compiler.capabilityChanged(selection(SPEECH, [{ site: 2 }]));
    compiler.capabilityChanged(selection("/vision/faces" as CapabilityName, [{ site: 2 }]));
    clock.settle();
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, r3: 32 });
    assert.equal(sink.snapshot().capabilities.size, 2);
    for (const reason of ["next-hops-full", "groups-full", "capabilities-full"]) {
      const times = metrics.value("semrd_forwarding_refused_total", { reason });
      assert.ok(times > 0, reason);
      const refusal = compiler.refusals.find((count) => count.reason === reason);
      assert.deepEqual(refusal, { reason, times, advice: "raise max-capabilities" });
    }
  });

  it("follows the list of nodes", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.nodes([locator(2), locator(3)]);
    clock.settle();
    compiler.nodes([locator(3), locator(4)]);
    clock.settle();
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-node", "set-node", "set-node", "remove-node"],
    );
    assert.deepEqual(
      sink.snapshot().nodes.map((node) => node.locator[15]),
      [3, 4],
    );
  });

  it("changes how packets are wrapped for a router in place, and nothing else", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.nodes([locator(2), locator(3)]);
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }, { site: 3 }]));
    clock.settle();
    sink.news();
    const encapsulation = { kind: "segments", waypoints: [locator(8), locator(9)] } as const;
    compiler.tunnels([{ locator: locator(2), encapsulation, vni: 7 }]);
    clock.settle();
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-node", "set-encapsulation"],
    );
    assert.deepEqual(owners(sink, addressOf(sink, OCR)), { r2: 32, r3: 32 });
    const [r2] = [...sink.snapshot().nextHops.values()].filter(
      ({ nextHop }) => nextHop.kind === "tunnel" && nextHop.locator[15] === 2,
    );
    assert.deepEqual(r2?.nextHop, { kind: "tunnel", locator: locator(2), encapsulation });
    compiler.capabilityChanged(selection(SPEECH, [{ site: 2 }]));
    compiler.tunnels([]);
    clock.settle();
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-node", "set-encapsulation", "set-slots", "set-capability"],
    );
    compiler.tunnels([{ locator: locator(4), encapsulation }]);
    compiler.capabilityChanged(selection(SPEECH, [{ site: 4 }]));
    clock.settle();
    const added = sink.news().find(({ type }) => type === "set-next-hop");
    assert.deepEqual(added?.type === "set-next-hop" && added.nextHop, {
      kind: "tunnel",
      locator: locator(4),
      encapsulation,
    });
  });

  it("accepts no node whose second tunnel address is the locator of another, or of this router", () => {
    const { compiler, sink, clock, metrics } = forwarding();
    compiler.nodes([locator(2), lastLegAddress(locator(2)), lastLegAddress(locator(1)), locator(3)]);
    clock.settle();
    assert.deepEqual(sink.snapshot().nodes, [{ locator: locator(2) }, { locator: locator(3) }]);
    assert.equal(metrics.value("semrd_forwarding_refused_total", { reason: "locator-collision" }), 2);
  });

  it("does not touch the data plane after it was disposed", () => {
    const { compiler, sink, clock } = forwarding();
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    compiler[Symbol.dispose]();
    clock.advance(TRANSITION_HOLD);
    assert.deepEqual(sink.news(), []);
  });

  it("slices count the time in which the sink carries them out, whether it is slow or quick", () => {
    const { compiler, clock, sink } = forwarding();
    let now = 0;
    let longest = 0;
    let slices = 0;
    clock.monotonic = () => now as ReturnType<typeof clock.monotonic>;
    const soon = clock.soon.bind(clock);
    clock.soon = (work) =>
      soon(() => {
        const begin = now;
        work();
        longest = Math.max(longest, now - begin);
        slices++;
      });
    let each = 0.1;
    sink.apply = ({ length }) => {
      now += each * length;
    };
    const fill = (family: string): void => {
      for (let i = 0; i < 300; i++)
        compiler.capabilityChanged(selection(`/${family}/c${i}` as CapabilityName, [{ site: 2 }]));
      clock.settle();
    };
    fill("slow");
    assert.ok(slices > 6, `${slices} slices of a slow sink`);
    [longest, slices] = [0, 0];
    fill("slower");
    assert.ok(longest <= 5, `${longest} ms`);
    each = 0;
    fill("quick");
    slices = 0;
    fill("quicker");
    assert.ok(slices < 5, `${slices} slices of a quick sink`);
    assert.equal(compiler.pending, 0);
  });

  it("looks again at all users of a group that is about to be one that others have already", () => {
    const { compiler, clock, sink } = forwarding();
    const names = Array.from({ length: 12 }, (_, i) => `/vision/c${i}` as CapabilityName);
    const all = (sites: readonly SiteInput[]): void => {
      for (const name of names) compiler.capabilityChanged(selection(name, sites));
      clock.settle();
    };
    all([{ site: 2 }, { site: 3 }]);
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    all([{ site: 2 }, { site: 3, as: "less-preferred" }]);
    const group = (name: CapabilityName) => sink.snapshot().capabilities.get(addressOf(sink, name))!.group;
    assert.notEqual(group(names[0]!), group(OCR), "flows of site 3 stay there for a while");
    all([{ site: 2 }]);
    clock.advance(TRANSITION_END);
    for (const name of names) assert.equal(group(name), group(OCR), name);
    assert.equal(sink.snapshot().groups.size, 1);
  });

  it("works in slices", () => {
    const { compiler, clock, sink } = forwarding();
    for (let i = 0; i < 200; i++)
      compiler.capabilityChanged(selection(`/vision/c${i}` as CapabilityName, [{ site: 2 }]));
    let now = 0;
    clock.monotonic = () => ++now as ReturnType<typeof clock.monotonic>;
    clock.settle();
    assert.equal(sink.snapshot().capabilities.size, 200);
    assert.ok(sink.generation > 30, `${sink.generation} slices`);
  });
});
