import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { Guard, Listener, PeerOptions, Transport } from "../../../src/bgp/speaker/index.ts";
import { type GuardedPeer, Listeners } from "../../../src/bgp/speaker/listeners.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { RecordedLog } from "./router.ts";

const ON_LINK = { address: "fe80::1%eth0", port: 179 };

const neighbor = (password: string): GuardedPeer => {
  const times = { holdTime: seconds(90), connectRetry: seconds(5) };
  const options: PeerOptions = {
    address: "fe80::2%eth0",
    port: 179,
    remoteAs: 65001,
    passive: true,
    ...times,
    password,
  };
  return { options, protection: { password } };
};

/** Sockets that open when the test says so. */
function sockets() {
  const opening: { address: string; done: () => void }[] = [];
  const open: { address: string; guards: readonly Guard[] }[] = [];
  const peers: GuardedPeer[] = [];
  const transport = {
    connect: () => assert.fail("nobody connects"),
    listen: async (local, guards) => {
      await new Promise<void>((done) => opening.push({ address: local.address, done }));
      const own = { address: local.address, guards };
      open.push(own);
      const listener: Listener = {
        local,
        guard: (now) => void Object.assign(own, { guards: now }),
        protects: () => true,
        [Symbol.asyncDispose]: async () => void open.splice(open.indexOf(own), 1),
      };
      return listener;
    },
  } satisfies Transport;
  const listeners = new Listeners({
    ...{ transport, log: new RecordedLog(), metrics: new TallyMetrics() },
    peers: () => peers.values(),
    ranges: () => [],
    accept: () => false,
  });
  /** All that are waited for, and what follows from it. */
  const finish = async (): Promise<void> => {
    for (const { done } of opening.splice(0)) done();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { listeners, opening, open, peers, finish };
}

describe("sockets that take time to open", () => {
  it("one on a link that nobody wants any more is closed when it is there, without another look", async () => {
    const { listeners, opening, open, finish } = sockets();
    listeners.onLinks([ON_LINK]);
    assert.equal(opening.length, 1);
    listeners.onLinks([]);
    await finish();
    assert.deepEqual(open, []);
    // Wanted again meanwhile, it is the one.
    listeners.onLinks([ON_LINK]);
    listeners.onLinks([]);
    listeners.onLinks([ON_LINK]);
    await finish();
    assert.deepEqual([open.length, opening.length], [1, 0]);
  });

  it("neighbours that come or change their keys meanwhile are protected by what is so now", async () => {
    const { listeners, open, peers, finish } = sockets();
    const listening = listeners.listen([{ address: "2001:db8::1", port: 179 }]);
    listeners.onLinks([ON_LINK]);
    peers.push(neighbor("new"));
    listeners.guard();
    await finish();
    await listening;
    const passwords = open.map(({ guards }) => guards.map(({ protection }) => protection?.password));
    assert.deepEqual(passwords, [[], ["new"]], "one of another link is not for the first");
  });

  it("the end waits for them", async () => {
    const { listeners, open, finish } = sockets();
    listeners.onLinks([ON_LINK]);
    let isOver = false;
    const over = listeners[Symbol.asyncDispose]().then(() => {
      isOver = true;
    });
    for (let i = 0; i < 10; i++) await Promise.resolve();
    assert.equal(isOver, false);
    await finish();
    await over;
    assert.deepEqual(open, []);
  });

  it("another interface of the same name and address has a socket of its own", async () => {
    const { listeners, open, opening, finish } = sockets();
    listeners.onLinks([{ ...ON_LINK, index: 7 }]);
    await finish();
    listeners.onLinks([{ ...ON_LINK, index: 7 }]);
    assert.equal(opening.length, 0);
    listeners.onLinks([{ ...ON_LINK, index: 8 }]);
    await finish();
    assert.deepEqual(
      open.map(({ address }) => address),
      [ON_LINK.address],
    );
    assert.equal(opening.length, 0);
  });
});
