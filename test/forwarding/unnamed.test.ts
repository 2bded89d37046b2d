import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CapabilityName } from "../../src/base/index.ts";
import type { CapabilitySelection } from "../../src/rib/index.ts";
import { addressOf, type Forwarding, forwarding, instance, OCR, owners, type SiteInput, selection } from "./world.ts";

const OTHERS = Array.from({ length: 200 }, (_, n) => `/vision/c${n}` as CapabilityName);

/** Of routes that do not say the name. */
function nameless(name: CapabilityName, sites: readonly SiteInput[]): CapabilitySelection {
  return { ...selection(name, sites), name: undefined };
}

const listed = (names: readonly CapabilityName[]) => names.map((name) => ({ tenantIndex: 1, name, majorVersion: 1 }));
const refused = ({ compiler }: Forwarding): number =>
  compiler.refusals.find(({ reason }) => reason === "unnamed")?.times ?? 0;
const served = ({ sink }: Forwarding, name: CapabilityName) => owners(sink, addressOf(sink, name));

describe("routes of a capability that come before its name", () => {
  it("are in the plan once the taxonomy's list says the name, and nobody is told meanwhile", () => {
    const world = forwarding();
    const { compiler, clock } = world;
    compiler.taxonomy(listed([...OTHERS, OCR]));
    compiler.capabilityChanged(nameless(OCR, [{ site: 1 }, { site: 2 }]));
    clock.settle();
    assert.deepEqual(served(world, OCR), { here: 32, r2: 32 });
    assert.equal(refused(world), 0);
    compiler.capabilityChanged(nameless(OCR, [{ site: 2 }]));
    clock.settle();
    assert.deepEqual(served(world, OCR), { r2: 64 });
  });

  it("are in it also where what is said of them is not in the object itself, which is another's afterwards", () => {
    const world = forwarding();
    const { compiler, clock } = world;
    const said = { ...nameless(OCR, [{ site: 2 }]), capabilityId: nameless(OCR, []).capabilityId.slice() };
    compiler.capabilityChanged(Object.create(said));
    said.capabilityId.fill(0x55);
    Object.assign(said, { tenantIndex: 2, group: [], candidates: [] });
    compiler.taxonomy(listed([OCR]));
    clock.settle();
    assert.deepEqual(served(world, OCR), { r2: 64 });
  });

  it("are in it once an instance says the name", () => {
    const world = forwarding();
    const { compiler, clock } = world;
    compiler.capabilityChanged(nameless(OCR, [{ site: 1 }]));
    clock.settle();
    assert.equal(refused(world), 1);
    compiler.instanceAdded(instance({ number: 1 }), "up");
    clock.settle();
    assert.deepEqual(served(world, OCR), { here: 64 });
  });

  it("are as they were last, and those that are gone are not there", () => {
    const world = forwarding();
    const { compiler, clock } = world;
    const [gone, back] = OTHERS as [CapabilityName, CapabilityName];
    for (const name of [OCR, gone, back]) compiler.capabilityChanged(nameless(name, [{ site: 2 }]));
    compiler.capabilityChanged(nameless(OCR, [{ site: 3 }]));
    for (const name of [gone, back]) compiler.capabilityChanged(nameless(name, []));
    compiler.capabilityChanged(nameless(back, [{ site: 3 }]));
    compiler.taxonomy(listed([OCR, gone, back]));
    clock.settle();
    assert.deepEqual(served(world, OCR), { r3: 64 });
    assert.deepEqual(served(world, gone), {});
    assert.deepEqual(served(world, back), { r3: 64 });
  });

  it("are told of once the list is over without it, and once", () => {
    const world = forwarding();
    const { compiler, clock } = world;
    compiler.taxonomy(listed(OTHERS));
    compiler.capabilityChanged(nameless(OCR, [{ site: 2 }]));
    assert.equal(refused(world), 0);
    clock.settle();
    assert.equal(refused(world), 1);
    compiler.capabilityChanged(nameless(OCR, [{ site: 3 }]));
    compiler.taxonomy(listed(OTHERS));
    clock.settle();
    assert.equal(refused(world), 1);
    assert.equal(compiler.pending, 0);
  });

  it("leave what the tables found alone at a restart", () => {
    const first = forwarding();
    first.compiler.taxonomy(listed([OCR]));
    first.compiler.capabilityChanged(nameless(OCR, [{ site: 2 }]));
    first.clock.settle();
    first.compiler[Symbol.dispose]();
    const second = forwarding({ sink: first.sink });
    const steps = second.compiler.adopt(first.sink.held());
    while (steps.next().done !== true);
    first.sink.news();
    second.compiler.capabilityChanged(nameless(OCR, [{ site: 2 }]));
    second.compiler.taxonomy(listed([OCR]));
    second.clock.settle();
    second.compiler.converged();
    second.clock.settle();
    assert.deepEqual(first.sink.news(), []);
  });
});
