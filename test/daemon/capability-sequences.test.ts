import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { agentIdHash, type CapabilityName, capabilityId, seconds } from "../../src/base/index.ts";
import { LLGR_STALE } from "../../src/bgp/policy/index.ts";
import { TENANT } from "../bgp/speaker/router.ts";
import { addressOf, DAMPING, domain, moved, NAMES, Node, offer } from "./domain.ts";

const [OCR, NL] = NAMES as [CapabilityName, CapabilityName];
const ALICE = "spiffe://example.net/acme/agent/alice";
const BOB = "spiffe://example.net/acme/agent/bob";
const VISION = "/vision" as string as CapabilityName;
const LAST = 0xffffffffffffffffn;

const LONG = {
  gracefulRestart: {
    ...{ restartTime: seconds(10), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
    longLivedStaleTime: seconds(600),
  },
};

/** Where an agent is, with a sequence number of somebody's choice. */
function claim(node: Node, agent: string, sequence: bigint): void {
  node.router.speaker.originate(
    {
      ...{ type: "agent", routeDistinguisher: TENANT.routeDistinguisher },
      ...{ agentId: agentIdHash(agent), originId: node.router.originId },
    },
    {
      ...{ origin: "igp", asPath: [], nextHop: node.router.nextHop, localPref: 100, communities: [] },
      ...{ extendedCommunities: TENANT.exportTargets, largeCommunities: [], opaque: [] },
      semantic: {
        ...{ score: 10, labels: [], state: "up", opaque: [] },
        lease: { sequence, validUntil: seconds(1_900_000_000), renew: seconds(60) },
      },
    },
  );
}

const sequences = (node: Node): bigint[] =>
  node
    .rows("agent")
    .map(({ attributes }) => attributes.semantic!.lease.sequence)
    .sort();

describe("the last sequence number of an agent's moves (RFC 7432 §15)", () => {
  it("is not counted on: nobody falls back to the first one, and all agree on a place", async (t) => {
    const { scene, reflector, nodes } = await domain(t);
    const [r2, r3, r4] = nodes;
    const places = () => [reflector, ...nodes].map((node) => node.agent(ALICE));
    claim(r3, ALICE, LAST);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r3", "r3", "r3", "r3"]);

    // The higher router ID claims it: as high as can be said, which is not enough.
    r4.register(ALICE);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r3", "r3", "r3", "r3"]);
    assert.deepEqual(sequences(reflector), [LAST]);
    assert.ok(r4.log.events().includes("agent.sequence-exhausted"));

    // The lower one has it.
    r2.register(ALICE);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r2", "r2", "r2", "r2"]);
    assert.deepEqual(sequences(reflector), [LAST, LAST], "r3 does not follow the rules and stays");
    r2.directory.remove(ALICE, "deregistered");
    r3.router.speaker.withdraw({
      ...{ type: "agent", routeDistinguisher: TENANT.routeDistinguisher },
      ...{ agentId: agentIdHash(ALICE), originId: r3.router.originId },
    });
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r4", "r4", "r4", "r4"], "it has waited");
  });

  it("but one is one: it is still a later move than the one before", async (t) => {
    const { scene, reflector, nodes } = await domain(t);
    const [r2, r3] = nodes;
    claim(r2, ALICE, LAST - 1n);
    scene.clock.advance(1000);
    r3.register(ALICE);
    scene.clock.advance(1000);
    assert.equal(reflector.agent(ALICE), "r3");
    assert.deepEqual(sequences(reflector), [LAST - 1n, LAST]);
    assert.ok(!r3.log.events().includes("agent.sequence-exhausted"));
  });
});

describe("an agent that is down for a while", () => {
  it("is where it was claimed last when it is back, also where an old place has spoken meanwhile", async (t) => {
    const { scene, reflector, nodes } = await moved(t, ALICE);
    const [, r3] = nodes;
    const [one] = r3.directory.instancesOf(ALICE);
    r3.directory.setHealth(one!.id, "down");
    scene.clock.advance(1000);
    assert.equal(reflector.agent(ALICE), "r2");
    r3.directory.setHealth(one!.id, "up");
    scene.clock.advance(1000);
    assert.equal(reflector.agent(ALICE), "r3");
  });

  it("is told of no oftener than good news may be, and a move of it at once", async (t) => {
    const { scene, reflector, nodes } = await domain(t, () => ({ origination: { damping: DAMPING } }));
    const [r2, r3] = nodes;
    r2.register(ALICE);
    scene.clock.advance(1000);
    const [one] = r2.directory.instancesOf(ALICE);
    const before = r2.updates;
    for (let i = 0; i < 200; i++) {
      r2.directory.setHealth(one!.id, i % 2 === 0 ? "down" : "up");
      scene.clock.advance(250);
    }
    assert.ok(r2.updates - before <= 24, `${r2.updates - before} UPDATEs of 200 changes: its site's and its own`);
    r3.register(ALICE);
    scene.clock.advance(100);
    assert.equal(reflector.agent(ALICE), "r3");
    r2.register(ALICE);
    scene.clock.advance(120_000);
    r3.register(ALICE);
    scene.clock.advance(100);
    assert.equal(reflector.agent(ALICE), "r3");
    r2.register(ALICE);
    scene.clock.advance(100);
    assert.equal(reflector.agent(ALICE), "r2", "within the interval of good news");
  });
});

describe("leases and restarts", () => {
  it("a lease that ends while its router restarts ends the use of the route at that second; said anew, it is used again", async (t) => {
    const { scene, reflector, nodes } = await domain(t);
    const [r2, , r4] = nodes;
    r2.register(ALICE);
    scene.clock.advance(1000);
    const [row] = r2.rows("site");
    const { key, originId, attributes } = row!;
    const id = { routeDistinguisher: key.slice(2, 10), capabilityId: key.slice(10, 26), originId };
    const nlri = { type: "site", ...id } as const;
    const validUntil = seconds(Math.floor(scene.clock.wall() / 1000) + 20);
    const lease = { sequence: 9n, validUntil, renew: seconds(5) };
    r2.router.speaker.originate(nlri, { ...attributes, semantic: { ...attributes.semantic!, lease } });
    scene.clock.advance(1000);
    scene.kill(r2.router, addressOf(2));
    scene.clock.advance(Math.floor(validUntil * 1000 - scene.clock.wall()) - 10);
    assert.equal(reflector.rows("site")[0]!.stale, true, "kept for the restart time of 30 s");
    assert.deepEqual(
      [reflector.sites(OCR), r4.sites(OCR)],
      [["r2 winner only-candidate"], ["r2 winner only-candidate"]],
    );
    scene.clock.advance(20);
    assert.deepEqual([reflector.sites(OCR), r4.sites(OCR)], [["r2 excluded lease"], ["r2 excluded lease"]]);
    assert.equal(reflector.rows("site")[0]!.stale, true);

    const back = await Node.start(scene, {
      ...{ address: addressOf(2), identifier: "10.0.0.2", selector: 2, peers: [{ address: addressOf(1) }] },
      speaker: { start: { restarted: true, forwardingPreserved: true } },
    });
    back.register(ALICE);
    scene.quiet(back.router);
    scene.clock.advance(1000);
    assert.deepEqual(
      [reflector.sites(OCR), r4.sites(OCR)],
      [["r2 winner only-candidate"], ["r2 winner only-candidate"]],
    );
    assert.equal(reflector.rows("site")[0]!.stale, false);
  });

  it("who drains is alive, and comes before the last resort of a router that may be gone (RFC 9494 §4.3)", async (t) => {
    const { scene, nodes } = await domain(t, () => ({ speaker: LONG }));
    const [r2, r3, r4] = nodes;
    r2.register(ALICE);
    r3.register(BOB);
    scene.clock.advance(1000);
    r3.draining = true;
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner state-draining", "r3 excluded state-draining"]);
    scene.kill(r2.router, addressOf(2));
    scene.clock.advance(9000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner state-draining", "r3 excluded state-draining"], "it restarts");
    scene.clock.advance(3000);
    assert.ok(r4.rows("site").some(({ attributes }) => attributes.communities.includes(LLGR_STALE)));
    assert.deepEqual(r4.sites(OCR), ["r3 winner llgr-stale", "r2 excluded llgr-stale"]);
    r3.draining = false;
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r3 winner llgr-stale", "r2 excluded llgr-stale"]);
    r3.directory.remove(BOB, "deregistered");
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner only-candidate"], "there is nobody else");
  });

  it("a router that restarts says all at once what it has, and damps its flaps as ever", async (t) => {
    const { scene, nodes } = await domain(t, () => ({ origination: { damping: DAMPING } }));
    const [r2, , r4] = nodes;
    const flap = async (node: Node, times: number) => {
      for (let i = 0; i < times; i++) {
        for (const { id } of node.directory.instancesOf(ALICE))
          node.directory.setHealth(id, i % 2 === 0 ? "down" : "up");
        scene.clock.advance(250);
      }
    };
    r2.register(ALICE);
    scene.clock.advance(1000);
    await flap(r2, 40);
    assert.deepEqual(r4.sites(OCR), [], "held back");
    scene.kill(r2.router, addressOf(2));
    const back = await Node.start(scene, {
      ...{ address: addressOf(2), identifier: "10.0.0.2", selector: 2, peers: [{ address: addressOf(1) }] },
      ...{ speaker: { start: { restarted: true, forwardingPreserved: true } }, origination: { damping: DAMPING } },
    });
    back.register(ALICE);
    scene.quiet(back.router);
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner only-candidate"], "what a new process says first is not held back");
    const before = back.updates;
    await flap(back, 200);
    assert.ok(back.updates - before <= 24, `${back.updates - before} UPDATEs of 200 changes within 50 s`);
  });
});

describe("prefixes (CP) and what is below them", () => {
  const aggregating = (n: number) => (n === 2 ? { prefixes: [VISION] } : {});

  it("go with the last of it at once, and come back no oftener than good news may", async (t) => {
    const { scene, nodes } = await domain(t, (n) => ({ origination: { ...aggregating(n), damping: DAMPING } }));
    const [r2, r3, r4] = nodes;
    r3.register(ALICE, [offer(OCR)]);
    scene.clock.advance(1000);
    assert.equal(r4.prefix(OCR), `${VISION} r2`);
    const [one] = r3.directory.instancesOf(ALICE);
    r3.directory.setHealth(one!.id, "down");
    scene.clock.advance(50);
    assert.equal(r4.prefix(OCR), undefined, "a hard failure");
    const before = r2.updates;
    for (let i = 0; i < 240; i++) {
      r3.directory.setHealth(one!.id, i % 2 === 0 ? "up" : "down");
      scene.clock.advance(250);
      if (r4.sites(OCR).length === 0) assert.equal(r4.prefix(OCR), undefined, "never without anything below");
    }
    t.diagnostic(`240 changes of the last one below within a minute: ${r2.updates - before} UPDATEs of the prefix`);
    assert.ok(r2.updates - before <= 14, `${r2.updates - before} UPDATEs`);
    r3.directory.setHealth(one!.id, "up");
    scene.clock.advance(120_000);
    assert.equal(r4.prefix(OCR), `${VISION} r2`);
  });

  it("drain when all that is below does, and not before", async (t) => {
    const { scene, nodes } = await domain(t, (n) => ({ origination: aggregating(n) }));
    const [, r3, r4] = nodes;
    const state = () => r4.rows("prefix").map(({ attributes }) => attributes.semantic?.state);
    r3.register(ALICE, [offer(OCR)]);
    r4.register(BOB, [offer(NL)]);
    scene.clock.advance(1000);
    assert.deepEqual(state(), ["up"]);
    r3.directory.drain(ALICE, "agent");
    scene.clock.advance(1000);
    assert.deepEqual(state(), ["up"]);
    r4.directory.drain(BOB, "agent");
    scene.clock.advance(1000);
    assert.deepEqual(state(), ["draining"]);
    r4.register(BOB, [offer(NL)]);
    scene.clock.advance(1000);
    assert.deepEqual(state(), ["up"]);
  });
});

describe("one instance that two routers of a site announce", () => {
  const site = { selector: 7, origination: { advertiseInstances: true } };

  it("is there while one of them says so", async (t) => {
    const { scene, nodes } = await domain(t, () => site);
    const [r2, r3, r4] = nodes;
    const shared = offer(OCR);
    for (const node of [r2, r3]) node.register(ALICE, [shared]);
    scene.clock.advance(1000);
    const ids = new Set(r4.rows("instance").map(({ subject }) => JSON.stringify(subject)));
    assert.deepEqual([ids.size, r4.rows("instance").length], [1, 2], "the same instance, by two routers");
    assert.deepEqual(r4.instances(OCR), ["r2 winner router-id", "r3 group router-id"]);
    r2.directory.remove(ALICE, "deregistered");
    scene.clock.advance(1000);
    assert.deepEqual(r4.instances(OCR), ["r3 winner only-candidate"]);
    assert.deepEqual(r4.sites(OCR), ["r3 winner only-candidate"]);
    r3.directory.remove(ALICE, "deregistered");
    scene.clock.advance(1000);
    assert.deepEqual([r4.instances(OCR), r4.rows("instance").length], [[], 0]);
  });
});

describe("a router that is renumbered", () => {
  it("leaves nothing behind under its old ID: sites, instances, agents, prefixes", async (t) => {
    const { scene, reflector, nodes } = await domain(t, (n) => ({
      ...{ selector: 7, origination: { advertiseInstances: true, prefixes: n === 2 ? [VISION] : [] } },
    }));
    const [r2, r3, r4] = nodes;
    r2.register(ALICE, [offer(OCR), offer(NL)]);
    r3.register(BOB, [offer(OCR)]);
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner router-id", "r3 group router-id"]);
    const seen = new Set<number>();
    r2.renumber(0x0a000009);
    for (let i = 0; i < 20; i++) {
      scene.clock.advance(5);
      seen.add(r4.sites(OCR).length);
    }
    scene.clock.advance(1000);
    assert.ok(!seen.has(0), "somebody serves it all the time");
    for (const node of [reflector, r3, r4]) {
      const origins = (type: "site" | "instance" | "agent" | "prefix") =>
        [...new Set(node.rows(type).map(({ originId }) => originId & 0xff))].sort();
      assert.deepEqual(
        ["site", "instance", "agent", "prefix"].map((type) => origins(type as "site")),
        [[3, 9], [3, 9], [3, 9], [9]],
      );
      assert.deepEqual(node.agent(ALICE), "r9");
      assert.equal(node.prefix(OCR), `${VISION} r9`);
    }
    assert.deepEqual(r4.sites(OCR).sort(), ["r3 winner router-id", "r9 group router-id"]);
    // An agent that has moved there meanwhile stays: a new ID is no new claim.
    r3.register(ALICE, [offer(OCR)]);
    scene.clock.advance(1000);
    r2.renumber(0x0a000001 + 1);
    scene.clock.advance(1000);
    assert.deepEqual(
      [r2, r3, r4].map((node) => node.agent(ALICE)),
      ["r3", "r3", "r3"],
    );
    assert.deepEqual(
      r4.router.rib.capability
        .select(1, capabilityId(OCR, 1))
        .candidates.map(({ candidate }) => candidate.originId & 0xff)
        .sort(),
      [2, 3],
    );
  });
});
