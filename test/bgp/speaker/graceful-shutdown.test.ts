import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GRACEFUL_SHUTDOWN } from "../../../src/bgp/policy/index.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const EXTERNAL = { speaker: { acceptExternal: true } };

/** Local preference and mark of the route from `origin` as `router` knows it. */
const seen = (router: Router, origin: Router): [number | undefined, boolean] => {
  const row = router.rows().find(({ originId, best }) => best && originId === origin.originId)!;
  return [row.attributes.localPref, row.attributes.communities.includes(GRACEFUL_SHUTDOWN)];
};

describe("graceful shutdown (RFC 8326)", () => {
  it("inside the AS: routes become least preferred and stay, and come back", async (t) => {
    const scene = new Scene(t);
    const [a, b] = await scene.pair();
    a.originate(1);
    scene.quiet(a, b);
    assert.deepEqual([seen(b, a), a.speaker.gracefulShutdown], [[100, false], false]);
    a.speaker.gracefulShutdown = true;
    scene.clock.advance(100);
    assert.deepEqual([seen(b, a), a.speaker.gracefulShutdown], [[0, true], true]);
    assert.deepEqual([a.peer().flaps, seen(a, a)], [0, [undefined, false]]);
    a.originate(2);
    scene.clock.advance(100);
    assert.deepEqual(
      b.rows().map(({ attributes }) => attributes.localPref),
      [0, 0],
    );
    a.speaker.gracefulShutdown = false;
    scene.clock.advance(100);
    assert.deepEqual(seen(b, a), [100, false]);
  });

  it("from another AS: the mark alone makes them least preferred, here and further inside (§4.2)", async (t) => {
    const scene = new Scene(t);
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      peers: [{ address: B, remoteAs: 65000 }],
      speaker: { ...EXTERNAL.speaker, gracefulShutdown: true },
    });
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      peers: [{ address: A, remoteAs: 65001 }, { address: C }],
      ...EXTERNAL,
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B }] });
    a.originate(1, { communities: [1] });
    scene.quiet(a, b, c);
    assert.deepEqual(
      [seen(b, a), seen(c, a)],
      [
        [0, true],
        [0, true],
      ],
    );
    a.speaker.gracefulShutdown = false;
    scene.clock.advance(100);
    assert.deepEqual(
      [seen(b, a), seen(c, a)],
      [
        [undefined, false],
        [100, false],
      ],
    );
  });

  it("a reflector that drains leaves what it reflects alone", async (t) => {
    const scene = new Scene(t);
    const clients = [B, C].map((address) => ({ address, reflectorClient: true }));
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: clients });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }] });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A }] });
    a.originate(1);
    b.originate(2);
    a.speaker.gracefulShutdown = true;
    scene.quiet(a, b, c);
    assert.deepEqual(
      [seen(c, a), seen(c, b)],
      [
        [0, true],
        [100, false],
      ],
    );
  });
});
