import { type FileHandle, open, rm } from "node:fs/promises";
import {
  type Log,
  type Metrics,
  type Milliseconds,
  messageOf,
  milliseconds,
  type Seconds,
  type Timer,
} from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import { FileSeries } from "./series.ts";
import { type SnapshotParts, tableSnapshot } from "./table-snapshot.ts";

export interface TableJobOptions {
  readonly name: string;
  readonly folder: string;
  readonly view: "loc-rib" | "adj-rib-in";
  readonly families: readonly RouteFamily[];
  /** Between the starts of two files; a whole number of them fits the epoch, so routers that share a clock dump together. */
  readonly interval: Seconds;
  /** Files that are kept. */
  readonly retain: number;
}

export interface JobParts extends SnapshotParts {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What a job has done, for people. */
export interface JobStatus {
  readonly name: string;
  readonly kind: "table" | "updates";
  readonly folder: string;
  /** Being written now. */
  readonly writing: string | undefined;
  readonly files: number;
  readonly octets: number;
  readonly records: number;
  /** Records that the disk did not take in time, or that were not written. */
  readonly lost: number;
  readonly failures: number;
  /** Until the next file that could be written. */
  readonly lastFailure: string | undefined;
  readonly lastFile: string | undefined;
}

/** Writes the tables to a file every interval, at the disk's pace; a file that cannot be written is tried anew at the next one. */
export class TableJob implements AsyncDisposable {
  readonly #options: TableJobOptions;
  readonly #parts: JobParts;
  readonly #series: FileSeries;
  readonly #failed;
  readonly #written;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  #writing: string | undefined;
  #files = 0;
  #octets = 0;
  #failures = 0;
  #lastFailure: string | undefined;
  #lastFile: string | undefined;

  constructor(options: TableJobOptions, parts: JobParts) {
    const { name, folder, retain } = options;
    this.#options = options;
    this.#parts = parts;
    this.#series = new FileSeries({ folder, name, kind: "rib", retain });
    this.#failed = parts.metrics.counter("semrd_mrt_failures_total", "MRT files that could not be written", {
      job: name,
    });
    this.#written = parts.metrics.counter("semrd_mrt_files_total", "MRT files that were finished", { job: name });
    this.#arm();
  }

  status(): JobStatus {
    return {
      name: this.#options.name,
      kind: "table",
      folder: this.#options.folder,
      writing: this.#writing,
      files: this.#files,
      octets: this.#octets,
      records: 0,
      lost: 0,
      failures: this.#failures,
      lastFailure: this.#lastFailure,
      lastFile: this.#lastFile,
    };
  }

  #arm(): void {
    const { clock } = this.#parts;
    const interval = this.#options.interval * 1000;
    this.#timer = clock.after(milliseconds(interval - (clock.wall() % interval)), () => {
      // A table that takes longer than the interval skips one.
      this.#running ??= this.#write(clock.wall()).finally(() => {
        this.#running = undefined;
      });
      if (!this.#stopped) this.#arm();
    });
  }

  async #write(now: Milliseconds): Promise<void> {
    const { log } = this.#parts;
    const path = this.#series.unfinished(now);
    let file: FileHandle | undefined;
    try {
      await this.#series.discardUnfinished();
      file = await open(path, "w", 0o644);
      this.#writing = path;
      for await (const chunk of tableSnapshot(this.#options, this.#parts)) {
        if (this.#stopped) throw new Error("the router is stopping");
        await file.appendFile(chunk);
        this.#octets += chunk.length;
      }
      await file.datasync();
      await file.close();
      file = undefined;
      this.#lastFile = await this.#series.finish(now);
      this.#files++;
      this.#written.add();
      if (this.#lastFailure !== undefined) log.info("mrt.recovered", { job: this.#options.name });
      this.#lastFailure = undefined;
    } catch (cause) {
      // Said when all is done: whoever sees the failure may ask for the next table.
      await file?.close().catch(() => {}); // a file that failed may fail to close: its reason is said below
      await rm(path, { force: true }).catch(() => {}); // its folder may be gone
      this.#failures++;
      this.#failed.add();
      const reason = messageOf(cause);
      if (!this.#stopped && this.#lastFailure === undefined)
        log.warn("mrt.table.failed", {
          job: this.#options.name,
          path,
          reason,
          advice: "the next interval tries again",
        });
      this.#lastFailure = reason;
    } finally {
      this.#writing = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }
}
