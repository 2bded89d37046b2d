import { MalformedMessage } from "../../base/protobuf.ts";

const HEAD = 5;
/** Octets of one message. */
const LONGEST = 256 * 1024 * 1024;

/** A message with the head that gRPC puts before it. @see gRPC over HTTP/2, Length-Prefixed-Message */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Takes messages out of octets that come in any portions. */
export class MessageFramer {
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** Octets that are no whole message yet. */
  get waiting(): number {
    return this.#length;
  }

  /**
   * The messages that are whole with these.
   * @throws {MalformedMessage} for what is compressed, which nobody asked for, or too long
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= HEAD) {
      const head = this.#joined(HEAD);
      if (head[0] !== 0) throw new MalformedMessage("a message is compressed");
      const length = head.readUInt32BE(1);
      if (length > LONGEST) throw new MalformedMessage(`a message has ${length} octets; ${LONGEST} is the most`);
      if (this.#length < HEAD + length) return;
      const all = this.#joined(HEAD + length);
      this.#chunks = all.length > HEAD + length ? [all.subarray(HEAD + length)] : [];
      this.#length -= HEAD + length;
      yield all.subarray(HEAD, HEAD + length);
    }
  }

  /** What is there, with at least so many octets in one piece. */
  #joined(count: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= count) {
      return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
