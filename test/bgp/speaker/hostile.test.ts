import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex, seconds } from "../../../src/base/index.ts";
import { ownOpen } from "../../../src/bgp/session/index.ts";
import {
  AttributeCodec,
  DEFAULT_DIALECT,
  encodeKeepalive,
  encodeMessage,
  encodeOpen,
  encodeRouteRefresh,
  MessageType,
  UpdateEncoder,
} from "../../../src/bgp/wire/index.ts";
import { settingsSample } from "../session/samples.ts";
import { encodedSet, keySample, setSample, updateBody } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import { type Router, TARGET } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const codec = new AttributeCodec(DEFAULT_DIALECT);

/** One UPDATE message with the route number `n` of the puppet. */
function route(n: number, attributes = good()): Uint8Array {
  const encoder = new UpdateEncoder(DEFAULT_DIALECT.family);
  const key = keySample(n, 0x0a000002);
  encoder.announce(encodedSet(attributes, setSample().nextHop), key, 0, key.length);
  return encoder.take()!;
}

function good(): Uint8Array {
  return codec.encode(setSample({ extendedCommunities: [TARGET] }), { asWidth: 4, internal: true });
}

async function listening(scene: Scene, more: object = {}, maxRoutes?: number): Promise<Router> {
  return scene.router({
    address: A,
    identifier: "10.0.0.1",
    peers: [
      { address: B, passive: true, ...more },
      { address: C, passive: true },
    ],
    ...(maxRoutes === undefined ? {} : { maxRoutes }),
  });
}

