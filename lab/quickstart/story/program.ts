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

export interface Program {
  readonly options: ProgramOptions;
  /** Why it cannot be run here. */
  readonly whyNot: string | undefined;
  readonly deploy: (signal: AbortSignal, narrator: Narrator) => Promise<Lab>;
  /** Tells the story; what it gives is printed with `--json`. */
  readonly tell: (lab: Lab, narrator: Narrator, signal: AbortSignal) => Promise<object>;
}

/**
 * Makes the lab, tells its story and removes it, also on a signal.
 *
 * @returns the exit code. 77: it cannot be run here; 130: it was stopped
 */
export async function runProgram({ options, whyNot, deploy, tell }: Program): Promise<number> {
  const reason = process.getuid?.() === 0 ? whyNot : "the lab needs root, for network namespaces and eBPF";
  if (reason !== undefined) {
    console.error(`error: ${reason}`);
    return 77;
  }
  const colours = options.color && process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const narrator = new Narrator(inkFor(colours), (text) => {
    if (!options.json) process.stdout.write(text);
  });
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => stop.abort(new DOMException(`stopped by ${signal}`, "AbortError")));
  const began = performance.now();
  let lab: Lab | undefined;
  let facts: object | undefined;
  let failure: string | undefined;
  let code = 0;
  try {
    lab = await deploy(stop.signal, narrator);
    facts = await tell(lab, narrator, stop.signal);
    narrator.line();
    narrator.line(`  ${narrator.ink.good("✔")} all as it should be, in ${durationText(performance.now() - began)}`);
  } catch (cause) {
    code = stop.signal.aborted ? 130 : 1;
    failure = cause instanceof Error ? cause.message : String(cause);
    narrator.failure(cause);
  } finally {
    if (options.keep && lab !== undefined) narrator.line(`  the lab stays; end it with: ${destroyHint(options.name)}`);
    else await lab?.[Symbol.asyncDispose]();
  }
  if (options.json) {
    const seen = { ok: code === 0, ...(failure === undefined ? {} : { failure }), ...facts };
    process.stdout.write(`${JSON.stringify(seen, null, 2)}\n`);
  }
  return code;
}
