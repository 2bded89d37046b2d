/** What semrctl leaves behind for a script; also in its --help. */
export const EXIT = {
  ok: 0,
  /** The router refused, or what was asked for does not exist. */
  refused: 1,
  usage: 2,
  /** No router answers at the socket. */
  unreachable: 69,
  /** A configuration is not valid. */
  configuration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a message for a person: what, where, and what to do. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;
  /** Further lines, such as single faults. */
  readonly details: readonly string[];
  /** The answer as the router gave it, for `--json`. */
  readonly document?: unknown;
  /** What the router found wrong, where it said so one by one. */
  readonly faults: readonly { readonly path?: string; readonly reason: string }[];

  constructor(
    exitCode: ExitCode,
    message: string,
    more: {
      readonly details?: readonly string[];
      readonly document?: unknown;
      readonly faults?: CommandFailure["faults"];
    } = {},
  ) {
    super(message);
    this.name = "CommandFailure";
    this.exitCode = exitCode;
    this.details = more.details ?? [];
    this.faults = more.faults ?? [];
    if (more.document !== undefined) this.document = more.document;
  }
}
