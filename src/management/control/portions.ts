import { type Clock, type Milliseconds, milliseconds } from "../../base/index.ts";
import type { Rows } from "./handlers.ts";

/** Longest run of rendering before other work of the process gets its turn. @see DESIGN section 7 */
const SLICE = milliseconds(4);
/** The clock is read once in so many rows. */
const ROWS_PER_LOOK = 16;
/** Text that is collected before it is handed on. */
const PORTION = 64 * 1024;
/** A reader that takes nothing for so long is gone. */
export const STALL_LIMIT: Milliseconds = milliseconds(30_000);

export interface PortionOptions {
  readonly between: string;
  /** Which rows are taken; all without it. */
  readonly matches?: (row: object) => boolean;
}

/**
 * Rows as JSON, with `between` between them, in portions that are never empty. The next one is made when it is asked for, and not in
 * the same turn; none takes longer than a few milliseconds. The source is closed in any case. Rejects when it fails.
 */
export async function* rowPortions(
  rows: Rows<object>,
  { between, matches = () => true }: PortionOptions,
  clock: Clock,
): AsyncGenerator<string, void, void> {
  let text = "";
  let count = 0;
  let started = clock.monotonic();
  const isFull = (row: object): boolean => {
    count++;
    if (matches(row)) text += text === "" ? JSON.stringify(row) : between + JSON.stringify(row);
    return text.length >= PORTION || (count % ROWS_PER_LOOK === 0 && clock.monotonic() - started >= SLICE);
  };
  const take = (): string => {
    const taken = text;
    text = "";
    return taken;
  };
  const others = async (): Promise<void> => {
    await turn(clock); // also where the reader has taken everything at once
    started = clock.monotonic();
  };
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) {
      if (!isFull(row)) continue;
      if (text !== "") yield take();
      await others();
    }
  } else {
    for (const row of rows) {
      if (!isFull(row)) continue;
      if (text !== "") yield take();
      await others();
    }
  }
  if (text !== "") yield take();
}

const turn = (clock: Clock): Promise<void> => new Promise((resolve) => clock.soon(resolve));
