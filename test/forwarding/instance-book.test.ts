import assert from "node:assert/strict";
import { it } from "node:test";
import { capabilityId } from "../../src/base/index.ts";
import { CapabilityBook } from "../../src/forwarding/capability-book.ts";
import { InstanceBook } from "../../src/forwarding/instance-book.ts";
import { NextHopTable } from "../../src/forwarding/next-hop-table.ts";
import { OperationBatch } from "../../src/forwarding/operation-batch.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { instance, OCR } from "./world.ts";

it("who was removed is noted while adoption goes on, and nobody before and after it: instances come and go for years", () => {
  const batch = new OperationBatch({ groups: false, capabilities: false });
  const book = new CapabilityBook(new SeededRandom(1));
  const instances = new InstanceBook(book, new NextHopTable(100, 1, batch), new VirtualClock(), batch);
  book.find(1, capabilityId(OCR, 1));
  const plan = book.add(OCR);
  const comesAndGoes = (number: number): string => {
    const { id } = instances.put(plan, instance({ number }), "up").instance;
    instances.remove(id);
    return id;
  };
  assert.equal(instances.isGone(comesAndGoes(1)), false);
  instances.noteRemoved();
  const during = comesAndGoes(2);
  assert.equal(instances.isGone(during), true);
  instances.put(plan, instance({ number: 2 }), "up");
  assert.equal(instances.isGone(during), false, "it is back");
  instances.remove(during);
  instances.forgetRemoved();
  assert.equal(instances.isGone(during), false);
  assert.equal(instances.isGone(comesAndGoes(3)), false);
});
