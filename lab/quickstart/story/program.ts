import { Command } from "commander";
import { destroyHint, type Lab } from "../../runner/index.ts";
import { Narrator } from "./narrator.ts";
import { durationText, inkFor } from "./terminal.ts";

/** What every program that tells a story in a lab of its own can be asked for. */
export interface ProgramOptions {
  readonly keep: boolean;
  readonly json: boolean;
  readonly color: boolean;
  readonly name: string;
}

/** A command with the options of every such program; `lab` is the name of its lab where none is given. */
export function programCommand(name: string, description: string, lab: string): Command {
  return new Command(name)
    .description(description)
    .option("--keep", "leave the lab as it is afterwards", false)
    .option("--json", "print what was seen as one JSON document", false)
    .option("--no-color", "no colours")
    .option("--name <lab>", "name of the lab", lab);
}

export interface Program<Facts extends object> {
  readonly options: ProgramOptions;
  /** Why it cannot be run here. */
  readonly whyNot?: string | undefined;
  readonly opening?: (narrator: Narrator) => void;
  readonly deploy: (signal: AbortSignal, narrator: Narrator) => Promise<Lab>;
  /** Tells the story; what it gives is printed with `--json`. */
  readonly tell: (lab: Lab, narrator: Narrator, signal: AbortSignal) => Promise<Facts>;
  /** That all was as it should be, in its own words. */
  readonly verdict?: (facts: Facts) => string;
  /** What follows on the lab after that, before it is removed. */
  readonly afterwards?: (narrator: Narrator, signal: AbortSignal) => Promise<void>;
  /** Gives what was seen until the story ended early. */
  readonly seen?: () => Partial<Facts>;
  /** What is done before the lab is removed where the story failed. */
  readonly failed?: (narrator: Narrator, cause: unknown) => Promise<void>;
}

/**
 * Makes the lab, tells its story and removes it, also on a signal and where nobody reads what it prints any more.
 *
 * @returns the exit code. 77: it cannot be run here; 130: it was stopped
 */
export async function runProgram<Facts extends object>(program: Program<Facts>): Promise<number> {
  const { options } = program;
  const reason =
    process.getuid?.() === 0
      ? program.whyNot
      : "the lab needs root, for network namespaces and eBPF: start it with sudo";
  if (reason !== undefined) {
    console.error(`error: ${reason}`);
    return 77;
  }
  const colours = options.color && process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const narrator = new Narrator(inkFor(colours), (text) => {
    if (!options.json) process.stdout.write(text);
  });
  const stop = stopSignal();
  const began = performance.now();
  program.opening?.(narrator);
  let lab: Lab | undefined;
  let facts: Partial<Facts> | undefined;
  let failure: string | undefined;
  let code = 0;
  try {
    lab = await program.deploy(stop, narrator);
    const seen = await program.tell(lab, narrator, stop);
    facts = seen;
    const { bold, dim, good } = narrator.ink;
    narrator.line();
    narrator.line(
      `  ${good("✔")} ${bold(program.verdict?.(seen) ?? "all was as it should be")} ${dim(`in ${durationText(performance.now() - began)}`)}`,
    );
    await program.afterwards?.(narrator, stop);
  } catch (cause) {
    code = stop.aborted ? 130 : 1;
    failure = cause instanceof Error ? cause.message : String(cause);
    facts = program.seen?.();
    if (!stop.aborted) {
      narrator.failure(cause);
      await program.failed?.(narrator, cause);
    }
  } finally {
    if (options.keep && lab !== undefined) narrator.line(`  the lab stays; end it with: ${destroyHint(options.name)}`);
    else if (lab !== undefined) {
      await lab[Symbol.asyncDispose]();
      narrator.line(`\n  ${narrator.ink.dim("the lab is gone")}`);
    }
  }
  if (options.json) {
    const seen = { ok: code === 0, ...(failure === undefined ? {} : { failure }), ...facts };
    process.stdout.write(`${JSON.stringify(seen, null, 2)}\n`);
  }
  return code;
}

/** Aborted by a signal, and when nobody reads the output any more (`| head`): there is nobody to tell the story to. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const stopped = (by: string): void => stop.abort(new DOMException(`stopped by ${by}`, "AbortError"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopped(signal));
  process.stdout.on("error", ({ message }: Error) => stopped(`its output: ${message}`));
  process.stderr.on("error", () => {}); // there is no other place where to say so
  return stop.signal;
}
