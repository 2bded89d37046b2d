import type { Duplex } from "node:stream";

/** RFC 9113 §6 */
const TYPES = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const HEAD = 9;
const CANCEL = 8;
const LARGEST_WINDOW = 2 ** 31 - 1;

function frame(type: keyof typeof TYPES, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const u32 = (value: number): Buffer => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
};

const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);

/** What it says first: it takes all that is sent. INITIAL_WINDOW_SIZE is 4; the connection's has 65 535 of its own. */
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame("settings", 0, 0, Buffer.concat([Buffer.of(0, 4), u32(LARGEST_WINDOW)])),
  frame("settings", ACK, 0, Buffer.alloc(0)),
  frame("windowUpdate", 0, 0, u32(LARGEST_WINDOW - 65_535)),
]);

/** Calls of one method as frames by hand, to be sent whenever somebody likes: a client that keeps to no limits. */
export class FrameClient {
  readonly stream: Duplex;
  readonly #fields: readonly (readonly [string, string])[];
  readonly #waiting = new Set<() => void>();
  readonly #withData = new Set<number>();
  #received: Buffer = Buffer.alloc(0);
  #next = 1;
  #ended = "";
  /** Calls that ended with a message, and without. */
  answered = 0;
  refused = 0;
  #pongs = 0;

  constructor(stream: Duplex, method: string, metadata: Readonly<Record<string, string>>) {
    this.stream = stream;
    const pseudo = { ":method": "POST", ":scheme": "https", ":path": method, ":authority": "r1" };
    this.#fields = Object.entries({ ...pseudo, "content-type": "application/grpc", te: "trailers", ...metadata });
    stream.on("data", (octets: Buffer) => this.#read(octets));
    stream.once("close", () => {
      this.#ended ||= "closed";
      this.#wake();
    });
    stream.write(PREFACE);
  }

  /** Fields of the first call are put into the table (RFC 7541 §6.2.1), the others name them there, an octet each. */
  #headers(stream: number): Buffer {
    const fields = this.#fields;
    const block =
      stream === 1
        ? Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.of(0x40), text(name), text(value)])))
        : Buffer.from(fields.map((_, index) => 0x80 | (61 + fields.length - index)));
    return frame("headers", END_HEADERS, stream, block);
  }

  /** One with its only message, or which is reset behind it. */
  call(message: Uint8Array, { isReset = false } = {}): Buffer {
    const stream = this.#next;
    this.#next += 2;
    const data = frame("data", isReset ? 0 : END_STREAM, stream, message);
    return Buffer.concat([
      ...[this.#headers(stream), data],
      ...(isReset ? [frame("reset", 0, stream, u32(CANCEL))] : []),
    ]);
  }

  /** What is answered behind all that was sent before. */
  readonly ping: Buffer = frame("ping", 0, 0, Buffer.alloc(8));

  /** Resolves when so many calls have been answered, all in all; rejects when one is refused. */
  async answers(many: number): Promise<void> {
    await this.#until(() => this.answered >= many || this.refused > 0, `${many} answers`);
    if (this.refused > 0) throw new Error(`${this.refused} calls were refused, ${this.answered} answered`);
  }

  async ponged(): Promise<void> {
    await this.#until(() => this.#pongs > 0, "an answer to a ping");
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    while (!isSo()) {
      if (this.#ended !== "") throw new Error(`${what} did not come: ${this.#ended}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #read(octets: Buffer): void {
    this.#received = Buffer.concat([this.#received, octets]);
    for (;;) {
      if (this.#received.length < HEAD) break;
      const end = HEAD + this.#received.readUIntBE(0, 3);
      if (this.#received.length < end) break;
      this.#take(this.#received[3]!, this.#received[4]!, this.#received.readUInt32BE(5), end);
      this.#received = this.#received.subarray(end);
    }
    this.#wake();
  }

  #take(type: number, flags: number, stream: number, end: number): void {
    if (type === TYPES.data) this.#withData.add(stream);
    if (type === TYPES.ping && (flags & ACK) !== 0) this.#pongs++;
    if (type === TYPES.goAway) this.#ended = `GOAWAY ${this.#received.toString("latin1", HEAD, end)}`;
    if (type !== TYPES.headers || (flags & END_STREAM) === 0) return;
    if (this.#withData.has(stream)) this.answered++;
    else this.refused++;
  }
}
