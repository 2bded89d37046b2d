import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Sock } from "../../../native/index.ts";
import { seconds } from "../../../src/base/index.ts";
import { type PeerOptions, planPeerChange } from "../../../src/bgp/speaker/index.ts";
import { protect } from "../../../src/bgp/speaker/tcp-protection.ts";
import type { Router } from "./router.ts";
import { A, B, Scene } from "./scene.ts";

const options = (address: string, updateSource: string, more: Partial<PeerOptions> = {}): PeerOptions => ({
  address,
  port: 179,
  remoteAs: 65000,
  passive: false,
  holdTime: seconds(90),
  connectRetry: seconds(2),
  updateSource,
  ...more,
});

async function pair(t: TestContext, a: Partial<PeerOptions>, b: Partial<PeerOptions>) {
  const scene = new Scene(t);
  const routers = await scene.pair({ peers: [options(B, A, a)] }, { peers: [options(A, B, b)] });
  const change = (router: Router, more: Partial<PeerOptions>) =>
    router.speaker.changePeer(router === routers[0] ? options(B, A, more) : options(A, B, more));
  return { scene, a: routers[0], b: routers[1], change };
}

const established = (...routers: Router[]): boolean => routers.every((router) => router.peer().state === "Established");

describe("one key takes the place of another", () => {
  it("both ends change within the hold time: the session goes on", async (t) => {
    const { scene, a, b, change } = await pair(t, { password: "old" }, { password: "old" });
    scene.quiet(a, b);
    assert.equal(change(a, { password: "new" }).effect, "live");
    scene.clock.advance(40_000);
    assert.ok(established(a, b));
    change(b, { password: "new" });
    a.originate(1);
    scene.clock.advance(200_000);
    assert.deepEqual([b.known(a), a.peer().flaps, b.peer().flaps], [["1"], 0, 0]);
  });

  it("only one end changes, and nobody has the new key yet at the other: the session ends with its hold time", async (t) => {
    const { scene, a, b, change } = await pair(t, { password: "old" }, { password: "old" });
    scene.quiet(a, b);
    change(a, { password: "new" });
    scene.clock.advance(100_000);
    assert.ok(!established(a, b));
    change(b, { password: "new" });
    scene.until("a session with the new key", () => established(a, b), 200_000);
  });

  it("the other end has both: it follows by itself when it hears nothing, without a reset", async (t) => {
    const { scene, a, b, change } = await pair(
      t,
      { password: "old" },
      { password: "old", furtherPasswords: ["spare", "new"] },
    );
    scene.quiet(a, b);
    change(a, { password: "new", furtherPasswords: ["old"] });
    a.originate(1);
    scene.clock.advance(85_000);
    assert.deepEqual([b.known(a), a.peer().flaps, b.peer().flaps], [["1"], 0, 0]);
    assert.ok(b.log.has("bgp.key.turned"));
    // And then its own configuration says so, too: nothing changes on the wire.
    assert.equal(change(b, { password: "new" }).effect, "live");
    scene.clock.advance(200_000);
    assert.deepEqual([established(a, b), b.peer().flaps], [true, 0]);
  });

  it("without a session both ends find a key that they share, whoever connects", async (t) => {
    for (const passive of [false, true]) {
      const { scene, a, b } = await pair(
        t,
        { password: "new", furtherPasswords: ["old"], passive },
        { password: "old", passive: !passive },
      );
      scene.until(`a session, a passive ${passive}`, () => established(a, b), 300_000);
    }
  });

  it("without timers silence means nothing", async (t) => {
    const { scene, a, b } = await pair(
      t,
      { password: "k", furtherPasswords: ["other"], holdTime: undefined },
      { password: "k", holdTime: undefined },
    );
    scene.quiet(a, b);
    scene.clock.advance(600_000);
    assert.ok(!a.log.has("bgp.key.turned"));
    a.originate(1);
    scene.clock.advance(100);
    assert.deepEqual(b.known(a), ["1"]);
  });

  const KEY = { sendId: 1, receiveId: 2, algorithm: "hmac-sha-1-96", secret: "k" } as const;
  const CASES: readonly [string, Partial<PeerOptions>, Partial<PeerOptions>, "live" | "reset"][] = [
    ["a password where there was none", {}, { password: "k" }, "reset"],
    ["no password any more", { password: "k" }, {}, "reset"],
    ["another password", { password: "k" }, { password: "l" }, "live"],
    ["a key chain instead of a password", { password: "k" }, { aoKeys: [KEY] }, "reset"],
    ["one key more", { aoKeys: [KEY] }, { aoKeys: [{ ...KEY, sendId: 3, receiveId: 3 }, KEY] }, "live"],
    ["another key chain", { aoKeys: [KEY] }, { aoKeys: [{ ...KEY, secret: "l" }] }, "reset"],
  ];
  for (const [name, before, after, effect] of CASES) {
    it(`${name}: ${effect}`, () =>
      assert.equal(planPeerChange(options(B, A, before), options(B, A, after)).effect, effect));
  }

  it("keys that a connection has of a listener go by the listener's prefix; passwords are the peer's own", () => {
    const calls: string[] = [];
    const note =
      (name: string) =>
      (fd: number, address: string, prefixLength: number): void =>
        void calls.push(`${name} ${fd} ${address}/${prefixLength}`);
    const sock = { setMd5: note("md5"), addAoKey: note("add"), deleteAoKey: note("delete") } as unknown as Sock;
    const peer = { address: "192.0.2.7", prefixLength: 32 };
    const range = { address: "192.0.2.0", prefixLength: 24 };
    const next = { ...KEY, sendId: 3, receiveId: 4 };
    const socket = { fd: 9, kind: "connection", aoPeer: range } as const;
    protect(sock, socket, peer, { aoKeys: [KEY], password: "k" }, { aoKeys: [next] });
    assert.deepEqual(calls, ["md5 9 192.0.2.7/32", "add 9 192.0.2.0/24", "delete 9 192.0.2.0/24"]);
    calls.length = 0;
    protect(sock, { fd: 9, kind: "connection" }, peer, { aoKeys: [KEY] }, { aoKeys: [next] });
    assert.deepEqual(calls, ["add 9 192.0.2.7/32", "delete 9 192.0.2.7/32"]);
  });
});
