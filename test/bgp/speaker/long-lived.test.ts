import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { LLGR_STALE, NO_LLGR } from "../../../src/bgp/policy/index.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const D = "2001:db8::d";
const restart = { restartTime: seconds(10), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) };
const LONG = { gracefulRestart: { ...restart, longLivedStaleTime: seconds(600) } };
const SHORT = { gracefulRestart: restart };

/** The capability ID of a site's route. */
const siteOf = ({ key }: { readonly key: Uint8Array }): Uint8Array => key.subarray(10, 26);

/** Numbers of the capabilities of `origin`, with a mark on those that are the last resort. */
const known = (router: Router, origin: Router): string[] =>
  router
    .rows()
    .filter(({ originId }) => originId === origin.originId)
    .map(({ key, attributes }) => `${key[25]}${attributes.communities.includes(LLGR_STALE) ? " last resort" : ""}`)
    .sort();

describe("long-lived graceful restart between routers (RFC 9494)", () => {
  it("a dead router's routes outlive its restart time, but not where it asked for that, nor their own time", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ speaker: LONG }, { speaker: LONG });
    b.originate(1);
    b.originate(2, { communities: [NO_LLGR] });
    scene.quiet(a, b);
    assert.equal(a.peer().capabilities.longLivedGracefulRestart, true);
    scene.kill(b, B);
    scene.clock.advance(9_000);
    assert.deepEqual([known(a, b), a.peer().gracefulRestart.helper], [["1", "2"], "retaining"]);
    scene.clock.advance(2_000);
    assert.deepEqual([known(a, b), a.peer().gracefulRestart.helper], [["1 last resort"], "long-lived"]);
    scene.clock.advance(597_000);
    assert.deepEqual(known(a, b), ["1 last resort"]);
    scene.clock.advance(3_000);
    assert.deepEqual([known(a, b), a.peer().gracefulRestart.helper], [[], "none"]);
    assert.equal(a.rib.attributes.size, 0);
  });

  it("they are told on to neighbours that know the mark, and taken back from others (§4.3)", async (t) => {
    const scene = new Scene(t);
    const clients = [B, C, D].map((address) => ({ address, reflectorClient: true }));
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: clients, speaker: LONG });
    const client = (address: string, n: number, speaker: typeof LONG | typeof SHORT) =>
      scene.router({ address, identifier: `10.0.0.${n}`, peers: [{ address: A }], speaker });
    const [b, c, d] = [await client(B, 2, LONG), await client(C, 3, LONG), await client(D, 4, SHORT)];
    b.originate(1);
    scene.quiet(a, b, c, d);
    scene.kill(b, B);
    scene.clock.advance(9_000);
    assert.deepEqual([known(c, b), known(d, b)], [["1"], ["1"]]);
    scene.clock.advance(3_000);
    assert.deepEqual([known(c, b), known(d, b)], [["1 last resort"], []]);
    assert.ok(a.metrics.sum("semrd_bgp_withheld_routes_total", { peer: D, reason: "llgr-stale" }) > 0, "counted");
  });

  it("another path is better at once, and the last resort leaves the group", async (t) => {
    const scene = new Scene(t);
    const peers = [{ address: B }, { address: C }];
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers, speaker: LONG });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }], speaker: LONG });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }], speaker: LONG });
    b.originate(1, {}, { score: 10 });
    c.originate(1, {}, { score: 1 });
    scene.quiet(a, b, c);
    const group = (): number[] => {
      const [row] = a.rows();
      return a.rib.capability.select(1, siteOf(row!)).group.map(({ originId }) => originId);
    };
    assert.deepEqual(group(), [b.originId, c.originId]);
    scene.kill(b, B);
    scene.clock.advance(9_000);
    assert.deepEqual(group(), [b.originId, c.originId]);
    scene.clock.advance(3_000);
    assert.deepEqual(group(), [c.originId]);
    scene.network.kill(C);
    scene.clock.advance(12_000);
    assert.deepEqual(group(), [b.originId, c.originId], "nothing better: both last resorts");
  });

  it("a lease that ends meanwhile ends the use of the route (DESIGN section 4.4)", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ speaker: LONG }, { speaker: LONG });
    const validUntil = seconds(Math.round(scene.clock.wall() / 1000) + 60);
    b.originate(1, {}, { lease: { sequence: 1n, validUntil, renew: seconds(20) } });
    scene.quiet(a, b);
    scene.kill(b, B);
    const usable = (): number => a.rib.capability.select(1, siteOf(a.rows()[0]!)).group.length;
    scene.clock.advance(40_000);
    assert.deepEqual([known(a, b), usable()], [["1 last resort"], 1]);
    scene.clock.advance(30_000);
    assert.deepEqual([known(a, b), usable()], [["1 last resort"], 0]);
  });

  it("back after its restart time: what it says again is as good as ever", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ speaker: LONG }, { speaker: LONG });
    b.originate(1);
    b.originate(2);
    scene.quiet(a, b);
    scene.kill(b, B);
    scene.clock.advance(60_000);
    assert.deepEqual(known(a, b), ["1 last resort", "2 last resort"]);
    const start = { restarted: true, forwardingPreserved: true };
    const back = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A }],
      speaker: { ...LONG, start },
    });
    scene.established(a, back);
    back.originate(1);
    scene.clock.advance(100);
    assert.deepEqual(known(a, b), ["1", "2 last resort"]);
    back.speaker.localStateConverged();
    scene.clock.advance(21_000);
    assert.deepEqual(known(a, b), ["1"]);
  });
});
