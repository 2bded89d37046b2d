import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { milliseconds, seconds, toHex } from "../../src/base/index.ts";
import { NO_EXPORT, NO_LLGR } from "../../src/bgp/policy/index.ts";
import { ribDiscovery } from "../../src/daemon/discovery.ts";
import type { RowSources } from "../../src/daemon/rows.ts";
import { Scene } from "../bgp/speaker/scene.ts";
import { addressOf, DAMPING, domain, moved, NAMES, Node, offer } from "./domain.ts";

const [OCR, NL, SPEECH] = NAMES as [(typeof NAMES)[number], (typeof NAMES)[number], (typeof NAMES)[number]];
const ALICE = "spiffe://example.net/acme/agent/alice";
const BOB = "spiffe://example.net/acme/agent/bob";

describe("agents (AI) in a domain of three routers and a reflector", () => {
  it("everybody knows where an agent is; a move is seen by everybody, and the old place falls silent", async (t) => {
    const { scene, reflector, nodes } = await domain(t);
    const [r2, r3, r4] = nodes;
    const places = (): (string | undefined)[] => [reflector, ...nodes].map((node) => node.agent(ALICE));
    r2.register(ALICE);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r2", "r2", "r2", "r2"]);

    // The same minute, and a clock that is behind would do no harm either: it claims one more than what it has heard.
    r3.register(ALICE);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r3", "r3", "r3", "r3"]);
    assert.equal(reflector.rows("agent").length, 1, "r2 has taken its route back");

    // A renewal is no claim.
    r2.directory.renew(ALICE, milliseconds(3_600_000));
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r3", "r3", "r3", "r3"]);
    r2.register(ALICE);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r2", "r2", "r2", "r2"]);

    r2.directory.remove(ALICE, "deregistered");
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["r3", "r3", "r3", "r3"], "it is still registered there");
    r3.directory.remove(ALICE, "deregistered");
    scene.clock.advance(1000);
    assert.deepEqual(places(), [undefined, undefined, undefined, undefined]);
    assert.equal(r4.router.rib.capability.routes, 0);
  });

  it("a router that restarts gets back what had moved to it, whatever an old place has said meanwhile", async (t) => {
    const { scene, reflector, nodes } = await moved(t, ALICE, 120_000);
    const [r2, r3] = nodes;
    const record = r3.directory.known(ALICE);
    scene.kill(r3.router, addressOf(3));
    // Longer than its restart time: its routes are gone.
    scene.clock.advance(100_000);
    assert.equal(reflector.agent(ALICE), "r2", "nobody else says so any more");
    const again = await Node.start(scene, {
      ...{ address: addressOf(3), identifier: "10.0.0.3", selector: 3, peers: [{ address: addressOf(1) }] },
    });
    again.directory.put(record);
    scene.quiet(again.router);
    scene.clock.advance(1000);
    assert.deepEqual([reflector.agent(ALICE), r2.agent(ALICE), again.agent(ALICE)], ["r3", "r3", "r3"]);
  });

  it("two routers that both have it say one place, the same for all: no sequence, lower router ID", async (t) => {
    const { scene, reflector, nodes } = await domain(t);
    const [r2, r3] = nodes;
    for (const { directory } of [r3, r2]) {
      directory.register({ agent: ALICE, tenant: "acme", source: "configuration", offers: [offer(OCR)] });
    }
    scene.clock.advance(1000);
    assert.deepEqual(
      [reflector, ...nodes].map((node) => node.agent(ALICE)),
      ["r2", "r2", "r2", "r2"],
    );
    assert.equal(reflector.rows("agent").length, 1);
  });

  it("claims that go to and fro without end are stopped (RFC 7432 §15.1)", async (t) => {
    const { scene, nodes } = await domain(t);
    const [r2, r3, r4] = nodes;
    for (let i = 0; i < 20; i++) {
      (i % 2 === 0 ? r2 : r3).register(ALICE);
      scene.clock.advance(1000);
    }
    const settled = r4.agent(ALICE);
    const before = r2.updates + r3.updates;
    for (let i = 0; i < 20; i++) {
      (i % 2 === 0 ? r2 : r3).register(ALICE);
      scene.clock.advance(1000);
    }
    assert.equal(r4.agent(ALICE), settled);
    assert.ok([r2, r3].some(({ log }) => log.events().includes("agent.duplicate")));
    assert.ok(r2.updates + r3.updates - before <= 2, "nothing more is said about it");
  });

  it("an agent drains before it goes", async (t) => {
    const { scene, nodes } = await domain(t);
    const [r2, , r4] = nodes;
    r2.register(ALICE);
    r2.directory.drain(ALICE, "agent");
    scene.clock.advance(1000);
    assert.deepEqual(
      r4.rows("agent").map(({ attributes }) => attributes.semantic?.state),
      ["draining"],
    );
    assert.equal(r4.agent(ALICE), "r2");
  });
});

