import { Readable } from "node:stream";
import { runCommandLine } from "../../src/cli/program.ts";

export interface Said {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/**
 * semrctl in this process, with `env` as its environment: as a process of its own each command would take a quarter of a second of
 * the processor.
 */
export async function semrctl(
  args: readonly string[],
  script = "",
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  let [out, err] = ["", ""];
  const terminal = {
    out: async (text: string | Uint8Array) => {
      out += typeof text === "string" ? text : Buffer.from(text).toString();
    },
    err: (text: string) => {
      err += text;
    },
    pause: async () => "over" as const,
    colour: false,
  };
  const exitCode = await runCommandLine(args, terminal, env, () => ({
    kind: "script",
    lines: Readable.from([script]),
  }));
  return { exitCode, out, err };
}

/** What `semrctl --json` prints. Rejects as a process that has failed does: with `code` and `stderr`. */
export async function semrctlJson(socket: string, args: readonly string[]): Promise<unknown> {
  const { exitCode, out, err } = await semrctl(["--socket", socket, "--json", ...args]);
  if (exitCode !== 0)
    throw Object.assign(new Error(`semrctl ${args.join(" ")}: ${err}`), { code: exitCode, stderr: err });
  return JSON.parse(out);
}
