import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../src/base/index.ts";
import type { AttributeSet, PeerKind } from "../../src/rib/index.ts";
import {
  ACME,
  type AttributeChanges,
  announce,
  attributeSet,
  capabilityNumber,
  EPOCH,
  linkBandwidth,
  ribPeer,
  siteKey,
  target,
  withdraw,
  world,
} from "./world.ts";

const path = (...numbers: number[]): AttributeSet["asPath"] => [{ type: "sequence", numbers }];

interface NetVector {
  readonly step: string;
  readonly see: string;
  readonly better: AttributeChanges;
  readonly worse: AttributeChanges;
  readonly betterPeer?: PeerKind;
  readonly worsePeer?: PeerKind;
}

/** Two neighbours bring one key. The better path comes from the neighbour that would lose every later step. */
const NET_VECTORS: readonly NetVector[] = [
  {
    step: "eligible",
    see: "RFC 4271 §9.1.2",
    better: { localPref: 10 },
    worse: { localPref: 900, extendedCommunities: [target(99)] },
  },
  {
    step: "local-route",
    see: "RFC 4271 §9.1.1",
    better: { localPref: 1 },
    worse: { localPref: 900 },
    betterPeer: "local",
  },
  {
    step: "llgr-stale",
    see: "RFC 9494 §4.3",
    better: { localPref: 10 },
    worse: { localPref: 900, communities: [0xffff0006] },
  },
  {
    step: "local-preference",
    see: "RFC 4271 §9.1.2",
    better: { localPref: 101, asPath: path(1, 2, 3) },
    worse: { asPath: [] },
  },
  {
    step: "as-path-length",
    see: "RFC 4271 §9.1.2.2 a)",
    better: {
      asPath: [
        { type: "sequence", numbers: [7] },
        { type: "set", numbers: [1, 2, 3] },
      ],
      origin: "incomplete",
    },
    worse: { asPath: path(1, 2, 3) },
  },
  {
    step: "as-path-length",
    see: "RFC 5065 §5.3: confederation segments do not count",
    better: { asPath: [{ type: "confed-sequence", numbers: [1, 2, 3, 4] }], origin: "incomplete" },
    worse: { asPath: path(9) },
  },
  { step: "origin", see: "RFC 4271 §9.1.2.2 b)", better: { origin: "egp" }, worse: { origin: "incomplete" } },
  {
    step: "multi-exit-disc",
    see: "RFC 4271 §9.1.2.2 c)",
    better: { asPath: path(7), multiExitDisc: 4 },
    worse: { asPath: path(7), multiExitDisc: 5 },
  },
  {
    step: "multi-exit-disc",
    see: "RFC 4271 §9.1.2.2 c): absent is the lowest",
    better: { asPath: path(7) },
    worse: { asPath: path(7), multiExitDisc: 1 },
  },
  {
    step: "external-peer",
    see: "RFC 4271 §9.1.2.2 d)",
    better: { asPath: path(7), multiExitDisc: 9 },
    worse: { asPath: path(8), multiExitDisc: 1 },
    betterPeer: "external",
  },
  {
    step: "router-id",
    see: "RFC 4271 §9.1.2.2 f); RFC 4456 §9",
    better: { originatorId: 5, clusterList: [1, 2] },
    worse: { originatorId: 6 },
  },
  {
    step: "cluster-list-length",
    see: "RFC 4456 §9",
    better: { originatorId: 5, clusterList: [1] },
    worse: { originatorId: 5, clusterList: [1, 2] },
  },
];

