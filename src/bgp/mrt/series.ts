import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Milliseconds } from "../../base/index.ts";

/** What a file is called while it is written: nobody should take it for complete. */
const UNFINISHED = ".part";

/** `20261120T140500Z` */
function timeText(wall: Milliseconds): string {
  return new Date(wall).toISOString().replace(/[-:]|\.\d+/g, "");
}

/**
 * The files of one job in one folder, named `<name>.<kind>.<time>.mrt`: a reader who goes by that pattern sees whole files only.
 * Other files of the folder are left alone.
 */
export class FileSeries {
  readonly #folder: string;
  readonly #stem: string;
  readonly #retain: number;

  constructor(options: {
    readonly folder: string;
    readonly name: string;
    readonly kind: string;
    readonly retain: number;
  }) {
    this.#folder = options.folder;
    this.#stem = `${options.name}.${options.kind}.`;
    this.#retain = options.retain;
  }

  /** Makes the folder, and gives files that an earlier life of this process could not finish their names. @throws system errors */
  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o755 });
    for (const name of await readdir(this.#folder)) {
      if (!name.startsWith(this.#stem) || !name.endsWith(UNFINISHED)) continue;
      await rename(join(this.#folder, name), join(this.#folder, name.slice(0, -UNFINISHED.length)));
    }
  }

  /** Removes what a snapshot that was cut short has left behind: half a table is of no use. */
  async discardUnfinished(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o755 });
    for (const name of await readdir(this.#folder)) {
      if (name.startsWith(this.#stem) && name.endsWith(UNFINISHED)) await rm(join(this.#folder, name), { force: true });
    }
  }

  unfinished(wall: Milliseconds): string {
    return `${this.finished(wall)}${UNFINISHED}`;
  }

  finished(wall: Milliseconds): string {
    return join(this.#folder, `${this.#stem}${timeText(wall)}.mrt`);
  }

  /** Renames the file, so that it counts, and removes the oldest ones beyond the number to keep. */
  async finish(wall: Milliseconds): Promise<string> {
    const path = this.finished(wall);
    await rename(this.unfinished(wall), path);
    const all = (await readdir(this.#folder)).filter((name) => this.#isOurs(name)).sort();
    for (const name of all.slice(0, Math.max(0, all.length - this.#retain))) {
      await rm(join(this.#folder, name), { force: true });
    }
    return path;
  }

  #isOurs(name: string): boolean {
    return name.startsWith(this.#stem) && /^\d{8}T\d{6}Z\.mrt$/.test(name.slice(this.#stem.length));
  }
}
