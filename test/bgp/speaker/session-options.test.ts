import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { acceptAll } from "../../../src/bgp/policy/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, Scene } from "./scene.ts";

async function pair(
  t: TestContext,
  a: Partial<PeerOptions>,
  b: Partial<PeerOptions> = {},
): Promise<readonly [Scene, Router, Router]> {
  const scene = new Scene(t);
  const [first, second] = await scene.pair({ peers: [{ address: B, ...a }] }, { peers: [{ address: A, ...b }] });
  return [scene, first, second];
}

/** Milliseconds until the session is there. */
function timeTo(scene: Scene, router: Router): number {
  const start = scene.clock.monotonic();
  scene.established(router);
  return scene.clock.monotonic() - start;
}

describe("DelayOpen between routers (RFC 4271 §8.1.1)", () => {
  it("one end delays: the OPEN of the other one ends the wait", async (t) => {
    const [scene, a] = await pair(t, { delayOpen: seconds(10) }, { passive: false });
    assert.ok(timeTo(scene, a) < 1_000);
  });

  it("both ends delay: one of them has to begin when its time is over, and one connection stays", async (t) => {
    const [scene, a, b] = await pair(t, { delayOpen: seconds(3) }, { delayOpen: seconds(5) });
    const time = timeTo(scene, a);
    assert.ok(time >= 3_000 && time < 4_000, `${time} ms`);
    scene.quiet(a, b);
    assert.equal(scene.network.open, 1);
    a.originate(1);
    scene.clock.advance(100);
    assert.deepEqual(b.known(a), ["1"]);
  });

  it("the wait is shown, and ends with the connection", async (t) => {
    const scene = new Scene(t);
    const delayed = { address: B, passive: true, delayOpen: seconds(60) };
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [delayed] });
    await Puppet.connect(scene);
    const { state, timers } = a.peer();
    assert.equal(state, "Active");
    assert.ok(timers.delayOpen !== undefined && timers.delayOpen > 58_000 && timers.delayOpen <= 60_000);
    scene.network.reset(A, B);
    scene.clock.advance(100);
    assert.deepEqual(Object.keys(a.peer().timers), ["idleHold"]);
  });
});