describe("best path of a net", () => {
  for (const { step, see, better, worse, betterPeer, worsePeer } of NET_VECTORS) {
    for (const betterFirst of [true, false]) {
      it(`${step} (${see}), better one ${betterFirst ? "first" : "second"}`, () => {
        const { rib } = world();
        const [low, high] = [ribPeer(2, worsePeer), ribPeer(3, betterPeer)];
        const loser = rib.openPeer(low);
        const winner = betterPeer === "local" ? 0 : rib.openPeer(high);
        const bring = [
          () => announce(rib, winner, attributeSet(better), siteKey(1, 9)),
          () => announce(rib, loser, attributeSet(worse), siteKey(1, 9)),
        ];
        for (const run of betterFirst ? bring : bring.reverse()) run();
        const rows = [...rib.capability.routesOf({})];
        assert.equal(rows.find(({ best }) => best)?.peer, winner);
        const { candidates } = rib.capability.select(ACME.index, capabilityNumber(1));
        const lost = candidates.find(({ candidate }) => candidate.peer === loser);
        assert.equal(lost?.judgement, "excluded");
        assert.equal(lost?.step, step);
        assert.match(lost?.reason ?? "", /^another path to the same site is better: .+ against .+/);
        // And the other one takes over when the best is withdrawn.
        withdraw(rib, winner, siteKey(1, 9));
        assert.deepEqual(
          [...rib.capability.routesOf({})].map(({ peer, best }) => [peer, best]),
          [[loser, true]],
        );
      });
    }
  }

  it("a neighbour in the confederation is an internal one to the decision (RFC 5065 §5.3)", () => {
    const { rib } = world();
    const peers = [ribPeer(2), ribPeer(3, "confederation"), ribPeer(4, "external")].map((peer) => rib.openPeer(peer));
    const best = () => [...rib.capability.routesOf({})].find((row) => row.best)?.peer;
    announce(rib, peers[1]!, attributeSet(), siteKey(1, 9));
    announce(rib, peers[0]!, attributeSet(), siteKey(1, 9));
    assert.equal(best(), peers[0], "the smaller router ID decides");
    announce(rib, peers[2]!, attributeSet(), siteKey(1, 9));
    assert.equal(best(), peers[2]);
  });

  it("peer-address (RFC 4271 §9.1.2.2 g)", () => {
    const { rib } = world();
    const high = rib.openPeer({ ...ribPeer(9), bgpIdentifier: 7 });
    const low = rib.openPeer({ ...ribPeer(8), bgpIdentifier: 7 });
    announce(rib, high, attributeSet(), siteKey(1, 2));
    announce(rib, low, attributeSet(), siteKey(1, 2));
    assert.equal([...rib.capability.routesOf({})].find(({ best }) => best)?.peer, low);
  });

  it("stale: of two equal paths the confirmed one is used (RFC 4724 §4.2)", () => {
    const { rib, clock } = world();
    const [a, b] = [rib.openPeer(ribPeer(2)), rib.openPeer(ribPeer(3))];
    announce(rib, a, attributeSet(), siteKey(1, 9));
    announce(rib, b, attributeSet(), siteKey(1, 9));
    const best = () => [...rib.capability.routesOf({})].find((row) => row.best)?.peer;
    assert.equal(best(), a);
    rib.capability.markStale(a);
    clock.settle();
    assert.equal(best(), b);
    announce(rib, a, attributeSet(), siteKey(1, 9));
    assert.equal(best(), a);
  });

  it("a MED counts among all paths of its AS, whatever the order (RFC 4271 §9.1.2.2 c)", () => {
    // The known cycle: a beats b (router ID), b beats c (router ID) and c beats a (MED) when only pairs are compared.
    const paths = [
      { asPath: path(7), multiExitDisc: 20, originatorId: 1 },
      { asPath: path(8), multiExitDisc: 0, originatorId: 2 },
      { asPath: path(7), multiExitDisc: 10, originatorId: 3 },
    ];
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const { rib } = world();
      const peers = [2, 3, 4].map((number) => rib.openPeer(ribPeer(number)));
      for (const i of order) announce(rib, peers[i]!, attributeSet(paths[i]), siteKey(1, 9));
      assert.equal([...rib.capability.routesOf({})].find(({ best }) => best)?.peer, peers[1], `order ${order}`);
      withdraw(rib, peers[2]!, siteKey(1, 9));
      assert.equal([...rib.capability.routesOf({})].find(({ best }) => best)?.peer, peers[0], `order ${order}`);
    }
  });

  it("the reason names the lowest MED of its AS, whatever the order", () => {
    const paths = [
      { asPath: path(8), originatorId: 1 },
      { asPath: path(7), multiExitDisc: 10, originatorId: 2 },
      { asPath: path(7), multiExitDisc: 20, originatorId: 2 },
      { asPath: path(7), multiExitDisc: 30, originatorId: 2 },
    ];
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 3, 0, 1],
    ]) {
      const { rib } = world();
      const peers = [2, 3, 4, 5].map((number) => rib.openPeer(ribPeer(number)));
      for (const i of order) announce(rib, peers[i]!, attributeSet(paths[i]), siteKey(1, 9));
      const { candidates } = rib.capability.select(1, capabilityNumber(1));
      const reasons = candidates.filter(({ step }) => step === "multi-exit-disc").map(({ reason }) => reason);
      const better = (med: number): string => `another path to the same site is better: 10 against ${med}`;
      assert.deepEqual(reasons.sort(), [better(20), better(30)], `order ${order}`);
    }
  });
});

