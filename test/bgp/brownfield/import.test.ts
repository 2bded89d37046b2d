import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, formatIpv6, milliseconds, seconds } from "../../../src/base/index.ts";
import { BrownfieldImport, CapabilityBook } from "../../../src/bgp/brownfield/index.ts";
import { NO_EXPORT } from "../../../src/bgp/policy/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { A, B, C, Scene } from "../speaker/scene.ts";
import { Member, reflected, T, UNICAST } from "./over-others.ts";
import { address, domain, FAMILIES, LOCATOR, semantic, siteSet } from "./samples.ts";

describe("capability routes through a router that knows nothing of them", () => {
  it("are routes of the capability table, by either address, for as long as one is there", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene);
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    assert.deepEqual(b.candidates(), [
      `1 winner only-candidate from ${T} by brownfield`,
      `1 excluded path-number from ${T} by brownfield, any site`,
    ]);
    const { winner } = b.selection();
    assert.deepEqual([winner!.nextHop, winner!.weight], [LOCATOR, 30]);
    const expected = { learnt: 2, mismatched: 0, lost: new Map(), refused: new Map(), returnedPoorer: 0 };
    const status = b.imported.status(T)!;
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(status[key as keyof typeof status], value, key);
    assert.equal(b.imported.status(A), undefined);

    a.unsay(0);
    scene.clock.advance(100);
    assert.deepEqual(b.candidates(), [`1 winner only-candidate from ${T} by brownfield, any site`]);
    a.say(siteSet({}, { score: 3 }));
    a.unsay(1);
    scene.clock.advance(100);
    assert.deepEqual(b.candidates(), [`1 winner only-candidate from ${T} by brownfield`]);
    assert.equal(b.router.rib.attributes.get(b.selection().winner!.attributes).semantic!.score, 3);
    a.unsay();
    scene.clock.advance(100);
    assert.deepEqual([b.candidates(), status.learnt], [[], 0]);
  });

  it("keep their tunnel end across a border, where the next hop is another one", async (t) => {
    const scene = new Scene(t);
    const peers = [
      { address: A, remoteAs: 65001, families: UNICAST },
      { address: B, remoteAs: 65002, families: UNICAST },
    ];
    const between = await scene.router({
      address: T,
      identifier: "10.0.0.7",
      localAs: 65007,
      speaker: { acceptExternal: true },
      peers,
    });
    const through = { address: T, remoteAs: 65007 };
    const a = await Member.start(scene, { address: A, identifier: "10.0.0.1", localAs: 65001, through });
    const b = await Member.start(scene, { address: B, identifier: "10.0.0.2", localAs: 65002, through });
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    const { winner } = b.selection();
    assert.deepEqual([winner!.nextHop, winner!.weight], [LOCATOR, 30], "link bandwidth stays inside the AS");
    const rows = [...b.router.rib.unicast("ipv6-unicast").rowsOf({})];
    assert.deepEqual(
      rows.map(({ nextHop }) => formatIpv6(nextHop)),
      [T, T],
    );
    assert.deepEqual(b.imported.status(T)!.lost, new Map());
  });

  it("NO_EXPORT keeps them inside, unless it is switched off", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene, { a: { session: { noExport: true } } });
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    const { attributes } = b.selection().winner!;
    assert.deepEqual(b.router.rib.attributes.get(attributes).communities, [NO_EXPORT]);
  });

  it("go on as capability routes, beside those of the capability family, which win", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene, { b: { others: [{ address: C, reflectorClient: true }] } });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B }] });
    a.say();
    scene.quiet(a.router, b.router, between, c);
    scene.clock.advance(100);
    const known = () =>
      c.rib.capability.select(1, a.nlri().capabilityId).candidates.map(({ candidate, judgement, step }) => {
        return `${candidate.originId & 0xff} ${judgement} ${step}`;
      });
    assert.deepEqual(known(), ["1 winner only-candidate"]);
    assert.deepEqual(c.rib.capability.select(1, a.nlri().capabilityId).winner!.nextHop, LOCATOR);

    // The same site over the capability family, with a longer path and a worse preference.
    const { originId } = a.router;
    b.router.speaker.originate(a.nlri({ originId }), siteSet({ localPref: 1, nextHop: address("fd00:ffff::77") }));
    scene.clock.advance(100);
    assert.deepEqual(b.candidates().slice(0, 2), [
      "1 winner only-candidate from local",
      `1 excluded native-family from ${T} by brownfield`,
    ]);
    assert.deepEqual(known(), ["1 winner only-candidate", "1 excluded native-family"]);
    b.router.speaker.withdraw(a.nlri({ originId }));
    scene.clock.advance(100);
    assert.deepEqual(known(), ["1 winner only-candidate"]);
  });

  it("of another capability with the same address are kept, not used, and an error", async (t) => {
    const scene = new Scene(t);
    const other = (set: AttributeSet): AttributeSet => ({
      ...set,
      largeCommunities: set.largeCommunities.map((w) => (w.data1 === 0x53000002 ? { ...w, data2: 7 } : w)),
    });
    const { a, b, between } = await reflected(scene, { towardsB: other });
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    assert.deepEqual(b.candidates(), [
      `1 excluded hash-check from ${T} by brownfield`,
      `1 excluded path-number from ${T} by brownfield, any site`,
    ]);
    assert.equal(b.selection().winner, undefined);
    assert.equal(b.imported.status(T)!.mismatched, 2);
    assert.equal(b.router.metrics.sum("semrd_brownfield_hash_mismatches_total"), 2);
    assert.ok(b.router.log.lines.some(({ level, event }) => level === "error" && event === "brownfield.hash-mismatch"));
  });

  it("end with their lease", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene);
    const minutes = Math.floor(scene.clock.wall() / 60_000) + 3;
    const lease = { ...semantic().lease, validUntil: seconds(60 * minutes) };
    a.say(siteSet({}, { lease }));
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    assert.equal(b.selection().group.length, 1);
    scene.clock.advance(4 * 60_000);
    assert.match(b.candidates()[0]!, /^1 excluded lease /);
  });

  it("go with the session, and leave no neighbour behind", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene);
    for (let round = 0; round < 6; round++) {
      a.say();
      scene.quiet(a.router, b.router, between);
      scene.clock.advance(100);
      assert.equal(b.selection().group.length, 1, `round ${round}`);
      a.unsay();
      scene.clock.advance(100);
      assert.deepEqual(b.candidates(), []);
    }
    a.say();
    scene.clock.advance(100);
    assert.equal(b.selection().group.length, 1, "eight neighbours are the most in this RIB");
    b.router.speaker.disable(T);
    scene.clock.advance(200);
    assert.deepEqual([b.candidates(), b.imported.status(T)!.learnt], [[], 0]);
    b.router.speaker.enable(T);
    scene.until("it is back", () => b.selection().group.length === 1);
  });

  it("without something that they had are used with what is left, and that is said until it is back", async (t) => {
    const scene = new Scene(t);
    const of = domain({ payloadCode: 220 });
    let strips = true;
    const { a, b, between } = await reflected(scene, {
      a: { domain: of },
      b: { domain: of },
      towardsB: (set) => (strips ? { ...set, opaque: [] } : set),
    });
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    assert.equal(b.selection().group.length, 1);
    assert.deepEqual(b.imported.status(T)!.lost, new Map([["payload", 2]]));
    const said = (event: string) => b.router.log.lines.filter((line) => line.event === event).length;
    assert.equal(said("brownfield.attribute-lost"), 1, "said once, not for each route");
    assert.equal(b.router.metrics.sum("semrd_brownfield_attributes_lost_total", { peer: T, attribute: "payload" }), 2);

    strips = false;
    a.say(siteSet({}, { access: { protocol: "tcp", port: 80 } }));
    scene.clock.advance(100);
    assert.deepEqual(b.imported.status(T)!.lost, new Map());
    assert.equal(said("brownfield.attribute-back"), 1);
    assert.equal(b.router.rib.attributes.get(b.selection().winner!.attributes).semantic!.access!.port, 80);
  });

  it("stay while the router in between restarts, and go when it does not come back (RFC 4724)", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene);
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    void between.speaker.stop({ restart: true });
    scene.until("it has gone", () => b.router.peer().state !== "Established");
    scene.clock.advance(5000);
    assert.equal(b.candidates().length, 2, "stale, and in use");
    assert.equal(b.selection().group.length, 1);
    scene.clock.advance(60_000);
    assert.deepEqual([b.candidates(), b.imported.status(T)!.learnt], [[], 0]);
  });

  it("are read again when the domain or the neighbours are others", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene);
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    const bgpIdentifier = b.router.originId;
    const status = () => b.imported.status(T)!;
    const change = (of: ReturnType<typeof domain>, ...neighbours: string[]): void => {
      b.imported.change({ domain: of, bgpIdentifier, neighbours });
      scene.clock.advance(100);
    };
    change(domain({ capabilities: new CapabilityBook([], FAMILIES) }), T);
    assert.deepEqual([b.candidates(), status().refused], [[], new Map([["unknown-capability", 2]])]);
    change(domain(), T);
    assert.deepEqual([b.candidates().length, status().learnt, status().refused], [2, 2, new Map()]);
    change(domain());
    assert.deepEqual([b.candidates(), b.imported.status(T)], [[], undefined]);
    change(domain(), T);
    assert.deepEqual([b.candidates().length, status().learnt], [2, 2]);
  });

  it("the payload is not said, and not missed, where the session does not want it", async (t) => {
    const scene = new Scene(t);
    const of = domain({ payloadCode: 220 });
    const { a, b, between } = await reflected(scene, {
      a: { domain: of, session: { payload: false } },
      b: { domain: of },
    });
    a.say();
    scene.quiet(a.router, b.router, between);
    scene.clock.advance(100);
    const [row] = [...between.rib.unicast("ipv6-unicast").rowsOf({})];
    assert.deepEqual(row!.attributes.opaque, []);
    assert.deepEqual([b.selection().group.length, b.imported.status(T)!.lost], [1, new Map()]);
  });
});

