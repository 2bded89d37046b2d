import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { describe, it, type TestContext } from "node:test";
import { loadNative, type Sock } from "../../../native/index.ts";
import { milliseconds, seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions, TransportError } from "../../../src/bgp/speaker/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { waitFor } from "../../host/fair-time.ts";
import { Router, type RouterOptions } from "./router.ts";

const clock = systemClock;
const LIMIT_MS = 15_000;

function addon(): Sock | undefined {
  try {
    return loadNative().sock;
  } catch {
    return undefined; // not built: the tests that need it say so
  }
}

const until = (what: string, done: () => boolean): Promise<void> => waitFor(what, done, { every: 5, limit: LIMIT_MS });

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, "::1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const ADDRESSES = ["127.0.0.2", "127.0.0.3"] as const;

/** Two routers on loopback addresses, with the same protection at both ends unless told otherwise. */
async function pair(
  t: TestContext,
  sock: Sock | undefined,
  a: Partial<PeerOptions>,
  b: Partial<PeerOptions>,
  more: Partial<RouterOptions> = {},
): Promise<readonly [Router, Router]> {
  const port = await freePort();
  const transport = createNetTransport({ clock, ...(sock === undefined ? {} : { sock }) });
  const start = async (i: 0 | 1, options: Partial<PeerOptions>): Promise<Router> => {
    const peers = [{ address: ADDRESSES[i === 0 ? 1 : 0], port, connectRetry: seconds(1), ...options }];
    const router = await Router.start(
      { address: ADDRESSES[i], identifier: `10.0.0.${i + 1}`, port, peers, ...more },
      { clock, transport, seed: i },
    );
    t.after(() => router[Symbol.asyncDispose]());
    return router;
  };
  return [await start(0, a), await start(1, b)];
}

/** What `pair` gave the neighbour of the first or second router, without protection. */
function options({ speaker }: Router, i: 0 | 1): PeerOptions {
  return {
    address: ADDRESSES[i === 0 ? 1 : 0],
    port: speaker.listening[0]!.port,
    remoteAs: 65000,
    passive: false,
    holdTime: seconds(9),
    connectRetry: seconds(1),
    updateSource: ADDRESSES[i],
  };
}

const established = (...routers: Router[]): boolean => routers.every((router) => router.peer().state === "Established");

