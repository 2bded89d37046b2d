import { type Command, Option } from "commander";
import { wholeNumber } from "./arguments.ts";
import { type Client, type ClientOptions, type ControlRequest, fetchReport, rowsOf, send, textOf } from "./client.ts";
import { CommandFailure, EXIT } from "./exit.ts";
import type { ResourcePath } from "./router/messages.ts";
import type { ListParts, TableStyle } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { showIncomplete } from "./views/incomplete.ts";

const WATCH_SECONDS = 2;
/** Rows that are waited for before a list is shown: they say how wide columns are. What a longer one has besides is shown as it comes. */
const FIRST = 1_000;

export type PrintListArguments<Row> = readonly [
  list: ResourcePath,
  /** Printed where it is empty. */
  nothing: string,
  view: (rows: readonly Row[], style: TableStyle) => string,
];

/** Of one that is asked for: `code` is told where it is not there. */
export type PrintOne = <Row>(code: string, ...list: PrintListArguments<Row>) => Promise<void>;

export type PrintList = <Row>(...list: PrintListArguments<Row>) => Promise<void>;

export interface PrintOptions {
  readonly json: boolean;
  readonly pager: boolean;
  /** Again and again, so many seconds apart. */
  readonly watchSeconds?: number;
}

/** Prints answers of the router: once or again and again, by a pager where there is one. */
export class Printer {
  readonly #terminal: Terminal;
  readonly #style: TableStyle;
  readonly #client: Client;
  readonly #options: () => PrintOptions;

  constructor(terminal: Terminal, style: TableStyle, client: Client, options: () => PrintOptions) {
    this.#terminal = terminal;
    this.#style = style;
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

  /** As {@link print}; a list that is long is shown as it comes, in parts. */
  async printList<Row>(...[list, nothing, view]: PrintListArguments<Row>): Promise<void> {
    const wanted = { method: "GET", ...list } as const;
    const { json, watchSeconds } = this.#options();
    const whole = (rows: readonly Row[]): string => (rows.length === 0 ? `${nothing}\n` : view(rows, this.#style));
    if (json || watchSeconds !== undefined) return this.print(wanted, whole);
    const portions = rowPortions<Row>(await this.#client(), wanted);
    const first = await portions.next();
    if (first.done === true || first.value.isLast) return this.page(this.#shown(first.value?.rows ?? [], whole));
    const { value } = first;
    const parts: ListParts = { hasBegun: false, isLast: false };
    const style = { ...this.#style, parts };
    const missing = new Set<string>();
    const shown = ({ rows, isLast }: RowPortion<Row>): string => {
      parts.isLast = isLast;
      const { layout } = parts;
      const part = showIncomplete(rows, (some) => {
        // It may be tried more than once.
        if (layout === undefined) delete parts.layout;
        else parts.layout = layout;
        return view(some, style);
      });
      parts.hasBegun = true;
      for (const member of part.missing) missing.add(member);
      return part.text;
    };
    await this.page(
      (async function* () {
        yield shown(value);
        for await (const portion of portions) yield shown(portion);
        yield unsaid([...missing]);
      })(),
    );
  }

  /** As {@link printList}, of the one row that is asked for. @throws {CommandFailure} where it is not there */
  async printOne<Row>(code: string, ...[list, missing, view]: PrintListArguments<Row>): Promise<void> {
    const wanted = { method: "GET", ...list } as const;
    const { json, watchSeconds } = this.#options();
    // It may come while it is watched for.
    if (watchSeconds !== undefined) return this.printList(list, missing, view);
    const rows = await fetchReport<readonly Row[]>(await this.#client(), wanted);
    if (rows.length === 0)
      throw new CommandFailure(EXIT.refused, missing, { document: { code, title: "Not found", detail: missing } });
    if (json) return this.raw(wanted);
    await this.page(this.#shown(rows, (some) => view(some, this.#style)));
  }

  /** Prints an answer as it is. */
  async raw(wanted: ControlRequest): Promise<void> {
    const text = textOf(await send(await this.#client(), wanted));
    if (this.#isPaged) return this.page(decoded(text));
    for await (const chunk of text) await this.#terminal.out(chunk);
  }

  get #isPaged(): boolean {
    return this.#terminal.page !== undefined && this.#options().pager;
  }

  async page(text: string | AsyncIterable<string>): Promise<void> {
    const { page, out } = this.#terminal;
    if (page !== undefined && this.#isPaged) return page(text);
    if (typeof text === "string") return out(text);
    for await (const part of text) await out(part);
  }

  #shown<T>(answer: T, view: (answer: T) => string): string {
    const { text, missing } = showIncomplete(answer, view);
    return text + unsaid(missing);
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

/** What is said of members that were looked for and are not there. */
function unsaid(missing: readonly string[]): string {
  if (missing.length === 0) return "";
  const members = missing.map((path) => path.replaceAll(".[]", "[]").replace(/^\[\]\./, "")).join(", ");
  return `\n! This router does not say ${members}: its semrd is of another version than this semrctl. --json prints what it says.\n`;
}

interface RowPortion<Row> {
  readonly rows: readonly Row[];
  readonly isLast: boolean;
}

/** The rows of a list, many at a time. The last portion is the only one that may be empty. */
async function* rowPortions<Row>(
  client: ClientOptions,
  wanted: ControlRequest,
): AsyncGenerator<RowPortion<Row>, void, void> {
  let [rows, wanting]: [Row[], number] = [[], FIRST];
  for await (const some of rowsOf<Row>(client, wanted)) {
    if (rows.length >= wanting && some.length > 0) {
      yield { rows, isLast: false };
      [rows, wanting] = [[], 1];
    }
    for (const row of some) rows.push(row);
  }
  yield { rows, isLast: true };
}

async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
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
