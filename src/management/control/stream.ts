import type { ServerResponse } from "node:http";
import type { Clock } from "../../base/index.ts";
import type { Rows } from "./handlers.ts";
import { rowPortions, STALL_LIMIT } from "./portions.ts";

export interface RowOptions {
  readonly form: "array" | "lines";
  /** Which rows are sent; all without it. */
  readonly matches?: (row: object) => boolean;
}

const FORMS = { array: ["[\n", ",\n", "\n]\n"], lines: ["", "\n", "\n"] } as const;

/**
 * Renders rows as a JSON array, or as one JSON object a line, and sends them at the reader's pace. Rejects when the source
 * fails, or when the reader is gone or stalls; the answer is cut off then.
 */
export async function sendRows(
  response: ServerResponse,
  rows: Rows<object>,
  { form, matches }: RowOptions,
  clock: Clock,
): Promise<void> {
  const [open, between, close] = FORMS[form];
  let head: string = open;
  for await (const portion of rowPortions(rows, { between, ...(matches === undefined ? {} : { matches }) }, clock)) {
    if (!response.write(head + portion)) await drained(response, clock);
    head = between;
  }
  const isEmpty = head === open && form === "lines";
  response.end(isEmpty ? "" : (head === open ? open : "") + close);
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
