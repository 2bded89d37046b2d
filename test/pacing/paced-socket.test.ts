import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { milliseconds } from "../../src/base/index.ts";
import { PacedSocket } from "../../src/pacing/index.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const MILLION = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 7) % 251));
const PIECE = 512;

/** Time that stands still until it is moved; `soon` is asked for by hand. */
class Turns extends VirtualClock {
  readonly waiting: (() => void)[] = [];

  override soon(run: () => void): void {
    this.waiting.push(run);
  }

  /** Those that wait now. */
  next(): void {
    for (const run of this.waiting.splice(0)) run();
  }
}

let clock: Turns;
let there: Socket;
let socket: Socket;
let stream: PacedSocket;

async function connected(allowHalfOpen: boolean): Promise<void> {
  clock = new Turns();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  there = connect((server.address() as { readonly port: number }).port, "127.0.0.1");
  [socket] = (await accepted) as [Socket];
  server.close();
  stream = new PacedSocket(socket, clock);
}

function disconnected(): void {
  there.destroy();
  socket.destroy();
}

beforeEach(() => connected(true));
afterEach(disconnected);

/** Until the kernel has given what it has. */
async function settled(): Promise<void> {
  for (let round = 0; round < 50; round++) await turn();
}

/** Whether it is already, or will be. */
const closed = (one: Duplex): Promise<unknown> | undefined =>
  one.closed ? undefined : new Promise((resolve) => one.once("close", resolve));

/** With turns as they come. */
async function turning<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => clock.next(), 1);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

describe("a paced socket", () => {
  it("gives nothing but in a turn of its own, piece by piece, and no more of them than fit in a slice", async () => {
    const pieces: number[] = [];
    stream.on("data", (piece: Uint8Array) => {
      pieces.push(piece.length);
      clock.advance(milliseconds(0.125));
    });
    there.write(MILLION.subarray(0, 2_000));
    await settled();
    assert.deepEqual(pieces, []);
    for (const expected of [[PIECE, PIECE], [PIECE, 2_000 - 3 * PIECE], []]) {
      clock.next();
      assert.deepEqual(pieces.splice(0), expected);
      await settled();
    }
  });

  it("asks for no turn while nothing comes, and for one at a time", async () => {
    stream.resume();
    await settled();
    assert.equal(clock.waiting.length, 0);
    for (const octets of ["x", "y"]) {
      there.write(octets);
      await settled();
      assert.equal(clock.waiting.length, 1);
    }
    clock.next();
    await settled();
    assert.equal(clock.waiting.length, 0);
  });

  it("does not read ahead of who does not read", async () => {
    stream.once("readable", () => undefined);
    there.write(MILLION);
    await turning(settled());
    assert.ok(stream.readableLength <= 2 * PIECE, `${stream.readableLength}`);
    assert.ok(socket.bytesRead <= 256 * 1024, `${socket.bytesRead}`);
  });

  it("carries every octet in both directions, in order, and then the end", async () => {
    const back: Uint8Array[] = [];
    there.on("data", (piece) => back.push(piece));
    stream.on("data", (piece: Uint8Array) => void stream.write(piece));
    there.end(MILLION);
    await turning(once(stream, "end"));
    stream.end();
    await once(there, "close");
    assert.ok(Buffer.concat(back).equals(MILLION));
  });

  it("is half open as long as its other end is, where the socket may be", async () => {
    there.end("question");
    stream.resume();
    await turning(once(stream, "end"));
    await settled();
    stream.end("answer");
    const [answer] = await once(there, "data");
    assert.equal(String(answer), "answer");
    await once(there, "close");
  });

  /** Half open or not; all that comes from the other end, and its end, is there, and nobody has read it. */
  async function unread(said: Uint8Array, { allowHalfOpen = false, hasEnded = false } = {}): Promise<void> {
    disconnected();
    await connected(allowHalfOpen);
    stream.once("readable", () => undefined);
    if (hasEnded) stream.end();
    const over = once(socket, hasEnded ? "close" : "end");
    there.end(said);
    await turning(over);
    await settled();
  }

  for (const [manner, options] of [
    ["ends when its other end does", {}],
    ["has ended already", { hasEnded: true }],
    ["has ended already, and may be half open", { hasEnded: true, allowHalfOpen: true }],
  ] as const)
    it(`${manner}: who reads only behind that has every octet, and then the end`, async () => {
      const said = MILLION.subarray(0, 300);
      await unread(said, options);
      assert.ok(!stream.destroyed, "closed with octets unread");
      const pieces: Uint8Array[] = [];
      stream.on("data", (piece: Uint8Array) => pieces.push(piece));
      await turning(Promise.all([closed(stream), closed(there)]));
      assert.ok(Buffer.concat(pieces).equals(said), `${Buffer.concat(pieces).length} octets`);
      assert.ok(stream.readableEnded && socket.destroyed);
    });

  it("answers what it was asked before its other end ended, however late it is read", async () => {
    await unread(Buffer.from("question"));
    assert.ok(stream.writable && socket.writable, "closed with a question unread");
    stream.once("data", () => stream.write("answer"));
    const [answer] = (await turning(once(there, "data"))) as [Buffer];
    assert.equal(String(answer), "answer");
    await turning(Promise.all([closed(stream), closed(there)]));
  });

  for (const [whose, end] of [
    ["its owner's", () => void stream.destroy()],
    ["the socket's", () => void socket.destroy()],
  ] as const)
    it(`whose end nobody reads is gone with ${whose} word`, async () => {
      await unread(Buffer.from("unread"));
      assert.ok(!stream.destroyed && !socket.destroyed, "closed without a word");
      end();
      await Promise.all([closed(stream), closed(socket), closed(there)]);
    });

  it("says what was said about the socket, and where it leads", async () => {
    assert.deepEqual(
      [stream.remoteAddress, stream.remoteFamily, stream.remotePort],
      ["127.0.0.1", "IPv4", there.localPort],
    );
    const failed = once(stream, "error");
    const closed = new Promise((resolve) => stream.once("close", resolve));
    socket.destroy(new Error("away"));
    assert.equal(((await failed) as [Error])[0].message, "away");
    await closed;
    assert.equal(socket.emit("error", new Error("again")), true, "nobody hears a second one");
  });

  it("closes with the socket, and the socket with it", async () => {
    const gone = once(there, "close");
    there.resume();
    stream.destroy();
    await gone;
    assert.ok(socket.destroyed);
  });

  it("closed with a turn to come: nothing is read any more", async () => {
    stream.on("data", () => assert.fail("read from what is closed"));
    there.write("late");
    await settled();
    stream.destroy();
    clock.next();
    await settled();
  });

  it("takes what is written to it when the socket has been closed by somebody else, and fails nobody", async () => {
    stream.on("error", (cause) => assert.fail(cause));
    socket.destroy();
    for (let i = 0; i < 3; i++) stream.write("into the void");
    stream.end();
    await settled();
    assert.ok(stream.destroyed);
  });

  it("ends after what was written to it, whether the other end does or not", async () => {
    const back: Uint8Array[] = [];
    there.on("data", (piece) => back.push(piece));
    const ended = once(there, "end");
    stream.write(MILLION);
    stream.write("!");
    stream.destroySoon();
    await ended;
    assert.equal(Buffer.concat(back).length, MILLION.length + 1);
    await settled();
    assert.ok(socket.destroyed);
  });

  it("tells of silence, as a socket does", async () => {
    const silent = once(stream, "timeout");
    stream.setTimeout(20);
    await silent;
    stream.setTimeout(0, () => assert.fail("there is no timeout any more"));
  });
});
