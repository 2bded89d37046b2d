import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CapabilityId, type CapabilityName, seconds, toHex } from "../../src/base/index.ts";
import type { AgentSelection, AttributeSet, JudgedCandidate, Rib } from "../../src/rib/index.ts";
import { PrefixIndex } from "../../src/rib/prefix-index.ts";
import {
  ACME,
  type AttributeChanges,
  agentKey,
  announce,
  attributeSet,
  batch,
  capabilityNumber,
  EPOCH,
  instanceKey,
  linkBandwidth,
  prefixKey,
  ribPeer,
  siteKey,
  target,
  withdraw,
  world,
} from "./world.ts";

const origin = (number: number): number => 0x0a000000 + number;
const steps = (candidates: readonly JudgedCandidate[]): string[] =>
  candidates.map(({ candidate, judgement, step }) => `${candidate.originId - 0x0a000000} ${judgement} ${step}`);
const moved = (sequence: bigint, changes: AttributeChanges = {}): AttributeSet =>
  attributeSet({
    ...changes,
    semantic: { lease: { sequence, validUntil: seconds(EPOCH + 3600), renew: seconds(60) }, ...changes.semantic },
  });

describe("agents (AI): the latest move is where an agent is", () => {
  it("the higher sequence number wins, whatever else is better (RFC 7432 §15)", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, moved(7n, { localPref: 900 }), agentKey(1, 2));
    announce(rib, peer, moved(8n, { localPref: 1 }), agentKey(1, 3));
    const { winner, candidates } = rib.capability.selectAgent(1, capabilityNumber(1));
    assert.equal(winner?.originId, origin(3));
    assert.deepEqual(steps(candidates), ["3 winner mobility-sequence", "2 excluded mobility-sequence"]);
    assert.match(candidates[1]!.reason, /sequence 7 against sequence 8/);
  });

  it("sequence numbers are compared over all of their 64 bits", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, moved(0x1_0000_0000n), agentKey(1, 2));
    announce(rib, peer, moved(0xffff_ffffn), agentKey(1, 3));
    announce(rib, peer, moved(0xffff_ffff_ffff_fffen), agentKey(1, 4));
    announce(rib, peer, moved(0xffff_ffff_ffff_ffffn), agentKey(1, 5));
    assert.equal(rib.capability.selectAgent(1, capabilityNumber(1)).winner?.originId, origin(5));
  });

  it("of two equal sequence numbers the lower router ID", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    for (const router of [4, 2, 3]) announce(rib, peer, moved(7n), agentKey(1, router));
    const { candidates } = rib.capability.selectAgent(1, capabilityNumber(1));
    assert.deepEqual(steps(candidates), ["2 winner router-id", "3 excluded router-id", "4 excluded router-id"]);
  });

  it("an old place counts again when the later one is gone, down or its lease has ended", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(9));
    const place = (): number | undefined => rib.capability.selectAgent(1, capabilityNumber(1)).winner?.originId;
    announce(rib, peer, moved(7n), agentKey(1, 2));
    announce(rib, peer, moved(8n, { semantic: { state: "down" } }), agentKey(1, 3));
    assert.equal(place(), origin(2));
    const short = { sequence: 9n, validUntil: seconds(EPOCH + 60), renew: seconds(20) };
    announce(rib, peer, attributeSet({ semantic: { lease: short } }), agentKey(1, 4));
    assert.equal(place(), origin(4));
    clock.advance(60_000);
    assert.equal(place(), origin(2));
    withdraw(rib, peer, agentKey(1, 2), agentKey(1, 4), agentKey(1, 3));
    assert.equal(place(), undefined);
    clock.settle();
    assert.equal(rib.capability.routes, 0);
  });

  it("a move is told to whoever asks for changes, once, and not mixed with capabilities of the same number", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    const seen: string[] = [];
    const drain = (visitAgent?: (selection: AgentSelection) => void): number =>
      rib.capability.drainDestinations((site) => seen.push(`site ${site.winner?.originId}`), 10, visitAgent);
    announce(rib, peer, moved(1n), agentKey(1, 2), siteKey(1, 3));
    assert.equal(
      drain((agent) => seen.push(`agent ${agent.winner?.originId}`)),
      0,
    );
    assert.deepEqual(seen.splice(0).sort(), [`agent ${origin(2)}`, `site ${origin(3)}`]);
    announce(rib, peer, moved(2n), agentKey(1, 4));
    assert.equal(drain(), 0, "who does not ask for agents is done as well");
    assert.deepEqual(seen, []);
    assert.equal(rib.capability.select(1, capabilityNumber(1)).candidates.length, 1);
  });

  it("another tenant's agent of the same name is another agent", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, moved(9n, { extendedCommunities: [target(2)] }), agentKey(1, 2, 2));
    announce(rib, peer, moved(1n), agentKey(1, 3));
    assert.equal(rib.capability.selectAgent(1, capabilityNumber(1)).winner?.originId, origin(3));
    assert.equal(rib.capability.selectAgent(2, capabilityNumber(1)).winner?.originId, origin(2));
  });

  it("routers that heard the same, in any order, say the same place", () => {
    const route = fc.record({ router: fc.integer({ min: 2, max: 6 }), sequence: fc.bigInt({ min: 0n, max: 3n }) });
    fc.assert(
      fc.property(fc.array(route, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), (routes, order) => {
        const latest = new Map(routes.map(({ router, sequence }) => [router, sequence]));
        const answer = (list: readonly (readonly [number, bigint])[], seed: number): string[] => {
          const { rib } = world({}, seed);
          const peer = rib.openPeer(ribPeer(9));
          for (const [router, sequence] of list) announce(rib, peer, moved(sequence), agentKey(1, router));
          return steps(rib.capability.selectAgent(1, capabilityNumber(1)).candidates);
        };
        const keyed = [...latest].map((entry) => ({ entry, place: order.next().value as number }));
        const shuffled = keyed.sort((a, b) => a.place - b.place).map(({ entry }) => entry);
        assert.deepEqual(answer(shuffled, 7), answer([...latest], 1));
      }),
      { numRuns: 60 },
    );
  });
});

