import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_DIALECT, writeHeader } from "../../../src/bgp/wire/index.ts";
import { Puppet } from "./puppet.ts";
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

  /** A message of a type, of `length` octets, which are zero behind the header. */
  const long = (type: number, length: number): Uint8Array => {
    const message = new Uint8Array(length);
    writeHeader(new DataView(message.buffer), length, type);
    return message;
  };

  for (const { offered, want } of [
    { offered: true, want: "taken" },
    { offered: false, want: "refused" },
  ] as const)
    it(`what this router has${offered ? "" : " not"} offered to take from who offers nothing is ${want} (§4, §5)`, async (t) => {
      const scene = new Scene(t);
      const peers = [{ address: B, passive: true, extendedMessages: offered }];
      const a = await scene.router({ address: A, identifier: "10.0.0.1", peers });
      const puppet = await Puppet.up(scene, [DEFAULT_DIALECT.family]);
      assert.equal(a.peer(B).capabilities.extendedMessages, false, "nothing longer is sent");
      const update = long(2, 5000);
      // One unknown optional attribute fills it: flags, code, length, value.
      new DataView(update.buffer).setUint16(21, 5000 - 23);
      update.set([0xd0, 200], 23);
      new DataView(update.buffer).setUint16(25, 5000 - 27);
      puppet.say(update);
      scene.clock.advance(100);
      assert.equal(a.peer(B).state, offered ? "Established" : "Idle");
      assert.deepEqual(
        puppet.seen.filter((said) => said.startsWith("notify")),
        offered ? [] : ["notify 01021388"],
      );
    });

  it("OPEN and KEEPALIVE stay short, whatever was offered (§4)", async (t) => {
    for (const type of [1, 4]) {
      const scene = new Scene(t);
      const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B, passive: true }] });
      const puppet = await Puppet.up(scene, [DEFAULT_DIALECT.family], { extendedMessages: true });
      assert.equal(a.peer(B).capabilities.extendedMessages, true);
      puppet.say(long(type, 5000));
      scene.clock.advance(100);
      assert.ok(puppet.seen.includes("notify 01021388"), "bad message length, 5000");
    }
  });
});
