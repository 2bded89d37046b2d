import assert from "node:assert/strict";
import { it } from "node:test";
import { capabilityId } from "../../src/base/index.ts";
import type { Instance, InstanceState } from "../../src/directory/index.ts";
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
  instances.beginAdoption();
  const during = comesAndGoes(2);
  assert.equal(instances.isGone(during), true);
  instances.put(plan, instance({ number: 2 }), "up");
  assert.equal(instances.isGone(during), false, "it is back");
  instances.remove(during);
  instances.endAdoption();
  assert.equal(instances.isGone(during), false);
  assert.equal(instances.isGone(comesAndGoes(3)), false);
});

it("while adoption goes on, what the data plane holds is believed of who was not probed yet, and of nobody else", () => {
  const batch = new OperationBatch({ groups: false, capabilities: false });
  const book = new CapabilityBook(new SeededRandom(1));
  const nextHops = new NextHopTable(100, 1, batch);
  const instances = new InstanceBook(book, nextHops, new VirtualClock(), batch);
  book.find(1, capabilityId(OCR, 1));
  const plan = book.add(OCR);
  const unprobed = instance({ number: 1, health: "unknown" });
  const { check: _, ...unchecked } = unprobed;
  const { index } = instances.put(plan, unprobed, "down");
  assert.equal(nextHops.state(index), "down");
  const believed = (held: InstanceState, it: Instance, said: InstanceState) => {
    instances.setState(unprobed.id, held);
    return instances.put(plan, it, said).state;
  };
  assert.equal(believed("up", unprobed, "down"), "down", "there is no adoption");
  instances.beginAdoption();
  assert.equal(believed("up", unprobed, "down"), "up");
  assert.equal(believed("down", unprobed, "up"), "down");
  assert.equal(believed("up", { ...unprobed, adminState: "draining" }, "down"), "draining", "what it is told to do");
  assert.equal(believed("down", { ...unprobed, adminState: "draining" }, "draining"), "down");
  assert.equal(believed("up", { ...unprobed, adminState: "down" }, "down"), "down", "it is shut down");
  assert.equal(believed("up", instance({ number: 1, health: "down" }), "down"), "down", "it was probed");
  assert.equal(believed("down", unchecked, "up"), "up", "nobody will");
  const elsewhere = { ...unprobed, endpoint: { ...unprobed.endpoint, port: 8081 } };
  assert.equal(believed("up", elsewhere, "down"), "down", "the data plane has another endpoint of it");
  instances.endAdoption();
  assert.equal(believed("up", unprobed, "down"), "down");
});
