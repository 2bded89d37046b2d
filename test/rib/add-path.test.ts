import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AttributeSet, OutputVisitor, Rib, RouteOutput } from "../../src/rib/index.ts";
import { attributeSet, batch, capabilityNumber, intern, ribPeer, siteKey, type World, world } from "./world.ts";

const KEY = Uint8Array.of(24, 10, 0, 0);
const OTHER = Uint8Array.of(24, 10, 0, 1);

/** What the neighbour is told, in order: `+1 200` or `-1`, identifier and local preference. */
function listener(rib: Rib, refuse: (set: AttributeSet) => boolean = () => false) {
  const said: string[] = [];
  const visitor: OutputVisitor = {
    admit: (id) => !refuse(rib.attributes.get(id)),
    announce: (id, key, start, _length, _source, pathId) => {
      said.push(`${key[start + 3] === 0 ? "" : "other "}+${pathId} ${rib.attributes.get(id).localPref}`);
      return true;
    },
    withdraw: (_key, _start, _length, pathId) => {
      said.push(`-${pathId}`);
      return true;
    },
  };
  return {
    hear(output: RouteOutput): string[] {
      said.length = 0;
      while (output.drain(visitor, 100) > 0);
      return said.splice(0).sort();
    },
  };
}

const say = ({ rib }: World, peer: number, key: Uint8Array, pathId: number, localPref: number): number =>
  rib
    .unicast("ipv4-unicast")
    .announce(
      peer,
      { ...batch(key), pathIds: Int32Array.of(pathId) },
      intern(rib, attributeSet({ localPref, withoutSemantic: true })),
    );

const take = ({ rib }: World, peer: number, key: Uint8Array, pathId: number): void =>
  rib.unicast("ipv4-unicast").withdraw(peer, { ...batch(key), pathIds: Int32Array.of(pathId) });

