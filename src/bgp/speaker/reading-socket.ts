import net from "node:net";

const READ_BUFFER = 64 * 1024;
/** Octets that buffers are cut from: memory comes from the kernel page by page, and who says little writes to few of them. */
const CHUNK = 16 * READ_BUFFER;

let chunk = new Uint8Array(0);

/** One that comes after another is in the same chunk, which is there as long as one of them. */
function readBuffer(): Uint8Array {
  if (chunk.length === 0) chunk = new Uint8Array(CHUNK);
  const buffer = chunk.subarray(0, READ_BUFFER);
  chunk = chunk.subarray(READ_BUFFER);
  return buffer;
}

/** What Node takes and does not tell of. */
interface SocketOptions extends Pick<net.SocketConstructorOpts, "fd" | "readable" | "writable"> {
  readonly manualStart?: boolean;
  readonly pauseOnCreate?: boolean;
  readonly handle?: object;
}

/** A write was refused since the connection is gone. What came before is still to be read, and after it there is an end. */
const GONE: ReadonlySet<string | undefined> = new Set(["ECONNRESET", "EPIPE"]);

type Written = (error?: Error | null) => void;

/**
 * Node closes a socket when a write fails, whatever is still to be read from it. A peer that says why it ends the connection closes
 * it right away, which is a reset where it has not read everything: who writes at that moment would never know the reason. So
 * the write is not over before the end has been read.
 */
class ReadingSocket extends net.Socket {
  override _write(octets: unknown, encoding: BufferEncoding, written: Written): void {
    super._write(octets, encoding, this.#afterTheEnd(written));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], written: Written): void {
    super._writev!(chunks, this.#afterTheEnd(written));
  }

  #afterTheEnd(written: Written): Written {
    return (error) => {
      const isGone = GONE.has((error as NodeJS.ErrnoException | null | undefined)?.code);
      if (isGone && !this.readableEnded && !this.destroyed) this.once("end", () => written(error));
      else written(error);
    };
  }
}

/** A socket that reads into one buffer of its own and says so with an event `octets`: nothing is allocated for what comes. */
export function readingSocket(options: SocketOptions): net.Socket {
  const buffer = readBuffer();
  const callback = (count: number): boolean => {
    socket.emit("octets", buffer.subarray(0, count));
    return true;
  };
  const socket = new ReadingSocket({ ...options, onread: { buffer, callback } } as net.SocketConstructorOpts);
  return socket;
}

/** The same: who holds the descriptor. */
interface HandleOwner {
  _handle?: object | null;
}

/**
 * The connection of a socket that `net.Server` made, paused, in one that reads into a buffer. Those of a server have a new buffer
 * for each read, which waits for the garbage collector: some 10 MB while several neighbours send their tables.
 */
export function rereading(accepted: net.Socket): net.Socket {
  const owner = accepted as unknown as HandleOwner;
  const handle = owner._handle;
  if (handle === undefined || handle === null) return accepted;
  owner._handle = null;
  accepted.destroy(); // it has nothing any more, and the server does not count it
  return readingSocket({ handle, readable: true, writable: true, pauseOnCreate: true });
}