describe("two speakers over real TCP", () => {
  for (const kind of ["node:net", "addon"] as const) {
    it(`${kind}: session, routes, a large table, an orderly end`, async (t) => {
      const sock = kind === "addon" ? addon() : undefined;
      if (kind === "addon" && sock === undefined) return t.skip("skipped: the native addon is not built");
      const [a, b] = await pair(t, sock, {}, {});
      const count = 20_000;
      for (let n = 0; n < count; n++) a.originate(n, {}, { score: n % 11 });
      await until("all routes", () => established(a, b) && b.peer().routesReceived === count);
      assert.deepEqual([b.peer().remote?.address, a.peer().flaps], [ADDRESSES[0], 0]);
      for (let n = 0; n < count; n++) a.withdraw(n);
      await until("no routes", () => b.peer().routesReceived === 0);
      await a.speaker.stop({ restart: false, text: "bye" });
      await until("the end is known", () => b.peer().lastReceived !== undefined);
      assert.match(b.peer().lastReceived!.text, /administrative shutdown \("bye"\)/);
      return undefined;
    });
  }

  it("the same MD5 password: a session; no or another one: silence (RFC 2385)", async (t) => {
    const sock = addon();
    if (sock === undefined) return t.skip("skipped: the native addon is not built");
    const [a, b] = await pair(t, sock, { password: "one" }, { password: "one" });
    await until("session", () => established(a, b));
    const [c, d] = await pair(t, sock, { password: "one" }, { password: "two" });
    await new Promise<void>((resolve) => void clock.after(milliseconds(2500), resolve));
    assert.ok(!established(c) && !established(d));
    return undefined;
  });

  it("another MD5 password on a connection that stands: the session goes on (RFC 2385)", async (t) => {
    const sock = addon();
    if (sock === undefined) return t.skip("skipped: the native addon is not built");
    const [a, b] = await pair(t, sock, { password: "old" }, { password: "old" });
    await until("session", () => established(a, b));
    const change = (router: Router, i: 0 | 1, password: string) =>
      router.speaker.changePeer({ ...options(router, i), password });
    for (const password of ["new", "newer"]) {
      assert.equal(change(a, 0, password).effect, "live");
      a.originate(1, {}, { score: password.length });
      await new Promise<void>((resolve) => void clock.after(milliseconds(300), resolve));
      assert.notEqual(b.rows()[0]?.attributes.semantic?.score, password.length, "b drops what a signs");
      assert.equal(change(b, 1, password).effect, "live");
      await until("what was said is sent again", () => b.rows()[0]?.attributes.semantic?.score === password.length);
    }
    assert.deepEqual([a.peer().flaps, b.peer().flaps], [0, 0]);
    // And a connection that is made anew has the key as well.
    a.speaker.clear(ADDRESSES[1]);
    await until("a new session", () => established(a, b) && a.peer().establishedTransitions === 2);
    return undefined;
  });

  it("TCP-AO keys: used, or refused with what it takes (RFC 5925)", async (t) => {
    const sock = addon();
    if (sock === undefined) return t.skip("skipped: the native addon is not built");
    const key = (sendId: number, receiveId: number) =>
      ({ sendId, receiveId, algorithm: "aes-128-cmac-96", secret: "a secret" }) as const;
    if (sock.hasTcpAo()) {
      const [a, b] = await pair(t, sock, { aoKeys: [key(1, 2)] }, { aoKeys: [key(2, 1)] });
      await until("session", () => established(a, b));
      // A second key is added and used, the first one is used again, and the second again; then the first one goes.
      const chains = [[3, 1], [1, 3], [3, 1], [3]] as const;
      for (const chain of chains) {
        for (const [i, router] of [a, b].entries()) {
          const aoKeys = chain.map((id) => (i === 0 ? key(id, id + 1) : key(id + 1, id)));
          const { effect } = router.speaker.changePeer({ ...options(router, i as 0 | 1), aoKeys });
          assert.equal(effect, "live");
        }
      }
      a.speaker.clearSoft(ADDRESSES[1], "in");
      const before = a.peer().messagesReceived;
      await until("the session goes on", () => a.peer().messagesReceived > before);
      assert.deepEqual([established(a, b), a.peer().flaps, b.peer().flaps], [true, 0, 0]);
      return undefined;
    }
    await assert.rejects(pair(t, sock, { aoKeys: [key(1, 2)] }, {}), (cause) => {
      assert.ok(cause instanceof TransportError);
      assert.equal(cause.code, "bgp.needs-tcp-ao");
      assert.match(cause.message, /CONFIG_TCP_AO/);
      return true;
    });
    // A change to it is refused, too, and what was there goes on.
    const [a, b] = await pair(t, sock, {}, {});
    await until("session", () => established(a, b));
    assert.throws(() => a.speaker.changePeer({ ...options(a, 0), aoKeys: [key(1, 2)] }), TransportError);
    await new Promise<void>((resolve) => void clock.after(milliseconds(100), resolve));
    assert.deepEqual([established(a, b), a.peer().flaps], [true, 0]);
    return undefined;
  });

  it("TTL security between neighbours on one link (RFC 5082)", async (t) => {
    const sock = addon();
    if (sock === undefined) return t.skip("skipped: the native addon is not built");
    const [a, b] = await pair(t, sock, { ttlSecurityHops: 1 }, { ttlSecurityHops: 1 });
    await until("session", () => established(a, b));
    // One end does not send with hop limit 255: nothing it says arrives.
    const [c, d] = await pair(t, sock, { ttlSecurityHops: 1 }, {});
    await new Promise<void>((resolve) => void clock.after(milliseconds(2500), resolve));
    assert.notEqual(c.peer().state, "Established");
    // Nobody asks for it any more: the listener lets packets in again that come from anywhere.
    c.speaker.changePeer({ ...options(c, 0), passive: true });
    await until("session without it", () => established(c, d));
    return undefined;
  });

  it("TTL security on a connection that stands: what is too far away is dropped, and the session goes on", async (t) => {
    const sock = addon();
    if (sock === undefined) return t.skip("skipped: the native addon is not built");
    const [a, b] = await pair(t, sock, {}, {});
    await until("session", () => established(a, b));
    const change = (router: Router, i: 0 | 1, more: Partial<PeerOptions>) =>
      assert.equal(router.speaker.changePeer({ ...options(router, i), ...more }).effect, "live");
    const tells = (n: number): boolean => b.known(a).includes(`${n}`);
    // The neighbour asks for it first: nothing that this one says arrives, until it says it with hop limit 255.
    change(b, 1, { ttlSecurityHops: 1 });
    a.originate(1);
    await new Promise<void>((resolve) => void clock.after(milliseconds(300), resolve));
    assert.deepEqual(b.known(a), [], "a still sends with a smaller hop limit");
    change(a, 0, { ttlSecurityHops: 1 });
    await until("what was said is sent again", () => tells(1));
    // Fewer demands, then none: nothing is dropped on the way.
    change(b, 1, { ttlSecurityHops: 254 });
    change(a, 0, {});
    a.originate(2);
    await until("a is heard with its own hop limit", () => tells(2));
    change(b, 1, {});
    a.originate(3);
    await until("as at the beginning", () => tells(3));
    const transitions = [a, b].map((router) => router.peer().establishedTransitions);
    assert.deepEqual([transitions, a.peer().flaps, b.peer().flaps], [[1, 1], 0, 0]);
    return undefined;
  });

  it("a password without the addon is refused at the start, with what to do", async (t) => {
    await assert.rejects(pair(t, undefined, { password: "one" }, {}), (cause) => {
      assert.ok(cause instanceof TransportError);
      assert.equal(cause.code, "bgp.needs-addon");
      assert.match(cause.message, /npm run setup/);
      return true;
    });
  });

  for (const kind of ["node:net", "addon"] as const) {
    it(`${kind}: a port in use is named`, async (t) => {
      const sock = kind === "addon" ? addon() : undefined;
      if (kind === "addon" && sock === undefined) return t.skip("skipped: the native addon is not built");
      const server = net.createServer();
      server.listen(0, ADDRESSES[0]);
      await once(server, "listening");
      t.after(() => server.close());
      const { port } = server.address() as net.AddressInfo;
      const transport = createNetTransport({ clock, ...(sock === undefined ? {} : { sock }) });
      await assert.rejects(
        transport.listen({ address: ADDRESSES[0], port }, [], () => {}),
        (cause) => cause instanceof TransportError && cause.message.includes("another BGP daemon has the port"),
      );
      return undefined;
    });
  }
});
