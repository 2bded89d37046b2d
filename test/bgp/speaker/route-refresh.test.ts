import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { formatIpv6, seconds, toHex } from "../../../src/base/index.ts";
import {
  type Capabilities,
  encodeEndOfRib,
  encodeMessage,
  encodeRouteRefresh,
  IPV6_UNICAST,
  MessageType,
  RefreshSubtype,
} from "../../../src/bgp/wire/index.ts";
import { setSample, updateBody } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, Scene } from "./scene.ts";

const BEGIN = encodeRouteRefresh(IPV6_UNICAST, RefreshSubtype.Begin);
const END = encodeRouteRefresh(IPV6_UNICAST, RefreshSubtype.End);
const MARKS: Partial<Capabilities> = { enhancedRouteRefresh: true };
const RESTART: Partial<Capabilities> = {
  gracefulRestart: {
    restarted: false,
    notification: false,
    restartTime: seconds(60),
    families: [{ family: IPV6_UNICAST, forwardingPreserved: true }],
  },
};

/** `2001:n::/32` for each n, in one UPDATE. */
const routes = (...numbers: number[]): Uint8Array => {
  const nlri = numbers.map((n) => `202001${n.toString(16).padStart(4, "0")}`).join("");
  const length = (21 + 5 * numbers.length).toString(16).padStart(2, "0");
  return updateBody(
    `800e${length}00020110 20010db8000000000000000000000005 00 ${nlri} 40010100 400200 40050400000064`.replaceAll(
      " ",
      "",
    ),
  );
};

async function scene(t: TestContext, capabilities: Partial<Capabilities> = MARKS) {
  const world = new Scene(t);
  const a = await world.router({
    address: A,
    identifier: "10.0.0.1",
    peers: [{ address: B, passive: true, families: [{ family: "ipv6-unicast" }] }],
  });
  const puppet = await Puppet.up(world, [IPV6_UNICAST], capabilities);
  world.clock.advance(100);
  return { world, a, puppet };
}

const known = (router: Router): string[] =>
  [...router.rib.unicast("ipv6-unicast").rowsOf({})]
    .filter(({ peer }) => peer !== 0)
    .map(({ address, stale }) => `${formatIpv6(address).slice(5, -2)}${stale ? " stale" : ""}`)
    .sort();

