import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { formatIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { RoutePolicy } from "../../../src/bgp/policy/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import type { AttributeSet, UnicastRow } from "../../../src/rib/index.ts";
import { setSample } from "../wire/samples.ts";
import type { Router } from "./router.ts";
import { A, B, Scene } from "./scene.ts";

const FAMILY = "ipv6-unicast";
const OPTIONS: PeerOptions = {
  ...{ address: B, port: 179, remoteAs: 65000, passive: false, holdTime: seconds(9), connectRetry: seconds(2) },
  ...{ updateSource: A, families: [{ family: FAMILY }], softReconfiguration: true },
};
const reject = { verdict: "reject", reason: "policy" } as const;

/** Routes with these MEDs are refused; others get their MED as local preference, where it is said. */
const policy =
  (refused: readonly number[], changes: boolean): RoutePolicy =>
  (set) => {
    const med = set.multiExitDisc ?? 0;
    if (refused.includes(med)) return reject;
    return changes ? { verdict: "replace", attributes: { ...set, localPref: 200 + med } } : { verdict: "accept" };
  };

const at = (n: number) => ({ family: FAMILY, ...parseIpv6Prefix(`2001:db8:${n.toString(16)}::/48`)! }) as const;
const originate = (router: Router, n: number, med: number, more: Partial<AttributeSet> = {}): void => {
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: router.nextHop, multiExitDisc: med, ...more });
  router.speaker.originateUnicast(at(n), set);
};
const numberOf = (address: Uint8Array): number => (address[4]! << 8) | address[5]!;
const learnt = (router: Router): UnicastRow[] =>
  [...router.rib.unicast(FAMILY).rowsOf({})].filter(({ peer }) => peer !== 0);
/** `prefix number: local preference`. */
const used = (router: Router): string[] =>
  learnt(router)
    .map(({ address, attributes }) => `${numberOf(address)}: ${attributes.localPref}`)
    .sort();
const shown = (router: Router): string[] =>
  [...router.speaker.received(B, FAMILY)]
    .map(
      (route) => `${numberOf(route.key.subarray(1))}: ${route.outcome}${"reason" in route ? ` ${route.reason}` : ""}`,
    )
    .sort();

async function pair(t: TestContext, options: Partial<PeerOptions> = {}) {
  const scene = new Scene(t);
  const [a, b] = await scene.pair(
    { peers: [{ ...OPTIONS, ...options }] },
    { peers: [{ address: A, families: [{ family: FAMILY }] }] },
  );
  scene.quiet(a, b);
  const refreshes = (): number => b.metrics.sum("semrd_bgp_refresh_marks_total", { mark: "begin-sent" });
  return { scene, a, b, refreshes };
}

