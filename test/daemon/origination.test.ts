import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { capabilityId, milliseconds, parseCapabilityName, parseIpv6, seconds, toHex } from "../../src/base/index.ts";
import {
  AttributeCodec,
  type CapabilityNlri,
  type CapabilitySiteNlri,
  DEFAULT_DIALECT,
  routeTarget,
} from "../../src/bgp/wire/index.ts";
import { Origination } from "../../src/daemon/origination.ts";
import { siteAttributes } from "../../src/daemon/own-attributes.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { Directory, type Offer } from "../../src/directory/index.ts";
import { type AttributeSet, createRib, type Tenant } from "../../src/rib/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const OCR = parseCapabilityName("/vision/ocr")!;
const TENANT: Tenant = {
  name: "acme",
  index: 1,
  routeDistinguisher: new Uint8Array([0, 0, 0xfd, 0xe8, 0, 0, 0, 1]),
  importTargets: [routeTarget(65000, 1)],
  exportTargets: [routeTarget(65000, 1), routeTarget(65000, 2)],
};
const OPTIONS = {
  selector: 2,
  routerId: 0x0aff0002,
  localAs: 65000,
  locator: parseIpv6("fd00:ffff::2")!,
  taxonomyRevision: 7,
  tenants: [TENANT],
};

function offer(port: number, changes: Partial<Offer> = {}): Offer {
  return {
    capability: OCR,
    version: { major: 1, minor: 0 },
    endpoint: { address: parseIpv6("fd00:a:21::10")!, port, protocol: "tcp" },
    servicePort: 80,
    weight: 10,
    labels: ["eu"],
    ...changes,
  };
}

type Said = { readonly nlri: CapabilitySiteNlri; readonly attributes: AttributeSet | undefined };

