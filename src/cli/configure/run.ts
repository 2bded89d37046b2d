import { createInterface } from "node:readline";
import { LineFault, type Model, splitWords, valueAt, withoutSecrets } from "../../words/index.ts";
import { CommandFailure, EXIT, type ExitCode } from "../exit.ts";
import type { TableStyle } from "../table.ts";
import { printable, type Terminal } from "../terminal.ts";
import { completeLine } from "./complete.ts";
import { explainedView } from "./help.ts";
import { Prompt } from "./prompt.ts";
import type { CandidateRouter } from "./router.ts";
import { ConfigureSession } from "./session.ts";

export interface ConfigureParts {
  readonly model: Model;
  readonly router: CandidateRouter;
  readonly terminal: Terminal;
  readonly style: TableStyle;
  readonly yes: boolean;
}

/** Whether the shared candidate has changes already; a private one begins without. */
async function begins(router: CandidateRouter): Promise<boolean> {
  if (router.candidate === "private-candidate") return false;
  const { datastores } = await router.status();
  return datastores.some(({ datastore, modified }) => datastore === "candidate" && modified);
}

/**
 * Carries out lines until one is wrong, which is said with its number, or the session is left.
 *
 * @throws {CommandFailure} for the line that was refused
 */
export async function runScript(
  lines: NodeJS.ReadableStream,
  { model, router, terminal, style, yes }: ConfigureParts,
): Promise<ExitCode> {
  const out = (text: string): Promise<void> => terminal.out(text);
  const session = new ConfigureSession(
    model,
    router,
    { style, out, page: out },
    { yes, isModified: await begins(router) },
  );
  let number = 0;
  for await (const line of createInterface({ input: lines })) {
    number++;
    try {
      if (isQuestion(line)) await explain(line, model, router, session, out, style);
      else if ((await session.run(line)) === "left") return EXIT.ok;
    } catch (error) {
      if (error instanceof LineFault)
        throw new CommandFailure(EXIT.refused, `line ${number}: ${error.message}`, {
          details: [withoutSecrets(line), pointer(error, 0)],
        });
      if (error instanceof CommandFailure && error.exitCode === EXIT.refused)
        throw new CommandFailure(EXIT.refused, `line ${number}: ${error.message}`, {
          details: [withoutSecrets(line), ...error.details],
          ...(error.document === undefined ? {} : { document: error.document }),
        });
      throw error;
    }
  }
  await session.leave();
  return EXIT.ok;
}

/** A session with a person at a terminal. */
export async function runPrompt(
  streams: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
  { model, router, terminal, style, yes }: ConfigureParts,
): Promise<ExitCode> {
  using prompt = new Prompt({ ...streams, source: router, style });
  const out = (text: string): Promise<void> => terminal.out(text);
  const page = (text: string): Promise<void> => prompt.lend(() => (terminal.page ?? out)(text));
  const ask = (question: string): Promise<boolean> => prompt.ask(question);
  const session = new ConfigureSession(
    model,
    router,
    { style, out, page, ask },
    { yes, isModified: await begins(router) },
  );
  prompt.serve(session);
  const name = valueAt(await router.document(model.top, "running"), model.top) as
    | { readonly name?: unknown }
    | undefined;
  const own = router.candidate === "private-candidate" ? "private" : "shared";
  await out(`configuring the ${own} candidate; help says what there is, exit leaves\n`);
  for (;;) {
    const where = [typeof name?.name === "string" ? name.name : "semrd", model.words(session.place)].join(" ").trim();
    const text = `[${printable(where)}]${session.isModified ? "*" : ""}# `;
    const next = await prompt.next(text);
    if (next === "interrupted") continue;
    try {
      if (next === "closed") {
        await session.leave({ ask: false });
        return EXIT.ok;
      }
      if (isQuestion(next.line)) await explain(next.line, model, router, session, out, style);
      else if ((await session.run(next.line)) === "left") return EXIT.ok;
    } catch (error) {
      if (error instanceof LineFault) terminal.err(`${pointer(error, text.length)}\n${printable(error.message)}\n`);
      else if (error instanceof CommandFailure && error.exitCode === EXIT.refused)
        terminal.err([error.message, ...error.details].map((line) => `${printable(line)}\n`).join(""));
      else throw error;
    }
  }
}

/** A `?` at the end asks what can stand there; a value that ends so is quoted. */
const isQuestion = (line: string): boolean =>
  /\?\s*$/.test(line) && splitWords(line, { open: true }).at(-1)?.quoted === false;

async function explain(
  line: string,
  model: Model,
  router: CandidateRouter,
  session: ConfigureSession,
  out: (text: string) => Promise<void>,
  style: TableStyle,
): Promise<void> {
  const { candidates } = await completeLine(model, router, session.place, line.replace(/\?\s*$/, ""));
  await out(candidates.length === 0 ? "nothing is known of what can stand here\n" : explainedView(candidates, style));
}

const pointer = ({ start, end }: LineFault, indent: number): string =>
  `${" ".repeat(indent + start)}${"^".repeat(Math.max(1, end - start))}`;
