import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { CommandFailure, EXIT } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** Swallows what the user types. */
const unseen = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Asks a person at the terminal, one question after the other, and shows nothing of the answers. */
export async function askUnseen(
  terminal: Pick<Terminal, "err">,
  questions: readonly string[],
): Promise<readonly string[]> {
  using lines = createInterface({ input: process.stdin, output: unseen(), terminal: true });
  const answers: string[] = [];
  try {
    for (const question of questions) {
      terminal.err(question);
      answers.push(await lines.question(""));
      terminal.err("\n");
    }
    return answers;
  } catch {
    throw new CommandFailure(EXIT.refused, "given up"); // Ctrl-C, Ctrl-D
  }
}