describe("instances (CI)", () => {
  const site = (n: number) => ({ selector: n === 4 ? 44 : 7, origination: { advertiseInstances: true } });

  it("routers of one site learn each other's instances; those of another site do not take them", async (t) => {
    const { scene, reflector, nodes } = await domain(t, site);
    const [r2, r3, r4] = nodes;
    r2.register(ALICE, [offer(OCR), offer(OCR)]);
    r3.register(BOB, [offer(OCR)]);
    r4.register("spiffe://example.net/acme/agent/carol", [offer(OCR)]);
    scene.clock.advance(1000);
    assert.deepEqual(r2.instances(OCR), ["r2 group key-order", "r2 winner local-site", "r3 group local-site"]);
    assert.deepEqual(r3.instances(OCR).length, 3);
    assert.deepEqual(r4.instances(OCR), ["r4 winner only-candidate"]);
    assert.equal(reflector.rows("instance").length, 4, "kept for its clients");
    for (const { attributes } of reflector.rows("instance")) {
      assert.deepEqual(attributes.communities, [NO_EXPORT, NO_LLGR]);
    }
    const counted = r4.router.metrics.sum("semrd_bgp_refused_routes_total", { reason: "other-site" });
    assert.equal(counted, 3);

    const [first] = r2.directory.instancesOf(ALICE);
    r2.directory.setHealth(first!.id, "down", "refused");
    scene.clock.advance(1000);
    assert.equal(r3.instances(OCR).length, 2);
  });

  it("cross no border, whatever their communities say", async (t) => {
    const scene = new Scene(t);
    const make = (n: number, other: number): Promise<Node> =>
      Node.start(scene, {
        ...{ address: addressOf(n), identifier: `10.0.0.${n}`, localAs: 64500 + n, selector: 7 },
        peers: [{ address: addressOf(other), remoteAs: 64500 + other }],
        speaker: { acceptExternal: true },
        origination: { advertiseInstances: true },
      });
    const [r2, r3] = [await make(2, 3), await make(3, 2)];
    scene.quiet(r2.router, r3.router);
    r2.register(ALICE);
    const [own] = r2.rows("instance");
    r2.router.speaker.originate(
      {
        type: "instance",
        ...{ routeDistinguisher: own!.key.slice(2, 10), originId: own!.originId },
        capabilityId: own!.key.slice(10, 26),
        instanceId: new Uint8Array(8),
      },
      { ...own!.attributes, communities: [] },
    );
    scene.clock.advance(1000);
    assert.equal(r2.rows("instance").length, 2);
    assert.equal(r3.rows("instance").length, 0);
    assert.equal(r3.rows("site").length, 1);
  });
});

describe("what an agent or a person is answered", () => {
  it("where an agent is, by its ID; who answers for a name that nobody serves", async (t) => {
    const { scene, nodes } = await domain(t, (n) => (n === 2 ? { origination: { prefixes: [OCR] } } : {}));
    const [r2, r3, r4] = nodes;
    r3.register(ALICE, [offer(OCR)]);
    scene.clock.advance(1000);
    const discovery = ribDiscovery({
      ...{ rib: r4.router.rib, directory: r4.directory },
      taxonomy: { tenants: new Map([["acme", 1]]) } as unknown as RowSources["taxonomy"],
      names: { router: () => undefined } as unknown as RowSources["names"],
    });
    const places = () =>
      discovery.places("acme", ALICE).map(({ origin, current, reason }) => `${origin} ${current} ${reason}`);
    assert.deepEqual(places(), ["10.0.0.3 true no other candidate is eligible"]);
    assert.deepEqual(discovery.places("globex", ALICE), []);
    assert.deepEqual(discovery.places("acme", BOB), []);
    r2.register(ALICE, [offer(NL)]);
    scene.clock.advance(1000);
    assert.deepEqual(places(), ["10.0.0.2 true no other candidate is eligible"]);
    const found = discovery.resolvers("acme", `${OCR}/latin` as typeof OCR);
    assert.equal(found?.prefix, OCR);
    assert.deepEqual(
      found.candidates.map(({ origin, eligible, score }) => [origin, eligible, score]),
      [["10.0.0.2", true, 10]],
    );
    assert.equal(discovery.resolvers("acme", SPEECH), undefined);
  });
});

