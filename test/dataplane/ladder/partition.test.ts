/** The last step of the ladder, on a virtual clock: RIB, compiler and the model of the pass. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type CapabilityName, capabilityId, formatIpv6, milliseconds, seconds } from "../../../src/base/index.ts";
import { FlowTable } from "../../../src/dataplane/memory/flow-table.ts";
import type { PassState } from "../../../src/dataplane/memory/outcome.ts";
import { processFrame } from "../../../src/dataplane/memory/pass.ts";
import { DOMAIN, forwarding, instance, locator, OWN } from "../../forwarding/world.ts";
import { announce, attributeSet, EPOCH, ribPeer, siteKey, world } from "../../rib/world.ts";
import { address, ethernet, tcp } from "../memory/frames.ts";

const FAR = "/vision/far" as CapabilityName;
const BOTH = "/vision/both" as CapabilityName;
const LEASE = 60_000;
/** What is announced by this router itself. */
const LOCAL_PEER = 0;

function siteRoute(name: CapabilityName, origin: number): Uint8Array {
  const key = siteKey(1, origin);
  key.set(capabilityId(name, 1), 10);
  return key;
}

it("partition: what only the other side has is served until its lease runs out and then refused; what is here goes on", () => {
  const { rib, clock } = world();
  const { compiler, sink } = forwarding({ clock });
  rib.capability.onDestinationsChanged = () => {
    rib.capability.drainDestinations((selection) => compiler.capabilityChanged(selection), 100);
  };
  compiler.nodes([locator(2)]);
  const routes = (name: CapabilityName, origin: number, lasts: number) =>
    attributeSet({
      nextHop: locator(origin),
      semantic: {
        name,
        lease: { sequence: 1n, validUntil: seconds(EPOCH + lasts / 1000), renew: seconds(1) },
      },
    });
  const peer = rib.openPeer(ribPeer(2));
  for (const name of [FAR, BOTH]) announce(rib, peer, routes(name, 2, LEASE), siteRoute(name, 2));
  announce(rib, LOCAL_PEER, routes(BOTH, 1, 100 * LEASE), siteRoute(BOTH, 1));
  compiler.instanceAdded(instance({ number: 1, name: BOTH }), "up");
  // an address that is known stays known when nobody serves it
  compiler.taxonomy([FAR, BOTH].map((name) => ({ tenantIndex: 1, name, majorVersion: 1 })));
  clock.settle();

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
  assert.deepEqual(fates(FAR), new Set(["encapsulated"]));
  assert.deepEqual(fates(BOTH), new Set(["encapsulated", "delivered"]));

  // Nothing is heard of the other side any more, neither that it goes on nor that it ended; its routes are kept.
  clock.advance(milliseconds(LEASE - 1));
  assert.deepEqual(fates(FAR), new Set(["encapsulated"]), "until the lease ends");
  clock.advance(milliseconds(1));
  assert.deepEqual(fates(FAR), new Set(["reject-empty-group"]), `${formatIpv6(entryOf(FAR).address)}: fail closed`);
  assert.deepEqual(fates(BOTH), new Set(["delivered"]), "what is here goes on");

  // The sides find each other again.
  for (const name of [FAR, BOTH]) announce(rib, peer, routes(name, 2, 10 * LEASE), siteRoute(name, 2));
  clock.settle();
  assert.deepEqual(fates(FAR), new Set(["encapsulated"]));
  assert.deepEqual(fates(BOTH), new Set(["encapsulated", "delivered"]));
  compiler[Symbol.dispose]();
});
