import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../src/base/index.ts";
import type { AttributeSet, KeyBatch, OutputVisitor, PeerKind, Rib, SentPaths } from "../../src/rib/index.ts";
import { attributeSet, ribPeer, world } from "./world.ts";

const KINDS: readonly PeerKind[] = ["internal", "internal", "external", "external"];
/** The only one that is a client of the router as reflector. */
const CLIENT = 0;
const FAMILY = "ipv4-unicast";
const LIMIT = 3;

interface ModelPath {
  readonly peer: number;
  readonly pathId: number;
  readonly key: string;
  set: AttributeSet;
  stale: boolean;
  confirmed: boolean;
}

const place = { peer: fc.nat(KINDS.length - 1), net: fc.nat(1), pathId: fc.constantFrom(0, 1, 2, 0xffffffff) };
const changes = fc.record({ localPref: fc.constantFrom(100, 200), hops: fc.nat(1), med: fc.nat(2), tag: fc.nat(3) });
const command = fc.oneof(
  { weight: 30, arbitrary: fc.record({ type: fc.constant("announce" as const), ...place, changes }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("withdraw" as const), ...place }) },
  ...(["stale", "sweep-stale", "refresh", "sweep", "last-resort", "replay", "reopen"] as const).map((type) => ({
    weight: 1,
    arbitrary: fc.record({ type: fc.constant(type), peer: place.peer }),
  })),
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant("drain" as const),
      peer: place.peer,
      limit: fc.integer({ min: 1, max: 20 }),
      refuseAfter: fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("turn" as const) }) },
);

const keyOf = (net: number): Uint8Array => Uint8Array.of(24, 10, 0, net);

function batchOf(net: number, pathId: number): KeyBatch {
  const octets = keyOf(net);
  return { octets, starts: Int32Array.of(0), lengths: Int32Array.of(4), count: 1, pathIds: Int32Array.of(pathId) };
}

/** The community tells whose path it is, so that a neighbour's view can be compared with it. */
function setOf(step: {
  peer: number;
  pathId: number;
  changes: { localPref: number; hops: number; med: number; tag: number };
}) {
  const { localPref, hops, med, tag } = step.changes;
  return attributeSet({
    localPref,
    multiExitDisc: med,
    asPath: [{ type: "sequence", numbers: Array.from({ length: hops + 1 }, () => 64500 + step.peer) }],
    communities: [(step.peer << 16) + (step.pathId & 0xff), tag],
    withoutSemantic: true,
  });
}

/** The best first, each against all that are left. @see RFC 4271 §9.1.2.2 */
function ranked(paths: readonly ModelPath[]): ModelPath[] {
  let left = [...paths];
  const order: ModelPath[] = [];
  while (left.length > 0) {
    let racing = left;
    const keep = (value: (path: ModelPath) => number): void => {
      const least = Math.min(...racing.map(value));
      racing = racing.filter((path) => value(path) === least);
    };
    const as = (path: ModelPath): number => path.set.asPath[0]!.numbers[0]!;
    keep(({ set }) => -set.localPref!);
    keep(({ set }) => set.asPath[0]!.numbers.length);
    const all = racing;
    racing = all.filter(
      (path) => !all.some((o) => as(o) === as(path) && o.set.multiExitDisc! < path.set.multiExitDisc!),
    );
    keep(({ peer }) => (KINDS[peer] === "internal" ? 1 : 0));
    keep(({ stale }) => (stale ? 1 : 0));
    keep(({ peer }) => peer);
    keep(({ pathId }) => pathId);
    order.push(racing[0]!);
    left = left.filter((path) => path !== racing[0]);
  }
  return order;
}

class Neighbour {
  /** By key and identifier. */
  readonly knows = new Map<string, { readonly set: AttributeSet; readonly whose: number }>();
  said = 0;
  refuseAfter = Number.POSITIVE_INFINITY;
  readonly visitor: OutputVisitor;