describe("routes that are kept as they came (soft reconfiguration)", () => {
  it("a policy that changes judges them without the neighbour; what is refused can be seen, and why", async (t) => {
    const { scene, a, b, refreshes } = await pair(t, { importPolicy: policy([1], false) });
    for (let n = 1; n <= 4; n++) originate(b, n, n % 3);
    originate(b, 5, 0, { asPath: [{ type: "sequence", numbers: [65000] }] });
    scene.clock.advance(100);
    assert.deepEqual(used(a), ["2: 100", "3: 100"]);
    assert.deepEqual(shown(a), [
      "1: refused policy",
      "2: accepted",
      "3: accepted",
      "4: refused policy",
      "5: refused as-loop",
    ]);
    a.speaker.changePeer({ ...OPTIONS, importPolicy: policy([2], true) });
    scene.clock.advance(100);
    assert.deepEqual(used(a), ["1: 201", "3: 200", "4: 201"]);
    assert.deepEqual(shown(a), ["1: changed", "2: refused policy", "3: changed", "4: changed", "5: refused as-loop"]);
    a.speaker.changePeer({ ...OPTIONS, importPolicy: policy([2], true), allowOwnAs: 1 });
    scene.clock.advance(100);
    assert.deepEqual(used(a), ["1: 201", "3: 200", "4: 201", "5: 200"]);
    assert.equal(a.speaker.clearSoft(B, "in"), "done");
    scene.clock.advance(100);
    assert.deepEqual([refreshes(), a.peer().flaps], [0, 0]);
  });

  it("ends with the session, and is there again with the next; switched off, it is forgotten", async (t) => {
    const { scene, a, b, refreshes } = await pair(t);
    for (let n = 1; n <= 3; n++) originate(b, n, n);
    scene.clock.advance(100);
    const paths = (): number => a.rib.receivedIfKept(FAMILY)!.paths;
    assert.equal(paths(), 3);
    a.speaker.clear(B);
    scene.clock.advance(100);
    assert.deepEqual([paths(), shown(a)], [0, []]);
    scene.quiet(a, b);
    assert.equal(paths(), 3);
    b.speaker.withdrawUnicast(at(2));
    scene.clock.advance(100);
    assert.equal(paths(), 2);
    a.speaker.changePeer({ ...OPTIONS, softReconfiguration: false });
    scene.clock.advance(100);
    assert.deepEqual([paths(), a.speaker.keepsReceived(B, FAMILY), used(a).length], [0, false, 2]);
    // Switched on, the neighbour is asked once; what has not been there from the beginning is not judged alone.
    a.speaker.changePeer(OPTIONS);
    scene.clock.advance(100);
    assert.deepEqual([paths(), refreshes()], [2, 1]);
    a.speaker.changePeer({ ...OPTIONS, importPolicy: policy([1], false) });
    scene.clock.advance(100);
    assert.deepEqual([used(a), refreshes()], [["3: 100"], 2]);
  });

  it("whatever comes, goes and is judged anew: what is used is what the latest policy makes of what was said last", async (t) => {
    type Step =
      | { readonly type: "say" | "withdraw"; readonly n: number; readonly med: number }
      | { readonly type: "policy"; readonly refused: number[]; readonly changes: boolean };
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 5, arbitrary: fc.record({ type: fc.constant("say" as const), n: fc.nat(20), med: fc.nat(5) }) },
      {
        weight: 2,
        arbitrary: fc.record({ type: fc.constant("withdraw" as const), n: fc.nat(20), med: fc.constant(0) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          ...{ type: fc.constant("policy" as const), refused: fc.subarray([0, 1, 2, 3, 4, 5]), changes: fc.boolean() },
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 60 }), async (steps) => {
        const { scene, a, b, refreshes } = await pair(t);
        const said = new Map<number, number>();
        let now: { refused: readonly number[]; changes: boolean } = { refused: [], changes: false };
        for (const [one, waits] of steps) {
          if (one.type === "policy") {
            now = one;
            a.speaker.changePeer({ ...OPTIONS, importPolicy: policy(one.refused, one.changes) });
          } else if (one.type === "say") {
            said.set(one.n, one.med);
            originate(b, one.n, one.med);
          } else {
            said.delete(one.n);
            b.speaker.withdrawUnicast(at(one.n));
          }
          if (waits) scene.clock.advance(50);
        }
        scene.clock.advance(500);
        const want = [...said]
          .filter(([, med]) => !now.refused.includes(med))
          .map(([n, med]) => `${n}: ${now.changes ? 200 + med : 100}`);
        assert.deepEqual(used(a), want.sort());
        assert.deepEqual([[...a.speaker.received(B, FAMILY)].length, refreshes()], [said.size, 0]);
        await scene.close();
      }),
      { numRuns: 25 },
    );
  });

  it("capability routes as well", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair({ peers: [{ address: B, softReconfiguration: true }] });
    b.originate(1);
    scene.quiet(a, b);
    const [route] = [...a.speaker.received(B, "capability")];
    assert.equal(route!.outcome, "accepted");
    assert.equal(formatIpv6(a.rib.attributes.get(route!.attributes).nextHop), formatIpv6(b.nextHop));
  });
});
