import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf, CheckedSink, forwarding, instance, OCR, owners, selection } from "./world.ts";

/** A sink that is full when it is told to be. */
class FullSink extends CheckedSink {
  isFull = false;
  readonly #waiting: (() => void)[] = [];

  whenRoom(resume: () => void): void {
    this.#waiting.push(resume);
  }

  get asked(): number {
    return this.#waiting.length;
  }

  makeRoom(): void {
    this.isFull = false;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

describe("a sink that is full", () => {
  it("is given nothing more, changes merge meanwhile, and it gets the last of them when there is room", () => {
    const sink = new FullSink();
    const { compiler, clock } = forwarding({ sink });
    compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
    compiler.capabilityChanged(selection(OCR, [{ site: 2 }]));
    clock.settle();
    sink.news();
    sink.isFull = true;
    for (let site = 3; site < 40; site++) {
      compiler.capabilityChanged(selection(OCR, [{ site }]));
      clock.settle();
    }
    assert.deepEqual(sink.news(), []);
    assert.equal(sink.asked, 1, "it is asked once, not for each change");
    assert.ok(compiler.pending > 0);
    sink.makeRoom();
    clock.settle();
    assert.equal(compiler.pending, 0);
    const news = sink.news();
    assert.ok(news.length < 12, `37 changes made ${news.length} operations`);
    assert.deepEqual(Object.keys(owners(sink, addressOf(sink, OCR))).toSorted(), ["r39"]);
  });

  it("is told the state of an instance all the same", () => {
    const sink = new FullSink();
    const { compiler, clock } = forwarding({ sink });
    compiler.taxonomy([{ tenantIndex: 1, name: OCR, majorVersion: 1 }]);
    compiler.instanceAdded(instance({ number: 1 }), "up");
    clock.settle();
    sink.news();
    sink.isFull = true;
    compiler.instanceState(instance({ number: 1 }).id, "down");
    clock.settle();
    assert.deepEqual(
      sink.news().map(({ type }) => type),
      ["set-next-hop-state"],
    );
  });
});
