/** One thing that is wrong with a configuration. */
export interface ConfigurationFault {
  /** Data path with list keys, as in `/semrd-router:router/site/selector`; absent for faults of the file or its text. */
  readonly path?: string;
  /** What stands there, as JSON, cut to a line; never that of a secret. */
  readonly value?: string;
  readonly reason: string;
  /** The model's error-app-tag, or a tag of this loader; stable. */
  readonly tag?: string;
  /** Line of the text, from 1. */
  readonly line?: number;
}

/** One line for a person: where, what stands there, why it is wrong. */
export function formatFault(fault: ConfigurationFault, file?: string): string {
  const place = [file, fault.line].filter((part) => part !== undefined).join(":");
  const subject = [fault.path, fault.value === undefined ? undefined : `is ${fault.value}`].filter(Boolean).join(" ");
  return [place, subject, fault.reason].filter(Boolean).join(": ");
}

/** A configuration that cannot be used, with every fault that could be told apart. Code `configuration.invalid`. */
export class ConfigurationError extends Error {
  readonly code = "configuration.invalid";
  readonly faults: readonly ConfigurationFault[];
  /** Path of the file, absent for text. */
  readonly file?: string;

  constructor(faults: readonly ConfigurationFault[], file?: string) {
    const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
    super(`${formatFault(faults[0]!, file)}${rest}`);
    this.name = "ConfigurationError";
    this.faults = faults;
    if (file !== undefined) this.file = file;
  }

  /** One line a fault. */
  lines(): readonly string[] {
    return this.faults.map((fault) => formatFault(fault, this.file));
  }
}
