import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { milliseconds } from "../../src/base/index.ts";
import type { BfdPathStatus } from "../../src/bfd/index.ts";
import type { PeerStatus } from "../../src/bgp/speaker/index.ts";
import { EventCounters } from "../../src/daemon/event-counters.ts";
import { ResetCounters } from "../../src/daemon/reset-counters.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const SECOND = milliseconds(1000);

describe("counters since they were last reset", () => {
  type Row = readonly [name: string, count: number];
  const bench = () => {
    const clock = new VirtualClock();
    const begun = clock.wall();
    const counters = new ResetCounters<{ readonly n: number }>(clock);
    const seen = (...rows: readonly Row[]) =>
      Array.from(
        counters.view(
          rows,
          ([name]) => name,
          ([, n]) => ({ n }),
        ),
        ([[name], { counts, discontinuity }]) => [name, counts.n, discontinuity - begun],
      );
    return { clock, counters, seen };
  };

  it("one that is reset counts from there, and says since when (RFC 8343 §5)", () => {
    const { clock, counters, seen } = bench();
    assert.deepEqual(seen(["a", 5], ["b", 7]), [
      ["a", 5, 0],
      ["b", 7, 0],
    ]);
    clock.advance(SECOND);
    counters.reset([["a", { n: 6 }]]);
    assert.deepEqual(seen(["a", 8], ["b", 7]), [
      ["a", 2, 1000],
      ["b", 7, 0],
    ]);
  });

  it("one that began anew by itself is shown as it is, from then on", () => {
    const { clock, counters, seen } = bench();
    seen(["a", 5]);
    counters.reset([["a", { n: 5 }]]);
    clock.advance(SECOND);
    assert.deepEqual(seen(["a", 3]), [["a", 3, 1000]]);
    assert.deepEqual(seen(["a", 4]), [["a", 4, 1000]]);
  });

  it("what is gone is forgotten", () => {
    const { clock, counters, seen } = bench();
    counters.reset([["a", { n: 5 }]]);
    seen(["b", 1]);
    clock.advance(SECOND);
    assert.deepEqual(seen(["a", 9]), [["a", 9, 0]]);
  });

  it("never goes back without another time", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { maxLength: 30 }), (steps) => {
        const { clock, counters, seen } = bench();
        let [count, last] = [0, [0, 0]];
        for (const [isReset, more] of steps) {
          clock.advance(SECOND);
          count = more === 0 ? 0 : count + more;
          if (isReset) counters.reset([["a", { n: count }]]);
          const [[, shown, since]] = seen(["a", count]) as [[string, number, number]];
          assert.ok(shown >= 0 && (shown >= last[0]! || since > last[1]!), JSON.stringify(steps));
          last = [shown, since];
        }
      }),
    );
  });
});

describe("counters of sessions and policies", () => {
  const peer = (address: string, flaps: number): PeerStatus =>
    ({
      ...{ address, flaps, messagesReceived: 10 * flaps, messagesSent: 0, updatesReceived: 0, updatesSent: 0 },
      ...{ establishedTransitions: flaps, refusedConnections: 0, state: "Idle" },
      ...{ notificationsReceived: flaps, notificationsSent: 0, treatedAsWithdraw: 0, attributesDiscarded: 0 },
      routesRefused: new Map([["as-loop", flaps], ...(flaps > 2 ? [["first-as", 7] as const] : [])]),
      routesWithheld: new Map([["too-large", 2]]),
    }) as Partial<PeerStatus> as PeerStatus;
  const bench = () => {
    const clock = new VirtualClock();
    const now = { peers: [peer("fd00::1", 1), peer("fd00::2", 2)], downs: 4, sets: 3 };
    const path = () => ({ state: "up", downs: now.downs, failures: 0, sent: 100, received: 90 }) as unknown;
    const counters = new EventCounters(
      {
        speaker: { peers: () => now.peers },
        bfd: { status: (address) => (address === "fd00::1" ? (path() as BfdPathStatus) : undefined) },
        policies: () => ({
          *hits() {
            for (const policy of ["p", "q"]) yield { policy, statement: "s", sets: now.sets, routes: 10 };
          },
        }),
      },
      clock,
    );
    const flaps = () => Array.from(counters.peers(), ({ peer: { flaps: own }, bfd }) => [own, bfd?.downs]);
    const sets = () => Array.from(counters.hits(), ({ sets: own }) => own);
    return { clock, now, counters, flaps, sets };
  };

  it("one neighbour, with its path, or all; what is no counter stays", () => {
    const { clock, now, counters, flaps } = bench();
    clock.advance(SECOND);
    const at = counters.resetPeers("fd00::1");
    now.peers = [peer("fd00::1", 3), peer("fd00::2", 5)];
    now.downs = 5;
    assert.deepEqual(flaps(), [
      [2, 1],
      [5, undefined],
    ]);
    const [first, second] = Array.from(counters.peers());
    assert.equal(first!.discontinuity, at);
    assert.ok(second!.discontinuity < at!);
    assert.deepEqual([first!.peer.messagesReceived, first!.peer.state], [20, "Idle"]);
    // By reason as well: what has not happened since is not there.
    const reasons = ({ peer: { routesRefused, routesWithheld } }: typeof first & object): unknown => [
      Object.fromEntries(routesRefused),
      Object.fromEntries(routesWithheld),
    ];
    assert.deepEqual(reasons(first!), [{ "as-loop": 2, "first-as": 7 }, {}]);
    assert.deepEqual(reasons(second!), [{ "as-loop": 5, "first-as": 7 }, { "too-large": 2 }]);
    counters.resetPeers();
    assert.deepEqual(flaps(), [
      [0, 0],
      [0, undefined],
    ]);
    assert.equal(counters.resetPeers("fd00::9"), undefined);
  });

  it("the statements of one policy, or of all", () => {
    const { now, counters, sets } = bench();
    counters.resetPolicies("p");
    now.sets = 5;
    assert.deepEqual(sets(), [2, 5]);
    counters.resetPolicies();
    assert.deepEqual(sets(), [0, 0]);
  });
});
