import type { CheckConfigResult, ConfigurationWarningRow } from "../control/types.ts";
import { ConfigurationError, formatFault } from "./error.ts";
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
  const warnings: ConfigurationWarningRow[] = [];
  const moved = (all: readonly Moved[]): void => {
    for (const { path, to } of all) warnings.push({ path, reason: `credentials have moved, this is read as ${to}` });
    parts.moved?.(all);
  };
  try {
    const own = { ...parts, moved };
    const configuration = await ("file" in source
      ? loadConfiguration(source.file, own)
      : parseConfiguration(source.text, source.folder, own));
    // Time puts a certificate right that begins tomorrow, and a file may be checked far from where its clock is.
    warnings.push(...(await certificatesNotValid(configuration, parts.files ?? diskFiles, Date.now())));
    return { valid: true, faults: [], warnings, configuration };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { valid: false, faults: error.faults, warnings };
  }
}

export interface CheckOutput {
  out(line: string): void;
  err(line: string): void;
}

/** What `semrd --check --config FILE` and `semrctl check-config FILE` do: prints the verdict, answers the exit code. */
export async function checkConfigCommand(file: string, output: CheckOutput, parts: LoadParts = {}): Promise<0 | 78> {
  const { configuration, faults, warnings } = await checkConfiguration({ file }, parts);
  for (const { path, reason } of warnings) output.err(`${file}: warning: ${path}: ${reason}`);
  if (configuration !== undefined) {
    output.out(`${file}: valid configuration of router ${configuration.name}`);
    return 0;
  }
  for (const fault of faults) output.err(formatFault(fault, file));
  output.err(`${file}: ${faults.length} ${faults.length === 1 ? "fault" : "faults"}`);
  return 78;
}