const parse = (name: string) => name as typeof OCR;

describe("prefixes (CP)", () => {
  const aggregating = (n: number) => (n === 2 ? { origination: { prefixes: [parse("/vision")] } } : {});

  it("is announced while at least one capability below it can be used, with what they add up to", async (t) => {
    const { scene, nodes } = await domain(t, aggregating);
    const [r2, r3, r4] = nodes;
    r3.register(BOB, [offer(SPEECH)]);
    scene.clock.advance(1000);
    assert.equal(r4.prefix(OCR), undefined);
    r3.register(ALICE, [offer(OCR), offer(OCR), offer(NL)]);
    scene.clock.advance(1000);
    assert.equal(r4.prefix(OCR), "/vision r2");
    assert.equal(r4.prefix(parse("/vision/x/y")), "/vision r2");
    assert.equal(r4.prefix(SPEECH), undefined);
    const [row] = r4.rows("prefix");
    assert.deepEqual(row!.attributes.semantic?.aggregate, { count: 3, minimum: 10, mean: 10, maximum: 10 });

    const [one] = r3.directory.instancesFor({ tenant: "acme", capability: OCR, majorVersion: 1 });
    r3.directory.setHealth(one!.id, "down");
    scene.clock.advance(1000);
    assert.deepEqual(r4.rows("prefix")[0]!.attributes.semantic?.aggregate, {
      ...{ count: 2, minimum: 5, mean: 8, maximum: 10 },
    });
    r3.directory.remove(ALICE, "deregistered");
    scene.clock.advance(1000);
    assert.equal(r4.prefix(OCR), undefined);
    assert.equal(r2.rows("prefix").length, 0);
  });

  it("is told to others also while its damped mean is behind the scores of now", async (t) => {
    const damped = (n: number) => ({ origination: { damping: DAMPING, ...aggregating(n).origination } });
    const { scene, nodes } = await domain(t, damped);
    const [r2, r3, r4] = nodes;
    const told = () => r4.rows("prefix").map(({ attributes }) => attributes.semantic?.aggregate);
    r3.register(ALICE, [offer(OCR), offer(OCR)]);
    r3.directory.drain(ALICE, "agent");
    scene.clock.advance(1000);
    assert.deepEqual(told(), [{ count: 0, minimum: 0, mean: 1, maximum: 1 }], "all that serve it drain");
    r3.register(BOB, [offer(OCR), offer(NL)]);
    for (let i = 0; i < 100; i++) {
      scene.clock.advance(1000);
      assert.equal(
        r4.prefix(OCR),
        "/vision r2",
        `after ${i} s: ${JSON.stringify(r2.rows("prefix"), (_, v) => String(v))}`,
      );
    }
  });

  it("stands for its more-specifics across the border where that is asked for", async (t) => {
    const scene = new Scene(t);
    const suppressed = new Set([toHex((await import("../../src/base/index.ts")).capabilityId(OCR, 1))]);
    const make = (n: number, other: number, more: object): Promise<Node> =>
      Node.start(scene, {
        ...{ address: addressOf(n), identifier: `10.0.0.${n}`, localAs: 64500 + n },
        peers: [{ address: addressOf(other), remoteAs: 64500 + other }],
        speaker: { acceptExternal: true, ...more },
        origination: { prefixes: n === 2 ? [parse("/vision")] : [] },
      });
    const isSuppressed = (key: Uint8Array, at: number) => suppressed.has(toHex(key.subarray(at + 10, at + 26)));
    const [r2, r3] = [await make(2, 3, { isSuppressed }), await make(3, 2, {})];
    scene.quiet(r2.router, r3.router);
    r2.register(ALICE, [offer(OCR), offer(SPEECH)]);
    scene.clock.advance(1000);
    assert.deepEqual(r3.sites(OCR), []);
    assert.equal(r3.prefix(OCR), "/vision r2");
    assert.deepEqual(r3.sites(SPEECH), ["r2 winner only-candidate"]);
    assert.equal(r2.router.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "suppressed" }) > 0, true);
  });
});