describe("prefixes (CP): who can resolve names below", () => {
  const name = (text: string): CapabilityName => text as CapabilityName;
  const found = (rib: Rib, asked: string): string | undefined => {
    const selection = rib.capability.selectPrefix(1, name(asked));
    return selection && `${selection.prefix} ${selection.group.map(({ originId }) => originId - 0x0a000000)}`;
  };

  it("the longest prefix that somebody eligible announces", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet(), prefixKey("/", 2), prefixKey("/vision", 3), prefixKey("/vision/x/y", 4));
    assert.equal(found(rib, "/vision/ocr"), "/vision 3");
    assert.equal(found(rib, "/vision"), "/vision 3");
    assert.equal(found(rib, "/visionary/ocr"), "/ 2");
    assert.equal(found(rib, "/vision/x/y/z"), "/vision/x/y 4");
    announce(rib, peer, attributeSet({ semantic: { state: "down" } }), prefixKey("/vision", 3));
    assert.equal(found(rib, "/vision/ocr"), "/ 2");
    withdraw(rib, peer, prefixKey("/", 2));
    assert.equal(found(rib, "/vision/ocr"), undefined);
  });

  it("are bounded: what has no room is passed on and not found", () => {
    const index = new PrefixIndex(2);
    index.put(1, 1, prefixKey("/a", 2));
    index.put(2, 1, prefixKey("/b", 2));
    index.put(3, 1, prefixKey("/c", 2));
    assert.deepEqual([[...index.at(1, "/c")], index.leftOut], [[], 1]);
    index.put(1, undefined, prefixKey("/a", 2));
    index.put(3, 1, prefixKey("/c", 2));
    assert.deepEqual([...index.at(1, "/c")], [3]);
  });

  it("several origins of one prefix are a group, chosen like sites", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet({ semantic: { score: 3 } }), prefixKey("/vision", 2));
    announce(rib, peer, attributeSet({ semantic: { score: 8 } }), prefixKey("/vision", 3));
    announce(rib, peer, attributeSet({ localPref: 50 }), prefixKey("/vision", 4));
    const { group, candidates } = rib.capability.selectPrefix(1, name("/vision/ocr"))!;
    assert.equal(group.length, 2);
    assert.deepEqual(steps(candidates), ["3 winner score", "2 group score", "4 excluded local-preference"]);
  });

  it("that change are told of, each once with its selection of then", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(9));
    let woken = 0;
    rib.capability.onDestinationsChanged = () => {
      woken++;
      rib.capability.drainDestinations(() => {}, 10);
    };
    const drained = (limit = 10): string[] => {
      const seen: string[] = [];
      rib.capability.drainPrefixes(({ tenantIndex, prefix, group }) => {
        seen.push(`${tenantIndex} ${prefix} ${group.map(({ originId }) => originId - 0x0a000000)}`);
      }, limit);
      return seen;
    };
    announce(rib, peer, attributeSet(), prefixKey("/vision", 2), prefixKey("/vision", 3), prefixKey("/", 4));
    clock.settle();
    assert.equal(woken, 1, "also where nothing but prefixes changed");
    assert.deepEqual([drained(1), drained(), drained()], [["1 /vision 2,3"], ["1 / 4"], []]);
    announce(rib, peer, attributeSet({ semantic: { state: "down" } }), prefixKey("/vision", 3));
    withdraw(rib, peer, prefixKey("/", 4));
    clock.settle();
    assert.equal(woken, 2);
    assert.deepEqual(drained().toSorted(), ["1 / ", "1 /vision 2"]);
    announce(rib, peer, attributeSet({ extendedCommunities: [target(77)] }), prefixKey("/vision", 2));
    assert.deepEqual(drained(), ["1 /vision "], "a tenant that imports it no more");
    announce(rib, peer, attributeSet(), prefixKey("/vision", 2));
    assert.deepEqual(drained(), ["1 /vision 2"]);
    clock.advance(3700_000);
    assert.deepEqual(drained(), ["1 /vision "], "its lease is over");
  });

  it("is a route of the table like others: counted, shown, another tenant's is not mine", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet({ extendedCommunities: [target(2)] }), prefixKey("/vision", 2, 2));
    announce(rib, peer, attributeSet({ extendedCommunities: [target(77)] }), prefixKey("/vision", 3));
    assert.equal(found(rib, "/vision/ocr"), undefined);
    assert.deepEqual(
      Array.from(rib.capability.routesOf({}), ({ subject, tenantIndex }) => ({ ...subject, tenantIndex })),
      [
        { type: "prefix", prefix: "/vision", tenantIndex: 2 },
        { type: "prefix", prefix: "/vision", tenantIndex: undefined },
      ],
    );
    assert.deepEqual(steps(rib.capability.selectExactPrefix(1, "/vision").candidates), ["3 excluded import-target"]);
    announce(rib, peer, attributeSet(), prefixKey("/vision", 3));
    assert.equal(found(rib, "/vision/ocr"), "/vision 3");
  });
});

