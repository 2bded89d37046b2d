import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type Clock, milliseconds } from "../../base/index.ts";

/** Octets that the reader has at a time, and how long he may be given more of them before others have their turn. */
const PIECE = 2048;
const SPAN = milliseconds(2);

/**
 * A connection whose octets come in pieces, and in no turn of the event loop for long: whoever reads it may have much to do for few of
 * them. Every packet of SSH is deciphered by itself, so a read of 64 kB may be two thousand of them; and a socket reads up to 32
 * times a turn, before anybody has asked for it.
 */
export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** When the time of this turn is over; 0: nothing was read in it. */
  #ends = 0;
  #isWanted = false;

  constructor(socket: Socket, clock: Clock) {
    super({ allowHalfOpen: socket.allowHalfOpen, readableHighWaterMark: PIECE });
    this.#socket = socket;
    this.#clock = clock;
    socket.on("readable", () => this.#take());
    socket.once("end", () => this.push(null));
    socket.once("error", (cause) => this.destroy(cause));
    socket.once("close", () => this.destroy());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remoteFamily(): string | undefined {
    return this.#socket.remoteFamily;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#take();
  }

  #take(): void {
    while (this.#isWanted && !this.destroyed && !this.#isOver) {
      const { readableLength } = this.#socket;
      const piece: Uint8Array | null = this.#socket.read(
        readableLength === 0 ? undefined : Math.min(PIECE, readableLength),
      );
      if (piece === null) return;
      if (this.#ends === 0) this.#begin();
      this.#isWanted = this.push(piece);
    }
  }

  /** With the first piece of a turn; nothing is due where none has come. */
  #begin(): void {
    this.#ends = this.#clock.monotonic() + SPAN;
    this.#clock.soon(() => {
      this.#ends = 0;
      this.#take();
    });
  }

  get #isOver(): boolean {
    return this.#ends !== 0 && this.#clock.monotonic() >= this.#ends;
  }

  override _write(octets: Uint8Array, _encoding: unknown, done: (cause?: Error | null) => void): void {
    this.#socket.write(octets, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(cause: Error | null, done: (cause: Error | null) => void): void {
    this.#socket.destroy();
    done(cause);
  }
}
