import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { A, B, C, Scene } from "./scene.ts";

/** Attributes that 4096 octets do not hold. */
const LARGE = { communities: Array.from({ length: 1500 }, (_, i) => (65000 << 16) + i) };

describe("extended messages between routers (RFC 8654)", () => {
  it("a large set reaches the neighbour that offers them, and is withheld from the one that does not", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }, { address: C }] });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    const c = await scene.router({
      address: C,
      identifier: "10.0.0.3",
      peers: [{ address: A, extendedMessages: false }],
    });
    a.originate(1, LARGE);
    a.originate(2);
    scene.quiet(a, b, c);
    assert.deepEqual([b.known(a), c.known(a)], [["1", "2"], ["2"]]);
    assert.equal(b.rows().find(({ key }) => key[25] === 1)?.attributes.communities.length, 1500);
    assert.deepEqual([a.peer(B).capabilities.extendedMessages, a.peer(C).capabilities.extendedMessages], [true, false]);
    assert.ok(a.metrics.sum("semrd_bgp_withheld_routes_total", { peer: C, reason: "too-large" }) > 0);
    assert.equal(a.metrics.sum("semrd_bgp_withheld_routes_total", { peer: B }), 0);

    // A set that grows beyond what the neighbour takes is withdrawn there (§5).
    a.originate(2, LARGE);
    scene.clock.advance(100);
    assert.deepEqual([b.known(a), c.known(a)], [["1", "2"], []]);
  });

  it("a table goes over in few large messages", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    for (let n = 1; n <= 4000; n++) a.originate(n);
    scene.quiet(a, b);
    assert.equal(b.peer().routesReceived, 4000);
    assert.ok(b.peer().updatesReceived < 10, `${b.peer().updatesReceived} UPDATEs`);
  });
});
