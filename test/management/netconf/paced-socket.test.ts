import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Clock, milliseconds } from "../../../src/base/index.ts";
import { PacedSocket } from "../../../src/management/netconf/paced-socket.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const MILLION = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 7) % 251));

/** Time that stands still until it is moved; `soon` is asked for by hand. */
class Turns extends VirtualClock {
  asked = 0;
  readonly waiting: (() => void)[] = [];

  override soon(run: () => void): void {
    this.asked++;
    this.waiting.push(run);
  }

  next(): void {
    for (const run of this.waiting.splice(0)) run();
  }
}

let clock: Turns;
let there: Socket;
let socket: Socket;

beforeEach(async () => {
  clock = new Turns();
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  there = connect((server.address() as { readonly port: number }).port, "127.0.0.1");
  [socket] = (await accepted) as [Socket];
  server.close();
});
afterEach(() => {
  there.destroy();
  socket.destroy();
});

const paced = (by: Clock = clock): PacedSocket => new PacedSocket(socket, by);

/** Until the kernel has given what it has. */
async function settled(): Promise<void> {
  for (let round = 0; round < 50; round++) await turn();
}

describe("a paced socket", () => {
  it("gives no more than 2 kB at a time, and nothing more in a turn that has lasted 2 ms", async () => {
    const pieces: number[] = [];
    const stream = paced();
    stream.on("data", (piece: Uint8Array) => {
      pieces.push(piece.length);
      clock.advance(milliseconds(1));
    });
    there.write(MILLION.subarray(0, 10_000));
    await settled();
    assert.deepEqual(pieces, [2048, 2048]);
    clock.next();
    await settled();
    assert.deepEqual(pieces, [2048, 2048, 2048, 2048]);
    clock.next();
    await settled();
    assert.deepEqual(pieces, [2048, 2048, 2048, 2048, 1808]);
  });

  it("asks for no turn while nothing comes", async () => {
    const stream = paced();
    stream.resume();
    await settled();
    assert.equal(clock.asked, 0);
    there.write("x");
    await settled();
    assert.equal(clock.asked, 1);
    clock.next();
    await settled();
    assert.equal(clock.asked, 1);
  });

  it("does not read ahead of who does not read", async () => {
    const stream = paced();
    await turn();
    there.write(MILLION);
    await settled();
    assert.ok(stream.readableLength <= 4096, `${stream.readableLength}`);
    assert.ok(socket.bytesRead <= 256 * 1024, `${socket.bytesRead}`);
  });

  it("carries every octet in both directions, in order, and then the end", async () => {
    const stream = paced();
    const back: Uint8Array[] = [];
    there.on("data", (piece) => back.push(piece));
    stream.on("data", (piece: Uint8Array) => void stream.write(piece));
    const timer = setInterval(() => clock.next(), 1);
    try {
      there.end(MILLION);
      await once(stream, "end");
      stream.end();
      await once(there, "close");
    } finally {
      clearInterval(timer);
    }
    assert.ok(Buffer.concat(back).equals(MILLION));
  });

  it("says what was said about the socket, and where it leads", async () => {
    const stream = paced();
    assert.deepEqual(
      [stream.remoteAddress, stream.remoteFamily, stream.remotePort],
      ["127.0.0.1", "IPv4", there.localPort],
    );
    const failed = once(stream, "error");
    const closed = new Promise((resolve) => stream.once("close", resolve));
    socket.destroy(new Error("away"));
    assert.equal(((await failed) as [Error])[0].message, "away");
    await closed;
  });

  it("closes with the socket, and the socket with it", async () => {
    const stream = paced();
    const gone = once(there, "close");
    there.resume();
    stream.destroy();
    await gone;
    assert.ok(socket.destroyed);
  });
});
