import { setTimeout } from "node:timers/promises";
import { styleText } from "node:util";
import { pageStream } from "./pager.ts";

/** Where a command writes, and what can be shown there. */
export interface Terminal {
  /** Writes to standard output; resolves when more may be written. */
  out(text: string | Uint8Array): Promise<void>;
  err(text: string): void;
  /** Width to fit tables into; absent: as wide as they are. */
  readonly columns?: number;
  readonly colour: boolean;
  /** As `out`, by a pager where the text is longer than the screen. Absent where there is no screen. */
  readonly page?: (text: string | AsyncIterable<string>) => Promise<void>;
  /** Clears the screen and shows as much of the text as fits. Absent where there is no screen. */
  readonly redraw?: (text: string) => Promise<void>;
  /** Waits between two prints of `--watch`; `over` when nobody watches any more. */
  pause(milliseconds: number): Promise<"on" | "over">;
}

export type Colour = "green" | "red" | "yellow" | "bold" | "dim" | "cyan";

/** Text in a colour, where there are colours. */
export type Paint = (colour: Colour, text: string) => string;

export const paintFor = (terminal: Pick<Terminal, "colour">): Paint =>
  terminal.colour ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_colour, text) => text;

/** The terminal of a process. Colours on a TTY only, and not with NO_COLOR. @see https://no-color.org */
export function processTerminal(
  stdout: NodeJS.WriteStream,
  stderr: NodeJS.WriteStream,
  env: NodeJS.ProcessEnv,
): Terminal {
  const isTty = stdout.isTTY === true;
  const out = (text: string | Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      if (stdout.write(text)) resolve();
      else stdout.once("drain", resolve);
    });
  const paged = async (text: string | AsyncIterable<string>): Promise<void> => {
    const parts = typeof text === "string" ? only(text) : text;
    const rest = parts[Symbol.asyncIterator]();
    let begin = "";
    let lines = 0;
    while (!(stdout.rows > 0 && lines > stdout.rows)) {
      const part = await rest.next();
      if (part.done === true) return out(begin);
      begin += part.value;
      lines = begin.split("\n").length;
    }
    await pageStream(continued(begin, rest), env, out);
  };
  return {
    out,
    ...(isTty ? { page: paged, redraw: (text: string) => out(CLEAR + firstLines(text, stdout.rows)) } : {}),
    pause: async (milliseconds) => {
      await setTimeout(milliseconds);
      return "on"; // Ctrl-C ends the process
    },
    err: (text) => stderr.write(text),
    ...(isTty && stdout.columns > 0 ? { columns: stdout.columns } : {}),
    colour: isTty && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb",
  };
}

async function* only(text: string): AsyncGenerator<string, void, void> {
  yield text;
}

async function* continued(begin: string, rest: AsyncIterator<string>): AsyncGenerator<string, void, void> {
  try {
    yield begin;
    yield* { [Symbol.asyncIterator]: () => rest };
  } finally {
    await rest.return?.();
  }
}

const CLEAR = "\u001b[H\u001b[2J";

function firstLines(text: string, rows: number): string {
  const lines = text.trimEnd().split("\n");
  if (!(rows > 1) || lines.length < rows) return text;
  const kept = lines.slice(0, rows - 2);
  return `${[...kept, `… ${lines.length - kept.length} more lines`].join("\n")}\n`;
}

export { printable } from "../words/index.ts";
