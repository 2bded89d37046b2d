import { copyFile, type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Log, type Metrics, Slices } from "../base/index.ts";
import { syncDirectory, writeFully } from "./atomic-file.ts";
import { systemClock } from "./clock.ts";
import { errnoOf, HostError } from "./faults.ts";
import { decodingJournal, encodeLine, type JournalContents } from "./journal-lines.ts";
import { isFull, roomAt } from "./no-room.ts";

/** What a journal works with. */
export interface JournalParts {
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Waiting {
  readonly key: string;
  /** What to write; `live` when the key then has a value. */
  readonly line: string;
  readonly live: boolean;
  readonly done: PromiseWithResolvers<void>;
}

const MOST_WAITING = 100_000;
/** A journal with this many more lines than twice the live ones is written anew. */
const SLACK = 1_000;
const REWRITE_CHUNK = 1_000;

/**
 * A map from text to JSON values on disk: an append-only file of checksummed lines.
 *
 * `set` resolves after fsync; everything that is asked for while one fsync runs shares the next. A write that fails
 * (full disk) is taken back, so the file always ends in a whole line, and the next one is tried anew.
 */
export class Journal implements AsyncDisposable {
  readonly path: string;
  /** What was found when the journal was opened. */
  readonly restored: ReadonlyMap<string, unknown>;
  readonly #log: Log;
  readonly #failures;
  readonly #syncs;
  readonly #records;
  #file: FileHandle;
  #length: number;
  #count: number;
  #lines: Map<string, string>;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  /** The file may hold octets that were not acknowledged: it is written anew before anything is appended. */
  #suspect = false;
  #failing = false;
  #closed = false;

  constructor(path: string, found: JournalContents, file: FileHandle, parts: JournalParts) {
    this.path = path;
    this.restored = found.values;
    this.#file = file;
    this.#length = found.goodLength;
    this.#count = found.count;
    this.#lines = found.lines;
    this.#suspect = found.damaged.length > 0;
    this.#log = parts.log;
    const { metrics } = parts;
    this.#failures = metrics.counter("semrd_journal_failures_total", "Writes that were refused or failed");
    this.#syncs = metrics.counter("semrd_journal_syncs_total", "Times the journal was brought to the disk");
    this.#records = metrics.counter("semrd_journal_records_total", "Records that were made durable");
  }

  /** Live keys. */
  get size(): number {
    return this.#lines.size;
  }

  /**
   * Resolves when `key` has `value` (undefined: is gone) even if the machine stops now.
   * @throws {HostError} host.journal-write-failed, host.journal-overloaded; nothing changed then
   */
  set(key: string, value: unknown): Promise<void> {
    if (this.#closed) throw new TypeError("the journal is closed");
    if (this.#waiting.length >= MOST_WAITING) {
      this.#failures.add();
      const fault = { code: "host.journal-overloaded", path: this.path, limit: MOST_WAITING } as const;
      return Promise.reject(new HostError(fault, `${MOST_WAITING} records are waiting for the disk of ${this.path}`));
    }
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ key, line: encodeLine({ key, value }), live: value !== undefined, done });
    this.#writing ??= this.#write();
    return done.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // what is asked for in this turn goes into the first batch
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#commit(batch);
      } catch (cause) {
        this.#refuse(batch, cause);
        continue;
      }
      if (this.#failing) this.#log.info("journal.recovered", { path: this.path });
      this.#failing = false;
      this.#records.add(batch.length);
      for (const { done } of batch) done.resolve();
      if (this.#count > 2 * this.#lines.size + SLACK) await this.#compact();
    }
    this.#writing = undefined;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    if (this.#suspect) await this.#rewrite();
    const octets = Buffer.from(batch.map(({ line }) => line).join(""));
    try {
      await writeFully(this.#file, octets, this.#length);
      await this.#file.datasync();
    } catch (cause) {
      await this.#takeBack();
      throw cause;
    }
    this.#syncs.add();
    this.#length += octets.length;
    this.#count += batch.length;
    for (const { key, line, live } of batch) {
      if (live) this.#lines.set(key, line);
      else this.#lines.delete(key);
    }
  }

  /** Cuts off what was not acknowledged. Where that fails too, nobody knows what is on the disk: only a new file is trusted. */
  async #takeBack(): Promise<void> {
    this.#suspect = true;
    try {
      await this.#file.truncate(this.#length);
      await this.#file.datasync();
      this.#suspect = false;
    } catch (cause) {
      this.#log.warn("journal.truncate-failed", { path: this.path, errno: errnoOf(cause) });
    }
  }

