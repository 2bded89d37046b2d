import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { A, B, Scene } from "./scene.ts";

const SHARED_FATE = { independent: false };
const INDEPENDENT = { independent: true };

describe("BFD and graceful restart (RFC 5882 §4.3)", () => {
  it("silence: the session ends with BFD down a moment later, and no route is kept", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.network.cut(A, B);
    assert.equal(a.speaker.pathFailed(B, SHARED_FATE), true);
    scene.clock.advance(200);
    assert.deepEqual(a.known(b), ["1"], "the end of a process may still be on its way");
    scene.clock.advance(100);
    assert.deepEqual(a.known(b), []);
    assert.notEqual(a.peer().state, "Established");
    assert.match(a.peer().lastSent?.text ?? "", /BFD down/);
    assert.equal(a.speaker.pathFailed("2001:db8::dead", SHARED_FATE), false);
  });

  it("a neighbour with the C bit: at once", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.network.cut(A, B);
    a.speaker.pathFailed(B, INDEPENDENT);
    assert.deepEqual(a.known(b), []);
  });

  it("BFD first, then the end of the process: the routes are kept", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    a.speaker.pathFailed(B, SHARED_FATE);
    scene.clock.advance(100);
    scene.kill(b, B);
    scene.clock.advance(1_000);
    assert.deepEqual(a.known(b), ["1 stale"]);
    assert.equal(a.peer().gracefulRestart.helper, "retaining");
  });

  it("the end of the process first: BFD is no witness, unless it outlives the process", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.kill(b, B);
    scene.clock.advance(100);
    a.speaker.pathFailed(B, SHARED_FATE);
    scene.clock.advance(1_000);
    assert.deepEqual(a.known(b), ["1 stale"]);
    a.speaker.pathFailed(B, INDEPENDENT);
    scene.clock.advance(10);
    assert.deepEqual(a.known(b), []);
    assert.equal(a.peer().gracefulRestart.helper, "none");
  });

  it("up again within the moment: the session goes on", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    a.speaker.pathFailed(B, SHARED_FATE);
    scene.clock.advance(100);
    a.speaker.pathRecovered(B);
    scene.clock.advance(2_000);
    assert.deepEqual(a.known(b), ["1"]);
    assert.equal(a.peer().flaps, 0);
  });

  it("without graceful restart there is nothing to wait for", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ speaker: { gracefulRestart: undefined } });
    b.originate(1);
    scene.quiet(a, b);
    scene.network.cut(A, B);
    a.speaker.pathFailed(B, SHARED_FATE);
    assert.deepEqual(a.known(b), []);
  });
});
