import { setTimeout as delay } from "node:timers/promises";

/** Something in the story was not as it should be: what was expected and what was seen. */
export class StoryError extends Error {
  readonly expected: string;
  readonly seen: string;

  constructor(what: string, expected: string, seen: string) {
    super(`${what}\nexpected: ${expected}\nseen:     ${seen}`);
    this.name = "StoryError";
    this.expected = expected;
    this.seen = seen;
  }
}

export const show = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");

/** @throws {StoryError} unless `holds` */
export function expectThat(what: string, holds: boolean, expected: string, seen: unknown): asserts holds {
  if (!holds) throw new StoryError(what, expected, show(seen));
}

/** @throws {StoryError} unless both are the same as JSON */
export function expectEqual(what: string, seen: unknown, expected: unknown): void {
  if (show(seen) !== show(expected)) throw new StoryError(what, show(expected), show(seen));
}

export interface WaitOptions<T> {
  /** Milliseconds until it is given up. */
  readonly within: number;
  /** Milliseconds between two looks. */
  readonly every?: number;
  readonly signal: AbortSignal;
  /** Says for the error what was seen last. */
  readonly seen?: () => unknown;
  /** What is looked at. `undefined`: not yet. */
  readonly look: () => Promise<T | undefined>;
}

/** Looks until there is something. @throws {StoryError} when it takes longer than `within` */
export async function waitFor<T>(what: string, options: WaitOptions<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    const found = await options.look();
    if (found !== undefined) return found;
    if (performance.now() - began > options.within) {
      throw new StoryError(what, `within ${options.within / 1000} s`, show(options.seen?.() ?? "not yet"));
    }
    await delay(options.every ?? 50, undefined, { signal: options.signal });
  }
}

/** A moment of the wall clock, in milliseconds since 1970, on this process's monotonic clock. */
export const monotonicOf = (wall: number): number => performance.now() - (Date.now() - wall);