  #refuse(batch: readonly Waiting[], cause: unknown): void {
    const errno = errnoOf(cause);
    this.#failures.add(batch.length);
    if (!this.#failing) this.#log.error("journal.failing", { path: this.path, errno });
    this.#failing = true;
    const advice = isFull(cause) ? ": make room on its file system" : "";
    for (const { done } of batch) {
      const fault = { code: "host.journal-write-failed", path: this.path, errno } as const;
      done.reject(new HostError(fault, `${this.path} could not be written (${errno})${advice}`, { cause }));
    }
  }

  async #compact(): Promise<void> {
    try {
      await this.#rewrite();
    } catch (cause) {
      // The old file is whole and goes on being used; tried again after the next batches.
      this.#log.warn("journal.compaction-failed", { path: this.path, errno: errnoOf(cause) });
      this.#failures.add();
    }
  }

  async #rewrite(): Promise<void> {
    const next = `${this.path}.new`;
    const file = await open(next, "w", 0o600);
    let length = 0;
    try {
      const lines = [...this.#lines.values()];
      for (let i = 0; i < lines.length; i += REWRITE_CHUNK) {
        const octets = Buffer.from(lines.slice(i, i + REWRITE_CHUNK).join(""));
        await writeFully(file, octets, length);
        length += octets.length;
      }
      await file.datasync();
      await rename(next, this.path);
    } catch (cause) {
      await file.close();
      await rm(next, { force: true });
      throw cause;
    }
    const old = this.#file;
    this.#file = file;
    this.#length = length;
    this.#count = this.#lines.size;
    await old.close();
    this.#suspect = true; // until the directory is on the disk, a crash could bring back the old file
    await syncDirectory(dirname(this.path));
    this.#suspect = false;
    this.#syncs.add();
  }
}

/**
 * Opens or creates a journal. A torn last line is cut off and reported. Damage costs the damaged lines, is reported, and the
 * file as it was found is kept beside as `*.damaged`.
 * @throws {HostError} host.journal-unreadable
 */
export async function openJournal(path: string, parts: JournalParts): Promise<Journal> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "a+", 0o600);
    await file.close();
    file = await open(path, "r+");
    const found = await new Slices(systemClock).through(decodingJournal(await readFile(file)));
    const kept = `${path}.damaged`;
    if (found.damaged.length > 0 || found.tornLines > 0) await copyFile(path, kept);
    if (found.damaged.length > 0) {
      const lines = found.damaged.slice(0, 20);
      parts.log.error("journal.damaged", { path, lines, count: found.damaged.length, kept });
    }
    if (found.tornLines > 0) {
      parts.log.error("journal.damaged-tail", { path, lines: found.tornLines, octets: found.tornLength, kept });
    } else if (found.tornLength > 0) {
      parts.log.warn("journal.torn-tail", { path, octets: found.tornLength });
    }
    if (found.tornLength > 0) {
      await file.truncate(found.goodLength);
    }
    await file.datasync();
    await rm(`${path}.new`, { force: true });
    await syncDirectory(dirname(path));
    return new Journal(path, found, file, parts);
  } catch (cause) {
    await file?.close();
    const errno = errnoOf(cause);
    const advice = isFull(cause)
      ? `make room ${await roomAt(path)}`
      : "check the owner and mode of the state directory";
    const text = `the journal ${path} cannot be opened (${errno}): ${advice}`;
    throw new HostError({ code: "host.journal-unreadable", path, errno }, text, { cause });
  }
}
