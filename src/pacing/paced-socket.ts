import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Clock } from "../base/index.ts";

/** Octets that the reader has at a time: two dozen of the shortest requests of HTTP. */
const PIECE = 512;
/** Milliseconds in which he is given more of them at once. */
const SLICE = 0.25;

interface Chunk {
  readonly chunk: Uint8Array;
}

type Done = (cause?: Error | null) => void;

/**
 * A connection whose octets come in pieces, and in no turn of the event loop for long: whoever reads it may have much to do for few of
 * them. A packet of SSH, a request of HTTP or a query of DNS is some twenty octets; a socket reads 64 kB at once, and
 * up to 32 times a turn, before anybody has asked for it.
 *
 * Every slice waits for its turn (`Clock.soon`), which all connections share: what a piece has led to, promises too, is done before
 * the next slice of anybody.
 */
export class PacedSocket extends Duplex {
  /** The connection itself, which nobody else may read or write. */
  readonly socket: Socket;
  readonly #clock: Clock;
  #isWanted = false;
  #isDue = false;

  constructor(socket: Socket, clock: Clock) {
    super({ allowHalfOpen: socket.allowHalfOpen, readableHighWaterMark: PIECE });
    this.socket = socket;
    this.#clock = clock;
    socket.allowHalfOpen = true; // it has ended for who reads here only when he has read that, which may be much later
    socket.on("readable", () => this.#ask());
    socket.once("end", () => this.push(null));
    socket.on("timeout", () => this.emit("timeout"));
    socket.on("error", (cause) => this.destroy(cause)); // a second one, unheard, would end the process
    socket.once("close", () => {
      // Ended by both: what is still to be read, and then the end, is all that is left of it.
      if (!socket.readableEnded || !socket.writableFinished) this.destroy();
    });
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  get remoteFamily(): string | undefined {
    return this.socket.remoteFamily;
  }

  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  /** As a socket's: `timeout` is emitted when nothing has come or gone for so many milliseconds. */
  setTimeout(after: number, onTimeout?: () => void): this {
    this.socket.setTimeout(after);
    if (onTimeout !== undefined) this.once("timeout", onTimeout);
    return this;
  }

  /** As a socket's: closes it when everything has been sent, whether or not the other end does. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  override _read(): void {
    this.#isWanted = true;
    if (this.socket.readableLength > 0) this.#ask();
    else this.socket.read(0); // has it say when there is something
  }

  #ask(): void {
    if (this.#isDue || !this.#isWanted || this.destroyed) return;
    this.#isDue = true;
    this.#clock.soon(this.#take);
  }

  readonly #take = (): void => {
    this.#isDue = false;
    const ends = this.#clock.monotonic() + SLICE;
    do {
      if (!this.#isWanted || this.destroyed) return;
      const { readableLength } = this.socket;
      const piece: Uint8Array | null = this.socket.read(
        readableLength === 0 ? undefined : Math.min(PIECE, readableLength),
      );
      if (piece === null) return;
      this.#isWanted = this.push(piece);
    } while (this.#clock.monotonic() < ends);
    this.#ask();
  };

  override _write(octets: Uint8Array, _encoding: unknown, done: Done): void {
    if (this.#isGone(done)) return;
    this.socket.write(octets, done);
  }

  override _writev(chunks: readonly Chunk[], done: Done): void {
    if (this.#isGone(done)) return;
    const last = chunks.length - 1;
    this.socket.cork();
    for (const [at, { chunk }] of chunks.entries()) this.socket.write(chunk, at === last ? done : undefined);
    this.socket.uncork();
  }

  /** Somebody has ended the connection, which is no error of who writes to it. */
  #isGone(done: Done): boolean {
    if (!this.socket.destroyed) return false;
    this.destroy();
    done();
    return true;
  }

  override _final(done: Done): void {
    if (this.#isGone(done)) return;
    this.socket.end(done);
  }

  override _destroy(cause: Error | null, done: (cause: Error | null) => void): void {
    this.socket.destroy();
    done(cause);
  }
}
