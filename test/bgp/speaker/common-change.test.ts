import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv4, seconds } from "../../../src/base/index.ts";
import { type CommonOptions, type PeerOptions, planCommonChange } from "../../../src/bgp/speaker/index.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const D = "2001:db8::d";
const NUMBER = (text: string): number => parseIpv4(text)!;
/** As `Router` starts them. */
const common = (changes: Partial<CommonOptions> = {}): CommonOptions => ({
  localAs: 65000,
  bgpIdentifier: NUMBER("10.0.0.1"),
  gracefulRestart: { restartTime: seconds(30), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
  listen: [{ address: A, port: 179 }],
  ...changes,
});
const flaps = (router: Router): Record<string, number> =>
  Object.fromEntries(router.speaker.peers().map((peer) => [peer.address, peer.flaps]));

describe("the plan of a change of what all sessions have in common", () => {
  const peer = (remoteAs: number): PeerOptions => ({
    ...{ address: B, port: 179, remoteAs, passive: false, holdTime: seconds(9), connectRetry: seconds(2) },
  });
  const inside = (identifier: number, ...members: number[]) => ({ confederation: { identifier, members } });
  const CASES: readonly [string, Partial<CommonOptions>, Partial<CommonOptions>, number, string][] = [
    ["nothing", {}, {}, 65000, ""],
    ["another AS, inside", {}, { localAs: 65009 }, 65000, "reset localAs"],
    ["another AS, outside", {}, { localAs: 65009 }, 64999, "reset localAs"],
    [
      "another member AS: nobody outside sees it",
      inside(65000),
      { localAs: 65009, ...inside(65000) },
      64999,
      "live localAs",
    ],
    ["another member AS, inside", inside(65500), { localAs: 65009, ...inside(65500) }, 65000, "reset localAs"],
    ["a confederation around it, outside", {}, inside(65500), 64999, "reset confederation"],
    ["a confederation around it, inside", {}, inside(65500), 65000, "live confederation"],
    ["one more member", inside(65500), inside(65500, 65001), 64999, ""],
    ["the neighbour is a member now", inside(65500), inside(65500, 65001), 65001, "reset confederation"],
    ["router ID", {}, { bgpIdentifier: 7 }, 64999, "reset bgpIdentifier"],
    ["cluster ID, inside", {}, { clusterId: 7 }, 65000, "live clusterId"],
    ["cluster ID, outside", {}, { clusterId: 7 }, 64999, ""],
    ["graceful restart", {}, { gracefulRestart: undefined }, 65000, "next-session gracefulRestart"],
    ["port", {}, { listen: [{ address: A, port: 1790 }] }, 65000, ""],
  ];
  for (const [name, before, after, remoteAs, want] of CASES) {
    it(name, () => {
      const reasons = planCommonChange(common(before), common(after), peer(remoteAs));
      assert.equal(reasons.map(({ option, effect }) => `${effect} ${option}`).join(), want);
    });
  }
});

describe("what all sessions have in common changes while the speaker runs", () => {
  it("a cluster ID without a flap: what is reflected is told again, loops are seen by the new one", async (t) => {
    const scene = new Scene(t);
    const rr = await scene.router({
      ...{ address: A, identifier: "10.0.0.1" },
      peers: [
        { address: B, reflectorClient: true },
        { address: C, reflectorClient: true },
      ],
    });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }] });
    b.originate(1);
    b.originate(2, { clusterList: [NUMBER("9.9.9.9")], originatorId: NUMBER("10.0.0.2") });
    scene.quiet(rr, b, c);
    const list = () => c.rows().map(({ attributes }) => attributes.clusterList);
    assert.deepEqual(list(), [[NUMBER("10.0.0.1")], [NUMBER("10.0.0.1"), NUMBER("9.9.9.9")]]);
    await rr.speaker.change(common({ clusterId: NUMBER("9.9.9.9") }));
    scene.clock.advance(1000);
    assert.deepEqual([list(), rr.known(b)], [[[NUMBER("9.9.9.9")]], ["1"]]);
    await rr.speaker.change(common());
    scene.clock.advance(1000);
    assert.deepEqual([list().length, flaps(rr)], [2, { [B]: 0, [C]: 0 }]);
  });

  it("another AS resets whom it concerns; the neighbours that follow come back with it", async (t) => {
    const scene = new Scene(t);
    const confederation = { identifier: 65500, members: [65002] };
    const a = await scene.router({
      ...{ address: A, identifier: "10.0.0.1" },
      peers: [
        { address: B, remoteAs: 65009 },
        { address: C, remoteAs: 65002 },
        { address: D, remoteAs: 64999, families: [{ family: "ipv6-unicast" }] },
      ],
      speaker: { confederation },
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65009,
      peers: [{ address: A, remoteAs: 65500 }],
    });
    const c = await scene.router({
      ...{ address: C, identifier: "10.0.0.3", localAs: 65002, peers: [{ address: A, remoteAs: 65009 }] },
      speaker: { confederation: { identifier: 65500, members: [65009] } },
    });
    const d = await scene.router({
      ...{ address: D, identifier: "10.0.0.4", localAs: 64999 },
      peers: [{ address: A, remoteAs: 65500, families: [{ family: "ipv6-unicast" }] }],
    });
    scene.established(b, d);
    await a.speaker.change(common({ localAs: 65009, confederation }));
    scene.established(c, d);
    assert.deepEqual(flaps(a), { [B]: 1, [C]: 0, [D]: 0 });
    assert.deepEqual([a.peer(C).kind, a.peer(B).kind, d.peer().flaps], ["confederation", "internal", 0]);
  });

  it("a router ID resets everybody once, and what a change resets anyway is left to it", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    scene.established(a, b);
    const options: PeerOptions = {
      ...{ address: B, port: 179, remoteAs: 65000, passive: false, holdTime: seconds(9), connectRetry: seconds(2) },
      ...{ updateSource: A, families: [{ family: "capability" }, { family: "ipv6-unicast" }] },
    };
    await a.speaker.change(common({ bgpIdentifier: 0x0a000063 }), { leaving: [B] });
    assert.equal(a.speaker.changePeer(options).effect, "reset");
    scene.established(a, b);
    assert.deepEqual([b.peer().bgpIdentifier, b.peer().flaps], [0x0a000063, 1]);
  });

  it("graceful restart is offered, or not, from the next session on", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    scene.established(a, b);
    await a.speaker.change(common({ gracefulRestart: undefined }));
    scene.clock.advance(20_000);
    assert.deepEqual([b.peer().flaps, b.peer().capabilities.gracefulRestart], [0, true]);
    a.speaker.clear(B);
    scene.clock.advance(100);
    scene.established(a, b);
    assert.equal(b.peer().capabilities.gracefulRestart, false);
  });

  it("listens elsewhere: sessions stay, others connect there; where it cannot, nothing changes", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [
        { address: B, passive: true },
        { address: C, passive: true },
      ],
    });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    scene.established(b);
    const taken = { address: A, port: 1790 };
    const other = scene.network.host(A);
    const block = await other.listen(taken, [], () => {});
    await assert.rejects(a.speaker.change(common({ bgpIdentifier: 7, listen: [taken] })), /EADDRINUSE/);
    await block[Symbol.asyncDispose]();
    assert.deepEqual(
      a.speaker.listening.map(({ port }) => port),
      [179],
    );
    await a.speaker.change(common({ listen: [taken] }));
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A, port: 1790 }] });
    scene.established(b, c);
    assert.deepEqual([flaps(a), a.speaker.listening.map(({ port }) => port)], [{ [B]: 0, [C]: 0 }, [1790]]);
  });
});
