import { readFileSync } from "node:fs";

const SAMPLE_MS = 50;

/** Milliseconds that a process was ready to run and stood in line for a processor; 0 for one that is gone. */
export function stoodInLine(pid: number): number {
  try {
    const [, waited] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return Number(waited) / 1e6;
  } catch {
    return 0; // gone, or a kernel that does not count it: then this is the time of the clock
  }
}

export interface FairTimeParts {
  readonly now: () => number;
  readonly stoodInLine: (pid: number) => number;
  /** Of this process. */
  readonly pid: number;
}

/**
 * Time as far as the processes of a test could use it: while one of them stands in line for a processor it does not pass. A limit by
 * it means the same on a quiet machine and on one with other work, where a limit by the clock tells who else was there.
 */
export class FairTime {
  readonly #parts: FairTimeParts;
  readonly #seen = new Map<number, number>();
  #looked: number;
  #passed = 0;
  /** A wait is counted by the kernel when it is over, and may be longer than what has passed since the last look. */
  #owed = 0;

  constructor(parts: FairTimeParts) {
    this.#parts = parts;
    this.#looked = parts.now();
    this.follow(parts.pid);
  }

  /** A process that the test waits for. @returns what ends it */
  follow(pid: number | undefined): () => void {
    if (pid === undefined) return () => {};
    this.#seen.set(pid, this.#parts.stoodInLine(pid));
    return () => {
      this.now();
      this.#seen.delete(pid);
    };
  }

  /** Milliseconds. To be asked again and again: of several waits between two looks the longest one counts. */
  now(): number {
    const now = this.#parts.now();
    let longest = 0;
    for (const [pid, before] of this.#seen) {
      const waited = this.#parts.stoodInLine(pid);
      longest = Math.max(longest, waited - before);
      this.#seen.set(pid, Math.max(before, waited));
    }
    const elapsed = now - this.#looked;
    this.#looked = now;
    this.#owed += longest;
    const left = Math.max(0, elapsed - this.#owed);
    this.#owed -= elapsed - left;
    this.#passed += left;
    return this.#passed;
  }
}

/** Of this process and those that it has asked to follow. */
export const fairTime = new FairTime({ now: () => performance.now(), stoodInLine, pid: process.pid });
setInterval(() => fairTime.now(), SAMPLE_MS).unref();

export interface Wait {
  /** Between two looks, in milliseconds. */
  readonly every: number;
  /** Milliseconds of fair time. */
  readonly limit: number;
}

/** Looks until it is `done`. @throws what it waited for, and how long */
export async function waitFor(
  what: string | (() => string),
  done: () => boolean | Promise<boolean>,
  { every, limit }: Wait,
): Promise<void> {
  const [end, began] = [fairTime.now() + limit, performance.now()];
  while (!(await done())) {
    if (fairTime.now() > end) {
      const clock = Math.round((performance.now() - began) / 1000);
      throw new Error(
        `not within ${limit / 1000} s (${clock} s by the clock): ${typeof what === "string" ? what : what()}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