describe("routes of this router's own capabilities", () => {
  let clock: VirtualClock;
  let directory: Directory;
  let said: Said[];
  let origination: Origination;

  const register = (agent: string, ...offers: Offer[]) =>
    directory.register({ agent, tenant: "acme", source: "command", offers });
  const taken = (): Said[] => said.splice(0);
  /** Sites only: agents and prefixes have a test of their own. */
  const note = (nlri: CapabilityNlri, attributes: AttributeSet | undefined): void => {
    if (nlri.type === "site") said.push({ nlri, attributes });
  };
  const originate = (first?: "in-slices"): Origination => {
    const local = { name: "r2", kind: "local", bgpIdentifier: OPTIONS.routerId, address: OPTIONS.locator } as const;
    const parts = { clock, metrics: new TallyMetrics(), log: new ListLog(), random: new SeededRandom(1) };
    const rib = createRib({ local: { ...local, autonomousSystem: 65000 }, tenants: [TENANT], maxRoutes: 1024 }, parts);
    return new Origination(OPTIONS, {
      ...{ ...parts, directory, rib, selections: new SelectionFan(), nameOf: () => undefined },
      routes: { originate: note, withdraw: (nlri) => note(nlri, undefined) },
      ...(first === undefined ? {} : { first }),
    });
  };

  beforeEach(() => {
    clock = new VirtualClock();
    directory = new Directory({ perAgent: 10, perTenant: 100 }, { clock, metrics: new TallyMetrics() });
    said = [];
    origination = originate();
  });

  it("announces a capability with its first instance and withdraws it with its last", () => {
    register("spiffe://example.net/acme/agent/a", offer(8080));
    const [first] = taken();
    assert.equal(toHex(first!.nlri.capabilityId), toHex(capabilityId(OCR, 1)));
    assert.equal(first!.nlri.originId, OPTIONS.routerId);
    assert.equal(first!.attributes?.semantic?.score, 10);

    directory.remove("spiffe://example.net/acme/agent/a", "command");
    assert.deepEqual(
      taken().map(({ attributes }) => attributes),
      [undefined],
    );
  });

  it("where it begins with many, they are said on later turns, as they are then; and it is known when all are said", async () => {
    const agent = (n: number) => `spiffe://example.net/acme/agent/a${n}`;
    origination[Symbol.dispose]();
    const names = Array.from({ length: 20 }, (_, n) => parseCapabilityName(`/vision/c${n}`)!);
    for (const [n, capability] of names.entries()) register(agent(n), offer(8080 + n, { capability }));
    said = [];
    const late = originate("in-slices");
    assert.deepEqual(taken(), []);
    directory.remove(agent(19), "command");
    let isSettled = false;
    const settled = late.settled().then(() => (isSettled = true));
    await Promise.resolve();
    assert.equal(isSettled, false);
    clock.settle();
    await settled;
    const ids = new Set(taken().map(({ nlri, attributes }) => attributes && toHex(nlri.capabilityId)));
    ids.delete(undefined); // the one that is gone was never said, and may be taken back
    assert.deepEqual(
      [...ids].sort(),
      names
        .slice(0, 19)
        .map((name) => toHex(capabilityId(name, 1)))
        .sort(),
    );
    assert.equal(await Promise.race([late.settled().then(() => "at once"), new Promise(setImmediate)]), "at once");
  });

  it("what the directory gathers is said once per site, as it is at the end; one that dies meanwhile and is back is not said", () => {
    const agent = (n: number) => `spiffe://example.net/acme/agent/a${n}`;
    register(agent(0), offer(8080));
    const speech = parseCapabilityName("/audio/speech")!;
    taken();
    const gathering = directory.gather();
    const inner = directory.gather();
    for (let n = 1; n < 50; n++) register(agent(n), offer(8080 + n, { capability: n % 2 === 0 ? OCR : speech }));
    directory.remove(agent(0), "command");
    for (let n = 1; n < 50; n += 2) directory.remove(agent(n), "command");
    clock.advance(10);
    inner[Symbol.dispose]();
    clock.advance(10);
    assert.deepEqual(taken(), []);
    gathering[Symbol.dispose]();
    assert.deepEqual(taken(), []); // on later turns
    clock.advance(10);
    const news = taken();
    assert.deepEqual(
      news.map(({ nlri, attributes }) => [toHex(nlri.capabilityId), attributes?.semantic?.state]),
      [[toHex(capabilityId(OCR, 1)), "up"]],
    );
    directory.remove(agent(2), "command");
    for (let n = 4; n < 50; n += 2) directory.remove(agent(n), "command");
    assert.equal(taken().at(-1)?.attributes, undefined); // at once again
  });

  it("a router that drains says so of every site, whatever becomes of its instances, and takes it back", () => {
    const states = (): unknown[] => taken().map(({ attributes }) => attributes?.semantic?.state);
    register("spiffe://example.net/acme/agent/a", offer(8080));
    assert.deepEqual(states(), ["up"]);
    origination.draining = true;
    origination.draining = true;
    assert.deepEqual(states(), ["draining"]);
    register("spiffe://example.net/acme/agent/b", offer(8081));
    assert.deepEqual(states(), ["draining"]);
    origination.draining = false;
    assert.deepEqual(states(), ["up"]);
  });

  it("another router ID: what was said goes, the same comes under the new one, over many turns; the AS is in what is said", () => {
    const names = Array.from({ length: 200 }, (_, n) => parseCapabilityName(`/vision/c${n}`)!);
    const agent = (n: number) => `spiffe://example.net/acme/agent/a${n}`;
    const one = (n: number) => offer(8080, { capability: names[n % 200]! });
    directory = new Directory({ perAgent: 10, perTenant: 1000 }, { clock, metrics: new TallyMetrics() });
    origination = originate();
    for (let n = 0; n < 200; n++) register(agent(n), one(n));
    taken();
    origination.become({ routerId: 7, localAs: 65001 });
    // Meanwhile one goes, one changes, and one is gone and back: nothing of the old ID may stay.
    directory.remove(agent(150), "command");
    register(agent(151), one(151), offer(8081, { capability: names[151]! }));
    directory.remove(agent(152), "command");
    register(agent(152), one(152));
    clock.advance(100);
    const now = new Map<string, AttributeSet>();
    for (const { nlri, attributes } of taken()) {
      const key = `${nlri.originId} ${toHex(nlri.capabilityId)}`;
      if (attributes === undefined) now.delete(key);
      else now.set(key, attributes);
    }
    assert.equal(now.size, 199);
    assert.ok(now.keys().every((key) => key.startsWith("7 ")));
    const bandwidths = now.values().map((set) => toHex(set.extendedCommunities.at(-1)!.subarray(0, 4)));
    assert.deepEqual([...new Set(bandwidths)], ["4004fde9"]);
    directory.remove(agent(0), "command");
    assert.deepEqual(
      taken().map(({ nlri, attributes }) => [nlri.originId, attributes]),
      [[7, undefined]],
    );
  });

  it("says nothing when a change leaves what the others see as it was", () => {
    register("spiffe://example.net/acme/agent/a", offer(8080));
    taken();
    directory.register({
      agent: "spiffe://example.net/acme/agent/a",
      tenant: "acme",
      source: "command",
      offers: [offer(8080)],
      lease: milliseconds(60_000),
    });
    directory.renew("spiffe://example.net/acme/agent/a", milliseconds(60_000));
    assert.deepEqual(taken(), []);
  });

  it("the weight is the sum of the usable instances; a dead one lowers weight and score", () => {
    register("spiffe://example.net/acme/agent/a", offer(8080), offer(8081));
    assert.equal(taken().length, 1);
    const [instance] = directory.instancesOf("spiffe://example.net/acme/agent/a");
    directory.setHealth(instance!.id, "down", "refused");
    const [changed] = taken();
    const bandwidth = changed!.attributes!.extendedCommunities.at(-1)!;
    assert.equal(toHex(bandwidth), "4004fde841200000"); // 10 as an IEEE 754 single
    assert.equal(changed!.attributes!.semantic!.state, "degraded");
    assert.equal(changed!.attributes!.semantic!.score, 5);
  });

  it("renews its routes when a third of their time is left, all with one lease", () => {
    register("spiffe://example.net/acme/agent/a", offer(8080));
    const lease = taken()[0]!.attributes!.semantic!.lease;
    clock.advance(milliseconds(2_350_000));
    assert.deepEqual(taken(), []);
    clock.advance(milliseconds(150_000));
    const [renewed] = taken();
    assert.ok(renewed!.attributes!.semantic!.lease.validUntil > lease.validUntil);
    assert.ok(renewed!.attributes!.semantic!.lease.sequence > lease.sequence);
    assert.equal(renewed!.attributes!.semantic!.lease.validUntil % 60, 0);
  });

  for (const [what, by] of [
    ["ahead, as at the first contact with a time server", 20 * 365 * 86_400_000],
    ["back", -7_200_000],
  ] as const) {
    it(`says its routes anew soon after the wall clock was set ${what}`, () => {
      register("spiffe://example.net/acme/agent/a", offer(8080));
      taken();
      clock.stepWall(by);
      clock.advance(milliseconds(10_000));
      const [again] = taken();
      const left = again!.attributes!.semantic!.lease.validUntil - clock.wall() / 1000;
      assert.ok(left > 3500 && left <= 3660, `${left} s`);
      clock.advance(milliseconds(600_000));
      assert.deepEqual(taken(), []);
    });
  }

  it("renews many routes over many turns, each of them, and what changes meanwhile as it is then", () => {
    const names = Array.from({ length: 200 }, (_, i) => parseCapabilityName(`/vision/c${i}`)!);
    directory[Symbol.dispose]();
    directory = new Directory({ perAgent: 500, perTenant: 500 }, { clock, metrics: new TallyMetrics() });
    origination[Symbol.dispose]();
    origination = originate();
    register("spiffe://example.net/acme/agent/many", ...names.map((capability, i) => offer(1000 + i, { capability })));
    clock.settle();
    taken();
    origination.draining = true;
    assert.ok(said.length > 0 && said.length < names.length, `${said.length} in the first turn`);
    directory.remove("spiffe://example.net/acme/agent/many", "command");
    clock.settle();
    const last = new Map(said.map(({ nlri, attributes }) => [toHex(nlri.capabilityId), attributes]));
    assert.equal(last.size, names.length);
    assert.deepEqual(new Set(last.values()), new Set([undefined]));

    register("spiffe://example.net/acme/agent/many", ...names.map((capability, i) => offer(1000 + i, { capability })));
    origination.draining = false;
    clock.settle();
    const states = new Map(said.map(({ nlri, attributes }) => [toHex(nlri.capabilityId), attributes?.semantic?.state]));
    assert.deepEqual(new Set(states.values()), new Set(["up"]));
    assert.equal(states.size, names.length);
  });

  it("is silent once it is disposed", () => {
    origination[Symbol.dispose]();
    register("spiffe://example.net/acme/agent/a", offer(8080));
    clock.advance(milliseconds(4_000_000));
    assert.deepEqual(taken(), []);
  });
});

it("two capabilities of the same shape share one attribute set (DESIGN section 4.2: packing)", () => {
  const site = {
    tenant: "acme",
    capability: OCR,
    majorVersion: 1,
    minorVersion: 0,
    state: "up",
    score: 10,
    usable: 1,
    total: 1,
    weight: 10,
    labels: ["eu"],
    access: { protocol: "tcp", port: 80 },
  } as const;
  const codec = new AttributeCodec(DEFAULT_DIALECT);
  const NOW = { validUntil: seconds(3600), draining: false };
  const octets = (capability: typeof OCR): string =>
    toHex(codec.identity(siteAttributes({ ...site, capability }, TENANT, OPTIONS, NOW)));
  assert.equal(octets(OCR), octets(parseCapabilityName("/audio/speech")!));
});