describe("neighbours that make mistakes", () => {
  it("a malformed attribute withdraws the route and nothing else (RFC 7606)", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene);
    const puppet = await Puppet.up(scene);
    puppet.say(route(1), route(2));
    scene.clock.advance(20);
    assert.equal(a.peer().routesReceived, 2);
    const broken = Uint8Array.of(...good(), 0xc0, 8, 1, 0); // COMMUNITIES of one octet
    puppet.say(route(2, broken));
    scene.clock.advance(20);
    assert.deepEqual([a.peer().state, a.peer().routesReceived], ["Established", 1]);
    assert.equal(a.metrics.sum("semrd_bgp_malformed_total", { action: "treat-as-withdraw" }), 1);
  });

  it("a route that leads out of the attribute disables the family, the session stays (RFC 4760 §7)", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene);
    const puppet = await Puppet.up(scene);
    puppet.say(route(1));
    puppet.update(updateBody("800f05 0002fb 021c"));
    puppet.say(route(2), encodeKeepalive());
    scene.clock.advance(20);
    const { state, familyDisabled, routesReceived } = a.peer();
    assert.deepEqual([state, familyDisabled, routesReceived], ["Established", true, 0]);
  });

  const RESETS = [
    { name: "two MP_REACH_NLRI", body: updateBody("800f03 0002fb 800f03 0002fb"), want: "notify 0301" },
    { name: "lying lengths", body: fromHex("0000 00ff"), want: "notify 0301" },
    {
      name: "an unknown well-known attribute",
      body: updateBody("800f03 0002fb 406301 00"),
      want: "notify 030240630100",
    },
  ];
  for (const { name, body, want } of RESETS) {
    it(`${name}: session reset, routes gone, and back again`, async (t) => {
      const scene = new Scene(t);
      const a = await listening(scene);
      const puppet = await Puppet.up(scene);
      puppet.say(route(1));
      puppet.update(body);
      scene.clock.advance(20);
      assert.equal(puppet.seen.at(-1), want);
      assert.ok(puppet.closed !== undefined);
      assert.deepEqual([a.peer().routesReceived, a.peer().flaps], [0, 1]);
      assert.match(a.peer().lastSent?.text ?? "", /UPDATE error/);
      scene.clock.advance(5_000);
      await Puppet.up(scene);
      assert.equal(a.peer().state, "Established");
    });
  }

  it("messages that come in the wrong state, and garbage", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene);
    const CASES: [string, Uint8Array, string][] = [
      ["garbage", fromHex("00112233"), "notify 0101"],
      ["a KEEPALIVE for an OPEN", encodeKeepalive(), "notify 0501"],
      ["an UPDATE for an OPEN", route(1), "notify 0501"],
      ["an OPEN of another AS", encodeOpen(ownOpen(settingsSample({ localAs: 1 }))), "notify 0202"],
      ["an OPEN with our identifier", encodeOpen(ownOpen(settingsSample())), "notify 0203"],
      ["an OPEN of version 3", encodeMessage(1, fromHex("03fde8005ac000020100")), "notify 02010004"],
    ];
    for (const [name, octets, want] of CASES) {
      const puppet = await Puppet.connect(scene);
      puppet.say(octets);
      scene.clock.advance(20);
      assert.equal(puppet.seen.at(-1), want, name);
      assert.ok(puppet.closed !== undefined, name);
      // Each failure doubles the wait.
      scene.clock.advance(200_000);
    }
    assert.equal(a.peer().routesReceived, 0);
  });

  it("too many routes end the session with Cease (RFC 4486 §4)", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene, { maximumRoutes: 3 });
    const puppet = await Puppet.up(scene);
    for (let n = 0; n < 4; n++) puppet.say(route(n));
    scene.clock.advance(20);
    assert.equal(puppet.seen.at(-1), "notify 06010002fb00000003");
    assert.equal(a.peer().routesReceived, 0);
  });

  it("more routes than the RIB has room for end the session, the router lives", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene, {}, 100);
    const puppet = await Puppet.up(scene);
    for (let n = 0; n < 200 && puppet.closed === undefined; n++) puppet.say(route(n));
    scene.clock.advance(50);
    assert.equal(puppet.seen.at(-1), "notify 0608");
    assert.ok(a.log.has("bgp.routes.no-room"));
    a.originate(1);
  });

  it("a peer without our family has a session without routes, for longer than the hold time", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene, { holdTime: seconds(9) });
    a.originate(1);
    const puppet = await Puppet.up(scene, [{ afi: 1, safi: 1 }]);
    for (let i = 0; i < 10; i++) {
      puppet.say(encodeKeepalive(), route(1));
      scene.clock.advance(3_000);
    }
    const { state, families, routesReceived } = a.peer();
    assert.deepEqual([state, families, routesReceived], ["Established", [], 0]);
    assert.ok(!puppet.seen.includes("2"), "nothing of a family that was not agreed is sent");
    assert.equal(a.metrics.sum("semrd_bgp_not_agreed_total"), 10);
  });

  it("the same with requireFamily is refused (RFC 5492 §3)", async (t) => {
    const scene = new Scene(t);
    await listening(scene, { requireFamily: true });
    const puppet = await Puppet.up(scene, []);
    assert.equal(puppet.seen.at(-1), "notify 02070104000200fb");
  });

  it("route refresh is answered with everything", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene);
    a.originate(1);
    const puppet = await Puppet.up(scene);
    const before = puppet.seen.filter((type) => type === "2").length;
    puppet.say(encodeRouteRefresh(DEFAULT_DIALECT.family), encodeRouteRefresh({ afi: 1, safi: 1 }));
    scene.clock.advance(20);
    assert.equal(puppet.seen.filter((type) => type === "2").length, before + 1);
  });

  it("noise from one neighbour never disturbs another one", async (t) => {
    const scene = new Scene(t);
    const a = await listening(scene);
    // Far from the puppet's: a route of its own with one bit flipped would else be one of c's.
    const c = await scene.router({ address: C, identifier: "245.255.255.252", peers: [{ address: A }] });
    c.originate(7);
    scene.until("session with c", () => a.peer(C).state === "Established");
    const whole = route(1);
    const noise = fc.oneof(
      fc
        .uint8Array({ minLength: 1, maxLength: 200 })
        .map((body) => encodeMessage(MessageType.Update, body.length < 4 ? new Uint8Array(4) : body)),
      fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 6 }).map((flips) => {
        const bent = whole.slice();
        for (const flip of flips) bent[flip >>> 3]! ^= 1 << (flip & 7);
        return bent;
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { minLength: 1, maxLength: 4 }), async (messages) => {
        a.speaker.clear(B);
        scene.clock.advance(200_000);
        const puppet = await Puppet.up(scene);
        puppet.say(...messages);
        scene.clock.advance(50);
        assert.equal(a.peer(C).flaps, 0);
        assert.deepEqual(a.known(c), ["7"]);
      }),
      { numRuns: 60 },
    );
  });
});
