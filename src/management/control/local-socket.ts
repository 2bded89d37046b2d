import { linkSync, lstatSync, renameSync, type Stats } from "node:fs";
import { chmod, lstat } from "node:fs/promises";
import type { Server } from "node:net";
import { type Clock, type Log, messageOf, milliseconds, type Timer } from "../../base/index.ts";
import { type ListeningParts, ListeningSocket } from "../../sockets/index.ts";
import { claimSocketPath, ignoreMissing } from "./socket.ts";

export interface LocalSocketParts extends ListeningParts {
  readonly log: Log;
}

export interface LocalSocketOptions {
  readonly path: string;
  /** Of the file: who may connect. */
  readonly mode: number;
}

/** How often it is looked whether the file is still there. */
export const LOOK_EVERY = milliseconds(2_000);

/** Why nobody gets in: who has been told of one is not told of it again. */
type Trouble = "taken" | "failed";

/**
 * A server that listens at a path of this host. Whoever removes the file keeps everybody out who comes then: it is made anew. What
 * somebody else has put there is his, while it runs and when it ends.
 */
export class LocalSocket implements AsyncDisposable {
  readonly #server: Server;
  readonly #options: LocalSocketOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #socket: ListeningSocket;
  #own: Stats;
  #trouble: Trouble | undefined;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    server: Server,
    options: LocalSocketOptions,
    parts: LocalSocketParts,
    [socket, own]: readonly [ListeningSocket, Stats],
  ) {
    this.#server = server;
    this.#options = options;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#socket = socket;
    this.#own = own;
    this.#arm();
  }

  /** @throws {ControlSocketError}, or the system's error */
  static async open(server: Server, options: LocalSocketOptions, parts: LocalSocketParts): Promise<LocalSocket> {
    await claimSocketPath(options.path);
    const socket = await masked(options.mode, () => ListeningSocket.open(server, { path: options.path }, parts));
    try {
      return new LocalSocket(server, options, parts, [socket, await settled(options)]);
    } catch (cause) {
      await socket[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Nobody comes in any more; who is in stays. The file goes, where it is this one's. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #arm(): void {
    this.#timer = this.#clock.after(LOOK_EVERY, () => {
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
        if (this.#closed === undefined) this.#arm();
      });
    });
  }

  async #look(): Promise<void> {
    const { path, mode } = this.#options;
    try {
      const there = await lstat(path).catch(ignoreMissing);
      if (this.#isOwn(there)) {
        this.#trouble = undefined;
        return;
      }
      if (there !== undefined) {
        this.#tell("taken", {
          reason: "something else has been put there",
          advice:
            "remove it, and the router makes its own again; if another router listens there, give one of them another path",
        });
        return;
      }
      await claimSocketPath(path);
      await masked(mode, () => this.#socket.again({ path }));
      this.#own = await settled(this.#options);
      this.#trouble = undefined;
      this.#log.warn("control.socket-made-anew", {
        path,
        reason: "somebody had removed it: who connected then was kept out",
      });
    } catch (cause) {
      this.#tell("failed", { reason: messageOf(cause), advice: "it is tried again every 2 s" });
    }
  }

  #tell(trouble: Trouble, fields: { readonly reason: string; readonly advice: string }): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#log.error("control.socket-gone", { path: this.#options.path, effect: "nobody can connect", ...fields });
  }

  #isOwn(there: Stats | undefined): boolean {
    return this.#server.listening && there?.ino === this.#own.ino && there.dev === this.#own.dev;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    await this.#looking;
    const restore = this.#setAside();
    await this.#socket[Symbol.asyncDispose]();
    restore();
  }

  /** libuv removes whatever is at the path: what is somebody else's has another name for that moment. */
  #setAside(): () => void {
    const { path } = this.#options;
    const there = lstatSync(path, { throwIfNoEntry: false });
    // A folder has one name only, and is not removed either.
    if (there === undefined || there.isDirectory() || this.#isOwn(there)) return () => {};
    const aside = `${path}.${process.pid}`;
    linkSync(path, aside);
    return () => renameSync(aside, path);
  }
}

/** The file is made before `listen` gives the turn away: with this mask nobody else can connect even before chmod. */
function masked<T>(mode: number, listen: () => Promise<T>): Promise<T> {
  const mask = process.umask(0o777 & ~mode);
  try {
    return listen();
  } finally {
    process.umask(mask);
  }
}

async function settled({ path, mode }: LocalSocketOptions): Promise<Stats> {
  await chmod(path, mode);
  return await lstat(path);
}