describe("instances (CI): those of this router's own site", () => {
  const HERE = Uint8Array.of(0, 3, 0xfd, 0xe8, 0, 0, 0, 7);
  const THERE = Uint8Array.of(0, 3, 0xfd, 0xe8, 0, 0, 0, 8);
  const at = (site: Uint8Array, changes: AttributeChanges = {}): AttributeSet =>
    attributeSet({ ...changes, extendedCommunities: [target(1), site] });

  it("all of them that can be used; those of another site are kept and not used", () => {
    const { rib } = world({ siteOfOrigin: HERE });
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, at(HERE), instanceKey(1, 2, 21), instanceKey(1, 2, 22), instanceKey(1, 3, 31));
    announce(rib, peer, at(THERE), instanceKey(1, 4, 41));
    announce(rib, peer, at(HERE, { semantic: { state: "draining" } }), instanceKey(1, 3, 32));
    const { candidates } = rib.capability.selectInstances(1, capabilityNumber(1));
    assert.deepEqual(
      candidates.map(({ judgement, instanceId }) => `${toHex(instanceId).slice(-2)} ${judgement}`).sort(),
      ["15 winner", "16 group", "1f group", "20 excluded", "29 excluded"],
    );
    assert.equal(rib.capability.select(1, capabilityNumber(1)).candidates.length, 0, "no instance is a site");
    const rows = [...rib.capability.routesOf({ tenantIndex: 1, capabilityId: capabilityNumber(1) as CapabilityId })];
    assert.equal(rows.length, 5);
  });

  it("one without a bandwidth among others with one", () => {
    const { rib } = world({ siteOfOrigin: HERE });
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, at(HERE), instanceKey(1, 2, 21));
    announce(
      rib,
      peer,
      attributeSet({ extendedCommunities: [target(1), HERE, linkBandwidth(40)] }),
      instanceKey(1, 2, 22),
    );
    const { candidates } = rib.capability.selectInstances(1, capabilityNumber(1));
    assert.deepEqual(candidates.map(({ instanceId }) => toHex(instanceId).slice(-2)).sort(), ["15", "16"]);
  });
});

