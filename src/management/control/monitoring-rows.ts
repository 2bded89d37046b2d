import type { CounterText } from "./rows.ts";

/** A job that writes files. */
export interface MrtJobRow {
  readonly name: string;
  readonly kind: "table" | "updates";
  readonly folder: string;
  /** The file that is being written now. */
  readonly writing?: string;
  readonly lastFile?: string;
  /** Finished ones. */
  readonly files: CounterText;
  readonly octets: CounterText;
  /** Of update logs. */
  readonly records: CounterText;
  /** Records that the disk did not take. */
  readonly lost: CounterText;
  readonly failures: CounterText;
  /** Absent when the last attempt went well. */
  readonly lastFailure?: string;
}
