import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { octetsEqual, parseIpv4, seconds } from "../../../src/base/index.ts";
import type { RouteRow } from "../../../src/rib/index.ts";
import type { Router } from "./router.ts";
import { Scene } from "./scene.ts";

const at = (n: number): string => `2001:db8::${n}`;
const id = (n: number): string => `10.0.0.${n}`;
const number = (n: number): number => parseIpv4(id(n))!;

/** Router `n` as a client of these reflectors. */
const client = (scene: Scene, n: number, reflectors: readonly number[]): Promise<Router> =>
  scene.router({ address: at(n), identifier: id(n), peers: reflectors.map((r) => ({ address: at(r) })) });

const reflector = (
  scene: Scene,
  n: number,
  { clients, others = [], clusterId }: { clients: number[]; others?: number[]; clusterId?: number },
): Promise<Router> =>
  scene.router({
    address: at(n),
    identifier: id(n),
    peers: [
      ...clients.map((c) => ({ address: at(c), reflectorClient: true })),
      ...others.map((o) => ({ address: at(o) })),
    ],
    speaker: clusterId === undefined ? {} : { clusterId },
  });

const of = (router: Router, origin: Router): RouteRow[] =>
  router.rows().filter(({ originId }) => originId === origin.originId);

describe("route reflection (RFC 4456)", () => {
  it("two clients know of each other through one reflector, and send to each other directly", async (t) => {
    const scene = new Scene(t);
    const rr = await reflector(scene, 1, { clients: [2, 3] });
    const [a, b] = [await client(scene, 2, [1]), await client(scene, 3, [1])];
    a.originate(1);
    b.originate(2);
    rr.originate(3);
    scene.quiet(rr, a, b);
    assert.deepEqual([a.known(b), b.known(a), a.known(rr), rr.known(a)], [["2"], ["1"], ["3"], ["1"]]);
    const [reflected] = of(b, a);
    assert.equal(reflected!.attributes.originatorId, number(2));
    assert.deepEqual(reflected!.attributes.clusterList, [number(1)]);
    assert.equal(reflected!.attributes.localPref, 100);
    assert.ok(octetsEqual(reflected!.nextHop, a.nextHop), "the next hop is not changed (§10)");
    const [own] = of(b, rr);
    assert.deepEqual([own!.attributes.originatorId, own!.attributes.clusterList], [undefined, undefined]);
    assert.deepEqual([rr.peer(at(2)).reflectorClient, a.peer().reflectorClient], [true, false]);

    a.withdraw(1);
    scene.clock.advance(100);
    assert.deepEqual(b.known(a), []);
  });

  it("equal sets of two clients are reflected with the originator of each", async (t) => {
    const scene = new Scene(t);
    const rr = await reflector(scene, 1, { clients: [2, 3, 4] });
    const [a, b, c] = [await client(scene, 2, [1]), await client(scene, 3, [1]), await client(scene, 4, [1])];
    const same = { nextHop: a.nextHop };
    a.originate(1, same);
    b.originate(2, same);
    scene.quiet(rr, a, b, c);
    assert.equal(rr.rib.attributes.size, 1, "one set at the reflector");
    assert.deepEqual(
      [of(c, a)[0]!.attributes.originatorId, of(c, b)[0]!.attributes.originatorId],
      [number(2), number(3)],
    );
  });

  it("clients that have sessions with each other: nothing between them, everything to others, changed while they are up (§10)", async (t) => {
    const scene = new Scene(t);
    const rr = await scene.router({
      address: at(1),
      identifier: id(1),
      peers: [2, 3, 4].map((n) => ({ address: at(n), reflectorClient: true, clientToClient: n === 4 })),
    });
    const [a, b, c] = [await client(scene, 2, [1]), await client(scene, 3, [1]), await client(scene, 4, [1])];
    a.originate(1);
    b.originate(2);
    c.originate(3);
    scene.quiet(rr, a, b, c);
    const heard = () => [a.known(b), a.known(c), b.known(a), b.known(c), c.known(a), c.known(b)].map((of) => of.join());
    assert.deepEqual(heard(), ["", "3", "", "3", "1", "2"]);
    assert.deepEqual(
      [2, 4].map((n) => rr.peer(at(n)).reflectorClient),
      [true, true],
    );
    const turn = (n: number, clientToClient: boolean): void => {
      const times = { holdTime: seconds(9), connectRetry: seconds(2) };
      const options = { address: at(n), port: 179, remoteAs: 65000, passive: false, updateSource: at(1), ...times };
      assert.equal(rr.speaker.changePeer({ ...options, reflectorClient: true, clientToClient }).effect, "live");
      scene.clock.advance(200);
    };
    turn(3, true);
    assert.deepEqual(heard(), ["2", "3", "1", "3", "1", "2"], "one of two is enough");
    turn(4, false);
    assert.deepEqual(heard(), ["2", "", "1", "3", "", "2"]);
    turn(2, true);
    turn(4, true);
    assert.deepEqual(heard(), ["2", "3", "1", "3", "1", "2"]);
    for (const router of [rr, a, b, c]) assert.equal(router.peer().flaps, 0);
  });

  it("a client whose place in the mesh changed while it was away: routes of it that were kept follow", async (t) => {
    const scene = new Scene(t);
    const gracefulRestart = {
      ...{ restartTime: seconds(60), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
      keepOverNotification: true,
    };
    const speaker = { gracefulRestart };
    const rr = await scene.router({
      ...{ address: at(1), identifier: id(1), speaker },
      peers: [2, 3].map((n) => ({ address: at(n), reflectorClient: true, clientToClient: n === 2 })),
    });
    const peers = [{ address: at(1) }];
    const a = await scene.router({ address: at(2), identifier: id(2), peers, speaker });
    const b = await scene.router({ address: at(3), identifier: id(3), peers, speaker });
    a.originate(1);
    scene.quiet(rr, a, b);
    assert.deepEqual(b.known(a), ["1"]);
    scene.network.cut(at(1), at(2));
    scene.until("a is away", () => rr.peer(at(2)).state !== "Established");
    assert.deepEqual(b.known(a), ["1"], "kept for its restart");
    const options = { port: 179, remoteAs: 65000, passive: false, holdTime: seconds(9), connectRetry: seconds(2) };
    rr.speaker.changePeer({
      ...{ ...options, address: at(2), updateSource: at(1), reflectorClient: true, clientToClient: false },
    });
    scene.network.heal(at(1), at(2));
    scene.quiet(rr, a, b);
    assert.deepEqual([b.known(a), rr.known(a)], [[], ["1"]]);
  });

  it("not from one that is no client to another (§6)", async (t) => {
    const scene = new Scene(t);
    const rr = await reflector(scene, 1, { clients: [4], others: [2, 3] });
    const [a, b, c] = [await client(scene, 2, [1]), await client(scene, 3, [1]), await client(scene, 4, [1])];
    a.originate(1);
    c.originate(2);
    scene.quiet(rr, a, b, c);
    assert.deepEqual([b.known(a), c.known(a)], [[], ["1"]]);
    assert.deepEqual([a.known(c), b.known(c)], [["2"], ["2"]]);
  });

  for (const { name, clusterId, atReflector } of [
    { name: "one cluster", clusterId: 99, atReflector: 1 },
    { name: "two clusters", clusterId: undefined, atReflector: 2 },
  ]) {
    it(`two reflectors in ${name}: every client knows every route, and survives either reflector`, async (t) => {
      const scene = new Scene(t);
      const cluster = clusterId === undefined ? {} : { clusterId };
      const first = await reflector(scene, 1, { clients: [3, 4], others: [2], ...cluster });
      const second = await reflector(scene, 2, { clients: [3, 4], others: [1], ...cluster });
      const [a, b] = [await client(scene, 3, [1, 2]), await client(scene, 4, [1, 2])];
      a.originate(1);
      b.originate(2);
      scene.quiet(first, second, a, b);
      // Both reflectors tell b; the smaller address decides, and the other path is there already.
      assert.deepEqual(
        of(b, a).map(({ best, attributes }) => [best, attributes.clusterList]),
        [
          [true, [clusterId ?? number(1)]],
          [false, [clusterId ?? number(2)]],
        ],
      );
      // A reflector refuses what has been through its own cluster, and takes it from another one.
      assert.equal(of(first, a).length, atReflector);
      assert.equal(
        second.metrics.sum("semrd_bgp_refused_routes_total", { reason: "cluster-loop" }) > 0,
        clusterId !== undefined,
      );
      // What came back to where it began was refused there.
      assert.deepEqual(a.known(a), ["1"]);

      scene.network.cut(at(4), at(1));
      scene.until("b has lost the first reflector", () => b.peer(at(1)).state !== "Established");
      scene.until("its routes end", () => of(b, a).length === 1);
      assert.deepEqual(of(b, a)[0]!.attributes.clusterList, [clusterId ?? number(2)]);
    });
  }

  it("clients in clusters of their own: a route bears that of the client it came from, or else of whom it goes to; changed while they are up (§7, §8)", async (t) => {
    const scene = new Scene(t);
    const [x, y, z] = [71, 72, 73];
    const times = { holdTime: seconds(9), connectRetry: seconds(2) };
    const of2 = {
      ...{ address: at(2), port: 179, remoteAs: 65000, passive: false, updateSource: at(1), ...times },
      ...{ reflectorClient: true, clusterId: x },
    };
    const rr = await scene.router({
      address: at(1),
      identifier: id(1),
      peers: [
        of2,
        { address: at(3), reflectorClient: true, clusterId: y },
        { address: at(4) },
        { address: at(5), reflectorClient: true },
      ],
    });
    const [a, b, other, plain] = [
      await client(scene, 2, [1]),
      await client(scene, 3, [1]),
      await client(scene, 4, [1]),
      await client(scene, 5, [1]),
    ];
    a.originate(1);
    other.originate(2);
    plain.originate(3);
    scene.quiet(rr, a, b, other, plain);
    const list = (router: Router, origin: Router) => of(router, origin).map(({ attributes }) => attributes.clusterList);
    assert.deepEqual([list(b, a), list(other, a), list(plain, a)], [[[x]], [[x]], [[x]]]);
    assert.deepEqual([list(a, other), list(b, other), list(plain, other)], [[[x]], [[y]], [[number(1)]]]);
    assert.deepEqual([list(a, plain), list(b, plain), list(other, plain)], [[[x]], [[y]], [[number(1)]]]);
    assert.deepEqual([rr.peer(at(2)).clusterId, rr.peer(at(5)).clusterId], [x, undefined]);

    // What has been through any of its clusters is not for it.
    const refused = () => rr.metrics.sum("semrd_bgp_refused_routes_total", { reason: "cluster-loop" });
    other.originate(4, { originatorId: number(9), clusterList: [y] });
    other.originate(5, { originatorId: number(9), clusterList: [z] });
    scene.clock.advance(200);
    assert.deepEqual([rr.known(other), refused()], [["2", "5"], 1]);

    assert.equal(rr.speaker.changePeer({ ...of2, clusterId: z }).effect, "live");
    scene.clock.advance(500);
    assert.deepEqual([list(b, a), list(a, other), list(b, other)[0]], [[[z]], [[z]], [y]]);
    assert.deepEqual(rr.known(other), ["2"], "what has been through the new cluster goes");
    assert.deepEqual(
      rr.speaker.peers().map(({ flaps }) => flaps),
      [0, 0, 0, 0],
    );
  });

  it("chains of clusters: the list grows, and the route with the shorter one is better (§9)", async (t) => {
    const scene = new Scene(t);
    // a is a client of 1, b of 2; b also has a session with 1 itself.
    const first = await reflector(scene, 1, { clients: [3, 4], others: [2] });
    const second = await reflector(scene, 2, { clients: [4], others: [1] });
    const [a, b] = [await client(scene, 3, [1]), await client(scene, 4, [2, 1])];
    a.originate(1);
    scene.quiet(first, second, a, b);
    assert.deepEqual(
      of(b, a).map(({ best, attributes }) => [best, attributes.clusterList]),
      [
        [true, [number(1)]],
        [false, [number(2), number(1)]],
      ],
    );
    a.withdraw(1);
    scene.clock.advance(200);
    assert.deepEqual([b.known(a), first.known(a), second.known(a)], [[], [], []]);
  });
});
