import type { Duplex } from "node:stream";
import { type Clock, Slices } from "../../base/index.ts";
import { type Framing, framed } from "./framing.ts";
import type { Text } from "./reply.ts";

/** What is said in one turn goes together, so many octets at most: a packet of SSH takes 32 KiB. */
const TOGETHER = 16 * 1024;

export interface OutgoingParts {
  readonly clock: Clock;
  /** Aborts when nothing more is to be written. */
  readonly signal: AbortSignal;
}

/** Messages on their way out, in their order and at the reader's pace. Small ones of one turn are one write. */
export class Outgoing {
  readonly #stream: Duplex;
  readonly #parts: OutgoingParts;
  /** Of messages from now on. */
  framing: Framing = "end-of-message";
  /** Framed, and written with what else this turn says. */
  #together: Uint8Array[] = [];
  #togetherSize = 0;
  /** On a later turn, unless that was done before. */
  #flushes = false;
  #writing: Promise<void> = Promise.resolve();
  /** Something is on its way, and what comes waits for it. */
  #isWriting = false;
  #unread = 0;

  constructor(stream: Duplex, parts: OutgoingParts) {
    this.#stream = stream;
    this.#parts = parts;
  }

  /** Octets of messages that the client has not taken. */
  get unread(): number {
    return this.#unread;
  }

  /** Resolves when more can be said, or nothing more is to be written. */
  send(text: Text): Promise<void> {
    const parts = typeof text === "string" ? [Buffer.from(text)] : text.map(octetsOf);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    this.#unread += size;
    if (size > TOGETHER) {
      this.#join();
      return this.#hand(framed(parts, this.framing), size);
    }
    this.#together.push(...framed(parts, this.framing));
    this.#togetherSize += size;
    if (this.#togetherSize > TOGETHER) this.#join();
    else if (!this.#flushes) {
      this.#flushes = true;
      this.#parts.clock.soon(() => {
        this.#flushes = false;
        this.#join();
      });
    }
    return this.#writing;
  }

  /** Writes what was said so far. Resolves as {@link send}. */
  flush(): Promise<void> {
    this.#join();
    return this.#writing;
  }

  #join(): void {
    const [first, ...others] = this.#together;
    if (first === undefined) return;
    const pieces = others.length === 0 ? [first] : [Buffer.concat(this.#together)];
    const size = this.#togetherSize;
    this.#together = [];
    this.#togetherSize = 0;
    void this.#hand(pieces, size);
  }

  #hand(pieces: Iterable<Uint8Array>, size: number): Promise<void> {
    this.#writing = this.#isWriting ? this.#writing.then(() => this.#write(pieces, size)) : this.#write(pieces, size);
    return this.#writing;
  }

  async #write(pieces: Iterable<Uint8Array>, size: number): Promise<void> {
    this.#isWriting = true;
    const slices = new Slices(this.#parts.clock, { stepsPerLook: 1 });
    for (const piece of pieces) {
      if (this.#parts.signal.aborted) return;
      if (!this.#stream.write(piece)) await this.#drained();
      // What the reader has room for is encrypted at once: a window of SSH is 2 MiB
      if (slices.isOver) await slices.next();
    }
    this.#unread -= size;
    this.#isWriting = this.#unread > this.#togetherSize;
  }

  #drained(): Promise<void> {
    const { signal } = this.#parts;
    return new Promise((resolve) => {
      const go = (): void => {
        this.#stream.off("drain", go);
        signal.removeEventListener("abort", go);
        resolve();
      };
      this.#stream.on("drain", go);
      signal.addEventListener("abort", go);
    });
  }
}

const octetsOf = (part: string | Uint8Array): Uint8Array => (typeof part === "string" ? Buffer.from(part) : part);
