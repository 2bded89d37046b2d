import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../src/base/index.ts";
import type { AttributeSet, OutputVisitor, PeerKind, Rib } from "../../src/rib/index.ts";
import { asPathLength, neighbourAs } from "../../src/rib/net-decision.ts";
import {
  announce,
  attributeSet,
  capabilityNumber,
  intern,
  ribPeer,
  siteKey,
  target,
  withdraw,
  world,
} from "./world.ts";

const KINDS: readonly PeerKind[] = ["internal", "internal", "internal", "external", "external"];
/** Only this one is a client of the router as reflector. */
const CLIENT = 0;

const attributes = fc
  .record({
    localPref: fc.constantFrom(100, 100, 100, 100, 100, 200),
    hops: fc.constantFrom([], [7], [7], [8], [7, 8]),
    multiExitDisc: fc.constantFrom(undefined, 1, 2, 3),
    originatorId: fc.constantFrom(undefined, 1, 2, 3),
    rt: fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 99),
    score: fc.integer({ min: 0, max: 10 }),
    state: fc.constantFrom("up", "up", "up", "up", "up", "draining", "down"),
  } as const)
  .map(({ localPref, hops, multiExitDisc, originatorId, rt, score, state }) =>
    attributeSet({
      localPref,
      asPath: hops.length === 0 ? [] : [{ type: "sequence", numbers: hops }],
      ...(multiExitDisc !== undefined && { multiExitDisc }),
      ...(originatorId !== undefined && { originatorId }),
      extendedCommunities: [target(rt)],
      semantic: { score, state },
    }),
  );

const place = {
  peer: fc.integer({ min: 0, max: 4 }),
  capability: fc.integer({ min: 1, max: 3 }),
  origin: fc.integer({ min: 2, max: 3 }),
};
const command = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant("announce" as const), ...place, set: attributes }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("withdraw" as const), ...place }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("stale" as const), peer: place.peer }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("sweep-stale" as const), peer: place.peer }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("last-resort" as const), peer: place.peer }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("sweep" as const), peer: place.peer }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("drain" as const),
      peer: place.peer,
      limit: fc.integer({ min: 1, max: 8 }),
      refuseAfter: fc.integer({ min: 0, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("replay" as const), peer: place.peer }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("reopen" as const), peer: place.peer }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("turn" as const) }) },
);

interface ModelPath {
  readonly peer: number;
  set: AttributeSet;
  stale: boolean;
}

const LLGR_STALE = 0xffff0006;

/** What becomes of a stale set: some go, the others are marked. */
function lastResort(set: AttributeSet): AttributeSet | undefined {
  if (set.multiExitDisc === 3) return undefined;
  return set.communities.includes(LLGR_STALE) ? set : { ...set, communities: [...set.communities, LLGR_STALE] };
}

/** RFC 4271 §9.1.2.2 as a list of filters, written for reading. */
function best(paths: readonly ModelPath[]): ModelPath | undefined {
  const eligible = (path: ModelPath): boolean =>
    path.set.semantic?.state !== "down" && path.set.extendedCommunities[0]?.[7] !== 99;
  const keep = (left: readonly ModelPath[], value: (path: ModelPath) => number): ModelPath[] => {
    const least = Math.min(...left.map(value));
    return left.filter((path) => value(path) === least);
  };
  let left = keep(paths, (path) => (eligible(path) ? 0 : 1));
  left = keep(left, (path) => (path.set.communities.includes(LLGR_STALE) ? 1 : 0));
  left = keep(left, (path) => -(path.set.localPref ?? 100));
  left = keep(left, (path) => asPathLength(path.set));
  const atMed = left;
  const med = (path: ModelPath): number => path.set.multiExitDisc ?? 0;
  left = left.filter(
    (path) => !atMed.some((other) => neighbourAs(other.set) === neighbourAs(path.set) && med(other) < med(path)),
  );
  left = keep(left, (path) => (KINDS[path.peer] === "internal" ? 1 : 0));
  left = keep(left, (path) => (path.stale ? 1 : 0));
  left = keep(left, (path) => path.set.originatorId ?? ribPeer(10 + path.peer).bgpIdentifier);
  left = keep(left, (path) => path.peer);
  return left[0];
}