describe("enhanced route refresh (RFC 7313)", () => {
  it("what is not said again between the marks goes; until then nothing is stale", async (t) => {
    const { world, a, puppet } = await scene(t);
    assert.equal(a.peer().capabilities.enhancedRouteRefresh, true);
    puppet.update(routes(1, 2, 3));
    puppet.say(BEGIN);
    puppet.update(routes(1, 3, 4));
    world.clock.advance(100);
    assert.deepEqual(known(a), ["1", "2", "3", "4"]);
    puppet.say(END);
    world.clock.advance(100);
    assert.deepEqual(known(a), ["1", "3", "4"]);
    puppet.say(END);
    world.clock.advance(100);
    assert.deepEqual([known(a).length, a.peer().flaps], [3, 0], "an end without a beginning means nothing");
  });

  it("a second beginning starts anew (§4.2)", async (t) => {
    const { world, a, puppet } = await scene(t);
    puppet.update(routes(1, 2));
    puppet.say(BEGIN);
    puppet.update(routes(1));
    puppet.say(BEGIN);
    puppet.update(routes(2));
    puppet.say(END);
    world.clock.advance(100);
    assert.deepEqual(known(a), ["2"]);
  });

  it("without an end, time ends it (§4.2)", async (t) => {
    const { world, a, puppet } = await scene(t);
    puppet.update(routes(1, 2));
    puppet.say(BEGIN);
    puppet.update(routes(2));
    for (let passed = 0; passed < 58; passed++) {
      world.clock.advance(1000);
      puppet.say(encodeMessage(MessageType.Keepalive, new Uint8Array(0)));
    }
    assert.deepEqual(known(a), ["1", "2"]);
    world.clock.advance(3000);
    assert.deepEqual(known(a), ["2"]);
  });

  it("marks that were not agreed on mean nothing, and nobody gets them (§4)", async (t) => {
    const { world, a, puppet } = await scene(t, {});
    assert.equal(a.peer().capabilities.enhancedRouteRefresh, false);
    puppet.update(routes(1, 2));
    puppet.say(BEGIN, END);
    puppet.say(encodeRouteRefresh(IPV6_UNICAST));
    world.clock.advance(100);
    assert.deepEqual([known(a), a.peer().flaps], [["1", "2"], 0]);
    assert.ok(puppet.seen.every((text) => !text.startsWith("refresh")));
  });

  it("a beginning before End-of-RIB is ignored with graceful restart (§4.2)", async (t) => {
    const { world, a, puppet } = await scene(t, { ...MARKS, ...RESTART });
    puppet.update(routes(1, 2));
    puppet.say(BEGIN);
    puppet.say(END);
    world.clock.advance(100);
    assert.deepEqual(known(a), ["1", "2"]);
    puppet.say(encodeEndOfRib(IPV6_UNICAST), BEGIN);
    puppet.update(routes(1));
    puppet.say(END);
    world.clock.advance(100);
    assert.deepEqual(known(a), ["1"]);
  });

  it("nor does an end before End-of-RIB take what is kept for a restart (§4.2; RFC 4724 §4.2)", async (t) => {
    const { world, a, puppet } = await scene(t, { ...MARKS, ...RESTART });
    puppet.update(routes(1, 2));
    puppet.say(encodeEndOfRib(IPV6_UNICAST));
    world.clock.advance(100);
    world.network.kill(B);
    world.clock.advance(2000); // it rests before it takes another connection
    assert.deepEqual(known(a), ["1 stale", "2 stale"]);
    const back = await Puppet.up(world, [IPV6_UNICAST], { ...MARKS, ...RESTART });
    world.clock.advance(100);
    assert.equal(a.peer().gracefulRestart.helper, "awaiting");
    back.update(routes(1));
    back.say(BEGIN, END, END);
    world.clock.advance(100);
    assert.deepEqual(known(a), ["1", "2 stale"], "it may be said again yet");
    back.say(encodeEndOfRib(IPV6_UNICAST));
    world.clock.advance(100);
    assert.deepEqual(known(a), ["1"]);
  });

  it("a session that is lost in between: graceful restart has the routes, all of them stale", async (t) => {
    const { world, a, puppet } = await scene(t, { ...MARKS, ...RESTART });
    puppet.update(routes(1, 2));
    puppet.say(encodeEndOfRib(IPV6_UNICAST), BEGIN);
    puppet.update(routes(1));
    world.clock.advance(100);
    world.network.kill(B);
    world.clock.advance(200);
    assert.deepEqual(known(a), ["1 stale", "2 stale"]);
    world.clock.advance(61_000);
    assert.deepEqual(known(a), []);
  });

  it("a request is answered between the marks, never before End-of-RIB (§4.1)", async (t) => {
    const { world, a, puppet } = await scene(t);
    const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: a.nextHop });
    const prefix = { family: "ipv6-unicast", address: new Uint8Array(16).fill(0x20, 0, 1), length: 8 } as const;
    a.speaker.originateUnicast(prefix, set);
    a.speaker.localStateConverged();
    world.clock.advance(100);
    puppet.seen.length = 0;
    puppet.say(encodeRouteRefresh(IPV6_UNICAST));
    world.clock.advance(100);
    assert.deepEqual(puppet.seen, [`refresh ${toHex(BEGIN.subarray(19))}`, "2", `refresh ${toHex(END.subarray(19))}`]);
    puppet.seen.length = 0;
    puppet.say(encodeRouteRefresh(IPV6_UNICAST), encodeRouteRefresh(IPV6_UNICAST));
    world.clock.advance(100);
    assert.equal(puppet.seen.at(-1), `refresh ${toHex(END.subarray(19))}`);
  });

  it("a mark of a wrong length ends the session with its own error, without agreement with the usual one (§5)", async (t) => {
    for (const [capabilities, want] of [
      [MARKS, `notify 0701${"ff".repeat(16)}0018050002010100`],
      [{}, "notify 01020018"],
    ] as const) {
      const { world, puppet } = await scene(t, capabilities);
      puppet.say(encodeMessage(MessageType.RouteRefresh, Uint8Array.of(0, 2, 1, 1, 0)));
      world.clock.advance(100);
      assert.equal(puppet.seen.at(-1), want);
    }
  });

  it("an unknown subtype is ignored (§5), a request of a wrong length is not", async (t) => {
    const { world, a, puppet } = await scene(t);
    puppet.say(encodeRouteRefresh(IPV6_UNICAST, 3), encodeRouteRefresh(IPV6_UNICAST, 255));
    world.clock.advance(100);
    assert.equal(a.peer().state, "Established");
    puppet.say(encodeMessage(MessageType.RouteRefresh, Uint8Array.of(0, 2, 0, 1, 0)));
    world.clock.advance(100);
    assert.equal(puppet.seen.at(-1), "notify 01020018");
  });

  it("two routers: a soft clear of one is a refresh of both ends", async (t) => {
    const world = new Scene(t);
    const [a, b] = await world.pair();
    a.originate(1);
    world.quiet(a, b);
    assert.equal(b.peer().capabilities.enhancedRouteRefresh, true);
    const before = b.peer().updatesReceived;
    assert.ok(b.speaker.refresh(A));
    world.clock.advance(200);
    assert.ok(b.peer().updatesReceived > before);
    assert.deepEqual([b.known(a), b.peer().flaps], [["1"], 0]);
  });
});
