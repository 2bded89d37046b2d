/**
 * A story without routers, for the tests of what every such program does: `story-program.ts [--json] talk|fail|wait`. What
 * is done to the lab stands on its standard error.
 */

import { type ProgramOptions, programCommand, runProgram } from "../../lab/quickstart/story/index.ts";
import type { Lab } from "../../lab/runner/index.ts";

const LINES = 6_000;

const command = programCommand("story-program", "a story for tests", "nothing").argument("<what>").parse();
const what = command.args[0];

process.exitCode = await runProgram({
  options: command.opts<ProgramOptions>(),
  deploy: async () =>
    ({
      async [Symbol.asyncDispose]() {
        console.error("removed");
      },
    }) as unknown as Lab,
  async tell(_, narrator, signal) {
    // Until it is stopped: a minute at least, also where whoever stops it waits for the processor.
    for (let line = 0; line < LINES; line++) {
      if (what === "talk" || line === 0) narrator.line(`line ${line}`);
      if (what === "fail") throw new Error("the client was not answered");
      await new Promise<void>((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
    }
    return { lines: LINES };
  },
  seen: () => ({ lines: 1 }),
  failed: async () => console.error("looked into"),
});