interface SiteVector {
  readonly step: string;
  readonly see: string;
  readonly loser: AttributeChanges;
  readonly winner?: AttributeChanges;
  readonly reason: RegExp;
  readonly usable: boolean;
}

/** Origin 2, which has the lower router ID, loses against origin 3. */
const EXCLUDED: readonly SiteVector[] = [
  {
    step: "import-target",
    see: "RFC 4364 §4.3.1",
    loser: { extendedCommunities: [target(99)] },
    reason: /none of the route targets/,
    usable: false,
  },
  { step: "semantic", see: "DESIGN 4.4", loser: { withoutSemantic: true }, reason: /no SEMANTIC/, usable: false },
  {
    step: "critical-label",
    see: "DESIGN 4.2",
    loser: { semantic: { labels: [{ text: "gdpr", critical: true }] } },
    reason: /critical label "gdpr"/,
    usable: false,
  },
  {
    step: "lease",
    see: "DESIGN 4.3",
    loser: { semantic: { lease: { sequence: 1n, validUntil: seconds(EPOCH - 7), renew: seconds(10) } } },
    reason: /lease ended 7 s ago/,
    usable: false,
  },
  { step: "state-down", see: "DESIGN 4.3", loser: { semantic: { state: "down" } }, reason: /down/, usable: false },
  {
    step: "state-draining",
    see: "DESIGN 4.3",
    loser: { localPref: 500, semantic: { state: "draining" } },
    reason: /draining against up/,
    usable: true,
  },
  {
    step: "llgr-stale",
    see: "RFC 9494 §4.3",
    loser: { localPref: 500, communities: [0xffff0006] },
    reason: /LLGR_STALE/,
    usable: true,
  },
  {
    step: "local-preference",
    see: "RFC 4271 §9.1.2",
    loser: { localPref: 50 },
    reason: /local preference 50 against local preference 100/,
    usable: true,
  },
  {
    step: "as-path-length",
    see: "RFC 4271 §9.1.2.2 a)",
    loser: { asPath: path(1) },
    reason: /AS path length 1 against AS path length 0/,
    usable: true,
  },
];

const IN_GROUP: readonly SiteVector[] = [
  {
    step: "score",
    see: "DESIGN 4.3",
    loser: { semantic: { score: 4 } },
    reason: /score 4 against score 5/,
    usable: true,
  },
  {
    step: "cost-class",
    see: "DESIGN 4.3",
    loser: { semantic: { costClass: 3 } },
    winner: { semantic: { costClass: 2 } },
    reason: /cost class 3 against cost class 2/,
    usable: true,
  },
];

