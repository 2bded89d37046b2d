import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import { GRACEFUL_SHUTDOWN, type RoutePolicy, type Verdict } from "../../../src/bgp/policy/index.ts";
import type { AddPathOptions, PeerFamily, PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { IPV6_UNICAST } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { setSample, updateBody } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const D = "2001:db8::d";
const PREFIX = "2001:db8:7::/48";
const BOTH: AddPathOptions = { send: "all", receive: true };

const families = (addPath?: AddPathOptions): readonly PeerFamily[] => [
  { family: "ipv6-unicast", ...(addPath === undefined ? {} : { addPath }) },
];

const peer = (address: string, addPath?: AddPathOptions, options: Partial<PeerOptions> = {}) => ({
  address,
  families: families(addPath),
  ...options,
});

function tell(router: Router, prefix: string, changes: Partial<AttributeSet> = {}): void {
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: router.nextHop, ...changes });
  router.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix(prefix)! }, set);
}

const takeBack = (router: Router, prefix: string): void =>
  router.speaker.withdrawUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix(prefix)! });

/** `::3 #1`: the last part of the next hop, and the identifier it came with. */
function known(router: Router): string[] {
  return [...router.rib.unicast("ipv6-unicast").rowsOf({})]
    .filter((row) => row.peer !== 0)
    .map(({ nextHop, pathId, best, stale }) => {
      const id = pathId === undefined ? "" : ` #${pathId}`;
      return `${formatIpv6(nextHop).slice(15)}${id}${best ? " best" : ""}${stale ? " stale" : ""}`;
    })
    .sort();
}

const direction = (router: Router, address?: string) => {
  const { send, receive } = router.peer(address).perFamily[0]!.addPath;
  return [send, receive];
};

/** B and D, and a reflector A between them and C. */
async function reflected(scene: Scene, toC: AddPathOptions | undefined, atC: AddPathOptions | undefined, more = {}) {
  const client = { reflectorClient: true };
  const a = await scene.router({
    address: A,
    identifier: "10.0.0.1",
    peers: [peer(B, undefined, client), peer(D, undefined, client), peer(C, toC, { ...client, ...more })],
  });
  const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [peer(A)] });
  const d = await scene.router({ address: D, identifier: "10.0.0.4", peers: [peer(A)] });
  const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [peer(A, atC)] });
  tell(b, PREFIX);
  tell(d, PREFIX);
  scene.quiet(a, b, c, d);
  return { a, b, c, d };
}

