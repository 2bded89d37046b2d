/** How messages are told apart on a session. @see RFC 6242 §4.2 (chunked), §4.3 (end-of-message) */
export type Framing = "end-of-message" | "chunked";

/** What the octets so far amount to. After `malformed` and `too-big` the stream has no meaning any more. */
export type Framed =
  | { readonly kind: "need-more" }
  | { readonly kind: "message"; readonly text: Uint8Array }
  | { readonly kind: "malformed"; readonly reason: string }
  | { readonly kind: "too-big"; readonly limit: number };

const NEED_MORE: Framed = { kind: "need-more" };
const END_OF_MESSAGE = Buffer.from("]]>]]>");
const LF = 0x0a;
const HASH = 0x23;
const ZERO = 0x30;
const NINE = 0x39;
/** Of a chunk-size. @see RFC 6242 §4.2 */
const MAX_CHUNK = 4_294_967_295;
const FIRST_ROOM = 16 * 1024;
const FEW = 16;

/** Where the reader of chunks is: in what comes before the data of a chunk, or in the data. */
type ChunkState = "line-feed" | "hash" | "first-digit" | "digits" | "data" | "end";

/**
 * Takes the octets of one direction of a session and gives back whole messages. Holds at most `maxMessage` octets of a
 * message, in one piece, so that chunks of one octet cost no more than others.
 */
export class MessageFramer {
  framing: Framing = "end-of-message";
  readonly #maxMessage: number;
  #waiting: Uint8Array = new Uint8Array(0);
  #message = Buffer.alloc(0);
  #length = 0;
  #state: ChunkState = "line-feed";
  #chunkLeft = 0;
  /** Where the search for the end of a message goes on. */
  #searched = 0;

  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage;
  }

  /** True between two messages. */
  get idle(): boolean {
    return this.#length === 0 && this.#waiting.length === 0 && this.#state === "line-feed";
  }

  push(octets: Uint8Array): void {
    this.#waiting = this.#waiting.length === 0 ? octets : Buffer.concat([this.#waiting, octets]);
  }

  /** To be called until it says `need-more`; `framing` may change between two messages. */
  next(): Framed {
    return this.framing === "chunked" ? this.#nextOfChunks() : this.#nextByEnd();
  }

  #nextByEnd(): Framed {
    const octets = this.#waiting;
    this.#waiting = new Uint8Array(0);
    this.#append(octets, 0, octets.length);
    const at = this.#message.subarray(0, this.#length).indexOf(END_OF_MESSAGE, this.#searched);
    if (at < 0) {
      if (this.#length > this.#maxMessage) return { kind: "too-big", limit: this.#maxMessage };
      this.#searched = Math.max(0, this.#length - END_OF_MESSAGE.length + 1);
      return NEED_MORE;
    }
    if (at > this.#maxMessage) return { kind: "too-big", limit: this.#maxMessage };
    this.#waiting = this.#message.subarray(at + END_OF_MESSAGE.length, this.#length);
    return this.#complete(at);
  }

  #nextOfChunks(): Framed {
    const octets = this.#waiting;
    let i = 0;
    while (i < octets.length) {
      if (this.#state === "data") {
        const take = Math.min(this.#chunkLeft, octets.length - i);
        this.#append(octets, i, i + take);
        this.#chunkLeft -= take;
        i += take;
        if (this.#chunkLeft === 0) this.#state = "line-feed";
        continue;
      }
      const octet = octets[i++]!;
      if (this.#state === "end" && octet === LF) {
        this.#waiting = octets.subarray(i);
        this.#state = "line-feed";
        return this.#complete(this.#length);
      }
      const fault = this.#chunkHeader(octet);
      if (fault !== undefined) return fault;
    }
    this.#waiting = new Uint8Array(0);
    return NEED_MORE;
  }

  #chunkHeader(octet: number): Framed | undefined {
    const wrong = (wanted: string): Framed => ({
      kind: "malformed",
      reason: `octet 0x${octet.toString(16).padStart(2, "0")} where ${wanted} belongs in a chunk header`,
    });
    switch (this.#state) {
      case "line-feed":
        if (octet !== LF) return wrong("a line feed");
        this.#state = "hash";
        return undefined;
      case "hash":
        if (octet !== HASH) return wrong("#");
        this.#state = "first-digit";
        return undefined;
      case "first-digit":
        if (octet === HASH && this.#length > 0) {
          this.#state = "end";
          return undefined;
        }
        if (octet <= ZERO || octet > NINE) return wrong("a digit from 1 to 9");
        this.#chunkLeft = octet - ZERO;
        this.#state = "digits";
        return undefined;
      case "digits":
        if (octet === LF) {
          this.#state = "data";
          return this.#length + this.#chunkLeft > this.#maxMessage
            ? { kind: "too-big", limit: this.#maxMessage }
            : undefined;
        }
        if (octet < ZERO || octet > NINE) return wrong("a digit or a line feed");
        this.#chunkLeft = this.#chunkLeft * 10 + (octet - ZERO);
        return this.#chunkLeft > MAX_CHUNK
          ? { kind: "malformed", reason: "a chunk of more than 4294967295 octets" }
          : undefined;
      default:
        return wrong("a line feed");
    }
  }

  /** Of `octets` those from `start` on and before `end`. */
  #append(octets: Uint8Array, start: number, end: number): void {
    const wanted = this.#length + end - start;
    if (wanted > this.#message.length) {
      const roomier = Buffer.allocUnsafe(Math.max(wanted, this.#message.length * 2, FIRST_ROOM));
      this.#message.copy(roomier, 0, 0, this.#length);
      this.#message = roomier;
    }
    // Chunks of one octet are a way of keeping a server busy: a view, and `set`, cost as much for one as for a hundred.
    if (end - start < FEW) {
      for (let i = start, at = this.#length; i < end; i++) this.#message[at++] = octets[i]!;
    } else this.#message.set(octets.subarray(start, end), this.#length);
    this.#length = wanted;
  }

  #complete(length: number): Framed {
    const text = this.#message.subarray(0, length);
    this.#message = Buffer.alloc(0);
    this.#length = 0;
    this.#searched = 0;
    return { kind: "message", text };
  }
}

const END_OF_CHUNKS = Buffer.from("\n##\n");

/**
 * One message, in its parts, as it goes out: in pieces of about `pieceSize` octets, so that a slow reader sets the pace. A short one
 * is one piece, which is one packet of SSH.
 */
export function* framed(parts: readonly Uint8Array[], framing: Framing, pieceSize = 64 * 1024): Generator<Uint8Array> {
  const isChunked = framing === "chunked";
  const end = isChunked ? END_OF_CHUNKS : END_OF_MESSAGE;
  let left = parts.reduce((sum, { length }) => sum + length, 0);
  if (left === 0) yield end;
  for (const part of left <= pieceSize && parts.length > 1 ? [Buffer.concat(parts)] : parts) {
    for (let at = 0; at < part.length; at += pieceSize) {
      const piece = part.subarray(at, at + pieceSize);
      left -= piece.length;
      const pieces = left === 0 ? [piece, end] : [piece];
      if (isChunked) pieces.unshift(Buffer.from(`\n#${piece.length}\n`, "latin1"));
      yield pieces.length === 1 ? piece : Buffer.concat(pieces);
    }
  }
}
