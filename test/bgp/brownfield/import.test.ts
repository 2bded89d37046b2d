import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6, seconds } from "../../../src/base/index.ts";
import { CapabilityBook, exportBorder, isSiteWord } from "../../../src/bgp/brownfield/index.ts";
import { defaultPolicy, NO_EXPORT } from "../../../src/bgp/policy/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { A, B, C, Scene } from "../speaker/scene.ts";
import { changing, Member, type MemberOptions } from "./over-others.ts";
import { address, domain, FAMILIES, LOCATOR, mirrored, semantic, siteSet } from "./samples.ts";

/** The router in between. */
const T = "2001:db8::7";
const UNICAST = [{ family: "ipv6-unicast" }] as const;

interface Changes {
  readonly a?: Partial<MemberOptions>;
  readonly b?: Partial<MemberOptions>;
  /** What the router in between does to what it hands to B. */
  readonly towardsB?: (set: AttributeSet) => AttributeSet;
}

/** A and B on both sides of a route reflector that knows nothing of capabilities. */
async function reflected(scene: Scene, { a, b, towardsB = (set) => set }: Changes = {}) {
  const client = { families: UNICAST, reflectorClient: true };
  const between = await scene.router({
    address: T,
    identifier: "10.0.0.7",
    peers: [
      { ...client, address: A },
      { ...client, address: B, exportPolicy: changing(towardsB) },
    ],
  });
  const first = await Member.start(scene, { address: A, identifier: "10.0.0.1", through: { address: T }, ...a });
  const second = await Member.start(scene, { address: B, identifier: "10.0.0.2", through: { address: T }, ...b });
  return { between, a: first, b: second };
}

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

describe("the border of a domain", () => {
  it("lets only marked /128s in, and nothing of the domain out elsewhere", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene, {
      b: { others: [{ address: C, families: UNICAST }] },
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B, families: UNICAST }] });
    scene.quiet(a.router, b.router, between, c);
    const { semantic: _, ...plain } = siteSet({ extendedCommunities: [] });
    const originate = (text: string, length: number, set: AttributeSet): void =>
      between.speaker.originateUnicast({ family: "ipv6-unicast", address: address(text), length }, set);
    const [unique] = mirrored(siteSet()).addresses;
    originate(formatIpv6(unique), 128, plain);
    originate("fd5e:3d00:1:1::", 64, plain);
    originate("2001:db8:99::", 48, plain);
    const { extendedCommunities: _e, ...others } = mirrored(siteSet()).set;
    originate("fd5e:3d00:1:1:1:1:1:9", 128, { ...others, extendedCommunities: [] });
    scene.clock.advance(200);
    assert.deepEqual([...b.router.rib.unicast("ipv6-unicast").rowsOf({})], []);
    const refused = (reason: string) => b.router.metrics.sum("semrd_bgp_refused_routes_total", { peer: T, reason });
    const reasons = ["unmarked", "prefix-length", "other-prefix", "mark-lost"].map((reason) => `brownfield-${reason}`);
    assert.deepEqual(reasons.map(refused), [1, 1, 1, 1]);
  });

  it("routes of this router stay away from neighbours without brownfield", async (t) => {
    const scene = new Scene(t);
    const otherwise = defaultPolicy({ acceptExternal: false });
    const closed = exportBorder({
      domain: domain(),
      session: undefined,
      bgpIdentifier: 0x0a000001,
      policy: undefined,
      otherwise,
    });
    const { a, b, between } = await reflected(scene, {
      a: { others: [{ address: C, families: UNICAST, exportPolicy: closed }] },
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A, families: UNICAST }] });
    a.say();
    const { semantic: _, ...plain } = siteSet();
    const other = { family: "ipv6-unicast", address: address("2001:db8:99::"), length: 48 } as const;
    a.router.speaker.originateUnicast(other, plain);
    scene.quiet(a.router, b.router, between, c);
    scene.clock.advance(100);
    const prefixes = [...c.rib.unicast("ipv6-unicast").rowsOf({})].map((row) => formatIpv6(row.address));
    assert.deepEqual(prefixes, ["2001:db8:99::"]);
    assert.equal(b.selection().group.length, 1);
    const there = [...between.rib.unicast("ipv6-unicast").rowsOf({})].map(({ length }) => length);
    assert.deepEqual(there, [128, 128], "and other prefixes away from neighbours that have only brownfield");
  });

  it("a route of this router that comes back poorer is reported", async (t) => {
    const scene = new Scene(t);
    const system = (localAs: number, ...peers: object[]) => ({
      localAs,
      speaker: { acceptExternal: true },
      peers: peers as never,
    });
    const strip = changing((set) => ({ ...set, largeCommunities: set.largeCommunities.filter((w) => !isSiteWord(w)) }));
    const peer = (where: string, remoteAs: number, more: object = {}) => ({
      address: where,
      remoteAs,
      families: UNICAST,
      ...more,
    });
    // A says its routes to B; B to C, which strips them and sends them back to A.
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      ...system(65002, peer(A, 65001), peer(C, 65003)),
    });
    const c = await scene.router({
      address: C,
      identifier: "10.0.0.3",
      ...system(65003, peer(B, 65002), peer(A, 65001, { exportPolicy: strip })),
    });
    const a = await Member.start(scene, {
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      through: { address: C, remoteAs: 65003, exportPolicy: () => ({ verdict: "reject", reason: "test" }) },
      others: [peer(B, 65002, { exportPolicy: changing((set) => set) })],
    });
    a.say();
    scene.quiet(a.router, b, c);
    scene.until("it came round", () => a.imported.status(C)!.returnedPoorer > 0);
    assert.ok(a.router.log.has("brownfield.returned-poorer"));
    assert.ok(a.router.metrics.sum("semrd_brownfield_attributes_lost_total", { peer: C, attribute: "metric" }) > 0);
  });
});