describe("what a session waits for", () => {
  it("idle hold time and its bound: attempts become rarer", async (t) => {
    const scene = new Scene(t);
    const options = { address: B, remoteAs: 65009, idleHold: seconds(4), maximumBackOff: seconds(16), passive: true };
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [options] });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, connectRetry: seconds(1) }],
    });
    scene.clock.advance(1_000);
    assert.equal(a.peer().lastSent!.text, "OPEN error: bad peer AS, it is 65000");
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      scene.until("Idle", () => a.peer().state === "Idle", 300_000);
      waits.push(a.peer().timers.idleHold! / 1000);
      scene.until("another try", () => a.peer().state !== "Idle", 300_000);
    }
    assert.ok(a.peer().failures >= 4);
    const told = [a, b].map(({ log }) => log.lines.filter(({ event }) => event === "bgp.session.refused"));
    assert.deepEqual(
      told.map((lines) => lines.map(({ fields }) => fields)),
      [
        [{ peer: B, reason: "sent OPEN error: bad peer AS, it is 65000" }],
        [{ peer: A, reason: "received OPEN error: bad peer AS" }],
      ],
      "each once",
    );
    assert.ok(waits[0]! <= 4 && waits[3]! >= 11 && waits[3]! <= 16, `${waits}`);
    assert.equal(b.peer().establishedTransitions, 0);
  });

  it("a neighbour that offers a shorter hold time than the least is refused (RFC 4271 §6.2)", async (t) => {
    const [scene, a, b] = await pair(t, { holdTime: seconds(90), minimumHoldTime: seconds(30) });
    scene.clock.advance(1_000);
    assert.match(a.peer().lastSent!.text, /unacceptable hold time/);
    b.speaker.changePeer({ ...options(A, B), holdTime: seconds(30) });
    b.speaker.clear(A);
    scene.until("a session", () => a.peer().state === "Established", 300_000);
    assert.equal(a.peer().holdTime, 30);
  });

  it("output that is stuck ends the session without a NOTIFICATION, but with its code (RFC 9687 §3)", async (t) => {
    const [scene, a, b] = await pair(
      t,
      { holdTime: seconds(3600), sendHoldTime: seconds(30) },
      { holdTime: seconds(3600) },
    );
    scene.quiet(a, b);
    scene.network.cut(A, B);
    const text = "x".repeat(1500);
    for (let n = 0; n < 200; n++) a.originate(n, {}, { labels: [{ text: `${n} ${text}`, critical: false }] });
    scene.clock.advance(29_000);
    assert.equal(a.peer().state, "Established");
    assert.ok(a.peer().timers.sendHold! <= 1_500);
    scene.clock.advance(2_000);
    assert.notEqual(a.peer().state, "Established");
    const { lastError, lastSent } = a.peer();
    assert.deepEqual([lastError?.code, lastError?.text, lastError?.direction], [8, "send hold timer expired", "none"]);
    assert.equal(lastSent, undefined);
  });

  it("the least time between updates: what changes meanwhile is told once, as it is then (RFC 4271 §9.2.1.1)", async (t) => {
    const [scene, a, b] = await pair(t, { advertisementInterval: seconds(8) });
    a.originate(1, {}, { score: 1 });
    scene.quiet(a, b);
    scene.clock.advance(8_000);
    const before = b.peer().updatesReceived;
    const score = (): number | undefined => b.rows().find(({ key }) => key.at(25) === 1)?.attributes.semantic?.score;
    a.originate(1, {}, { score: 2 });
    scene.clock.advance(100);
    assert.equal(score(), 2, "the first change goes at once");
    for (const value of [3, 4, 5]) {
      a.originate(1, {}, { score: value });
      scene.clock.advance(1_000);
    }
    assert.equal(score(), 2);
    scene.clock.advance(5_000);
    assert.equal(score(), 5);
    assert.equal(b.peer().updatesReceived - before, 2);
    // A family's own time counts, from the next round on.
    const family = { family: "capability", advertisementInterval: seconds(1) } as const;
    const change = a.speaker.changePeer({ ...options(B, A), advertisementInterval: seconds(8), families: [family] });
    assert.equal(change.effect, "live");
    scene.clock.advance(8_000);
    for (const value of [6, 7]) {
      a.originate(1, {}, { score: value });
      scene.clock.advance(1_100);
    }
    assert.deepEqual([score(), a.peer().flaps], [7, 0]);
  });
});

const options = (address: string, own: string): PeerOptions => ({
  address,
  port: 179,
  remoteAs: 65000,
  passive: false,
  holdTime: seconds(9),
  connectRetry: seconds(2),
  updateSource: own,
});

describe("paths with this router's AS (RFC 4271 §9.1.2)", () => {
  it("are taken as often as allowed, and a change of that asks again", async (t) => {
    const scene = new Scene(t);
    const peer = (address: string, more: Partial<PeerOptions> = {}) => ({
      address,
      importPolicy: acceptAll,
      exportPolicy: acceptAll,
      ...more,
    });
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: [peer(B, { remoteAs: 65002 })],
    });
    const allowing = { ...options(A, B), ...peer(A), remoteAs: 65001 };
    const b = await scene.router({ address: B, identifier: "10.0.0.2", localAs: 65002, peers: [{ ...allowing }] });
    const path = (...numbers: number[]) => ({ asPath: [{ type: "sequence", numbers }] as const });
    a.originate(1, path(65009));
    a.originate(2, path(65002));
    a.originate(3, path(65002, 65002));
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    b.speaker.changePeer({ ...allowing, allowOwnAs: 1 });
    scene.clock.advance(200);
    assert.deepEqual(b.known(a), ["1", "2"]);
    b.speaker.changePeer({ ...allowing, allowOwnAs: 2 });
    scene.clock.advance(200);
    assert.deepEqual(b.known(a), ["1", "2", "3"]);
    b.speaker.changePeer(allowing);
    scene.clock.advance(200);
    assert.deepEqual([b.known(a), b.peer().flaps], [["1"], 0]);
  });
});
