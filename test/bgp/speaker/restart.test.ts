import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { SpeakerOptions } from "../../../src/bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, encodeKeepalive, UpdateEncoder } from "../../../src/bgp/wire/index.ts";
import { peerRow } from "../../../src/daemon/peer-rows.ts";
import { encodedSet, keySample, setSample } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

/** The UPDATE of capability `n` at 10.0.0.2. */
function route(n: number): Uint8Array {
  const encoder = new UpdateEncoder(DEFAULT_DIALECT.family);
  const key = keySample(n, 0x0a000002);
  const attributes = new AttributeCodec(DEFAULT_DIALECT).encode(setSample(), { asWidth: 4, internal: true });
  encoder.announce(encodedSet(attributes, setSample().nextHop), key, 0, key.length);
  return encoder.take()!;
}

const FOUND = { restarted: true, forwardingPreserved: true };
const LOST_MAPS = { restarted: true, forwardingPreserved: false };

/** What an operator is shown of the only neighbour of `router`. */
const shown = (scene: Scene, router: Router) => peerRow(router.peer(), scene.clock);

async function again(
  scene: Scene,
  start: SpeakerOptions["start"],
  more: Partial<SpeakerOptions> = {},
): Promise<Router> {
  return scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }], speaker: { start, ...more } });
}

