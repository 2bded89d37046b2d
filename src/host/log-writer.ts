import { close, constants, fstatSync, open, openSync, write, writeSync } from "node:fs";
import { errnoOf } from "./faults.ts";

export interface LogWriterOptions {
  /** File descriptor, or path to append to. */
  readonly to: number | string;
  /** Octets that may wait. */
  readonly most: number;
  /** Called when lines are written again after `errno` had kept them from it. */
  readonly recovered: (errno: string) => void;
}

/** What one call of write(2) is given at most. */
const MOST_AT_ONCE = 64 * 1024;
/** A reader that is slow is asked again soon, a disk that is full after a while, milliseconds. */
const SLOW_READER = 50;
const BROKEN = 1_000;
/** How long closing waits for whoever reads, milliseconds. */
const LONGEST_CLOSE = 2_000;

/**
 * Writes lines to a file, pipe or socket, in order, without anybody waiting for it. What cannot be written (full disk) waits,
 * and is tried again; beyond `most` octets, and once nobody reads, lines are dropped and counted. It never throws: a router
 * must not end for its log.
 */
export class LogWriter implements AsyncDisposable {
  readonly #most: number;
  readonly #recovered: (errno: string) => void;
  /** Absent: the file is not open yet. */
  #fd: number | undefined;
  #ownsFd = false;
  #lines: string[] = [];
  /** Octets of `#lines` and `#rest`. */
  #waiting = 0;
  /** What is being written: the rest of it begins here. */
  #rest: Buffer = NOTHING;
  #isWriting = false;
  #retry: NodeJS.Timeout | undefined;
  /** Absent: the last write went well. */
  #failure: string | undefined;
  #isGone = false;
  #idle: (() => void) | undefined;
  #dropped = 0;

  constructor({ to, most, recovered }: LogWriterOptions) {
    this.#most = most;
    this.#recovered = recovered;
    process.on("exit", this.#atExit);
    if (typeof to === "number") {
      const own = withoutBlocking(to);
      this.#fd = own ?? to;
      this.#ownsFd = own !== undefined;
      return;
    }
    this.#isWriting = true;
    open(to, "a", 0o640, (cause, fd) => {
      this.#isWriting = false;
      this.#ownsFd = cause === null;
      if (cause === null) this.#fd = fd;
      else this.#isGone = true;
      this.#next();
    });
  }

  /** Lines that nobody will read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `line` ends in a line feed. */
  write(line: string): void {
    const octets = Buffer.byteLength(line);
    if (this.#isGone || this.#waiting + octets > this.#most) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#waiting += octets;
    if (this.#retry === undefined) this.#next();
  }

  /** Writes what waits, as far as somebody takes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#atExit);
    if (this.#isWriting || this.#waiting > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const longest = setTimeout(resolve, LONGEST_CLOSE);
      this.#next();
      await promise;
      clearTimeout(longest);
    }
    clearTimeout(this.#retry);
    this.#isGone = true;
    const fd = this.#fd;
    if (this.#ownsFd && fd !== undefined && !this.#isWriting)
      await new Promise<void>((done) => close(fd, () => done()));
  }

  #next(): void {
    if (this.#isWriting) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#isGone) this.#forget();
    if (this.#rest.length === 0) this.#rest = this.#take();
    if (this.#rest.length === 0) {
      this.#idle?.();
      return;
    }
    this.#isWriting = true;
    write(this.#fd!, this.#rest, (cause, written) => {
      this.#isWriting = false;
      if (cause !== null) {
        this.#failed(errnoOf(cause));
        return;
      }
      this.#rest = this.#rest.subarray(written);
      this.#waiting -= written;
      const before = this.#failure;
      this.#failure = undefined;
      if (before !== undefined && before !== "EAGAIN") this.#recovered(before);
      this.#next();
    });
  }

  #failed(errno: string): void {
    this.#failure = errno;
    if (errno === "EPIPE" || errno === "EBADF") {
      this.#isGone = true;
      this.#next();
      return;
    }
    // Whoever closes does not wait for a disk.
    if (errno !== "EAGAIN") this.#idle?.();
    this.#retry = setTimeout(() => this.#next(), errno === "EAGAIN" ? SLOW_READER : BROKEN);
    this.#retry.unref();
  }

  /** The next lines as octets. */
  #take(): Buffer {
    let octets = 0;
    let count = 0;
    while (count < this.#lines.length && octets < MOST_AT_ONCE) octets += this.#lines[count++]!.length;
    return count === 0 ? NOTHING : Buffer.from(this.#lines.splice(0, count).join(""));
  }

  #forget(): void {
    this.#dropped += this.#lines.length + (this.#rest.length > 0 ? 1 : 0);
    this.#lines = [];
    this.#rest = NOTHING;
    this.#waiting = 0;
  }

  /** A process that ends by an exception: what waits says why, if it can be written at once. */
  readonly #atExit = (): void => {
    if (this.#fd === undefined || this.#isGone) return;
    // What is being written is another thread's, which ends it.
    const rest = this.#isWriting ? NOTHING : this.#rest;
    try {
      writeSync(this.#fd, Buffer.concat([rest, Buffer.from(this.#lines.join(""))]));
    } catch {
      // There is nobody left to tell.
    }
  };
}

/**
 * The same pipe for us alone, so that a reader who does not read holds up no thread, with which the process could not end;
 * whoever else has the pipe does not notice. Absent for what is none.
 */
function withoutBlocking(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO()) return undefined;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined; // it is not this user's: as it is, then
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
