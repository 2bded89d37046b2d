import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { describe, it, type TestContext } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { encodeKeepalive, encodeOpen } from "../../../src/bgp/wire/index.ts";
import { heldMemory } from "../../host/held-memory.ts";
import { HOSTILE_ID } from "./case.ts";
import { offerOf } from "./hostile-peer.ts";
import { onLoopback, type Stage } from "./stage.ts";

const status = (stage: Stage) => stage.router.peer(stage.addressOf(0));
const port = (stage: Stage): number => stage.router.speaker.listening[0]!.port;

const AT_ONCE = 50;

/** So many connections from these addresses in turns, all at once; they say `first` and hold what they have. */
async function crowd(
  t: TestContext,
  stage: Stage,
  count: number,
  from: (i: number) => string,
  first: Uint8Array = new Uint8Array(0),
): Promise<{ readonly sockets: readonly net.Socket[]; readonly closed: () => number }> {
  let closed = 0;
  const connect = (i: number): net.Socket => {
    const socket = net.connect({ host: "127.0.0.2", port: port(stage), localAddress: from(i) });
    socket.on("error", () => {}); // a reset is one of the answers; "close" follows
    socket.on("close", () => closed++);
    socket.resume();
    return socket;
  };
  const sockets: net.Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  // No more at a time than the listener's queue holds: both ends are of this process.
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - begun) }, (_, i) => connect(begun + i));
    sockets.push(...some);
    await Promise.all(some.map((socket) => Promise.race([once(socket, "connect"), once(socket, "close")])));
  }
  for (const socket of sockets) if (first.length > 0 && socket.writable) socket.write(first);
  return { sockets, closed: () => closed };
}

/** Whoever may connect does, and has routes; the session that stood still stands. */
async function serves(stage: Stage): Promise<void> {
  const peer = await stage.connect(0);
  peer.open("internal");
  await stage.settle("a session in the end", () => status(stage).state === "Established");
  stage.assertInnocent();
  await peer.close();
}

const range = (limit: number) => ({
  ranges: [
    {
      name: "strangers",
      prefix: { address: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 2, 0, 0), length: 112 },
      limit,
      remoteAs: "internal" as const,
      template: { holdTime: seconds(90), connectRetry: seconds(1) },
    },
  ],
});

describe("floods of connections, while another session stands", () => {
  it("from a hundred strangers, from few and many addresses: all are closed and counted, and nothing is kept", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"] });
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
    const [before, socketsBefore] = [heldMemory(), sockets()];
    const many = await crowd(t, stage, 400, (i) => `127.3.0.${1 + (i % 100)}`);
    await stage.settle("the end of all", () => many.closed() === 400);
    assert.equal(stage.router.metrics.sum("semrd_bgp_refused_connections_total"), 400);
    await stage.settle("the end of all sockets, at both ends", () => sockets() === socketsBefore);
    const grown = heldMemory() - before;
    t.diagnostic(`${grown.toFixed(1)} MiB more`);
    assert.ok(grown < 10, `${grown} MiB more`);
    await serves(stage);
  });

  it("half open, from the address of a neighbour: the newest one waits, those before are given up and counted", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"] });
    const half = await crowd(t, stage, 200, () => stage.addressOf(0));
    await stage.settle("all but one", () => half.closed() >= 199);
    const labels = { peer: stage.addressOf(0) };
    assert.ok(stage.router.metrics.sum("semrd_bgp_notifications_sent_total", labels) >= 199);
    assert.equal(status(stage).state, "OpenSent");
    for (const socket of half.sockets) socket.destroy();
    stage.assertInnocent();
  });

  it("to a neighbour that has its session: refused and counted, and the session stays", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"] });
    const peer = await stage.connect(0);
    peer.open("internal");
    await stage.settle("a session", () => status(stage).state === "Established");
    const more = await crowd(t, stage, 200, () => stage.addressOf(0));
    await stage.settle("all of them", () => more.closed() === 200);
    const labels = { peer: stage.addressOf(0) };
    assert.equal(stage.router.metrics.sum("semrd_bgp_peer_connections_refused_total", labels), 200);
    assert.deepEqual(
      [status(stage).refusedConnections, status(stage).state, status(stage).flaps],
      [200, "Established", 0],
    );
    stage.assertInnocent();
    await peer.close();
  });

  it("half a header each, from the address of a neighbour: the one that waits is ended by what is no BGP", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"] });
    const half = await crowd(
      t,
      stage,
      50,
      () => stage.addressOf(0),
      new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    );
    await stage.settle("all", () => half.closed() === 50);
    assert.ok(stage.router.metrics.sum("semrd_bgp_notifications_sent_total", { peer: stage.addressOf(0) }) >= 1);
    stage.assertInnocent();
  });

  it("of neighbours from a range: no more than its limit, the others are counted; a place is free again afterwards", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"], speaker: range(5) });
    const open = encodeOpen({
      autonomousSystem: 65000,
      holdTime: seconds(90),
      bgpIdentifier: HOSTILE_ID,
      capabilities: offerOf("internal"),
    });
    const both = Uint8Array.of(...open, ...encodeKeepalive());
    const come = await crowd(t, stage, 60, (i) => `127.2.0.${1 + i}`, both);
    await stage.settle("the others are turned away", () => come.closed() >= 55);
    assert.equal(stage.router.speaker.ranges()[0]?.neighbors, 5);
    const refused = (reason: string) =>
      stage.router.metrics.sum("semrd_bgp_range_refused_total", { range: "strangers", reason });
    assert.equal(refused("limit"), 55);
    const established = () =>
      stage.router.speaker.peers().filter(({ range: of, state }) => of !== undefined && state === "Established").length;
    await stage.settle("sessions of those within", () => established() === 5);
    // One address that comes again and again has its rate.
    for (const socket of come.sockets) socket.destroy();
    await stage.settle("all places are free", () => stage.router.speaker.ranges()[0]?.neighbors === 0);
    for (let i = 0; i < 12; i++) {
      const { sockets } = await crowd(t, stage, 1, () => "127.2.0.99");
      for (const socket of sockets) socket.destroy();
      await stage.settle("the place is free", () => stage.router.speaker.ranges()[0]?.neighbors === 0);
    }
    await stage.settle("too many at a time", () => refused("rate") > 0);
    await serves(stage);
  });
});
