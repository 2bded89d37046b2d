import { type FileHandle, open } from "node:fs/promises";
import {
  type Clock,
  type Log,
  type Metrics,
  type Milliseconds,
  messageOf,
  milliseconds,
  type Seconds,
  type Timer,
  Writer,
} from "../../base/index.ts";
import { FileSeries } from "./series.ts";
import type { JobStatus } from "./table-job.ts";

export interface UpdateLogOptions {
  readonly name: string;
  readonly folder: string;
  /** A file is finished after so long. */
  readonly interval: Seconds;
  /** And at this many octets. */
  readonly maximumOctets: number;
  readonly retain: number;
}

export interface UpdateLogParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What the disk has not taken yet: more than this is lost, and counted. */
const MOST_WAITING = 4 * 1024 * 1024;
const FLUSH_AT = 64 * 1024;
const FLUSH_EVERY = milliseconds(1000);
/** After a failure nothing is tried for so long. */
const RETRY = milliseconds(10_000);

interface OpenFile {
  readonly handle: FileHandle;
  readonly since: Milliseconds;
  octets: number;
}

/**
 * A series of files that records are appended to. What is appended is written within a second; the disk never holds up whoever
 * appends: beyond 4 MiB records are lost and counted.
 */
export class UpdateLog implements AsyncDisposable {
  readonly #options: UpdateLogOptions;
  readonly #parts: UpdateLogParts;
  readonly #series: FileSeries;
  readonly #lostCounter;
  readonly #failed;
  readonly #recordsCounter;
  #out = new Writer(FLUSH_AT);
  #waitingRecords = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #file: OpenFile | undefined;
  #prepared = false;
  #retryAt = 0;
  #closed = false;
  #records = 0;
  #lost = 0;
  #octets = 0;
  #files = 0;
  #failures = 0;
  #lastFailure: string | undefined;
  #lastFile: string | undefined;

  constructor(options: UpdateLogOptions, parts: UpdateLogParts) {
    const { name, folder, retain } = options;
    this.#options = options;
    this.#parts = parts;
    this.#series = new FileSeries({ folder, name, kind: "updates", retain });
    const { metrics } = parts;
    this.#lostCounter = metrics.counter("semrd_mrt_lost_records_total", "MRT records that the disk did not take", {
      job: name,
    });
    this.#failed = metrics.counter("semrd_mrt_failures_total", "MRT files that could not be written", { job: name });
    this.#recordsCounter = metrics.counter("semrd_mrt_records_total", "MRT records that were written", { job: name });
    this.#arm();
  }

  /** `write` appends one whole record. It is not called when there is no room. */
  append(write: (out: Writer) => void): void {
    if (this.#closed) return;
    if (this.#out.length >= MOST_WAITING) {
      this.#lost++;
      this.#lostCounter.add();
      return;
    }
    write(this.#out);
    this.#waitingRecords++;
    if (this.#out.length >= FLUSH_AT) this.#flush();
  }

  status(): JobStatus {
    const { name, folder } = this.#options;
    return {
      name,
      kind: "updates",
      folder,
      writing: this.#file === undefined ? undefined : this.#series.unfinished(this.#file.since),
      files: this.#files,
      octets: this.#octets,
      records: this.#records,
      lost: this.#lost,
      failures: this.#failures,
      lastFailure: this.#lastFailure,
      lastFile: this.#lastFile,
    };
  }

  #arm(): void {
    this.#timer = this.#parts.clock.after(FLUSH_EVERY, () => {
      this.#flush();
      this.#arm();
    });
  }

  #flush(): void {
    const nothing = this.#out.length === 0 && !this.#isFull();
    if (this.#writing !== undefined || nothing || this.#parts.clock.monotonic() < this.#retryAt) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      // What came meanwhile.
      if (!this.#closed && this.#out.length >= FLUSH_AT) this.#flush();
    });
  }

  #isFull(): boolean {
    if (this.#file === undefined) return false;
    const age = this.#parts.clock.wall() - this.#file.since;
    return this.#file.octets >= this.#options.maximumOctets || age >= this.#options.interval * 1000 || age < 0;
  }

  async #write(): Promise<void> {
    const [octets, records] = [this.#out.finish(), this.#waitingRecords];
    this.#out = new Writer(FLUSH_AT);
    this.#waitingRecords = 0;
    try {
      if (this.#isFull()) await this.#finish();
      if (octets.length === 0) return;
      this.#file ??= await this.#open();
      await this.#file.handle.appendFile(octets);
      this.#file.octets += octets.length;
      this.#octets += octets.length;
      this.#records += records;
      this.#recordsCounter.add(records);
      if (this.#lastFailure !== undefined) this.#parts.log.info("mrt.recovered", { job: this.#options.name });
      this.#lastFailure = undefined;
    } catch (cause) {
      await this.#giveUp(cause, records);
    }
  }

  async #open(): Promise<OpenFile> {
    if (!this.#prepared) await this.#series.prepare();
    this.#prepared = true;
    const since = this.#parts.clock.wall();
    return { handle: await open(this.#series.unfinished(since), "a", 0o644), since, octets: 0 };
  }

  async #finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    await file.handle.datasync();
    await file.handle.close();
    this.#lastFile = await this.#series.finish(file.since);
    this.#files++;
  }

  /** The file is left as it is, up to its last whole record where the disk took part of one; a new one is begun later. */
  async #giveUp(cause: unknown, records: number): Promise<void> {
    const reason = messageOf(cause);
    this.#failures++;
    this.#failed.add();
    this.#lost += records;
    this.#lostCounter.add(records);
    this.#retryAt = this.#parts.clock.monotonic() + RETRY;
    this.#prepared = false;
    if (this.#lastFailure === undefined)
      this.#parts.log.warn("mrt.updates.failed", {
        job: this.#options.name,
        reason,
        advice: "records are lost until the disk takes them again: make room, or check the folder",
      });
    this.#lastFailure = reason;
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.truncate(file.octets).catch(() => {}); // a disk in trouble: what can be read is cut at its last record
    await file?.handle.close().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing;
    this.#retryAt = 0;
    if (this.#out.length > 0) await this.#write();
    try {
      await this.#finish();
    } catch (cause) {
      this.#parts.log.warn("mrt.updates.failed", { job: this.#options.name, reason: messageOf(cause) });
    }
  }
}
