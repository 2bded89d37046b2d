import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { type Clock, milliseconds } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { MessageFramer } from "../../../src/management/netconf/framing.ts";
import { Outgoing } from "../../../src/management/netconf/outgoing.ts";

const PIECE = 64 * 1024;
const LARGE = "x".repeat(4 * 1024 * 1024);

/** A stream whose reader takes what it is given when `take` is called. */
function slow() {
  const taken: Uint8Array[] = [];
  let next: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    write(octets: Uint8Array, _, done) {
      next = () => {
        taken.push(octets);
        next = undefined;
        done();
      };
      stream.emit("offered");
    },
  });
  const take = async (): Promise<void> => {
    if (next === undefined) await once(stream, "offered", { signal: AbortSignal.timeout(60_000) });
    next!();
  };
  const messages = (): readonly string[] => {
    const framer = new MessageFramer(2 * LARGE.length);
    const found: string[] = [];
    for (const octets of taken) {
      framer.push(octets);
      for (let one = framer.next(); one.kind !== "need-more"; one = framer.next()) {
        assert.equal(one.kind, "message");
        if (one.kind === "message") found.push(Buffer.from(one.text).toString());
      }
    }
    return found;
  };
  return { stream, take, taken, messages };
}

describe("what a slow reader has not taken", () => {
  it("is not in the stream but for a piece, however much there is", async () => {
    const { stream, take, taken, messages } = slow();
    const outgoing = new Outgoing(stream, { clock: systemClock, signal: new AbortController().signal });
    const said = outgoing.send(LARGE);
    const after = outgoing.send("short");
    let most = 0;
    let size = 0;
    while (size < LARGE.length) {
      most = Math.max(most, stream.writableLength);
      await take();
      size += taken.at(-1)!.length;
    }
    await said;
    while (messages().length < 2) await take();
    await after;
    assert.deepEqual(messages(), [LARGE, "short"]);
    assert.ok(most <= 2 * PIECE, `${most} octets of it were in the stream`);
    assert.equal(outgoing.unread, 0);
  });

  it("is let go where nothing more is to be written", async () => {
    const { stream, take } = slow();
    const controller = new AbortController();
    const outgoing = new Outgoing(stream, { clock: systemClock, signal: controller.signal });
    const said = outgoing.send(LARGE);
    await take();
    controller.abort();
    await said;
    assert.ok(stream.writableLength <= 2 * PIECE);
  });
});

describe("what a reader has room for", () => {
  it("is written in turns of a few milliseconds, in whatever parts it comes", async () => {
    let [now, turns] = [0, 0];
    /** A look at the clock is when a piece was written: that takes a millisecond. */
    const clock: Clock = {
      ...systemClock,
      monotonic: () => milliseconds(now++),
      soon(run) {
        turns++;
        setImmediate(run);
      },
    };
    const written: Uint8Array[] = [];
    const stream = new Duplex({
      ...{ highWaterMark: 16 * LARGE.length, read() {} },
      write(octets: Uint8Array, _, done) {
        written.push(octets);
        done();
      },
    });
    const outgoing = new Outgoing(stream, { clock, signal: new AbortController().signal });
    outgoing.framing = "chunked";
    await outgoing.send(["<a>", Buffer.from(LARGE), "</a>"]);
    await outgoing.send(["<b>", Buffer.from("short"), "</b>"]);
    await outgoing.flush();
    const framer = new MessageFramer(2 * LARGE.length);
    framer.framing = "chunked";
    const found: string[] = [];
    for (const octets of written) {
      framer.push(octets);
      for (let one = framer.next(); one.kind === "message"; one = framer.next())
        found.push(Buffer.from(one.text).toString());
    }
    assert.deepEqual(found, [`<a>${LARGE}</a>`, "<b>short</b>"]);
    assert.ok(turns >= LARGE.length / PIECE / 4, `${turns} turns for ${LARGE.length / PIECE} pieces`);
  });
});