describe("what is configured about choosing", () => {
  it("an attestation: invalid never, not found by policy", () => {
    const attestation = ({ semantic }: AttributeSet) =>
      semantic?.attestation === undefined ? "not-found" : semantic.attestation[0] === 1 ? "valid" : "invalid";
    const judge = (acceptUnattested: boolean): string[] => {
      const { rib } = world({ attestation, acceptUnattested });
      const peer = rib.openPeer(ribPeer(9));
      announce(rib, peer, attributeSet({ semantic: { attestation: Uint8Array.of(1) } }), siteKey(1, 2));
      announce(rib, peer, attributeSet({ semantic: { attestation: Uint8Array.of(2) } }), siteKey(1, 3));
      announce(rib, peer, attributeSet(), siteKey(1, 4));
      return steps(rib.capability.select(1, capabilityNumber(1)).candidates).sort();
    };
    assert.deepEqual(judge(true), ["2 winner router-id", "3 excluded attestation", "4 group router-id"]);
    assert.deepEqual(judge(false), ["2 winner only-candidate", "3 excluded attestation", "4 excluded attestation"]);
  });

  it("what is found out about a claim later counts then: nothing is announced anew", () => {
    let state: "not-found" | "invalid" | "valid" = "not-found";
    const { rib, clock } = world({ attestation: () => state, acceptUnattested: false });
    const peer = rib.openPeer(ribPeer(9));
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    const winners: (number | undefined)[] = [];
    const drain = (): void => {
      clock.settle();
      rib.capability.drainDestinations(({ winner }) => winners.push(winner?.originId), 10);
    };
    drain();
    for (const found of ["valid", "invalid"] as const) {
      state = found;
      rib.attestationsChanged();
      drain();
    }
    assert.deepEqual(winners, [undefined, origin(2), undefined]);
  });

  it("a route with an invalid claim loses its net to one with none, before LOCAL_PREF is looked at", () => {
    const attestation = ({ semantic }: AttributeSet) =>
      semantic?.attestation === undefined ? ("not-found" as const) : ("invalid" as const);
    const { rib } = world({ attestation });
    const [one, two] = [rib.openPeer(ribPeer(8)), rib.openPeer(ribPeer(9))];
    const bad = attributeSet({ localPref: 900, semantic: { attestation: Uint8Array.of(2) } });
    announce(rib, one, bad, siteKey(1, 2));
    announce(rib, two, attributeSet(), siteKey(1, 2));
    assert.equal(rib.capability.select(1, capabilityNumber(1)).winner?.peer, two);
  });

  const costly = { score: 9, latencyClass: 5 };
  for (const [networkCostWeight, winner] of [
    [0, 2],
    [1, 3],
  ] as const) {
    it(`network cost with weight ${networkCostWeight}`, () => {
      const { rib } = world({ networkCostWeight });
      const peer = rib.openPeer(ribPeer(9));
      announce(rib, peer, attributeSet({ semantic: costly }), siteKey(1, 2));
      announce(rib, peer, attributeSet({ semantic: { score: 7, latencyClass: 1 } }), siteKey(1, 3));
      const { candidates } = rib.capability.select(1, capabilityNumber(1));
      assert.equal(steps(candidates)[0], `${winner} winner score`);
      if (networkCostWeight === 1) assert.match(candidates[1]!.reason, /score 9 less network cost 5 against/);
    });
  }

  const weights = (source: "link-bandwidth" | "score" | "equal", without: boolean): number[] => {
    const { rib } = world({ weights: source });
    const peer = rib.openPeer(ribPeer(9));
    const said = (score: number, bandwidth: number[]): AttributeSet =>
      attributeSet({ semantic: { score }, extendedCommunities: [target(1), ...bandwidth.map(linkBandwidth)] });
    announce(rib, peer, said(3, [40]), siteKey(1, 2));
    announce(rib, peer, said(8, without ? [] : [20]), siteKey(1, 3));
    return rib.capability.select(1, capabilityNumber(1)).group.map(({ weight }) => weight);
  };
  it("shares by link bandwidth where all say one, by score where one does not (RFC 10005), by score, or equal ones", () => {
    assert.deepEqual(weights("link-bandwidth", false), [40, 20]);
    assert.deepEqual(weights("link-bandwidth", true), [3, 8]);
    assert.deepEqual(weights("score", false), [3, 8]);
    assert.deepEqual(weights("equal", false), [1, 1]);
  });
});