describe("ADD-PATH in the RIB (RFC 7911)", () => {
  it("of several paths the one that changed is said again, under its identifier", () => {
    const w = world();
    const [from, to] = [2, 3].map((n) => w.rib.openPeer(ribPeer(n, "external")));
    const output = w.rib.unicast("ipv4-unicast").openOutput(to!, "all");
    const { hear } = listener(w.rib);
    for (const [id, localPref] of [300, 200, 100].entries()) say(w, from!, KEY, id, localPref);
    assert.deepEqual(hear(output), ["+1 300", "+2 200", "+3 100"]);
    say(w, from!, KEY, 1, 250);
    assert.deepEqual(hear(output), ["+2 250"]);
    say(w, from!, KEY, 1, 250);
    assert.deepEqual(hear(output), [], "the same again is no news");
    say(w, from!, KEY, 2, 900);
    assert.deepEqual(hear(output), ["+3 900"], "the best one changes places, the others stay what they are");
    take(w, from!, KEY, 0);
    assert.deepEqual(hear(output), ["-1"]);
    say(w, from!, KEY, 7, 50);
    assert.deepEqual(hear(output), ["+1 50"], "a number that is free again");
    output.replay();
    assert.deepEqual(hear(output), ["+1 50", "+2 250", "+3 900"]);
    assert.equal(output.advertised, 3);
    for (const id of [1, 2, 7]) take(w, from!, KEY, id);
    assert.deepEqual(hear(output), ["-1", "-2", "-3"]);
    assert.deepEqual([w.rib.unicast("ipv4-unicast").routes, output.advertised], [0, 0]);
  });

  it("a path that another one takes the number of is replaced, not withdrawn and announced", () => {
    const w = world();
    const [from, to] = [2, 3].map((n) => w.rib.openPeer(ribPeer(n, "external")));
    const output = w.rib.unicast("ipv4-unicast").openOutput(to!, "all");
    const { hear } = listener(w.rib);
    say(w, from!, KEY, 1, 100);
    say(w, from!, KEY, 2, 100);
    hear(output);
    take(w, from!, KEY, 1);
    say(w, from!, KEY, 3, 70);
    assert.deepEqual(hear(output), ["+1 70"]);
  });

  it("the best two that policy lets pass, whatever is in front of them", () => {
    const w = world();
    const peers = [2, 3].map((n) => w.rib.openPeer(ribPeer(n, "external")));
    const output = w.rib.unicast("ipv4-unicast").openOutput(peers[1]!, { best: 2 });
    const { hear } = listener(w.rib, ({ localPref }) => localPref === 400);
    say(w, peers[1]!, KEY, 0, 500);
    for (const [id, localPref] of [400, 300, 200, 100].entries()) say(w, peers[0]!, KEY, id, localPref);
    assert.deepEqual(hear(output), ["+1 300", "+2 200"]);
    say(w, peers[0]!, KEY, 3, 250);
    assert.deepEqual(hear(output), ["+3 250", "-2"]);
    take(w, peers[0]!, KEY, 1);
    assert.deepEqual(hear(output), ["+2 200", "-1"]);
  });

  it("a neighbour with identifiers and one without: one path each for the other, all here", () => {
    const w = world();
    const [from, plain, to] = [2, 3, 4].map((n) => w.rib.openPeer(ribPeer(n, "external")));
    const table = w.rib.unicast("ipv4-unicast");
    table.announce(plain!, batch(KEY), intern(w.rib, attributeSet({ localPref: 150, withoutSemantic: true })));
    say(w, from!, KEY, 0, 100);
    say(w, from!, KEY, 0xffffffff | 0, 200);
    const rows = [...table.rowsOf({})].map(({ peer, pathId, best }) => [peer, pathId, best]);
    assert.deepEqual(rows, [
      [from, 0xffffffff, true],
      [plain, undefined, false],
      [from, 0, false],
    ]);
    const outputs = [table.openOutput(to!), table.openOutput(to!, "all")];
    const { hear } = listener(w.rib);
    assert.deepEqual(outputs.map(hear), [["+0 200"], ["+1 200", "+2 150", "+3 100"]]);
    assert.deepEqual([table.pathsOf(from!), table.pathsOf(plain!)], [2, 1]);
  });

  it("32 paths of one neighbour are taken, more only for what it has not confirmed", () => {
    const w = world();
    const from = w.rib.openPeer(ribPeer(2, "external"));
    const table = w.rib.unicast("ipv4-unicast");
    for (let id = 0; id < 32; id++) assert.equal(say(w, from, KEY, id, 100), 0);
    assert.equal(say(w, from, KEY, 32, 100), 1);
    assert.equal(say(w, from, OTHER, 32, 100), 0, "another net has room");
    table.markStale(from);
    for (let id = 100; id < 132; id++) assert.equal(say(w, from, KEY, id, 100), 0);
    assert.equal(say(w, from, KEY, 132, 100), 1);
    assert.deepEqual([table.pathsOf(from), [...table.rowsOf({})].filter(({ stale }) => stale).length], [33, 1]);
    while (!table.sweepStale(from, 100));
    assert.deepEqual([table.pathsOf(from), table.routes], [32, 1]);
  });

  it("of more than 32 paths of a net the best 32 are sent, to several neighbours without end of changes", () => {
    const w = world();
    const peers = [2, 3, 4].map((n) => w.rib.openPeer(ribPeer(n, "external")));
    const table = w.rib.unicast("ipv4-unicast");
    for (const peer of peers) for (let id = 0; id < 20; id++) say(w, peer, KEY, id, 100 + id);
    const outputs = peers.map((peer) => table.openOutput(peer, "all"));
    const listeners = peers.map(() => listener(w.rib));
    const counts = outputs.map((output, i) => listeners[i]!.hear(output).length);
    // 32 of the best are 12 or 10 of each; nobody gets its own back.
    assert.ok(
      counts.every((count) => count >= 20 && count <= 24),
      `${counts}`,
    );
    for (const [i, output] of outputs.entries()) assert.deepEqual(listeners[i]!.hear(output), []);
    say(w, peers[0]!, KEY, 77, 999);
    for (const i of [1, 2]) assert.ok(listeners[i]!.hear(outputs[i]!).some((text) => text.endsWith(" 999")));
    for (let round = 0; round < 3; round++) {
      for (const [i, output] of outputs.entries()) listeners[i]!.hear(output);
    }
    for (const [i, output] of outputs.entries()) assert.deepEqual(listeners[i]!.hear(output), []);
  });

  it("a refresh keeps what is not confirmed yet as good as it was, and a sweep removes it (RFC 7313 §4)", () => {
    const w = world();
    const [from, to] = [2, 3].map((n) => w.rib.openPeer(ribPeer(n, "external")));
    const table = w.rib.unicast("ipv4-unicast");
    const output = table.openOutput(to!);
    const { hear } = listener(w.rib);
    say(w, from!, KEY, 0, 100);
    say(w, from!, OTHER, 0, 100);
    hear(output);
    table.beginRefresh(from!);
    w.clock.settle();
    assert.deepEqual(hear(output), [], "no neighbour hears of it");
    assert.ok([...table.rowsOf({})].every(({ stale }) => !stale));
    say(w, from!, KEY, 0, 100);
    assert.deepEqual(hear(output), []);
    while (!table.sweepStale(from!, 1));
    assert.deepEqual(hear(output), ["-0"]);
    assert.deepEqual([table.routes, table.pathsOf(from!)], [1, 1]);
  });

  it("capability routes: several paths to one site", () => {
    const w = world();
    const [from, to] = [2, 3].map((n) => w.rib.openPeer(ribPeer(n)));
    const key = siteKey(1, 9);
    for (const [id, localPref] of [100, 200].entries()) {
      const set = attributeSet({ localPref });
      w.rib.capability.announce(from!, { ...batch(key), pathIds: Int32Array.of(id) }, intern(w.rib, set));
    }
    const [first, second] = [...w.rib.capability.routesOf({})];
    assert.deepEqual([first!.pathId, first!.best, second!.pathId, second!.best], [1, true, 0, false]);
    assert.equal(w.rib.capability.openOutput(to!, "all").pending, 1);
    const { candidates } = w.rib.capability.select(1, capabilityNumber(1));
    assert.deepEqual(
      candidates.map(({ judgement, step }) => [judgement, step]),
      [
        ["winner", "only-candidate"],
        ["excluded", "local-preference"],
      ],
    );
  });
});