describe("graceful restart between two routers (RFC 4724)", () => {
  it("a killed router comes back: its routes stay, and those that it no longer has go with End-of-RIB", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    a.originate(9);
    for (const n of [1, 2]) b.originate(n);
    scene.quiet(a, b);
    scene.kill(b, B);
    scene.clock.advance(500);
    assert.deepEqual(a.known(b), ["1 stale", "2 stale"]);
    assert.equal(a.peer().gracefulRestart.helper, "retaining");
    // For as long as it had said that its restart may take, and that is what is shown.
    const { restartTimeSeconds, forwardingPreserved } = shown(scene, a).gracefulRestart!;
    assert.deepEqual([restartTimeSeconds, forwardingPreserved], [30, false]);
    assert.deepEqual(
      [shown(scene, a).perFamily[0]!.kept, shown(scene, a).perFamily[0]!.keptYetSeconds],
      ["restarting", 30],
    );

    const back = await again(scene, FOUND);
    scene.established(a, back);
    scene.clock.advance(2_000);
    assert.equal(a.peer().gracefulRestart.peerRestarted, true);
    assert.deepEqual(a.known(b), ["1 stale", "2 stale"], "no End-of-RIB before the local state has converged");
    assert.equal(a.peer().gracefulRestart.helper, "awaiting");
    await back.speaker.selectionSettled; // a has said what it knows
    assert.deepEqual(back.known(a), ["9"]);

    back.originate(1);
    back.originate(3);
    scene.clock.advance(100);
    assert.deepEqual(a.known(b), ["1", "2 stale", "3"], "own routes do not wait");
    back.speaker.localStateConverged();
    scene.clock.advance(100);
    assert.deepEqual(a.known(b), ["1", "3"]);
    assert.equal(a.peer().gracefulRestart.helper, "none");
  });

  it("without the F bit stale routes go as soon as it is back", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.kill(b, B);
    scene.clock.advance(100);
    assert.deepEqual(a.known(b), ["1 stale"]);
    const back = await again(scene, LOST_MAPS);
    scene.established(a, back);
    assert.deepEqual(a.known(b), []);
  });

  it("never back: stale routes go with the restart time", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.kill(b, B);
    scene.clock.advance(29_000);
    assert.deepEqual(a.known(b), ["1 stale"]);
    scene.clock.advance(2_000);
    assert.deepEqual(a.known(b), []);
  });

  it("back, but never converged: the stale path time of the neighbour, the deferral time of its own", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.kill(b, B);
    const back = await again(scene, FOUND);
    scene.established(a, back);
    scene.clock.advance(15_000);
    assert.deepEqual(a.known(b), ["1 stale"]);
    scene.clock.advance(10_000);
    assert.deepEqual(a.known(b), [], "End-of-RIB after the deferral time");
    assert.ok(back.log.has("bgp.restart.deferral-expired"));
  });

  it("silence: the hold timer ends the session and the routes", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    scene.network.cut(A, B);
    scene.clock.advance(12_000);
    assert.notEqual(a.peer().state, "Established");
    assert.match(a.peer().lastSent?.text ?? "", /hold timer expired/);
    assert.deepEqual(a.known(b), []);
    scene.network.heal(A, B);
    scene.quiet(a, b);
    assert.deepEqual(a.known(b), ["1"]);
    assert.equal(a.peer().flaps, 1);
  });

  it("silence, where both keep routes over NOTIFICATIONs (RFC 8538 §4): they stay, a hard reset ends them", async (t) => {
    const scene = new Scene(t);
    const gracefulRestart = {
      restartTime: seconds(30),
      stalePathTime: seconds(60),
      selectionDeferralTime: seconds(20),
      keepOverNotification: true,
    };
    const [a, b] = await scene.pair({ speaker: { gracefulRestart } }, { speaker: { gracefulRestart } });
    b.originate(1);
    scene.quiet(a, b);
    scene.network.cut(A, B);
    scene.clock.advance(12_000);
    assert.deepEqual(a.known(b), ["1 stale"]);
    scene.network.heal(A, B);
    b.speaker.localStateConverged();
    scene.quiet(a, b);
    assert.deepEqual(a.known(b), ["1"]);
    a.speaker.clear(B);
    scene.clock.advance(10);
    assert.match(a.peer().lastSent?.text ?? "", /hard reset, cease: administrative reset/);
    assert.deepEqual([a.known(b), b.known(a)], [[], []]);
  });

  for (const keepOverNotification of [true, false])
    it(`killed again before it has said what it has: routes ${keepOverNotification ? "stay where both keep them over NOTIFICATIONs (RFC 8538 §4)" : "go (RFC 4724 §4.2)"}`, async (t) => {
      const scene = new Scene(t);
      const gracefulRestart = {
        ...{ restartTime: seconds(30), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
        keepOverNotification,
      };
      const [a, b] = await scene.pair({ speaker: { gracefulRestart } }, { speaker: { gracefulRestart } });
      for (const n of [1, 2]) b.originate(n);
      scene.quiet(a, b);
      scene.kill(b, B);
      let back = await again(scene, FOUND, { gracefulRestart });
      scene.established(a, back);
      back.originate(2);
      scene.clock.advance(500);
      assert.deepEqual(a.known(b), ["1 stale", "2"]);
      scene.kill(back, B);
      scene.clock.advance(500);
      assert.deepEqual(a.known(b), keepOverNotification ? ["1 stale", "2 stale"] : ["2 stale"]);
      back = await again(scene, FOUND, { gracefulRestart });
      scene.established(a, back);
      back.originate(1);
      back.speaker.localStateConverged();
      scene.quiet(a, back);
      assert.deepEqual(a.known(b), ["1"]);
    });

  it("a router that crashes again and again: its routes go with the stale path time", async (t) => {
    const scene = new Scene(t);
    const gracefulRestart = {
      ...{ restartTime: seconds(30), stalePathTime: seconds(60), selectionDeferralTime: seconds(200) },
      keepOverNotification: true,
    };
    const [a, first] = await scene.pair({ speaker: { gracefulRestart } }, { speaker: { gracefulRestart } });
    first.originate(1);
    scene.quiet(a, first);
    let b = first;
    const begun = scene.clock.monotonic();
    while (scene.clock.monotonic() < begun + 50_000) {
      scene.kill(b, B);
      b = await again(scene, FOUND, { gracefulRestart });
      scene.established(a, b);
      assert.deepEqual(a.known(first), ["1 stale"]);
      scene.clock.advance(5_000);
    }
    scene.clock.advance(20_000);
    assert.deepEqual(a.known(first), []);
  });

  it("without graceful restart everything goes at once", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({}, { speaker: { gracefulRestart: undefined } });
    b.originate(1);
    scene.quiet(a, b);
    scene.kill(b, B);
    scene.clock.advance(100);
    assert.deepEqual(a.known(b), []);
  });

  it("an orderly restart says nothing, so that routes stay, and touches no route of its own RIB", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    a.originate(9);
    b.originate(1);
    scene.quiet(a, b);
    await b.speaker.stop({ restart: true });
    scene.clock.advance(100);
    assert.equal(a.peer().lastReceived, undefined);
    assert.deepEqual(a.known(b), ["1 stale"]);
    assert.deepEqual(b.known(a), ["9"]);
  });

  it("a connection that is reset under two living routers: nothing is lost on either side", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    a.originate(1);
    b.originate(2);
    for (const router of [a, b]) router.speaker.localStateConverged();
    scene.quiet(a, b);
    for (let round = 0; round < 5; round++) {
      scene.network.reset(A, B);
      scene.clock.advance(10);
      assert.deepEqual([a.known(b), b.known(a)], [["2 stale"], ["1 stale"]]);
      scene.quiet(a, b);
      assert.deepEqual([a.known(b), b.known(a)], [["2"], ["1"]]);
    }
    assert.equal(scene.network.open, 1);
  });

  it("back before the loss was seen: the new connection takes over (RFC 4724 §5)", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    b.originate(1);
    scene.quiet(a, b);
    // The host loses power: a hears nothing. Its address is answered again before the hold time is over.
    scene.network.cut(A, B);
    scene.kill(b, B);
    scene.clock.advance(1_000);
    scene.network.heal(A, B);
    const back = await again(scene, FOUND);
    back.originate(1);
    back.speaker.localStateConverged();
    scene.quiet(a, back);
    assert.deepEqual(a.known(b), ["1"]);
  });

  it("a restarted router learns from all neighbours before it tells them on", async (t) => {
    const scene = new Scene(t);
    const speaker = { acceptExternal: true };
    const outside = (address: string, remoteAs: number) => ({ address, remoteAs });
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: [outside(B, 65002)],
      speaker,
    });
    const c = await scene.router({
      address: C,
      identifier: "10.0.0.3",
      localAs: 65003,
      peers: [outside(B, 65002)],
      speaker,
    });
    const middle = {
      address: B,
      identifier: "10.0.0.2",
      localAs: 65002,
      peers: [outside(A, 65001), outside(C, 65003)],
    };
    a.originate(1);
    const first = await scene.router({ ...middle, speaker });
    scene.quiet(a, first, c);
    assert.deepEqual(c.known(a), ["1"]);
    scene.kill(first, B);
    scene.clock.advance(100);
    scene.network.cut(B, C);
    const back = await scene.router({ ...middle, speaker: { ...speaker, start: FOUND } });
    back.speaker.localStateConverged();
    scene.until("a is known again", () => back.known(a).length === 1);
    assert.deepEqual([back.speaker.deferral.waiting, c.known(a)], [[C], ["1 stale"]]);
    scene.network.heal(B, C);
    scene.quiet(a, back, c);
    assert.equal(back.speaker.deferral.state, "done");
    assert.deepEqual(c.known(a), ["1"]);
  });
});

