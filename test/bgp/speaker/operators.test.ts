import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { FamilyStatus } from "../../../src/bgp/speaker/index.ts";
import { A, B, Scene } from "./scene.ts";

const limited = (more: object) => ({
  peers: [{ address: B, families: [{ family: "capability", maximumRoutes: 4, ...more }] as const }],
});

describe("what operators tell each other and set", () => {
  it("a reset with a text reaches the other side, and both show it (RFC 9003; RFC 4486 §3)", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    scene.quiet(a, b);
    assert.equal(a.speaker.clear(B, "new cards, back in a minute ✂"), true);
    scene.clock.advance(50);
    const want = 'cease: administrative reset ("new cards, back in a minute ✂")';
    assert.deepEqual([a.peer().lastSent?.text, b.peer().lastReceived?.text], [want, want]);
    assert.deepEqual([a.peer().lastReceived, b.peer().lastSent], [undefined, undefined]);
    scene.quiet(a, b);
    await b.speaker.stop({ restart: false, text: "moving house" });
    scene.clock.advance(50);
    assert.match(a.peer().lastReceived!.text, /administrative shutdown \("moving house"\)/);
    assert.equal(a.peer().lastSent?.text, want, "what was sent stays to be seen");
  });

  it("near the maximum the log says so, once, and again after it was less", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair(limited({ warnAtPercent: 75 }));
    const warnings = (): number => a.log.lines.filter(({ event }) => event === "bgp.routes.near-maximum").length;
    for (const [routes, want] of [
      [[1, 2], 0],
      [[3], 1],
      [[4], 1],
    ] as const) {
      for (const n of routes) b.originate(n);
      scene.quiet(a, b);
      assert.equal(warnings(), want, `${routes}`);
    }
    for (const n of [2, 3, 4]) b.withdraw(n);
    scene.clock.advance(50);
    b.originate(2);
    scene.clock.advance(50);
    for (const n of [3, 4]) b.originate(n);
    scene.clock.advance(50);
    assert.deepEqual([warnings(), a.peer().flaps], [2, 0]);
  });

  it("too many: the neighbour stays down for the restart time, whoever connects, unless it is cleared", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair(limited({ restartAfter: seconds(300) }));
    scene.quiet(a, b);
    for (let n = 1; n <= 5; n++) b.originate(n);
    scene.until("the session ends", () => a.peer().state !== "Established");
    assert.match(a.peer().lastSent!.text, /maximum number of prefixes reached/);
    assert.equal(a.peer().waitsFor, "routes-limit");
    assert.deepEqual([a.peer().notificationsSent, b.peer().notificationsReceived], [1, 1]);
    for (let n = 1; n <= 5; n++) b.withdraw(n);
    scene.clock.advance(298_000);
    assert.deepEqual([a.peer().establishedTransitions, a.peer().state], [1, "Idle"]);
    scene.clock.advance(4_000);
    scene.established(a, b);

    for (let n = 1; n <= 5; n++) b.originate(n);
    scene.until("the session ends again", () => a.peer().state !== "Established");
    for (let n = 1; n <= 5; n++) b.withdraw(n);
    scene.clock.advance(10_000);
    a.speaker.clear(B);
    assert.equal(a.peer().state, "Connect", "a tries at once");
    b.speaker.clear(A);
    scene.until("both try", () => a.peer().state === "Established", 5_000);
  });
});

describe("what a neighbour waits for, and what is agreed on", () => {
  it("nothing with a session; an operator, a connection of the neighbour, one of ours, the end of a rest", async (t) => {
    const scene = new Scene(t);
    const peers = [{ address: B, sendHoldTime: seconds(60), ttlSecurityHops: 1 }];
    const [a, b] = await scene.pair({ peers }, { peers: [{ address: A, passive: true }] });
    assert.equal(b.peer().waitsFor, "neighbor");
    scene.quiet(a, b);
    const { waitsFor, sendHoldTime, ttlSecurityHops, holdTime } = a.peer();
    assert.deepEqual([waitsFor, sendHoldTime, ttlSecurityHops, holdTime], [undefined, 60, 1, 9]);
    assert.equal(b.peer().sendHoldTime, 480);
    const [family] = a.peer().perFamily;
    assert.deepEqual(
      [family!.peerRestart, family!.kept],
      [{ forwardingPreserved: false, longLivedStaleTime: undefined }, undefined],
    );

    b.speaker.disable(A, "good night");
    scene.clock.advance(100);
    assert.deepEqual([b.peer().waitsFor, a.peer().waitsFor], ["operator", "back-off"]);
    assert.match(a.peer().lastReceived!.text, /good night/);
    scene.network.cut(A, B);
    scene.until("a tries", () => a.peer().waitsFor === "connection");
    assert.deepEqual([a.peer().state, a.peer().holdTime, a.peer().sendHoldTime], ["Connect", undefined, undefined]);
  });

  it("why routes are kept, by family: the neighbour restarts, is gone for long, is back; its times are its own for each", async (t) => {
    const scene = new Scene(t);
    const families = [
      { family: "capability" as const, longLivedStaleTime: seconds(600) },
      { family: "ipv6-unicast" as const },
      { family: "ipv4-unicast" as const, longLivedStaleTime: seconds(0) },
    ];
    const gracefulRestart = {
      ...{ restartTime: seconds(30), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
      ...{ keepOverNotification: true, longLivedStaleTime: seconds(3600) },
    };
    const speaker = { gracefulRestart };
    const [a, b] = await scene.pair(
      { peers: [{ address: B, families }], speaker },
      { peers: [{ address: A, families }], speaker },
    );
    b.originate(1);
    scene.quiet(a, b);
    const rows = (what: (status: FamilyStatus) => unknown): unknown[] => a.peer().perFamily.map(what);
    assert.deepEqual(
      rows(({ peerRestart }) => peerRestart?.longLivedStaleTime),
      [600, 3600, undefined],
    );
    assert.deepEqual(
      rows(({ endOfRibSent, endOfRibReceived }) => endOfRibSent && endOfRibReceived),
      [true, true, true],
    );
    scene.network.cut(A, B);
    scene.until("b is away", () => a.peer().state !== "Established");
    assert.deepEqual(
      rows(({ kept }) => kept),
      ["restarting", "restarting", "restarting"],
    );
    scene.clock.advance(31_000);
    assert.deepEqual(
      rows(({ kept }) => kept),
      ["last-resort", "last-resort", undefined],
    );
    scene.clock.advance(600_000);
    assert.deepEqual(
      rows(({ kept }) => kept),
      [undefined, "last-resort", undefined],
    );
    assert.deepEqual(a.known(b), []);
  });
});
