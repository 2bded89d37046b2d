import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { type CapabilityName, capabilityId, formatIpv6Prefix, seconds } from "../../src/base/index.ts";
import type { GroupIndex, PlanSnapshot } from "../../src/forwarding/index.ts";
import { nextHopKey } from "../../src/forwarding/next-hop-table.ts";
import { createRib, type PeerIndex, type Rib, type Tenant } from "../../src/rib/index.ts";
import {
  ACME,
  announce,
  attributeSet,
  batch,
  EPOCH,
  GLOBEX,
  intern,
  linkBandwidth,
  prefixKey,
  ribPeer,
  siteKey,
  target,
  withdraw,
} from "../rib/world.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { BusyClock, type Forwarding, forwarding, instance, locator, octetsOf, TRANSITION_END } from "./world.ts";

/** Routes say the names of the first four; the others are known from the taxonomy alone. */
const NAMES = [
  "/vision/ocr",
  "/vision/faces",
  "/audio/speech",
  "/audio/music",
  "/text/summary",
  "/text/translation",
].map((name) => name as CapabilityName);
const NAMED = 4;
const LIMITS = { capabilities: 4096, groups: 8191, nextHops: 8191, aggregates: 16 };
const TENANTS: readonly Tenant[] = [ACME, GLOBEX];

const set = fc.record({
  localPref: fc.constantFrom(100, 100, 100, 200),
  rt: fc.constantFrom(1, 1, 1, 1, 2, 50),
  second: fc.constantFrom([], [], [], [], [2]),
  bandwidth: fc.constantFrom([], [], [], [10], [20]),
  score: fc.integer({ min: 0, max: 3 }),
  state: fc.constantFrom("up", "up", "up", "draining", "down"),
  lease: fc.constantFrom(1e7, 1e7, 1e7, 40, 80, -3),
  nextHop: fc.integer({ min: 2, max: 5 }),
} as const);
const peer = fc.integer({ min: 0, max: 2 });
const route = {
  peer,
  capability: fc.integer({ min: 0, max: NAMES.length - 1 }),
  origin: fc.integer({ min: 2, max: 4 }),
  rd: fc.constantFrom(1, 1, 1, 2),
};
const prefix = fc.constantFrom("/", "/vision", "/audio");
const event = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant("announce" as const), ...route, set }) },
  { weight: 7, arbitrary: fc.record({ type: fc.constant("withdraw" as const), ...route }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("prefix" as const),
      ...{ peer, prefix, origin: route.origin, comes: fc.boolean(), set },
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("lose" as const), peer }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("later" as const), span: fc.constantFrom(0, 1000, 61_000, 200_000) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("tenants" as const), of: fc.subarray([...TENANTS]) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("taxonomy" as const), names: fc.subarray(NAMES) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("instance" as const),
      number: fc.integer({ min: 1, max: 4 }),
      state: fc.constantFrom("up", "up", "down", "draining", undefined),
    }),
  },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function keyOf({ capability, origin, rd }: Event & { type: "announce" | "withdraw" }): Uint8Array {
  const key = siteKey(1, origin, rd);
  key.set(capabilityId(NAMES[capability]!, 1), 10);
  return key;
}

function setOf(say: typeof set extends fc.Arbitrary<infer T> ? T : never, name: CapabilityName | undefined) {
  const { localPref, rt, second, bandwidth, score, state, lease, nextHop } = say;
  return attributeSet({
    ...{ localPref, nextHop: locator(nextHop) },
    extendedCommunities: [...[rt, ...second].map(target), ...bandwidth.map(linkBandwidth)],
    semantic: {
      ...{ score, state, name: name as CapabilityName },
      lease: { sequence: 1n, validUntil: seconds(EPOCH + lease), renew: seconds(1) },
    },
  });
}

/** For each tenant. */
const listOf = (names: readonly CapabilityName[]) =>
  names.flatMap((name) => TENANTS.map(({ index }) => ({ tenantIndex: index, name, majorVersion: 1 })));

/** A RIB, a compiler and tables, joined as in the daemon; of what the RIB decides so many are taken at a time. */
class Router {
  readonly rib: Rib;
  readonly plan: Forwarding;
  readonly clock: VirtualClock;
  readonly peers: readonly PeerIndex[];
  readonly #budgets: readonly number[];
  #drains = 0;
  #scheduled = false;

  constructor(clock: VirtualClock, secret: number, budgets: readonly number[]) {
    const random = new SeededRandom(secret);
    this.clock = clock;
    this.#budgets = budgets;
    this.rib = createRib(
      { local: ribPeer(1, "local"), tenants: TENANTS, maxRoutes: 48 },
      { clock, random, metrics: new TallyMetrics(), log: new ListLog() },
    );
    this.plan = forwarding({ clock, random, limits: LIMITS });
    this.peers = [0, this.rib.openPeer(ribPeer(2)), this.rib.openPeer(ribPeer(3, "external"))];
    this.rib.capability.onDestinationsChanged = () => this.#drain();
    this.#drain();
  }