describe("what is still to be read of the unicast table", () => {
  it("is waited for by who asks, and by nobody when all is read or it is over", async (t) => {
    const scene = new Scene(t);
    const { a, b } = await reflected(scene);
    scene.quiet(a.router, b.router);
    await b.imported.settled();
    const clock = slow(scene.clock);
    const { rib, log, metrics } = b.router;
    for (let n = 0; n < 200; n++) {
      const family = "ipv6-unicast";
      b.router.speaker.originateUnicast(
        { family, address: address(`2001:db8:${n.toString(16)}::`), length: 48 },
        siteSet(),
      );
    }
    a.say();
    scene.clock.advance(1_000);
    const options = { domain: b.domain, bgpIdentifier: 2, neighbours: [T] };
    const imported = new BrownfieldImport(options, {
      rib,
      log,
      metrics,
      clock,
      codec: new AttributeCodec(DEFAULT_DIALECT),
    });
    let isSettled = false;
    const settled = imported.settled().then(() => {
      isSettled = true;
    });
    await Promise.resolve();
    assert.equal(isSettled, false);
    scene.clock.advance(1_000);
    await settled;
    assert.equal(imported.status(T)?.learnt, 2);
    await imported.settled();
    a.unsay();
    imported[Symbol.dispose]();
    await imported.settled();
  });
});

/** As of a slow machine: it goes on with each look, so that a turn has time for few routes. */
function slow(clock: Clock): Clock {
  let passed = 0;
  return {
    wall: () => clock.wall(),
    monotonic: () => {
      passed += 4;
      return milliseconds(clock.monotonic() + passed);
    },
    after: (delay, fire) => clock.after(delay, fire),
    soon: (run) => clock.soon(run),
  };
}