describe("routers that heard the same", () => {
  it("choose the same, whatever happened in whatever order (DESIGN 4.3)", async (t) => {
    const step = fc.record({
      router: fc.nat(2),
      what: fc.constantFrom("register", "remove", "drain", "down", "up", "drain-router", "serve-router"),
      agent: fc.constantFrom(ALICE, BOB),
      name: fc.constantFrom(OCR, NL, SPEECH),
      after: fc.integer({ min: 0, max: 7000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const prefixes = [parse("/vision")];
        const { scene, reflector, nodes } = await domain(t, (n) => ({
          origination: { damping: DAMPING, ...(n === 4 ? { prefixes } : {}) },
        }));
        const draining = new Set<Node>();
        for (const { router, what, agent, name, after } of steps) {
          const node = nodes[router]!;
          const isKnown = node.directory.agent(agent) !== undefined;
          if (what === "register") node.register(agent, [offer(name), offer(name)]);
          else if (what === "remove") node.directory.remove(agent, "deregistered");
          else if (what === "drain" && isKnown) node.directory.drain(agent, "agent");
          else if (what === "drain-router" || what === "serve-router") {
            node.draining = what === "drain-router";
            draining[what === "drain-router" ? "add" : "delete"](node);
          } else for (const { id } of node.directory.instancesOf(agent)) node.directory.setHealth(id, what as "up");
          scene.clock.advance(after);
        }
        scene.clock.advance(200_000);
        const chosen = (node: Node, seenFrom: Node) => ({
          // Which of equal sites is the best depends on where one is: its own comes first (DESIGN 5). Who drains lowers the
          // preference of its own sites for the others alone (RFC 8326 §4.2), so it may use its own where they do not.
          sites: NAMES.map((name) =>
            node
              .sites(name)
              .map((line) => line.replace(/winner .*|group .*/, "used"))
              .map((line) => (draining.has(seenFrom) ? line.replace("excluded local-preference", "used") : line))
              .sort(),
          ),
          agents: [ALICE, BOB].map((agent) => node.agent(agent)),
          prefix: node.prefix(OCR),
        });
        for (const node of nodes) assert.deepEqual(chosen(node, node), chosen(reflector, node));
        const first = chosen(reflector, reflector);
        // And it is the truth: who can serve is used.
        for (const [i, name] of NAMES.entries()) {
          const serving = nodes.filter(
            ({ directory }) => (directory.localSite("acme", name, 1)?.state ?? "down") !== "down",
          );
          assert.equal(first.sites[i]!.length, serving.length, name);
        }
        await scene.close();
      }),
      { numRuns: 15 },
    );
  });
});

describe("TLVs of SEMANTIC that a router does not know (DESIGN 4.4)", () => {
  for (const passUnknownTlvs of [false, true]) {
    it(`go on inside the domain, across its border ${passUnknownTlvs ? "where configured" : "not"}`, async (t) => {
      const scene = new Scene(t);
      const start = (n: number, localAs: number, peers: readonly (readonly [number, number])[]): Promise<Node> =>
        Node.start(scene, {
          ...{ address: addressOf(n), identifier: `10.0.0.${n}`, localAs },
          peers: peers.map(([other, remoteAs]) => ({ address: addressOf(other), remoteAs, reflectorClient: false })),
          speaker: { acceptExternal: true, passUnknownTlvs },
        });
      const r2 = await start(2, 65000, [[3, 65000]]);
      const r3 = await start(3, 65000, [
        [2, 65000],
        [4, 65001],
      ]);
      const r4 = await start(4, 65001, [[3, 65000]]);
      scene.quiet(r2.router, r3.router, r4.router);
      const level1 = { type: 3, value: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3) };
      const unknown = { type: 0x7777, value: Uint8Array.of(1, 2) };
      r2.router.originate(1, {}, { opaque: [level1, unknown] });
      scene.clock.advance(1000);
      const known = ({ router }: Node) => router.rows()[0]!.attributes.semantic!.opaque;
      assert.deepEqual(known(r3), [level1, unknown]);
      assert.deepEqual(known(r4), passUnknownTlvs ? [level1, unknown] : [level1]);
    });
  }
});

