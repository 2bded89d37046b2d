import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6 } from "../../../src/base/index.ts";
import { acceptAll } from "../../../src/bgp/policy/index.ts";
import type { Agreement } from "../../../src/bgp/session/index.ts";
import { FamilyIntake, type FamilyIntakeParts } from "../../../src/bgp/speaker/family-intake.ts";
import { Intake } from "../../../src/bgp/speaker/intake.ts";
import { peerCounters } from "../../../src/bgp/speaker/metrics.ts";
import { AttributeCodec, DEFAULT_DIALECT, encodeUnicast, UpdateEncoder } from "../../../src/bgp/wire/index.ts";
import { ribPeer, world } from "../../rib/world.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { setSample } from "../wire/samples.ts";
import { Scene } from "./scene.ts";

const HEADER = 19;
const ROUTES = 3000;
const codec = new AttributeCodec(DEFAULT_DIALECT);
const OWN = parseIpv6("2001:db8:ff::1")!;

function key(n: number): Uint8Array {
  const address = parseIpv6("2001:db8::")!.slice();
  new DataView(address.buffer).setUint32(12, n);
  return encodeUnicast({ family: "ipv6-unicast", address, length: 128 });
}

/** One message. */
function message(say: (encoder: UpdateEncoder, key: Uint8Array) => boolean): Uint8Array {
  const encoder = new UpdateEncoder({ afi: 2, safi: 1 }, { capacity: 1 << 17, maximum: 65535 });
  for (let n = 0; n < ROUTES; n++) assert.ok(say(encoder, key(n)));
  const octets = encoder.take()!;
  assert.equal(encoder.messages, 1);
  return octets;
}

const { semantic: _, ...plain } = setSample();
const encoded = codec.encode(plain, { asWidth: 4, internal: true });
const set = { octets: encoded, length: encoded.length, nextHop: plain.nextHop, version: 1 };
const ANNOUNCED = message((encoder, one) => encoder.announce(set, one, 0, one.length));
const WITHDRAWN = message((encoder, one) => encoder.withdraw(one, 0, one.length));

function intake(maximumRoutes?: number) {
  const { rib } = world({ maxUnicastRoutes: 4096 });
  const peerIndex = rib.openPeer(ribPeer(2));
  const log = new ListLog();
  const counters = peerCounters(new TallyMetrics(), "2001:db8::2");
  const family = "ipv6-unicast";
  const peer = { address: "2001:db8::2", kind: "internal", remoteAs: 65000, family, ownNextHop: OWN } as const;
  const facts = {
    ...({ family, kind: "internal" } as const),
    ...{ localAs: 65000, remoteAs: 65000, bgpIdentifier: 1, clusterId: 1, ownNextHop: OWN, enforceFirstAs: true },
  };
  const parts: FamilyIntakeParts = {
    ...{ family, rib, peerIndex, codec, peer, counters, log, observer: undefined, membership: undefined },
    looped: () => undefined,
    site: { isReflector: () => false },
  };
  const terms = { facts, policy: acceptAll, maximumRoutes, warnAtPercent: 75, keepsReceived: false };
  const families = [new FamilyIntake(parts, terms)];
  const agreed = { asWidth: 4, kind: "internal", extendedNextHop: false, families: [], addPath: [] } as unknown;
  const shared = { codec, counters, log, observer: undefined };
  const made = new Intake({ ...shared, agreed: agreed as Agreement, families, localAs: 65000, peer: peer.address });
  return {
    routes: () => rib.table(family).pathsOf(peerIndex),
    update: (octets: Uint8Array) => made.update(octets, HEADER, octets.length),
  };
}

describe("an UPDATE of thousands of routes", () => {
  it("is taken piece by piece, as long as there is time", () => {
    const { routes, update } = intake();
    for (const [octets, all] of [
      [ANNOUNCED, ROUTES],
      [WITHDRAWN, 0],
    ] as const) {
      const seen = [routes()];
      let result = update(octets);
      for (; result.kind === "more"; result = result.resume(() => false)) seen.push(routes());
      assert.equal(result.kind, "taken");
      assert.equal(routes(), all);
      const steps = seen.slice(1).map((count, i) => Math.abs(count - seen[i]!));
      assert.ok(steps.length > 4 && Math.max(...steps) <= 512, `${steps}`);
    }
  });

  it("ends where a bound is reached", () => {
    const { routes, update } = intake(1000);
    let result = update(ANNOUNCED);
    while (result.kind === "more") result = result.resume(() => true);
    assert.equal(result.kind, "stop");
    assert.ok(routes() > 1000 && routes() <= 1024, `${routes()}`);
  });

  it("is followed by what comes after it, and not before it is done", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    for (let n = 1; n <= 3000; n++) a.originate(n);
    scene.quiet(a, b);
    for (let n = 1; n <= 3000; n++) a.originate(n, { communities: [n % 2] });
    scene.quiet(a, b);
    assert.equal(b.peer().routesReceived, 3000);
    for (const { attributes, key: octets } of b.rows()) {
      assert.deepEqual(attributes.communities, [new DataView(octets.buffer, octets.byteOffset).getUint32(22) % 2]);
    }
  });
});