  #drain(): void {
    this.#scheduled = false;
    const { capability } = this.rib;
    const { compiler } = this.plan;
    const budget = this.#budgets[this.#drains++ % this.#budgets.length]!;
    const left =
      capability.drainDestinations(
        (selection) => compiler.capabilityChanged(selection),
        budget,
        undefined,
        (destinations, count) => compiler.lookAhead(destinations, count),
      ) + capability.drainPrefixes((selection) => compiler.prefixChanged(selection), budget);
    if (left === 0 || this.#scheduled) return;
    this.#scheduled = true;
    this.clock.soon(() => this.#drain());
  }

  take(one: Event): void {
    const { rib, clock, peers } = this;
    const { compiler } = this.plan;
    switch (one.type) {
      case "announce": {
        const name = one.capability < NAMED ? NAMES[one.capability] : undefined;
        announce(rib, peers[one.peer]!, setOf(one.set, name), keyOf(one));
        break;
      }
      case "withdraw":
        withdraw(rib, peers[one.peer]!, keyOf(one));
        break;
      case "prefix": {
        const key = prefixKey(one.prefix, one.origin);
        if (one.comes) announce(rib, peers[one.peer]!, setOf(one.set, undefined), key);
        else withdraw(rib, peers[one.peer]!, key);
        break;
      }
      case "lose":
        while (!rib.capability.sweep(peers[one.peer]!, 5));
        break;
      case "later":
        clock.advance(one.span);
        break;
      case "tenants":
        rib.setTenants(one.of);
        break;
      case "taxonomy":
        compiler.taxonomy(listOf(one.names));
        break;
      case "instance": {
        const of = instance({ number: one.number, name: NAMES[one.number % 3]! });
        if (one.state === undefined) compiler.instanceRemoved(of);
        else compiler.instanceAdded(of, one.state);
        break;
      }
    }
  }

  /** All names are known, and nothing is in transition. */
  end(): void {
    this.plan.compiler.taxonomy(listOf(NAMES));
    this.clock.advance(2 * TRANSITION_END + 200_000);
    assert.equal(this.plan.compiler.pending, 0);
  }

  /** One that has been told nothing but what there is now. */
  fresh(events: readonly Event[]): Router {
    const router = new Router(new VirtualClock(this.clock.wall()), 3, [1000]);
    const latest = new Map<string, Event>();
    for (const one of events) {
      if (one.type === "tenants") latest.set(one.type, one);
      if (one.type === "instance") latest.set(`${one.type} ${one.number}`, one);
    }
    for (const one of latest.values()) router.take(one);
    for (const { key, peer: from, attributes } of this.rib.capability.routesOf({}))
      router.rib.capability.announce(router.peers[from]!, batch(key), intern(router.rib, attributes));
    return router;
  }
}

type Shares = ReadonlyMap<string, number>;

/** How many slots of each entry and aggregate lead where: whose they were before is no part of it. */
function sharesOf({ groups, nextHops, capabilities, aggregates = [] }: PlanSnapshot): ReadonlyMap<string, Shares> {
  const of = (group: GroupIndex): Shares => {
    const shares = new Map<string, number>();
    for (const { current } of groups.get(group)?.slots ?? []) {
      if (current === 0) continue;
      const owner = nextHopKey(nextHops.get(current)!.nextHop);
      shares.set(owner, (shares.get(owner) ?? 0) + 1);
    }
    return shares;
  };
  const all = new Map<string, Shares>();
  for (const [address, { group, localGroup }] of capabilities) {
    all.set(address, of(group));
    all.set(`${address} local`, of(localGroup));
  }
  for (const { prefix, group } of aggregates) all.set(formatIpv6Prefix(prefix), of(group));
  return all;
}

it("whatever routes come and go between slices, the tables are those of whoever was told only what is left (property)", () => {
  let [mostPending, served] = [0, 0];
  const events = fc.array(fc.tuple(event, fc.nat(3)), { maxLength: 80, size: "max" });
  const budgets = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(events, budgets, fc.integer(), (steps, slices, secret) => {
      const routers = [1, secret].map((each) => new Router(new BusyClock(1000 * EPOCH), each, slices));
      const [one, other] = routers as [Router, Router];
      const compare = (when: string): void =>
        assert.equal(octetsOf(other.plan.sink.news()), octetsOf(one.plan.sink.news()), when);
      for (const [step, turns] of steps) {
        for (const router of routers) {
          router.take(step);
          for (let left = turns; left > 0; left--) router.clock.turn();
        }
        compare(`after ${step.type}`);
        mostPending = Math.max(mostPending, one.plan.compiler.pending);
      }
      for (const router of routers) router.end();
      compare("in the end");
      const fresh = one.fresh(steps.map(([step]) => step));
      fresh.end();
      const [now, wanted] = [one, fresh].map(({ plan }) => sharesOf(plan.sink.snapshot())) as [
        ReturnType<typeof sharesOf>,
        ReturnType<typeof sharesOf>,
      ];
      assert.deepEqual([...now.keys()].sort(), [...wanted.keys()].sort());
      for (const [place, shares] of now) {
        const exact = wanted.get(place)!;
        assert.deepEqual([...shares.keys()].sort(), [...exact.keys()].sort(), place);
        // Each is within a slot of what is due
        for (const [owner, slots] of shares) assert.ok(Math.abs(slots - exact.get(owner)!) <= 2, `${place}: ${owner}`);
        served += shares.size;
      }
    }),
    { numRuns: 15, verbose: 1 },
  );
  assert.ok(mostPending > 1 && served > 20, `${mostPending} pending, ${served} serve`);
});
