import type { Command } from "commander";
import { CommandFailure, EXIT } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

const LEAST = 8;

/** From a terminal twice, unseen; else the first line of the standard input. */
async function password(terminal: Terminal): Promise<string> {
  if (!process.stdin.isTTY) {
    const { createInterface } = await import("node:readline/promises");
    using piped = createInterface({ input: process.stdin });
    for await (const line of piped) return line;
    return "";
  }
  const { askUnseen } = await import("./password.ts");
  const [first, second] = await askUnseen(terminal, ["Password: ", "Again: "]);
  if (first === second) return first!;
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
