import type { ServerResponse } from "node:http";
import type { Clock, Milliseconds } from "../../base/index.ts";
import { milliseconds } from "../../base/index.ts";
import type { Rows } from "./handlers.ts";

/** Longest run of rendering before other work of the process gets its turn. @see DESIGN section 7 */
const SLICE = milliseconds(4);
/** The clock is read once in so many rows. */
const ROWS_PER_LOOK = 16;
/** Text that is collected before it is handed to the socket. */
const CHUNK = 64 * 1024;
/** A reader that takes nothing for so long is gone. */
export const STALL_LIMIT: Milliseconds = milliseconds(30_000);

export interface RowOptions {
  readonly form: "array" | "lines";
  /** Which rows are sent; all without it. */
  readonly matches?: (row: object) => boolean;
}

/**
 * Renders rows as a JSON array, or as one JSON object a line, and sends them at the reader's pace.
 *
 * Yields after a few milliseconds of work, and waits whenever the socket has enough to do. The source is closed
 * in any case. Rejects when the source fails, or when the reader is gone or stalls; the answer is cut off then.
 */
export async function sendRows(
  response: ServerResponse,
  rows: Rows<object>,
  options: RowOptions,
  clock: Clock,
): Promise<void> {
  const { form, matches = () => true } = options;
  const [open, between, close] = form === "array" ? ["[\n", ",\n", "\n]\n"] : ["", "\n", "\n"];
  let text = open;
  let first = true;
  let started = clock.monotonic();
  let count = 0;

  const pause = async (): Promise<void> => {
    const takesMore = text === "" || response.write(text);
    text = "";
    if (!takesMore) await drained(response, clock);
    await turn(clock); // also after a drain, which comes in the same turn where the kernel takes everything at once
    started = clock.monotonic();
  };
  const add = (row: object): boolean => {
    count++;
    if (matches(row)) {
      text += first ? JSON.stringify(row) : between + JSON.stringify(row);
      first = false;
    }
    return text.length >= CHUNK || (count % ROWS_PER_LOOK === 0 && clock.monotonic() - started >= SLICE);
  };

  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) if (add(row)) await pause();
  } else {
    for (const row of rows) if (add(row)) await pause();
  }
  response.end(first && form === "lines" ? "" : text + close);
}

/** Sends octets as they come, at the reader's pace. Rejects like {@link sendRows}. */
export async function sendOctets(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  clock: Clock,
): Promise<void> {
  for await (const chunk of chunks) if (!response.write(chunk)) await drained(response, clock);
  response.end();
}

const turn = (clock: Clock): Promise<void> => new Promise((resolve) => clock.soon(resolve));

function drained(response: ServerResponse, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed || response.socket?.destroyed === true) {
      reject(new Error("the reader went away"));
      return;
    }
    const timer = clock.after(STALL_LIMIT, () => settle(() => reject(new Error("the reader takes nothing any more"))));
    const onDrain = (): void => settle(resolve);
    const onClose = (): void => settle(() => reject(new Error("the reader went away")));
    const settle = (then: () => void): void => {
      timer.cancel();
      response.off("drain", onDrain).off("close", onClose);
      then();
    };
    response.on("drain", onDrain).on("close", onClose);
  });
}
