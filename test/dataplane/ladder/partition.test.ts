/** The last step of the ladder, on a virtual clock: RIB, compiler and the model of the pass. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type CapabilityName, capabilityId, formatIpv6, milliseconds, seconds } from "../../../src/base/index.ts";
import { FlowTable } from "../../../src/dataplane/memory/flow-table.ts";
import type { PassState } from "../../../src/dataplane/memory/outcome.ts";
import { processFrame } from "../../../src/dataplane/memory/pass.ts";
import { DOMAIN, forwarding, instance, locator, OWN } from "../../forwarding/world.ts";
import { announce, attributeSet, EPOCH, ribPeer, siteKey, withdraw, world } from "../../rib/world.ts";
import { address, ethernet, tcp } from "../memory/frames.ts";

const FAR = "/vision/far" as CapabilityName;
const BOTH = "/vision/both" as CapabilityName;
const MOVED = "/vision/moved" as CapabilityName;
const NEW = "/vision/new" as CapabilityName;
const NAMES = [FAR, BOTH, MOVED, NEW];
const LEASE = 60_000;
/** What is announced by this router itself. */
const LOCAL_PEER = 0;

function siteRoute(name: CapabilityName, origin: number): Uint8Array {
  const key = siteKey(1, origin);
  key.set(capabilityId(name, 1), 10);
  return key;
}

const routes = (name: CapabilityName, origin: number, lasts: number) =>
  attributeSet({
    nextHop: locator(origin),
    semantic: { name, lease: { sequence: 1n, validUntil: seconds(EPOCH + lasts / 1000), renew: seconds(1) } },
  });

/** Router 1 with its RIB, its compiler and its pass; router 2 is on the other side. */
function thisSide() {
  const { rib, clock } = world();
  const { compiler, sink } = forwarding({ clock });
  rib.capability.onDestinationsChanged = () => {
    rib.capability.drainDestinations((selection) => compiler.capabilityChanged(selection), 100);
  };
  compiler.nodes([locator(2)]);
  const peer = rib.openPeer(ribPeer(2));
  const state: PassState = {
    ...{ domain: DOMAIN, locator: OWN, hashSeed: 7, tunnelMtu: 1500, plan: sink.tables },
    flows: new FlowTable(100),
    returns: new FlowTable(100),
    transitions: new FlowTable(100),
    ...{
      mayAnswer: true,
      now: 0,
      turn: 0,
      fragments: new Map<string, never>(),
      route: () => ({ mtu: 65535 }),
      left: () => ({ packets: 1e9, octets: 1e9 }),
    },
  };
  const entryOf = (name: CapabilityName) => {
    const id = capabilityId(name, 1).subarray(0, 4);
    return [...sink.snapshot().capabilities.values()].find(
      ({ address: at }) => at.subarray(10, 14).every((octet, i) => octet === id[i]) && at[15] === 0,
    )!;
  };
  /** What becomes of 64 connections that begin. */
  const fates = (name: CapabilityName): Set<string> => {
    const { address: destination } = entryOf(name);
    return new Set(
      Array.from({ length: 64 }, (_, i) => {
        const frame = ethernet(
          tcp(
            { source: address("2001:db8:c::1"), destination },
            { sourcePort: 1000 + i, destinationPort: 80, flags: 2 },
          ),
        );
        const { verdict } = processFrame(
          state,
          { role: "client", tenantIndex: 1, partialChecksums: false },
          { frame, hook: "tc" },
        );
        return verdict;
      }),
    );
  };
  /** What is registered here, and what the other side says. */
  const here = (name: CapabilityName) => announce(rib, LOCAL_PEER, routes(name, 1, 100 * LEASE), siteRoute(name, 1));
  const there = (name: CapabilityName, lasts: number) =>
    announce(rib, peer, routes(name, 2, lasts), siteRoute(name, 2));
  // an address that is known stays known when nobody serves it
  compiler.taxonomy(NAMES.map((name) => ({ tenantIndex: 1, name, majorVersion: 1 })));
  return { rib, clock, compiler, peer, entryOf, fates, here, there };
}

it("partition: what only the other side has is served until its lease runs out and then refused; what is here goes on", () => {
  const { clock, compiler, entryOf, fates, here, there } = thisSide();
  for (const name of [FAR, BOTH]) there(name, LEASE);
  here(BOTH);
  compiler.instanceAdded(instance({ number: 1, name: BOTH }), "up");
  clock.settle();
  assert.deepEqual(fates(FAR), new Set(["encapsulated"]));
  assert.deepEqual(fates(BOTH), new Set(["encapsulated", "delivered"]));

  // Nothing is heard of the other side any more, neither that it goes on nor that it ended; its routes are kept.
  clock.advance(milliseconds(LEASE - 1));
  assert.deepEqual(fates(FAR), new Set(["encapsulated"]), "until the lease ends");
  clock.advance(milliseconds(1));
  assert.deepEqual(fates(FAR), new Set(["reject-empty-group"]), `${formatIpv6(entryOf(FAR).address)}: fail closed`);
  assert.deepEqual(fates(BOTH), new Set(["delivered"]), "what is here goes on");

  // The sides find each other again.
  for (const name of [FAR, BOTH]) there(name, 10 * LEASE);
  clock.settle();
  assert.deepEqual(fates(FAR), new Set(["encapsulated"]));
  assert.deepEqual(fates(BOTH), new Set(["encapsulated", "delivered"]));
  compiler[Symbol.dispose]();
});

it("partition that heals with both sides changed: what went meanwhile goes when the other side has said all, what came is served at once, nothing waits for a lease", () => {
  const { rib, clock, compiler, peer, fates, here, there } = thisSide();
  for (const name of [FAR, BOTH, MOVED]) there(name, 100 * LEASE);
  here(BOTH);
  compiler.instanceAdded(instance({ number: 1, name: BOTH }), "up");
  clock.settle();
  const all = () => NAMES.map((name) => [...fates(name)].sort().join(" or "));
  const REFUSED = "reject-empty-group";
  assert.deepEqual(all(), ["encapsulated", "delivered or encapsulated", "encapsulated", REFUSED]);

  // The session is lost, its routes are kept. Meanwhile here one dies and another one comes.
  rib.capability.markStale(peer);
  clock.advance(milliseconds(LEASE));
  assert.deepEqual(all(), ["encapsulated", "delivered or encapsulated", "encapsulated", REFUSED], "as before");
  compiler.instanceState(instance({ number: 1 }).id, "down");
  withdraw(rib, LOCAL_PEER, siteRoute(BOTH, 1));
  here(MOVED);
  compiler.instanceAdded(instance({ number: 2, name: MOVED }), "up");
  clock.settle();
  assert.deepEqual(
    all(),
    ["encapsulated", "encapsulated", "delivered or encapsulated", REFUSED],
    "what is here now, and what was there (RFC 4724: stale routes are as good as others)",
  );

  // They find each other again; over there FAR and MOVED have gone, and NEW has come.
  for (const name of [BOTH, NEW]) there(name, 100 * LEASE);
  clock.settle();
  assert.deepEqual(
    all(),
    ["encapsulated", "encapsulated", "delivered or encapsulated", "encapsulated"],
    "served as soon as it is said",
  );
  while (!rib.capability.sweepStale(peer, 1));
  clock.settle();
  assert.deepEqual(all(), [REFUSED, "encapsulated", "delivered", "encapsulated"], "End-of-RIB: the rest is gone");
  compiler[Symbol.dispose]();
});
