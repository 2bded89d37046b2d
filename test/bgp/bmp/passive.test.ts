import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { it, type TestContext } from "node:test";
import { decodeBmp, type Said } from "./decode.ts";
import { originate, tableAt, world } from "./world.ts";

/** A station that connects itself. */
class Caller {
  readonly socket: net.Socket;
  #octets = Buffer.alloc(0);
  closed = false;

  constructor(t: TestContext, port: number, localAddress = "::1") {
    this.socket = net.connect({ host: "::1", port, localAddress });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => {
      this.#octets = Buffer.concat([this.#octets, chunk]);
    });
    this.socket.on("close", () => {
      this.closed = true;
    });
    t.after(() => this.socket.destroy());
  }

  get said(): Said[] {
    return decodeBmp(this.#octets);
  }
}

it("a station that connects to the router: one connection of it, two a minute, and nobody else's (RFC 7854 §3.2)", async (t) => {
  const passive = { address: "::1", port: 0, listen: "::1" };
  const { a, b, scene, monitor, until } = await world(t, [passive]);
  originate(b, 0, 20);
  scene.quiet(a, b);
  await until(
    () => "listening",
    () => monitor.listening.length === 1,
  );
  const { port } = monitor.listening[0]!;
  const first = new Caller(t, port);
  await until(
    () => JSON.stringify(monitor.stations()),
    () => tableAt(first.said, "adj").size === 20 && tableAt(first.said, "loc-rib").size === 20,
  );
  assert.equal(first.said[0]!.type, "initiation");

  // Another one is told that there is one already.
  const second = new Caller(t, port);
  await until(
    () => "the second is turned away",
    () => second.closed,
  );
  assert.deepEqual(second.said, [{ type: "termination", tlvs: [[1, "0003"]] }]);
  originate(b, 20, 25);
  await until(
    () => "the first goes on",
    () => tableAt(first.said, "adj").size === 25,
  );

  // It drops the connection and comes again; a third time within a minute is too soon.
  const { failures } = monitor.stations()[0]!;
  first.socket.destroy();
  await until(
    () => "gone",
    () => monitor.stations()[0]!.failures === failures + 1,
  );
  const again = new Caller(t, port);
  await until(
    () => "again",
    () => tableAt(again.said, "adj").size === 25,
  );
  again.socket.destroy();
  await until(
    () => "gone again",
    () => monitor.stations()[0]!.state === "listening",
  );
  const third = new Caller(t, port);
  await once(third.socket, "close");
  assert.deepEqual([third.said, monitor.stations()[0]!.connections], [[], 2]);
});

it("strangers hear nothing, and an address that cannot be had is tried again", async (t) => {
  const { monitor, log, until } = await world(t, [
    { address: "2001:db8::99", port: 0, listen: "::1" },
    { address: "2001:db8::98", port: 0, listen: "2001:db8::dead" },
  ]);
  await until(
    () => JSON.stringify(monitor.listening),
    () => monitor.listening.length === 1 && log.has("bmp.listen-failed"),
  );
  const stranger = new Caller(t, monitor.listening[0]!.port);
  await once(stranger.socket, "close");
  assert.deepEqual(
    [stranger.said, monitor.stations().map(({ connections, state }) => [connections, state])],
    [
      [],
      [
        [0, "listening"],
        [0, "listening"],
      ],
    ],
  );
});