describe("sites (CS)", () => {
  it("a drain is seen by the others: an instance, an agent, a router; flows stay usable there until it is over", async (t) => {
    const { scene, nodes } = await domain(t);
    const [r2, r3, r4] = nodes;
    r2.register(ALICE, [offer(OCR), offer(OCR)]);
    r3.register(BOB, [offer(OCR)]);
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner router-id", "r3 group router-id"]);

    const [one] = r2.directory.instancesOf(ALICE);
    r2.directory.setAdminState(ALICE, { state: "draining", by: "operator" }, new Set([one!.id]));
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r3 winner score", "r2 group score"], "half of the site");

    r2.directory.drain(ALICE, "agent", milliseconds(scene.clock.wall() + 30_000));
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r3 winner state-draining", "r2 excluded state-draining"]);
    const selection = r4.router.rib.capability.select(1, r4.rows("site")[0]!.key.slice(10, 26));
    assert.equal(selection.candidates.find(({ judgement }) => judgement === "excluded")!.usable, true);
    scene.clock.advance(30_000);
    assert.deepEqual(r4.sites(OCR), ["r3 winner only-candidate"], "the deadline has passed");

    r2.register(ALICE, [offer(OCR)]);
    scene.clock.advance(1000);
    r3.draining = true;
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner state-draining", "r3 excluded state-draining"]);
    r3.draining = false;
    scene.clock.advance(1000);
    assert.equal(r4.sites(OCR).length, 2);
    assert.ok(r4.sites(OCR).every((line) => !line.includes("draining")));
  });

  it("a lease that is not renewed ends where it was heard; its renewal is one UPDATE an hour", async (t) => {
    const { scene, nodes } = await domain(t);
    const [r2, , r4] = nodes;
    r2.register(ALICE);
    scene.clock.advance(1000);
    const before = r2.updates;
    for (let i = 0; i < 60; i++) {
      r2.directory.renew(ALICE, milliseconds(3_600_000));
      scene.clock.advance(10_000);
    }
    assert.equal(r2.updates, before, "renewals of agents are not told");
    const short = { sequence: 9n, validUntil: seconds(Math.floor(scene.clock.wall() / 1000) + 60), renew: seconds(20) };
    const [row] = r2.rows("site");
    const { key, originId, attributes } = row!;
    const capabilityId = key.slice(10, 26);
    r2.router.speaker.originate(
      { type: "site", routeDistinguisher: key.slice(2, 10), capabilityId, originId },
      { ...attributes, semantic: { ...attributes.semantic!, lease: short } },
    );
    scene.clock.advance(1000);
    assert.deepEqual(r4.sites(OCR), ["r2 winner only-candidate"]);
    scene.clock.advance(60_000);
    assert.deepEqual(r4.sites(OCR), ["r2 excluded lease"]);
  });

  it("a storm of health changes is few UPDATEs to the domain, and all routers agree in the end", async (t) => {
    const { scene, reflector, nodes } = await domain(t, () => ({ origination: { damping: DAMPING } }));
    const [r2] = nodes;
    r2.register(
      ALICE,
      [...Array(10)].map(() => offer(OCR)),
    );
    scene.clock.advance(60_000);
    const before = r2.updates;
    const ids = r2.directory.instancesOf(ALICE).map(({ id }) => id);
    for (let i = 0; i < 2000; i++) {
      const state = Math.floor(i / 9) % 2 === 0 ? "down" : "up";
      r2.directory.setHealth(ids[1 + (i % 9)]!, state);
      scene.clock.advance(10);
    }
    const sent = r2.updates - before;
    for (const id of ids) r2.directory.setHealth(id, "up");
    scene.clock.advance(120_000);
    t.diagnostic(`2 000 changes of one site in 20 s: ${sent} UPDATEs`);
    assert.ok(sent <= 20, `${sent} UPDATEs`);
    for (const node of [reflector, ...nodes]) {
      assert.deepEqual(
        node.rows("site").map(({ attributes }) => attributes.semantic?.aggregate?.count),
        [10],
      );
    }
  });
});
