import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { milliseconds, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import { PolicyBook, type PolicyStatement } from "../../../src/bgp/policy/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { interval, prefix, statement } from "../policy/world.ts";
import { setSample } from "../wire/samples.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const book = (statements: readonly PolicyStatement[], before?: PolicyBook): PolicyBook =>
  new PolicyBook([{ name: "p", statements }], { localAs: 65000 }, before);
const upTo = (maximum: number): PolicyStatement => statement({ score: interval(0, maximum) }, "reject", {}, "low");
const REST = statement({}, "accept", {}, "rest");

const peer = (address: string, more: Partial<PeerOptions>): PeerOptions => ({
  address,
  port: 179,
  remoteAs: 65000,
  passive: false,
  holdTime: seconds(9),
  connectRetry: seconds(2),
  updateSource: A,
  ...more,
});

const COUNT = 2_200;

async function three(t: TestContext, options: (address: string) => Partial<PeerOptions>) {
  const scene = new Scene(t);
  const a = await scene.router({
    address: A,
    identifier: "10.0.0.1",
    peers: [peer(B, options(B)), peer(C, options(C))],
  });
  const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
  const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }] });
  for (let n = 0; n < COUNT; n++) a.originate(n, {}, { score: n % 11 });
  scene.quiet(a, b, c);
  return { scene, a, b, c };
}

const scores = (router: Router): number[] =>
  [...new Set(router.rows().map(({ attributes }) => attributes.semantic!.score!))].sort((x, y) => x - y);

describe("export policies that change under running sessions", () => {
  it("only routes whose outcome differs are told again, and only to neighbours whose chain is another one", async (t) => {
    const first = book([upTo(3), REST]);
    const { scene, a, b, c } = await three(t, (address) => (address === B ? { exportPolicy: first.chain(["p"]) } : {}));
    assert.deepEqual([b.rows().length, c.rows().length, scores(b)[0]], [(COUNT / 11) * 7, COUNT, 4]);
    const before = [b.peer().updatesReceived, c.peer().updatesReceived];

    // Of eleven scores one is told now that was not, none is taken back.
    const second = book([upTo(2), REST], first);
    a.speaker.changePeer(peer(B, { exportPolicy: second.chain(["p"]) }));
    scene.clock.advance(200);
    assert.deepEqual([b.rows().length, scores(b)[0]], [(COUNT / 11) * 8, 3]);
    const told = b.peer().updatesReceived - before[0]!;
    assert.ok(told >= 1 && told <= 3, `${told} messages for 200 routes of one set`);

    // And back: withdrawals only.
    a.speaker.changePeer(peer(B, { exportPolicy: first.chain(["p"]) }));
    scene.clock.advance(200);
    assert.equal(b.rows().length, (COUNT / 11) * 7);
    assert.ok(b.peer().updatesReceived - before[0]! - told <= 3);
    assert.equal(c.peer().updatesReceived, before[1]);
    assert.deepEqual([b.peer().flaps, a.peer(B).flaps], [0, 0]);
  });

  it("changes of routes go on while a large table is looked at, in pieces of a turn's time", async (t) => {
    const { scene, a, b } = await three(t, () => ({}));
    // Every look at the clock takes a millisecond: after four of them a turn is over.
    const { monotonic } = scene.clock;
    let looks = 0;
    let most = 0;
    const soon = scene.clock.soon.bind(scene.clock);
    scene.clock.soon = (run) =>
      soon(() => {
        const before = looks;
        run();
        most = Math.max(most, looks - before);
      });
    scene.clock.monotonic = () => milliseconds(monotonic.call(scene.clock) + looks++);
    a.speaker.changePeer(peer(B, { exportPolicy: book([upTo(9), REST]).chain(["p"]) }));
    a.originate(COUNT, {}, { score: 10 });
    scene.clock.advance(500);
    assert.deepEqual([scores(b), b.rows().length], [[10], COUNT / 11 + 1]);
    assert.ok(looks > COUNT / 64, "nets are looked at in pieces");
    assert.ok(most <= 16, `a turn went on over ${most} looks at the clock`);
  });

  it("a policy that says the same in other words tells nothing", async (t) => {
    const { scene, a, b } = await three(t, () => ({}));
    const before = b.peer().updatesReceived;
    a.speaker.changePeer(peer(B, { exportPolicy: book([REST]).chain(["p"]) }));
    scene.clock.advance(200);
    assert.equal(b.peer().updatesReceived, before);
  });

  it("one change after another, before the first was carried out: the last one holds", async (t) => {
    const { scene, a, b } = await three(t, () => ({}));
    for (const maximum of [9, 5, 7, 6]) {
      a.speaker.changePeer(peer(B, { exportPolicy: book([upTo(maximum), REST]).chain(["p"]) }));
    }
    a.originate(COUNT, {}, { score: 6 });
    a.originate(COUNT + 1, {}, { score: 7 });
    scene.clock.advance(500);
    assert.deepEqual(scores(b), [7, 8, 9, 10]);
    assert.equal(b.rows().length, (COUNT / 11) * 4 + 1);
  });

  it("by key: of prefixes that share a set only those that fare differently are told", async (t) => {
    const scene = new Scene(t);
    const within = (text: string): PolicyStatement =>
      statement({ prefixes: { option: "any", set: { members: [prefix(`${text} 32-64`)] } } }, "reject", {}, "in");
    const families = [{ family: "ipv6-unicast" }] as const;
    const first = book([within("2001:db8::/32"), REST]);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      peers: [peer(B, { families, exportPolicy: first.chain(["p"]) })],
    });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, families }] });
    const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: a.nextHop });
    for (const text of ["2001:db8:1::/48", "2001:db9:1::/48", "2001:dba:1::/48"]) {
      a.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix(text)! }, set);
    }
    scene.quiet(a, b);
    const known = (): number => b.rib.unicast("ipv6-unicast").pathsOf(1);
    assert.equal(known(), 2);
    const before = b.peer().updatesReceived;
    a.speaker.changePeer(peer(B, { families, exportPolicy: book([within("2001:db9::/32"), REST]).chain(["p"]) }));
    scene.clock.advance(200);
    assert.equal(known(), 2);
    const told = [...b.rib.unicast("ipv6-unicast").rowsOf({})].map(({ address }) => address[3]);
    assert.deepEqual(told.sort(), [0xb8, 0xba]);
    assert.ok(b.peer().updatesReceived - before <= 2, "one withdrawal, one announcement");
  });
});
