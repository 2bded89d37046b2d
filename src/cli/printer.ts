import { type Command, Option } from "commander";
import { wholeNumber } from "./arguments.ts";
import { type Client, type ControlRequest, fetchReport, send, textOf } from "./client.ts";
import type { Terminal } from "./terminal.ts";
import { showIncomplete } from "./views/incomplete.ts";

const WATCH_SECONDS = 2;

export interface PrintOptions {
  readonly json: boolean;
  readonly pager: boolean;
  /** Again and again, so many seconds apart. */
  readonly watchSeconds?: number;
}

/** Prints answers of the router: once or again and again, by a pager where there is one. */
export class Printer {
  readonly #terminal: Terminal;
  readonly #client: Client;
  readonly #options: () => PrintOptions;

  constructor(terminal: Terminal, client: Client, options: () => PrintOptions) {
    this.#terminal = terminal;
    this.#client = client;
    this.#options = options;
  }

  /** Prints an answer as it is (`--json`), or what `view` makes of it. */
  async print<T>(wanted: ControlRequest, view: (answer: T) => string): Promise<void> {
    const { json, watchSeconds } = this.#options();
    if (watchSeconds !== undefined) return this.#watch(wanted, view, watchSeconds);
    if (json) return this.raw(wanted);
    await this.page(this.#shown(await fetchReport<T>(await this.#client(), wanted), view));
  }

  /** Prints an answer as it is. */
  async raw(wanted: ControlRequest): Promise<void> {
    const text = textOf(await send(await this.#client(), wanted));
    if (this.#terminal.page !== undefined && this.#options().pager) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of text) chunks.push(chunk);
      return this.page(Buffer.concat(chunks).toString("utf8"));
    }
    for await (const chunk of text) await this.#terminal.out(chunk);
  }

  async page(text: string): Promise<void> {
    const { page, out } = this.#terminal;
    await (page !== undefined && this.#options().pager ? page(text) : out(text));
  }

  #shown<T>(answer: T, view: (answer: T) => string): string {
    const { text, missing } = showIncomplete(answer, view);
    if (missing.length === 0) return text;
    const members = missing.map((path) => path.replaceAll(".[]", "[]").replace(/^\[\]\./, "")).join(", ");
    return `${text}\n! This router does not say ${members}: its semrd is of another version than this semrctl. --json prints what it says.\n`;
  }

  /** One document a line as JSON; else the screen is drawn anew, or, without one, an empty line stands between. */
  async #watch<T>(wanted: ControlRequest, view: (answer: T) => string, every: number): Promise<void> {
    const { out, redraw, pause } = this.#terminal;
    for (let first = true; ; first = false) {
      const answer = await fetchReport<T>(await this.#client(), wanted);
      if (this.#options().json) await out(`${JSON.stringify(answer)}\n`);
      else if (redraw !== undefined) await redraw(this.#shown(answer, view));
      else await out(`${first ? "" : "\n"}${this.#shown(answer, view)}`);
      if ((await pause(every * 1000)) === "over") return;
    }
  }
}

/** Gives every subcommand the option; the answer says what the one that runs was given. */
export function addWatch(program: Command, show: Command): () => number | undefined {
  let given: number | undefined;
  for (const command of show.commands)
    command.addOption(
      new Option("-w, --watch [seconds]", "print it again and again")
        .argParser(wholeNumber(1, 3600))
        .preset(String(WATCH_SECONDS)),
    );
  program.hook("preAction", (_, command) => {
    given = command.opts<{ readonly watch?: number }>().watch;
    // What is left are filters, which commands hand on as they are.
    command.setOptionValue("watch", undefined);
  });
  return () => given;
}
