import { createInterface, type Interface } from "node:readline";
import { quotedWord } from "../../words/index.ts";
import { type CompletionSource, completeLine } from "./complete.ts";
import { type Explained, explainedView } from "./help.ts";
import type { ConfigureSession, Console } from "./session.ts";

export interface PromptParts {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly source: CompletionSource;
  readonly style: Console["style"];
}

type Answer = { readonly line: string } | "interrupted" | "closed";

/** Lines of a person at a terminal: prompt, history, completion, questions. */
export class Prompt implements Disposable {
  readonly #parts: PromptParts;
  readonly #lines: Interface;
  #session: ConfigureSession | undefined;
  /** Lines that came while none was waited for: what was pasted. */
  readonly #early: string[] = [];
  /** Ends the wait for a line or an answer. */
  #settle: ((answer: Answer) => void) | undefined;
  #closed = false;

  constructor(parts: PromptParts) {
    this.#parts = parts;
    this.#lines = createInterface({
      input: parts.input,
      output: parts.output,
      terminal: true,
      historySize: 500,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        this.#complete(line).then(
          (found) => done(null, found),
          () => done(null, [[], line]), // the router is gone: the next command says so
        );
      },
    });
    this.#lines.on("line", (line) => {
      if (this.#settle === undefined) this.#early.push(line);
      else this.#settle({ line });
    });
    this.#lines.on("SIGINT", () => {
      this.#early.length = 0;
      if (this.#settle === undefined) return; // the router is at work, and says how it went
      parts.output.write("^C\n");
      Object.assign(this.#lines, { line: "", cursor: 0 });
      this.#settle("interrupted");
    });
    this.#lines.on("close", () => {
      this.#closed = true;
      if (this.#settle === undefined) return;
      parts.output.write("\n");
      this.#settle("closed");
    });
  }

  /** The session that lines are completed for. */
  serve(session: ConfigureSession): void {
    this.#session = session;
  }

  /** The next line; "interrupted" by Ctrl-C, "closed" by Ctrl-D. */
  async next(prompt: string): Promise<Answer> {
    return this.#question(prompt);
  }

  /** No answer is no. */
  async ask(question: string): Promise<boolean> {
    for (;;) {
      const answer = await this.#question(`${question} [yes,no] `);
      if (typeof answer === "string") return false;
      // An answer is no command.
      (this.#lines as Interface & { history: string[] }).history.shift();
      if (/^y(es)?$/i.test(answer.line.trim())) return true;
      if (/^no?$/i.test(answer.line.trim())) return false;
    }
  }

  /** Leaves the terminal to another program. */
  async lend(run: () => Promise<void>): Promise<void> {
    this.#lines.pause();
    this.#parts.input.setRawMode(false);
    try {
      await run();
    } finally {
      this.#parts.input.setRawMode(true);
      this.#lines.resume();
    }
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }

  #question(prompt: string): Promise<Answer> {
    const early = this.#early.shift();
    if (early !== undefined) {
      this.#parts.output.write(`${prompt}${early}\n`);
      return Promise.resolve({ line: early });
    }
    if (this.#closed) return Promise.resolve("closed");
    return new Promise((resolve) => {
      this.#settle = (answer) => {
        this.#settle = undefined;
        resolve(answer);
      };
      this.#lines.setPrompt(prompt);
      this.#lines.prompt();
    });
  }

  async #complete(line: string): Promise<[string[], string]> {
    const session = this.#session;
    if (session === undefined) return [[], line];
    const { word, candidates } = await completeLine(session.model, this.#parts.source, session.place, line);
    const texts = candidates.map(({ text }) => text);
    if (texts.length === 1) return [[`${quotedWord(texts[0]!)} `], written(line, word)];
    const common = commonBeginning(texts);
    if (common.length > word.length) return [[common], written(line, word)];
    if (texts.length > 0) this.#show(candidates);
    return [[], line];
  }

  #show(candidates: readonly Explained[]): void {
    this.#parts.output.write(`\n${explainedView(candidates, this.#parts.style)}`);
    this.#lines.prompt(true);
  }
}

/** The word as it stands in the line: with a quote that is open. */
const written = (line: string, word: string): string => (line.endsWith(`"${word}`) ? `"${word}` : word);

function commonBeginning(texts: readonly string[]): string {
  let [common = ""] = texts;
  for (const text of texts) while (!text.startsWith(common)) common = common.slice(0, -1);
  return common;
}