describe("mixed tables", () => {
  it("any order of announcements and withdrawals of all types leaves what was announced last", () => {
    const keys = [siteKey(1, 2), agentKey(1, 2), instanceKey(1, 2, 1), prefixKey("/vision", 2), prefixKey("/", 3)];
    const action = fc.record({ key: fc.nat(keys.length - 1), tenant: fc.constantFrom(0, 1, 2), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const { rib, clock } = world({ tenants: [ACME] });
        const peer = rib.openPeer(ribPeer(9));
        const left = new Map<number, number>();
        for (const { key, tenant, gone } of actions) {
          if (gone) withdraw(rib, peer, keys[key]!);
          else announce(rib, peer, attributeSet({ extendedCommunities: [target(tenant)] }), keys[key]!);
          if (gone) left.delete(key);
          else left.set(key, tenant);
        }
        rib.capability.drainDestinations(() => {}, 100);
        clock.settle();
        assert.equal(rib.capability.routes, left.size);
        const has = (key: number): boolean => left.get(key) === 1;
        const at = capabilityNumber(1);
        assert.equal(rib.capability.select(1, at).winner !== undefined, has(0));
        assert.equal(rib.capability.selectAgent(1, at).winner !== undefined, has(1));
        assert.equal(rib.capability.selectExactPrefix(1, "/vision").winner !== undefined, has(3));
        assert.equal(rib.capability.selectExactPrefix(1, "/").winner !== undefined, has(4));
        rib.capability.withdraw(peer, batch(...keys));
        rib.capability.drainDestinations(() => {}, 100);
        clock.settle();
        assert.equal(rib.capability.routes, 0);
      }),
      { numRuns: 200 },
    );
  });
});