  constructor(rib: Rib) {
    this.visitor = {
      admit: () => true,
      announce: (id, key, start, length, _source, pathId) => {
        if (this.refuseAfter-- <= 0) return false;
        assert.ok(pathId >= 1 && pathId <= 32);
        const set = rib.attributes.get(id);
        const net = toHex(key.subarray(start, start + length));
        this.knows.set(`${net} ${pathId}`, { set, whose: set.communities[0]! });
        this.said++;
        return true;
      },
      withdraw: (key, start, length, pathId) => {
        if (this.refuseAfter-- <= 0) return false;
        const name = `${toHex(key.subarray(start, start + length))} ${pathId}`;
        assert.ok(this.knows.delete(name), `${name} was withdrawn without having been announced`);
        this.said++;
        return true;
      },
    };
  }

  /** Which identifier each path has, by net and whose it is. */
  ids(): Map<string, string> {
    return new Map([...this.knows].map(([name, { whose }]) => [`${name.split(" ")[0]} ${whose}`, name]));
  }
}

const lastResort = (set: AttributeSet): AttributeSet | undefined =>
  set.communities[1] === 3 ? undefined : { ...set, localPref: 1 };

describe("several paths of a net against a model (RFC 7911)", () => {
  it("any sequence of events leaves the same paths, and neighbours with the best of them under steady identifiers", () => {
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 20, maxLength: 90 }),
        fc.array(fc.constantFrom<SentPaths>("all", { best: 1 }, { best: 2 }, "best"), { minLength: 4, maxLength: 4 }),
        fc.integer(),
        (commands, modes, seed) => {
          const { rib, clock } = world({ maxRoutes: 64, maxPathsOfPeer: LIMIT }, seed);
          const table = rib.unicast(FAMILY);
          const peers = KINDS.map((kind, i) =>
            rib.openPeer({ ...ribPeer(10 + i, kind), reflectorClient: i === CLIENT }),
          );
          const open = (i: number) => table.openOutput(peers[i]!, modes[i]! === "best" ? "all" : modes[i]!);
          const outputs = peers.map((_, i) => open(i));
          const neighbours = peers.map(() => new Neighbour(rib));
          let model: ModelPath[] = [];
          const mayPass = (from: number, to: number): boolean =>
            from !== to && (KINDS[from] !== "internal" || KINDS[to] !== "internal" || from === CLIENT || to === CLIENT);
          for (const step of commands) {
            if (step.type === "turn") {
              clock.settle();
              continue;
            }
            const peer = peers[step.peer]!;
            const own = model.filter((path) => path.peer === step.peer);
            switch (step.type) {
              case "announce": {
                const key = toHex(keyOf(step.net));
                const set = setOf(step);
                const id = rib.attributes.intern(...internArguments(set), () => set, FAMILY);
                const leftOut = table.announce(peer, batchOf(step.net, step.pathId | 0), id);
                const same = own.filter((path) => path.key === key);
                let old = same.find((path) => path.pathId === step.pathId);
                if (old === undefined && same.length >= LIMIT) {
                  const unconfirmed = same.filter((path) => !path.confirmed);
                  assert.equal(leftOut, unconfirmed.length === 0 ? 1 : 0);
                  if (leftOut === 1) break;
                  // Which of them made room is not said.
                  const rows = rowsOf(rib).filter((row) => row.key === key && row.peer === peer);
                  old = unconfirmed.find((path) => rows.every((row) => row.pathId !== path.pathId));
                  assert.ok(old !== undefined);
                } else assert.equal(leftOut, 0);
                model = model.filter((path) => path !== old);
                model.push({ peer: step.peer, pathId: step.pathId, key, set, stale: false, confirmed: true });
                break;
              }
              case "withdraw":
                table.withdraw(peer, batchOf(step.net, step.pathId | 0));
                model = model.filter(
                  (path) =>
                    path.peer !== step.peer || path.key !== toHex(keyOf(step.net)) || path.pathId !== step.pathId,
                );
                break;
              case "stale":
                table.markStale(peer);
                for (const path of own) path.stale = true;
                for (const path of own) path.confirmed = false;
                break;
              case "refresh":
                table.beginRefresh(peer);
                for (const path of own) path.confirmed = false;
                break;
              case "sweep-stale":
                while (!table.sweepStale(peer, 2));
                model = model.filter((path) => path.peer !== step.peer || path.confirmed);
                break;
              case "last-resort":
                while (
                  !table.replaceStale(peer, 2, (id) => {
                    const set = lastResort(rib.attributes.get(id));
                    return set && rib.attributes.intern(...internArguments(set), () => set, FAMILY);
                  })
                );
                model = model.filter(
                  (path) => path.peer !== step.peer || !path.stale || lastResort(path.set) !== undefined,
                );
                for (const path of own) if (path.stale) path.set = lastResort(path.set) ?? path.set;
                break;
              case "sweep":
                while (!table.sweep(peer, 2));
                model = model.filter((path) => path.peer !== step.peer);
                break;
              case "drain": {
                const neighbour = neighbours[step.peer]!;
                const before = neighbour.ids();
                const lived = new Set(
                  model.map(({ key, peer: of, pathId }) => `${key} ${(of << 16) + (pathId & 0xff)}`),
                );
                neighbour.refuseAfter = step.refuseAfter;
                outputs[step.peer]!.drain(neighbour.visitor, step.limit);
                for (const [path, name] of neighbour.ids()) {
                  const known = before.get(path);
                  if (known !== undefined && lived.has(path) && neighbour.knows.has(known)) {
                    // A path that went and came again meanwhile may have another one.
                    if (neighbour.knows.get(known)!.whose === neighbour.knows.get(name)!.whose)
                      assert.equal(name, known);
                  }
                }
                break;
              }
              case "replay":
                outputs[step.peer]!.replay();
                break;
              case "reopen":
                outputs[step.peer]![Symbol.dispose]();
                outputs[step.peer] = open(step.peer);
                neighbours[step.peer] = new Neighbour(rib);
            }
          }
          clock.settle();
          assert.equal(table.paths, model.length);
          for (const [i, peer] of peers.entries()) {
            assert.equal(table.pathsOf(peer), model.filter((path) => path.peer === i).length);
          }
          const rows = rowsOf(rib);
          const texts = rows.map((row) => `${row.key} ${peers.indexOf(row.peer)} ${row.pathId} ${row.stale}`).sort();
          assert.deepEqual(texts, model.map((path) => `${path.key} ${path.peer} ${path.pathId} ${path.stale}`).sort());
          const nets = [...new Set(model.map(({ key }) => key))];
          for (const key of nets) {
            const [best] = ranked(model.filter((path) => path.key === key));
            const found = rows.find((row) => row.key === key && row.best)!;
            assert.deepEqual([peers.indexOf(found.peer), found.pathId], [best!.peer, best!.pathId]);
          }
          for (const [i, neighbour] of neighbours.entries()) {
            neighbour.refuseAfter = Number.POSITIVE_INFINITY;
            while (outputs[i]!.drain(neighbour.visitor, 3) > 0);
            const mode = modes[i]!;
            const limit = typeof mode === "object" ? mode.best : 99;
            const want = nets.flatMap((key) =>
              ranked(model.filter((path) => path.key === key))
                .filter((path) => mayPass(path.peer, i))
                .slice(0, limit)
                .map(({ set }) => `${key} ${JSON.stringify(set.communities)} ${set.localPref}`),
            );
            const got = [...neighbour.knows].map(
              ([name, { set }]) => `${name.split(" ")[0]} ${JSON.stringify(set.communities)} ${set.localPref}`,
            );
            assert.deepEqual(got.sort(), want.sort());
            assert.equal(outputs[i]!.advertised, want.length);
            // Nothing is said twice.
            const before = neighbour.said;
            assert.equal(outputs[i]!.drain(neighbour.visitor, 100), 0);
            assert.equal(neighbour.said, before);
          }
          for (const peer of peers) while (!table.sweep(peer, 100));
          for (const [i, output] of outputs.entries()) while (output.drain(neighbours[i]!.visitor, 100) > 0);
          for (const neighbour of neighbours) assert.equal(neighbour.knows.size, 0);
          clock.settle();
          assert.deepEqual([rib.attributes.size, table.routes, table.paths], [0, 0, 0]);
        },
      ),
      { numRuns: 200, verbose: 1 },
    );
  });
});

const encoder = new TextEncoder();

function internArguments(set: AttributeSet): [Uint8Array, number, number] {
  const octets = encoder.encode(JSON.stringify(set));
  return [octets, 0, octets.length];
}

function rowsOf(rib: Rib) {
  return [...rib.unicast(FAMILY).rowsOf({})].map(({ address, length, peer, pathId, stale, best }) => ({
    key: toHex(Uint8Array.of(length, ...address.subarray(0, 3))),
    peer,
    pathId,
    stale,
    best,
  }));
}