describe("choice among sites", () => {
  for (const { step, see, loser, winner, reason, usable } of [...EXCLUDED, ...IN_GROUP]) {
    it(`${step} (${see})`, () => {
      const { rib } = world();
      const peer = rib.openPeer(ribPeer(9));
      announce(rib, peer, attributeSet(loser), siteKey(1, 2));
      announce(rib, peer, attributeSet(winner), siteKey(1, 3));
      const selection = rib.capability.select(ACME.index, capabilityNumber(1));
      assert.equal(selection.winner?.originId, 0x0a000003);
      const excluded = EXCLUDED.some((vector) => vector.step === step);
      assert.deepEqual(
        selection.group.map(({ originId }) => originId - 0x0a000000),
        excluded ? [3] : [2, 3],
      );
      const judged = selection.candidates.find(({ candidate }) => candidate.originId === 0x0a000002)!;
      assert.equal(judged.judgement, excluded ? "excluded" : "group");
      assert.equal(judged.step, step);
      assert.equal(judged.usable, usable);
      assert.match(judged.reason, reason);
      assert.equal(selection.candidates[0]?.judgement, "winner");
    });
  }

  it("local-site before router-id (DESIGN 4.3)", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    announce(rib, 0, attributeSet(), siteKey(1, 5));
    const { winner, candidates } = rib.capability.select(ACME.index, capabilityNumber(1));
    assert.equal(winner?.local, true);
    assert.equal(candidates[0]?.step, "local-site");
  });

  it("router-id decides last, and a single site needs no decision", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet(), siteKey(1, 3));
    assert.equal(rib.capability.select(ACME.index, capabilityNumber(1)).candidates[0]?.step, "only-candidate");
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    const { winner, candidates } = rib.capability.select(ACME.index, capabilityNumber(1));
    assert.equal(winner?.originId, 0x0a000002);
    assert.deepEqual(
      candidates.map(({ step }) => step),
      ["router-id", "router-id"],
    );
  });

  it("draining sites serve when there is nobody else (DESIGN 4.3)", () => {
    const { rib } = world();
    announce(rib, rib.openPeer(ribPeer(9)), attributeSet({ semantic: { state: "draining" } }), siteKey(1, 2));
    assert.equal(rib.capability.select(ACME.index, capabilityNumber(1)).group.length, 1);
  });

  it("a stale site stays in the group (RFC 4724 §4.2: no differentiation in forwarding)", () => {
    const { rib, clock } = world();
    const [a, b] = [rib.openPeer(ribPeer(8)), rib.openPeer(ribPeer(9))];
    announce(rib, a, attributeSet(), siteKey(1, 2));
    announce(rib, b, attributeSet(), siteKey(1, 3));
    rib.capability.markStale(a);
    clock.settle();
    const { group, winner } = rib.capability.select(ACME.index, capabilityNumber(1));
    assert.deepEqual(
      group.map(({ stale }) => stale),
      [true, false],
    );
    assert.equal(winner?.originId, 0x0a000003);
  });

  it("one member per origin, although it came with two route distinguishers", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet(), siteKey(1, 2, 1), siteKey(1, 2, 5));
    const { group, candidates } = rib.capability.select(ACME.index, capabilityNumber(1));
    assert.equal(group.length, 1);
    assert.deepEqual(
      candidates.map(({ step }) => step),
      ["only-candidate", "same-origin"],
    );
  });

  it("weights come from link bandwidth, else from the score, and are at least 1 (RFC 10005)", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    const bandwidth = (value: number) => ({ extendedCommunities: [target(1), linkBandwidth(value)] });
    announce(rib, peer, attributeSet(bandwidth(30)), siteKey(1, 2));
    announce(rib, peer, attributeSet(bandwidth(0.2)), siteKey(1, 3));
    const weights = () => rib.capability.select(ACME.index, capabilityNumber(1)).group.map(({ weight }) => weight);
    assert.deepEqual(weights(), [30, 1]);
    // A bandwidth that is no number is none, and bandwidths do not compare with scores: then all go by their scores.
    announce(rib, peer, attributeSet({ semantic: { score: 8 } }), siteKey(1, 4));
    announce(rib, peer, attributeSet({ semantic: { score: 0 } }), siteKey(1, 5));
    announce(rib, peer, attributeSet(bandwidth(Number.NaN)), siteKey(1, 6));
    assert.deepEqual(weights(), [5, 5, 8, 1, 5]);
  });

  it("a tenant sees only what it imports", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    announce(rib, peer, attributeSet({ extendedCommunities: [target(22)] }), siteKey(1, 3, 2));
    assert.deepEqual(
      rib.capability.select(1, capabilityNumber(1)).candidates.map((c) => c.candidate.originId & 255),
      [2],
    );
    assert.deepEqual(
      rib.capability.select(2, capabilityNumber(1)).candidates.map((c) => c.candidate.originId & 255),
      [3],
    );
    assert.deepEqual(
      [...rib.capability.destinations()].map(({ tenantIndex, routes }) => [tenantIndex, routes]),
      [
        [1, 1],
        [2, 1],
      ],
    );
    assert.equal(rib.capability.select(7, capabilityNumber(1)).candidates.length, 0);
  });
});
