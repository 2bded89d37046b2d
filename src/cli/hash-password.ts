import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Command } from "commander";
import { CommandFailure, EXIT } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

const LEAST = 8;

/** Swallows what the user types. */
const unseen = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** From a terminal twice, unseen; else the first line of the standard input. */
async function password(terminal: Terminal): Promise<string> {
  if (!process.stdin.isTTY) {
    using piped = createInterface({ input: process.stdin });
    for await (const line of piped) return line;
    return "";
  }
  using lines = createInterface({ input: process.stdin, output: unseen(), terminal: true });
  const ask = async (question: string): Promise<string> => {
    terminal.err(question);
    const answer = await lines.question("");
    terminal.err("\n");
    return answer;
  };
  try {
    const first = await ask("Password: ");
    if ((await ask("Again: ")) === first) return first;
  } catch {
    throw new CommandFailure(EXIT.refused, "given up"); // Ctrl-C, Ctrl-D
  }
  throw new CommandFailure(EXIT.refused, "the two are not the same");
}

/** For `password-hash` of a user; needs no router. */
export function addHashPassword(program: Command, terminal: Terminal): void {
  program
    .command("hash-password")
    .description(
      "make the hash of a password, for management/users/user/password-hash; reads the terminal, or a line of stdin",
    )
    .action(async () => {
      const text = await password(terminal);
      // Not at the top: every other command would wait for it.
      const { hashPassword } = await import("../management/index.ts");
      if (text.length < LEAST) throw new CommandFailure(EXIT.refused, `a password has at least ${LEAST} characters`);
      await terminal.out(`${await hashPassword(text)}\n`);
    });
}