class Neighbour {
  readonly knows = new Map<string, number>();
  refuseAfter = Number.POSITIVE_INFINITY;
  readonly visitor: OutputVisitor = {
    admit: () => true,
    announce: (id, key, start, length) => {
      if (this.refuseAfter-- <= 0) return false;
      this.knows.set(toHex(key.subarray(start, start + length)), id);
      return true;
    },
    withdraw: (key, start, length) => {
      if (this.refuseAfter-- <= 0) return false;
      const text = toHex(key.subarray(start, start + length));
      assert.ok(this.knows.delete(text), "withdrawn without having been announced");
      return true;
    },
  };
}

function snapshot(rib: Rib): unknown {
  return [...rib.capability.destinations()]
    .map(({ tenantIndex, capabilityId }) => {
      const { group, winner, candidates } = rib.capability.select(tenantIndex, capabilityId);
      const steps = candidates.map((j) => [j.candidate.originId, j.candidate.peer, j.judgement, j.step, j.reason]);
      return [tenantIndex, toHex(capabilityId), group.map((member) => member.originId), winner?.originId, steps.sort()];
    })
    .sort();
}

describe("RIB against a model", () => {
  it("any sequence of events leaves the same routes, best paths, neighbours' tables and selections", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120, size: "max" }), fc.integer(), (commands, seed) => {
        const { rib, clock } = world({ maxRoutes: 64 }, seed);
        const peers = KINDS.map((kind, i) => rib.openPeer({ ...ribPeer(10 + i, kind), reflectorClient: i === CLIENT }));
        const outputs = peers.map((peer) => rib.capability.openOutput(peer));
        const neighbours = peers.map(() => new Neighbour());
        const model = new Map<string, ModelPath[]>();
        const selected = new Map<string, number[]>();
        const remove = (doomed: (path: ModelPath) => boolean): void => {
          for (const [key, paths] of model)
            model.set(
              key,
              paths.filter((path) => !doomed(path)),
            );
        };
        // Staleness is one number of the neighbour: what it changes is decided on later turns.
        let isDecided = true;
        for (const step of commands) {
          if (step.type === "turn") {
            clock.settle();
            isDecided = true;
            continue;
          }
          const peer = peers[step.peer]!;
          switch (step.type) {
            case "announce": {
              const key = siteKey(step.capability, step.origin);
              announce(rib, peer, step.set, key);
              const others = (model.get(toHex(key)) ?? []).filter((path) => path.peer !== step.peer);
              model.set(toHex(key), [...others, { peer: step.peer, set: step.set, stale: false }]);
              break;
            }
            case "withdraw": {
              const key = siteKey(step.capability, step.origin);
              withdraw(rib, peer, key);
              model.set(
                toHex(key),
                (model.get(toHex(key)) ?? []).filter((path) => path.peer !== step.peer),
              );
              break;
            }
            case "stale":
              rib.capability.markStale(peer);
              isDecided = false;
              for (const paths of model.values())
                for (const path of paths) if (path.peer === step.peer) path.stale = true;
              break;
            case "sweep-stale":
              while (!rib.capability.sweepStale(peer, 3));
              remove((path) => path.peer === step.peer && path.stale);
              break;
            case "last-resort": {
              const change = (id: number): number | undefined => {
                const set = lastResort(rib.attributes.get(id));
                return set === undefined ? undefined : intern(rib, set);
              };
              while (!rib.capability.replaceStale(peer, 3, change));
              remove((path) => path.peer === step.peer && path.stale && lastResort(path.set) === undefined);
              for (const paths of model.values()) {
                for (const path of paths) {
                  if (path.peer === step.peer && path.stale) path.set = lastResort(path.set)!;
                }
              }
              break;
            }
            case "sweep":
              while (!rib.capability.sweep(peer, 3));
              remove((path) => path.peer === step.peer);
              break;
            case "drain":
              neighbours[step.peer]!.refuseAfter = step.refuseAfter;
              outputs[step.peer]!.drain(neighbours[step.peer]!.visitor, step.limit);
              break;
            case "replay":
              outputs[step.peer]!.replay();
              break;
            case "reopen":
              outputs[step.peer]![Symbol.dispose]();
              outputs[step.peer] = rib.capability.openOutput(peer);
              neighbours[step.peer] = new Neighbour();
          }
          for (const [key, of] of model) {
            const found = [...rib.capability.routesOf({})].find((row) => row.best && toHex(row.key) === key);
            if (isDecided && (step.type === "announce" || step.type === "withdraw"))
              assert.equal(found?.peer, peers[best(of)?.peer ?? 99]);
          }
          rib.capability.drainDestinations(({ tenantIndex, capabilityId, group }) => {
            selected.set(
              `${tenantIndex} ${toHex(capabilityId)}`,
              group.map((member) => member.originId),
            );
          }, 1);
        }
        clock.settle();
        const rows = [...rib.capability.routesOf({})];
        const paths = [...model.values()].flat();
        assert.equal(rows.length, paths.length);
        assert.equal(rib.capability.paths, paths.length);
        for (const [key, of] of model) {
          const own = rows.filter((row) => toHex(row.key) === key);
          assert.equal(own.length, of.length);
          const winner = best(of);
          const found = own.find((row) => row.best);
          assert.equal(found?.peer, winner === undefined ? undefined : peers[winner.peer], key);
          assert.deepEqual(found?.attributes, winner?.set);
          for (const row of own) assert.equal(row.stale, of.find((path) => peers[path.peer] === row.peer)?.stale);
        }
        for (const [i, neighbour] of neighbours.entries()) {
          neighbour.refuseAfter = Number.POSITIVE_INFINITY;
          while (outputs[i]!.drain(neighbour.visitor, 5) > 0);
          const want = new Map<string, number>();
          for (const [key, of] of model) {
            const winner = best(of);
            if (winner === undefined || winner.peer === i) continue;
            const inside = KINDS[i] === "internal" && KINDS[winner.peer] === "internal";
            if (inside && i !== CLIENT && winner.peer !== CLIENT) continue;
            want.set(key, intern(rib, winner.set));
          }
          assert.deepEqual(new Map([...neighbour.knows].sort()), new Map([...want].sort()));
          assert.equal(outputs[i]!.advertised, want.size);
        }
        rib.capability.drainDestinations(({ tenantIndex, capabilityId, group }) => {
          selected.set(
            `${tenantIndex} ${toHex(capabilityId)}`,
            group.map((member) => member.originId),
          );
        }, 1000);
        for (const tenant of [1, 2])
          for (const capability of [1, 2, 3, 4]) {
            const id = capabilityNumber(capability);
            const now = rib.capability.select(tenant, id).group.map((member) => member.originId);
            assert.deepEqual(selected.get(`${tenant} ${toHex(id)}`) ?? [], now);
          }
        // Nothing is left behind: routes and sets go with the peers, and the whole capacity can be used again.
        for (const peer of peers) while (!rib.capability.sweep(peer, 1000));
        for (const [i, output] of outputs.entries()) while (output.drain(neighbours[i]!.visitor, 1000) > 0);
        rib.capability.drainDestinations(() => {}, 1000);
        clock.settle();
        assert.equal(rib.attributes.size, 0);
        for (let i = 0; i < 64; i++) announce(rib, peers[0]!, attributeSet(), siteKey(100 + i, 2));
        assert.equal(rib.capability.routes, 64);
      }),
      { numRuns: 250, verbose: 1 },
    );
  });

  it("two routers with the same routes choose the same, whatever the order of arrival", () => {
    const route = fc.record({ ...place, set: attributes });
    const shuffled = fc
      .uniqueArray(route, {
        maxLength: 40,
        size: "max",
        selector: ({ peer, capability, origin }) => `${peer} ${capability} ${origin}`,
      })
      .chain((routes) => fc.tuple(fc.constant(routes), fc.shuffledSubarray(routes, { minLength: routes.length })));
    fc.assert(
      fc.property(shuffled, fc.integer(), fc.integer(), ([first, second], seedA, seedB) => {
        const [a, b] = [first, second].map((routes, i) => {
          const { rib } = world({}, i === 0 ? seedA : seedB);
          const peers = KINDS.map((kind, number) => rib.openPeer(ribPeer(10 + number, kind)));
          for (const { peer, capability, origin, set } of routes) {
            announce(rib, peers[peer]!, set, siteKey(capability, origin));
          }
          return snapshot(rib);
        });
        assert.deepEqual(a, b);
      }),
      { numRuns: 200, verbose: 1 },
    );
  });
});