/** Whether what was found may be taken away by now. */
function watchHeard({ speaker }: Router): () => Promise<boolean> {
  let heard = false;
  void speaker.neighborsHeard.then(() => {
    heard = true;
  });
  return async () => {
    await Promise.resolve();
    return heard;
  };
}

const endsOfRib = (router: Router): readonly (readonly [string, boolean])[] =>
  router.speaker.peers().map(({ address, gracefulRestart }) => [address, gracefulRestart.endOfRibSent] as const);

describe("routers that restart at the same time", () => {
  it("neither takes away what leads to the other before that has said what it has; nobody waits to say it", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ speaker: { start: FOUND } }, { speaker: { start: FOUND } });
    const [heardByA, heardByB] = [watchHeard(a), watchHeard(b)];
    scene.established(a, b);
    a.speaker.localStateConverged();
    scene.clock.advance(1_000);
    assert.deepEqual([a.speaker.deferral.state, a.peer().gracefulRestart.endOfRibSent], ["done", true]);
    assert.deepEqual([await heardByA(), await heardByB()], [false, true], "b has not said End-of-RIB");
    b.originate(1); // as after its health checks
    scene.clock.advance(100);
    assert.deepEqual([a.known(b), await heardByA()], [["1"], false]);
    b.speaker.localStateConverged();
    scene.clock.advance(100);
    assert.equal(await heardByA(), true);
  });

  it("nobody waits for one that is shut down, before the restart or during it", async (t) => {
    for (const wasShut of [true, false]) {
      const scene = new Scene(t);
      const peers = [{ address: A }, { address: C, enabled: !wasShut }];
      const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }] });
      a.speaker.localStateConverged();
      const b = await scene.router({ address: B, identifier: "10.0.0.2", peers, speaker: { start: FOUND } });
      const heard = watchHeard(b);
      scene.until("a is there", () => b.peer(A).state === "Established");
      b.speaker.localStateConverged();
      scene.clock.advance(1_000);
      assert.equal(b.speaker.deferral.state, wasShut ? "done" : "waiting");
      if (!wasShut) assert.equal(b.speaker.disable(C), true);
      scene.clock.advance(100);
      assert.deepEqual(
        [b.speaker.deferral.state, await heard(), b.peer(A).gracefulRestart.endOfRibSent],
        ["done", true, true],
      );
      await scene.close();
    }
  });

  it("one that never says it is given up with the deferral time", async (t) => {
    const scene = new Scene(t);
    const gracefulRestart = {
      restartTime: seconds(30),
      stalePathTime: seconds(60),
      selectionDeferralTime: seconds(200),
    };
    const [a, b] = await scene.pair({ speaker: { start: FOUND } }, { speaker: { start: FOUND, gracefulRestart } });
    const heardByA = watchHeard(a);
    scene.established(a, b);
    a.speaker.localStateConverged();
    scene.clock.advance(15_000);
    assert.equal(await heardByA(), false);
    scene.clock.advance(10_000);
    assert.equal(await heardByA(), true);
    assert.deepEqual(a.log.lines.find(({ event }) => event === "bgp.restart.deferral-expired")?.fields, {
      waiting: [B],
      localConverged: true,
    });
  });

  it("one that does not know of End-of-RIB is heard when it has spoken and then sends nothing but KEEPALIVEs", async (t) => {
    const scene = new Scene(t);
    const passive = { address: B, passive: true, holdTime: seconds(90) };
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [passive], speaker: { start: FOUND } });
    const heardByA = watchHeard(a);
    a.speaker.localStateConverged();
    const puppet = await Puppet.up(scene);
    const says = async (...octets: Uint8Array[]): Promise<boolean> => {
      puppet.say(...octets);
      scene.clock.advance(100);
      return heardByA();
    };
    const alive = encodeKeepalive();
    assert.equal(await says(), false);
    assert.deepEqual([a.speaker.deferral.state, a.peer().gracefulRestart.endOfRibSent], ["done", true]);
    assert.equal(await says(alive, alive), false, "it has not spoken");
    assert.equal(await says(route(1)), false);
    assert.equal(await says(route(2), alive), false, "a KEEPALIVE may be due in the middle");
    assert.equal(await says(route(3), alive), false);
    assert.equal(await says(alive), true);
    assert.equal(a.rows().length, 3);
  });

  it("one of prefixes that no packet follows is not waited for where it never says End-of-RIB", async (t) => {
    const scene = new Scene(t);
    const families = [{ family: "ipv6-unicast" }] as const;
    const [a, b] = await scene.pair(
      { peers: [{ address: B, families }], speaker: { start: FOUND } },
      { peers: [{ address: A, families }], speaker: { gracefulRestart: undefined } },
    );
    const heardByA = watchHeard(a);
    a.speaker.localStateConverged();
    scene.established(a, b);
    scene.clock.advance(100);
    assert.equal(await heardByA(), true);
  });

  it("who had come from a range is not known: for them there is the deferral time, and End-of-RIB waits for nobody", async (t) => {
    const scene = new Scene(t);
    const template = { holdTime: seconds(9), connectRetry: seconds(2), updateSource: A };
    const range = {
      name: "2001:db8::/64",
      prefix: parseIpv6Prefix("2001:db8::/64")!,
      limit: 8,
      remoteAs: [65000],
      template,
    };
    const [a, b] = await scene.pair({ peers: [], speaker: { start: FOUND, ranges: [range] } });
    const heardByA = watchHeard(a);
    a.speaker.localStateConverged();
    b.originate(1);
    scene.quiet(a, b);
    assert.deepEqual([a.known(b), await heardByA()], [["1"], false]);
    scene.clock.advance(20_000);
    assert.equal(await heardByA(), true);
  });

  it("a reflector says End-of-RIB to a client when the others have said theirs, and has told it", async (t) => {
    const scene = new Scene(t);
    const speaker = { start: FOUND };
    const client = (address: string) => ({ address, reflectorClient: true });
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }], speaker });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B }], speaker });
    const b = await scene.router({
      ...{ address: B, identifier: "10.0.0.2", speaker },
      peers: [client(A), client(C)],
    });
    const heardByA = watchHeard(a);
    scene.established(a, b, c);
    for (const router of [a, b]) router.speaker.localStateConverged();
    scene.clock.advance(1_000);
    assert.deepEqual(endsOfRib(b), [
      [A, false],
      [C, true],
    ]);
    assert.equal(await heardByA(), false);
    c.originate(1);
    c.speaker.localStateConverged();
    scene.clock.advance(100);
    assert.deepEqual(endsOfRib(b), [
      [A, true],
      [C, true],
    ]);
    assert.deepEqual([a.known(c), await heardByA()], [["1"], true]);
  });

  it("three in a circle, each of which passes on what the others say: for 10 s", async (t) => {
    const scene = new Scene(t);
    const speaker = { acceptExternal: true, start: FOUND };
    const all = [A, B, C].map((address, i) => ({ address, localAs: 65001 + i, identifier: `10.0.0.${i + 1}` }));
    const routers: Router[] = [];
    for (const one of all) {
      const peers = all
        .filter((other) => other !== one)
        .map(({ address, localAs: remoteAs }) => ({ address, remoteAs }));
      routers.push(await scene.router({ ...one, peers, speaker }));
    }
    const heard = routers.map(watchHeard);
    scene.established(...routers);
    for (const router of routers) {
      router.originate(1);
      router.speaker.localStateConverged();
    }
    scene.clock.advance(9_000);
    assert.deepEqual(
      routers.flatMap(endsOfRib).map(([, sent]) => sent),
      Array(6).fill(false),
    );
    assert.deepEqual(await Promise.all(heard.map((ask) => ask())), [false, false, false]);
    scene.clock.advance(2_000);
    assert.deepEqual(
      routers.flatMap(endsOfRib).map(([, sent]) => sent),
      Array(6).fill(true),
    );
    assert.deepEqual(await Promise.all(heard.map((ask) => ask())), [true, true, true]);
  });
});
