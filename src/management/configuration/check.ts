import type { CheckConfigResult } from "../control/types.ts";
import { ConfigurationError } from "./error.ts";
import { diskFiles } from "./files.ts";
import type { Moved } from "./former-credentials.ts";
import { type LoadParts, loadConfiguration, parseConfiguration } from "./load.ts";
import { certificatesNotValid } from "./named-files.ts";
import type { RouterConfiguration } from "./types.ts";

/** Says whether a file or a text is a valid configuration; never throws for one that is not. */
export async function checkConfiguration(
  source: { readonly file: string } | { readonly text: string; readonly folder: string },
  parts: LoadParts = {},
): Promise<CheckConfigResult & { readonly configuration?: RouterConfiguration }> {
  try {
    const configuration = await ("file" in source
      ? loadConfiguration(source.file, parts)
      : parseConfiguration(source.text, source.folder, parts));
    return { valid: true, faults: [], configuration };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { valid: false, faults: error.faults };
  }
}

export interface CheckOutput {
  out(line: string): void;
  err(line: string): void;
}

/** What `semrd --check --config FILE` and `semrctl check-config FILE` do: prints the verdict, answers the exit code. */
export async function checkConfigCommand(file: string, output: CheckOutput, parts: LoadParts = {}): Promise<0 | 78> {
  const moved = (all: readonly Moved[]): void => {
    for (const { path, to } of all) output.err(`${file}: ${path}: credentials have moved, this is read as ${to}`);
  };
  try {
    const configuration = await loadConfiguration(file, { moved, ...parts });
    // Time puts a certificate right that begins tomorrow, and a file may be checked far from where its clock is.
    const notValid = await certificatesNotValid(configuration, parts.files ?? diskFiles, Date.now());
    for (const { path, reason } of notValid) output.err(`${file}: warning: ${path}: ${reason}`);
    output.out(`${file}: valid configuration of router ${configuration.name}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const line of error.lines()) output.err(line);
    const count = error.faults.length;
    output.err(`${file}: ${count} ${count === 1 ? "fault" : "faults"}`);
    return 78;
  }
}
