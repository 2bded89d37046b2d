import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { CounterBook } from "../../src/daemon/counter-book.ts";
import { countersReport } from "../../src/daemon/forwarding-rows.ts";
import type { DataplaneCounters, DataplaneDriver } from "../../src/dataplane/index.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

interface Numbers {
  forwarded: bigint;
  hop: { packets: bigint; bytes: bigint; flows: bigint };
  tag: { packets: bigint; bytes: bigint };
}

function counting(numbers: Numbers): DataplaneDriver {
  const counters = (): DataplaneCounters => ({
    verdicts: new Map([["forwarded", numbers.forwarded]]),
    nextHops: new Map([[7, { ...numbers.hop }]]),
    tags: new Map([[3, { ...numbers.tag }]]),
  });
  const nextHop = { kind: "tunnel", locator: new Uint8Array(16) };
  const plan = { plannedNextHops: () => [[7, { nextHop, state: "up" }]].values(), plannedCapabilities: () => [] };
  return { name: "memory", counters, plan } as unknown as DataplaneDriver;
}

const numbers = (): Numbers => ({
  forwarded: 10n,
  hop: { packets: 5n, bytes: 500n, flows: 2n },
  tag: { packets: 3n, bytes: 300n },
});

it("a reset lets the shown counters begin at zero and notes when; the data plane's own go on", async () => {
  const clock = new VirtualClock();
  const now = numbers();
  const driver = counting(now);
  const book = new CounterBook(driver, clock);
  const started = book.discontinuity;
  assert.deepEqual(book.counters(), driver.counters());
  clock.advance(5000 as never);
  const at = book.reset();
  assert.ok(at > started);
  assert.equal(book.discontinuity, at);
  now.forwarded = 14n;
  now.hop = { packets: 6n, bytes: 600n, flows: 2n };
  assert.equal(book.counters().verdicts.get("forwarded"), 4n);
  assert.deepEqual(book.counters().nextHops.get(7), { packets: 1n, bytes: 100n, flows: 0n });
  assert.deepEqual(book.counters().tags?.get(3), { packets: 0n, bytes: 0n });
  assert.equal(driver.counters().verdicts.get("forwarded"), 14n);
  const sources = { names: { router: () => "r2" }, taxonomy: { tenants: new Map(), capabilities: [] }, clock };
  const { sites } = await countersReport(book, sources as never);
  assert.deepEqual(
    sites.map(({ packets, flows }) => [packets, flows]),
    [["1", "0"]],
  );
});

it("only what was asked for is reset", () => {
  const driver = counting(numbers());
  const book = new CounterBook(driver, new VirtualClock());
  book.reset(["tags"]);
  assert.deepEqual(book.counters().tags?.get(3), { packets: 0n, bytes: 0n });
  assert.equal(book.counters().verdicts.get("forwarded"), 10n);
});

it("a number that is given to another next hop, and tables that begin anew, are not reckoned against what was before", () => {
  const clock = new VirtualClock();
  const now = numbers();
  const book = new CounterBook(counting(now), clock);
  book.reset();
  book.carriedOut([{ type: "remove-next-hop", index: 7 }]);
  now.hop = { packets: 9n, bytes: 900n, flows: 1n };
  assert.deepEqual(book.counters().nextHops.get(7), { packets: 9n, bytes: 900n, flows: 1n });
  clock.advance(1000 as never);
  const before = book.discontinuity;
  now.forwarded = 3n;
  assert.equal(book.counters().verdicts.get("forwarded"), 3n);
  assert.ok(book.discontinuity > before, "said, as the counter went back");
  now.forwarded = 12n;
  assert.equal(book.counters().verdicts.get("forwarded"), 12n);
});

it("whatever is counted and reset, a shown counter goes back only where the discontinuity has moved (property)", () => {
  const step = fc.record({ more: fc.bigInt(0n, 100n), reset: fc.boolean(), anew: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const clock = new VirtualClock();
      const now = numbers();
      const book = new CounterBook(counting(now), clock);
      const shown = () => ({ count: book.counters().verdicts.get("forwarded")!, since: book.discontinuity });
      let last = shown();
      for (const { more, reset, anew } of steps) {
        clock.advance(1000 as never);
        if (reset) book.reset();
        now.forwarded = (anew && reset ? 0n : now.forwarded) + more;
        const next = shown();
        assert.ok(next.count >= 0n);
        if (next.count < last.count) assert.ok(next.since > last.since);
        last = next;
      }
    }),
  );
});
