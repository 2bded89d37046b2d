import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
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
