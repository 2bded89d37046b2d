import type { Command } from "commander";
import type { Client } from "./client.ts";
import type { ExitCode } from "./exit.ts";
import type { TableStyle } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
At a terminal it has a prompt with completion; from a pipe it carries out a script up to its first error.

  semrctl configure --private
  printf '%s\\n' 'set tenants tenant acme index 2' 'commit comment "index"' | semrctl configure --private`;

/** Where commands come from: a terminal, or a script. */
export type CommandInput =
  | { readonly kind: "terminal"; readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream }
  | { readonly kind: "script"; readonly lines: NodeJS.ReadableStream };

export interface ConfigureCommandParts {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly style: TableStyle;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: () => CommandInput;
  readonly leave: (code: ExitCode) => void;
}

export function addConfigureCommand(program: Command, parts: ConfigureCommandParts): void {
  program
    .command("configure")
    .description("change the configuration line by line, with completion")
    .option("-p, --private", "in a candidate of this session only, which ends with it", false)
    .option("-y, --yes", "do not ask", false)
    .addHelpText("after", EXAMPLES)
    .action(async (options: { readonly private: boolean; readonly yes: boolean }) => {
      const { CandidateRouter, fetchModel, runPrompt, runScript } = await import("./configure/index.ts");
      const { client, terminal, style, env, leave } = parts;
      const own = await client();
      const model = await fetchModel(own, env);
      await using router = await CandidateRouter.open(own, options.private ? "private-candidate" : "candidate");
      const all = { model, router, terminal, style, yes: options.yes };
      const input = parts.input();
      leave(input.kind === "terminal" ? await runPrompt(input, all) : await runScript(input.lines, all));
    });
}