describe("several paths of a route between routers (RFC 7911)", () => {
  it("a client hears of all paths, each with what a reflector adds, and of the one that goes", async (t) => {
    const scene = new Scene(t);
    const { a, b, c, d } = await reflected(scene, BOTH, BOTH);
    assert.deepEqual(
      [direction(a, C), direction(a, B), direction(c)],
      [
        [true, true],
        [false, false],
        [true, true],
      ],
    );
    assert.deepEqual(known(c), ["2 #1 best", "4 #2"]);
    assert.deepEqual(
      [...c.rib.unicast("ipv6-unicast").rowsOf({})].map(({ attributes }) => attributes.originatorId),
      [0x0a000002, 0x0a000004],
    );
    assert.deepEqual([c.peer().routesReceived, a.peer(C).routesAdvertised, a.peer(D).routesAdvertised], [2, 2, 1]);
    const before = a.peer(C).updatesSent;
    tell(d, PREFIX, { multiExitDisc: 7 });
    scene.clock.advance(100);
    assert.equal(a.peer(C).updatesSent, before + 1, "only what changed is said");
    assert.deepEqual(known(c), ["2 #1 best", "4 #2"]);
    takeBack(b, PREFIX);
    scene.clock.advance(100);
    assert.deepEqual(known(c), ["4 #2 best"]);
    assert.equal(a.peer(C).updatesSent, before + 2);
    takeBack(d, PREFIX);
    scene.clock.advance(100);
    assert.deepEqual([known(c), a.rib.unicast("ipv6-unicast").routes], [[], 0]);
  });

  it("one that does not receive them, or is not sent them, hears of the best", async (t) => {
    for (const [toC, atC] of [
      [BOTH, undefined],
      [undefined, BOTH],
      [{ receive: true }, { receive: true }],
      [BOTH, { send: "all" }],
    ] as const) {
      const scene = new Scene(t);
      const { a, c } = await reflected(scene, toC, atC);
      assert.equal(direction(a, C)[0], false);
      assert.deepEqual(known(c), ["2 best"]);
    }
  });

  it("the best N of them", async (t) => {
    const scene = new Scene(t);
    const { a, d, c } = await reflected(scene, { send: { best: 1 } }, { receive: true });
    assert.deepEqual(
      [direction(a, C), direction(c)],
      [
        [true, false],
        [false, true],
      ],
    );
    assert.deepEqual(known(c), ["2 #1 best"]);
    takeBack(d, PREFIX);
    scene.clock.advance(100);
    assert.deepEqual(known(c), ["2 #1 best"]);
  });

  it("another export policy while the session lasts: only the paths that it changes are said again, or taken back", async (t) => {
    const scene = new Scene(t);
    const { a, b, c, d } = await reflected(scene, BOTH, BOTH);
    tell(b, "2001:db8:8::/48");
    scene.quiet(a, b, c, d);
    const before = a.peer(C).updatesSent;
    const options: PeerOptions = {
      ...peer(C, BOTH, { reflectorClient: true, updateSource: A }),
      ...{ port: 179, remoteAs: 65000, passive: false, holdTime: seconds(9), connectRetry: seconds(2) },
    };
    const isOf = (router: Router, set: AttributeSet): boolean => set.nextHop[15] === router.nextHop[15];
    const policy = (decide: (set: AttributeSet) => Verdict): RoutePolicy => decide;
    a.speaker.changePeer({
      ...options,
      exportPolicy: policy((set) =>
        isOf(d, set) ? { verdict: "replace", attributes: { ...set, multiExitDisc: 9 } } : { verdict: "accept" },
      ),
    });
    scene.clock.advance(200);
    const meds = () =>
      [...c.rib.unicast("ipv6-unicast").rowsOf({})].map(({ attributes }) => attributes.multiExitDisc ?? 0).sort();
    assert.deepEqual([meds(), a.peer(C).updatesSent - before, c.peer().flaps], [[0, 0, 9], 1, 0]);
    a.speaker.changePeer({
      ...options,
      exportPolicy: policy((set) => (isOf(b, set) ? { verdict: "reject", reason: "test" } : { verdict: "accept" })),
    });
    scene.clock.advance(200);
    assert.deepEqual([known(c), meds(), a.peer(C).routesAdvertised], [["4 #2 best"], [0], 1]);
    a.speaker.changePeer(options);
    scene.clock.advance(200);
    assert.deepEqual(known(c).sort(), ["2 #1 best", "2 #1 best", "4 #2"]);
    assert.equal(c.peer().flaps, 0);
  });

  it("paths count against the maximum", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [peer(B), peer(D), peer(C, BOTH)].map((of) => ({ ...of, reflectorClient: true })),
    });
    const c = await scene.router({
      address: C,
      identifier: "10.0.0.3",
      peers: [peer(A, BOTH, { maximumRoutes: 1, connectRetry: seconds(60) })],
    });
    for (const [address, identifier] of [
      [B, "10.0.0.2"],
      [D, "10.0.0.4"],
    ] as const) {
      const other = await scene.router({ address, identifier, peers: [peer(A)] });
      tell(other, PREFIX);
    }
    scene.until("too many", () => c.peer().lastSent?.text.includes("maximum number of prefixes") === true);
    assert.ok(a.peer(C).flaps > 0);
  });

  it("roles, graceful shutdown and split horizon hold for each path", async (t) => {
    const scene = new Scene(t);
    const external = { acceptExternal: true };
    // D is a provider of A, B a customer; C is another provider: it must not hear of what D said.
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      speaker: external,
      peers: [
        peer(B, BOTH, { remoteAs: 65002, role: { local: "provider" } }),
        peer(D, BOTH, { remoteAs: 65004, role: { local: "customer" } }),
        peer(C, BOTH, { remoteAs: 65003, role: { local: "customer" } }),
      ],
    });
    const at = { address: A, remoteAs: 65000 };
    const other = (address: string, identifier: string, localAs: number) =>
      scene.router({ address, identifier, localAs, speaker: external, peers: [{ ...peer(A, BOTH), ...at }] });
    const b = await other(B, "10.0.0.2", 65002);
    const d = await other(D, "10.0.0.4", 65004);
    const c = await other(C, "10.0.0.3", 65003);
    tell(b, PREFIX);
    tell(d, PREFIX);
    scene.quiet(a, b, c, d);
    const paths = (router: Router) =>
      [...router.rib.unicast("ipv6-unicast").rowsOf({})]
        .filter((row) => row.peer !== 0)
        .map(({ attributes }) => attributes.asPath[0]!.numbers.join(" "));
    assert.deepEqual([paths(c), paths(b), paths(d)], [["65000 65002"], ["65000 65004"], ["65000 65002"]]);
    a.speaker.gracefulShutdown = true;
    scene.clock.advance(100);
    for (const router of [b, c]) {
      const rows = [...router.rib.unicast("ipv6-unicast").rowsOf({})].filter((row) => row.peer !== 0);
      assert.ok(rows.every(({ attributes }) => attributes.communities.includes(GRACEFUL_SHUTDOWN)));
    }
  });

  it("paths outlive a restart of the one who said them, and go with its End-of-RIB where they did not come again", async (t) => {
    const scene = new Scene(t);
    const { a, b, c, d } = await reflected(scene, BOTH, BOTH);
    scene.kill(a, A);
    scene.until("stale", () => known(c).every((text) => text.endsWith("stale")));
    assert.deepEqual(known(c), ["2 #1 best stale", "4 #2 stale"]);
    takeBack(b, PREFIX);
    const client = { reflectorClient: true };
    const again = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      speaker: { start: { restarted: true, forwardingPreserved: true } },
      peers: [peer(B, undefined, client), peer(D, undefined, client), peer(C, BOTH, client)],
    });
    again.speaker.localStateConverged();
    scene.quiet(again, b, c, d);
    scene.until("swept", () => known(c).length === 1);
    assert.deepEqual(known(c), ["4 #1 best"]);
  });

  it("identifiers without agreement give up the family, and another session does not notice (RFC 7606 §5.3)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [peer(B, undefined, { passive: true }), peer(C)],
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [peer(A)] });
    tell(c, "2001:db8:9::/48");
    scene.until("c", () => a.peer(C).state === "Established");
    const puppet = await Puppet.up(scene, [IPV6_UNICAST]);
    const attributes = "40010100 400200 40050400000064";
    const reach = (routes: string, length: string) =>
      updateBody(`800e${length} 000201 10 20010db8000000000000000000000005 00 ${routes} ${attributes}`);
    puppet.update(reach("2020010db8", "1a"));
    scene.clock.advance(100);
    assert.equal(a.peer(B).routesReceived, 1);
    puppet.update(reach("00000081 2020010db8", "1e"));
    scene.clock.advance(100);
    assert.deepEqual([a.peer(B).familyDisabled, a.peer(B).routesReceived, a.peer(B).state], [true, 0, "Established"]);
    assert.deepEqual([a.peer(C).flaps, a.peer(C).routesReceived], [0, 1]);
  });

  it("a path that is announced twice under two identifiers is two paths, and too many are counted", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [peer(B, { receive: true }, { passive: true })],
    });
    const puppet = await Puppet.up(scene, [IPV6_UNICAST], {
      addPath: [{ family: IPV6_UNICAST, send: true, receive: false }],
    });
    const attributes = "40010100 400200 40050400000064";
    const routes = Array.from({ length: 40 }, (_, id) => `${id.toString(16).padStart(8, "0")} 2020010db8`).join("");
    const length = (21 + 40 * 9).toString(16).padStart(4, "0");
    puppet.update(
      updateBody(
        `900e${length} 000201 10 20010db8000000000000000000000005 00 ${routes} ${attributes}`.replaceAll(" ", ""),
      ),
    );
    scene.clock.advance(100);
    assert.equal(a.peer(B).routesReceived, 32);
    assert.equal(a.metrics.sum("semrd_bgp_refused_routes_total", { reason: "too-many-paths" }), 8);
    assert.ok(a.log.has("bgp.routes.too-many-paths"));
    assert.equal(a.rib.unicast("ipv6-unicast").routes, 1);
    puppet.update(updateBody("800f0c 000201 00000003 2020010db8"));
    scene.clock.advance(100);
    assert.equal(a.peer(B).routesReceived, 31);
  });
});
