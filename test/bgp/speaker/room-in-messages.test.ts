import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { A, B, C, Scene } from "./scene.ts";

/** Fits a message of 4096 octets, and none of 3900. */
const NEARLY_FULL = { communities: Array.from({ length: 900 }, (_, i) => (65000 << 16) + i) };

describe("room left in messages for others on the way", () => {
  it("a set that fills a message is withheld where UPDATEs have to be shorter, and a table still goes over", async (t) => {
    const scene = new Scene(t);
    const peers = [{ address: B }, { address: C, longestUpdate: 3900 }].map((peer) => ({
      ...peer,
      extendedMessages: false,
    }));
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }] });
    a.originate(1, NEARLY_FULL);
    for (let n = 2; n <= 400; n++) a.originate(n);
    scene.quiet(a, b, c);
    assert.deepEqual([b.peer().routesReceived, c.peer().routesReceived], [400, 399]);
    assert.ok(a.metrics.sum("semrd_bgp_withheld_routes_total", { peer: C, reason: "too-large" }) > 0);
    assert.equal(a.metrics.sum("semrd_bgp_withheld_routes_total", { peer: B }), 0);
  });
});

const nothing = () => ({ verdict: "reject", reason: "test" }) as const;

describe("routes that were here before and come back", () => {
  it("are shown to whoever wants to see them, and not taken (RFC 4271 §9.1.2)", async (t) => {
    const scene = new Scene(t);
    const seen: [string, AttributeSet][] = [];
    const speaker = { acceptExternal: true };
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      speaker,
      looped: (peer, set) => void seen.push([peer, set]),
      peers: [
        { address: B, remoteAs: 65002 },
        { address: C, remoteAs: 65003, exportPolicy: nothing },
      ],
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      localAs: 65002,
      speaker,
      peers: [
        { address: A, remoteAs: 65001 },
        { address: C, remoteAs: 65003 },
      ],
    });
    const c = await scene.router({
      address: C,
      identifier: "10.0.0.3",
      localAs: 65003,
      speaker,
      peers: [
        { address: A, remoteAs: 65001 },
        { address: B, remoteAs: 65002 },
      ],
    });
    const largeCommunities = [{ globalAdministrator: 1, data1: 2, data2: 3 }];
    a.originate(1, { largeCommunities });
    b.originate(2);
    scene.quiet(a, b, c);
    scene.until("it came round", () => seen.length > 0);
    const [peer, set] = seen[0]!;
    assert.deepEqual([peer, set.largeCommunities], [C, largeCommunities]);
    assert.deepEqual(set.asPath, [{ type: "sequence", numbers: [65003, 65002, 65001] }]);
    assert.equal(seen.length, 1, "routes of others are none");
    assert.ok(a.metrics.sum("semrd_bgp_refused_routes_total", { peer: C, reason: "as-loop" }) > 0);
  });
});
