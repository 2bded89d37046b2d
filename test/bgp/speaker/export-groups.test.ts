import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { Agreement } from "../../../src/bgp/session/index.ts";
import { ExportGroups } from "../../../src/bgp/speaker/export-groups.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import { createRib } from "../../../src/rib/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { RecordedLog, RecordedMetrics } from "./router.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const OWN = parseIpv6("2001:db8::a")!;
const AGREED = { kind: "external", asWidth: 4, extendedNextHop: false, longLived: undefined } as unknown as Agreement;
const SUBNETS = [parseIpv6Prefix("2001:db8::/64")!, parseIpv6Prefix("2001:db8:1::/64")!];

/** A neighbour that is told of third parties on its link. */
function neighbor(n: number): PeerOptions {
  const address = `2001:db8::${(n + 16).toString(16)}`;
  const times = { holdTime: seconds(90), connectRetry: seconds(5) };
  return { address, port: 179, remoteAs: 65001, passive: true, ...times };
}

function groups() {
  const log = new RecordedLog();
  const local = { name: "local", kind: "local", bgpIdentifier: 1, address: OWN, autonomousSystem: 65000 } as const;
  const parts = { clock: new VirtualClock(0), random: new SeededRandom(), metrics: new RecordedMetrics(), log };
  const rib = createRib({ local, tenants: [], maxRoutes: 100, maxPeers: 8 }, parts);
  const speaker = { localAs: 65000, bgpIdentifier: 1, nextHop: OWN, listen: [], peers: [] };
  const start = { restarted: false, forwardingPreserved: false };
  const all = new ExportGroups(new AttributeCodec(DEFAULT_DIALECT), rib.attributes, {
    ...speaker,
    ...{ start, gracefulRestart: undefined, acceptExternal: true },
  });
  const of = (n: number, subnets = SUBNETS) => {
    const peer = neighbor(n);
    const link = { neighbor: parseIpv6(peer.address)!, subnets };
    const facts = { family: "ipv6-unicast", ownNextHop: OWN, ownLinkLocal: undefined, overhead: 0, link } as const;
    return all.of(peer, AGREED, facts);
  };
  return { all, of };
}

/** Finalizers run between turns, when the collector has found something. */
async function until(what: string, done: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (done()) return;
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`not after 200 collections: ${what}`);
}

describe("update groups", () => {
  it("are shared by who is told the same, on the same link", () => {
    const { of } = groups();
    assert.equal(of(1), of(1));
    assert.notEqual(of(1), of(2));
    assert.equal(of(1), of(1, SUBNETS.toReversed()));
    assert.notEqual(of(1), of(1, SUBNETS.slice(0, 1)), "others are third parties there");
  });

  it("go with the last session that has them: 10 000 neighbours that came and went leave nothing", async () => {
    const { all, of } = groups();
    const kept = of(0);
    for (let n = 1; n <= 10_000; n++) {
      of(n);
      if (n % 1000 === 0) await until("nobody has them", () => all.sharedCount <= 2);
    }
    assert.equal(of(0), kept);
    await until("all but one are gone", () => all.sharedCount === 1);
  });
});
