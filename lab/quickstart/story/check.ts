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
  /** Milliseconds between the first looks; 0: one after the other. 50 without. */
  readonly every?: number;
  readonly signal: AbortSignal;
  /** Says for the error what was seen last. */
  readonly seen?: () => unknown;
  /** What is looked at. `undefined`: not yet. */
  readonly look: () => Promise<T | undefined>;
}

/** Of what has been waited already: longer waits are known to a tenth, and cost few looks. */
const COARSER = 0.1;

/** Looks until there is something. @throws {StoryError} when it takes longer than `within` */
export async function waitFor<T>(what: string, options: WaitOptions<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    const found = await options.look();
    if (found !== undefined) return found;
    const waited = performance.now() - began;
    if (waited > options.within) {
      throw new StoryError(what, `within ${options.within / 1000} s`, show(options.seen?.() ?? "not yet"));
    }
    const { every = 50, signal } = options;
    await delay(every === 0 ? 0 : Math.max(every, COARSER * waited), undefined, { signal });
  }
}

/** A moment of the wall clock, in milliseconds since 1970, on this process's monotonic clock. */
export const monotonicOf = (wall: number): number => performance.now() - (Date.now() - wall);
