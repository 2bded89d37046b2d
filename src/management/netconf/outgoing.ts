import type { Duplex } from "node:stream";
import { type Clock, type Milliseconds, Slices } from "../../base/index.ts";
import { type Framing, framed } from "./framing.ts";
import type { Text } from "./reply.ts";

/** What is said in one turn goes together, so many octets at most: a packet of SSH takes 32 KiB. */
const TOGETHER = 16 * 1024;

export interface OutgoingParts {
  readonly clock: Clock;
  /** Aborts when nothing more is to be written. */
  readonly signal: AbortSignal;
}

/** Octets of what is said: of all, and of notifications, which nobody asked for one by one. */
interface Amount {
  size: number;
  notified: number;
}

/** Messages on their way out, in their order and at the reader's pace. Small ones of one turn are one write. */
export class Outgoing {
  readonly #stream: Duplex;
  readonly #parts: OutgoingParts;
  /** Of messages from now on. */
  framing: Framing = "end-of-message";
  /** Framed, and written with what else this turn says. */
  #together: Uint8Array[] = [];
  #togetherAmount: Amount = { size: 0, notified: 0 };
  /** On a later turn, unless that was done before. */
  #flushes = false;
  #writing: Promise<void> = Promise.resolve();
  /** Something is on its way, and what comes waits for it. */
  #isWriting = false;
  readonly #unread: Amount = { size: 0, notified: 0 };
  #movedAt: Milliseconds;

  constructor(stream: Duplex, parts: OutgoingParts) {
    this.#stream = stream;
    this.#parts = parts;
    this.#movedAt = parts.clock.monotonic();
  }

  /** Octets of messages that the client has not taken. */
  get unread(): number {
    return this.#unread.size;
  }

  /** Of these, of notifications. */
  get unreadNotifications(): number {
    return this.#unread.notified;
  }

  /** When the client last took something of what waits for it. */
  get movedAt(): Milliseconds {
    return this.#movedAt;
  }

  /** Resolves when more can be said, or nothing more is to be written. */
  send(text: Text, kind: "answer" | "notification" = "answer"): Promise<void> {
    const parts = typeof text === "string" ? [Buffer.from(text)] : text.map(octetsOf);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    const amount = { size, notified: kind === "notification" ? size : 0 };
    add(this.#unread, amount, 1);
    if (size > TOGETHER) {
      this.#join();
      return this.#hand(framed(parts, this.framing), amount);
    }
    this.#together.push(...framed(parts, this.framing));
    add(this.#togetherAmount, amount, 1);
    if (this.#togetherAmount.size > TOGETHER) this.#join();
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
    const amount = this.#togetherAmount;
    this.#together = [];
    this.#togetherAmount = { size: 0, notified: 0 };
    void this.#hand(pieces, amount);
  }

  #hand(pieces: Iterable<Uint8Array>, amount: Amount): Promise<void> {
    this.#writing = this.#isWriting
      ? this.#writing.then(() => this.#write(pieces, amount))
      : this.#write(pieces, amount);
    return this.#writing;
  }

  async #write(pieces: Iterable<Uint8Array>, amount: Amount): Promise<void> {
    this.#isWriting = true;
    const { clock, signal } = this.#parts;
    const slices = new Slices(clock, { stepsPerLook: 1 });
    for (const piece of pieces) {
      if (signal.aborted) return;
      if (!this.#stream.write(piece)) await this.#drained();
      this.#movedAt = clock.monotonic();
      // What the reader has room for is encrypted at once: a window of SSH is 2 MiB
      if (slices.isOver) await slices.next();
    }
    add(this.#unread, amount, -1);
    this.#isWriting = this.#unread.size > this.#togetherAmount.size;
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

function add(to: Amount, { size, notified }: Amount, sign: 1 | -1): void {
  to.size += sign * size;
  to.notified += sign * notified;
}

const octetsOf = (part: string | Uint8Array): Uint8Array => (typeof part === "string" ? Buffer.from(part) : part);
