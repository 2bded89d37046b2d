import type { Milliseconds } from "../../base/index.ts";

/** From the least to the most severe. @see RFC 8632 §3.3 */
export const SEVERITIES = ["indeterminate", "warning", "minor", "major", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What an operator says of an alarm. @see RFC 8632 §3.5.2 */
export const OPERATOR_STATES = ["none", "ack", "closed"] as const;
export type OperatorState = (typeof OPERATOR_STATES)[number];
/** Said by the router itself. @see RFC 8632 §4.1.1 */
export type ShelfState = "shelved" | "un-shelved";

/** The identity that all of ours are derived from. */
export const ANY_ALARM = "semrd-alarms:router-alarm";

/** A type of alarms; none of ours has a qualifier. @see RFC 8632 §3.2 */
export interface AlarmType {
  /** An identity, `module:name`. */
  readonly id: string;
  readonly severities: readonly Severity[];
  /** What it is about, and what to do. */
  readonly description: string;
}

/** What is wrong with a resource now. */
export interface Condition {
  readonly severity: Severity;
  /** One sentence: what it is, and what to do. */
  readonly text: string;
}

export interface StatusChange {
  readonly time: Milliseconds;
  readonly severity: Severity | "cleared";
  readonly text: string;
}

export interface OperatorChange {
  readonly time: Milliseconds;
  readonly operator: string;
  readonly state: OperatorState | ShelfState;
  readonly text?: string;
}

/** An entry of the alarm list. @see RFC 8632 §4.4 */
export interface Alarm extends Condition {
  /** A data path with modules where they change (RFC 7951 §6.11), or the name of something that the model does not have. */
  readonly resource: string;
  readonly type: string;
  readonly created: Milliseconds;
  readonly raised: Milliseconds;
  readonly changed: Milliseconds;
  readonly isCleared: boolean;
  /** What was said by whoever found it, before a profile made another severity of it. */
  readonly reported: Severity;
  /** The shelf that has it: then it is not in the alarm list, but in that of shelved alarms. @see RFC 8632 §4.1.1 */
  readonly shelf?: string;
  /** The newest first. */
  readonly changes: readonly StatusChange[];
  readonly operatorChanges: readonly OperatorChange[];
}

/** Both are identities or patterns; a qualifier that does not fit none fits nothing here. */
export interface TypeCriterion {
  readonly id: string;
  readonly qualifier: string;
}

/** Takes alarms out of the list that fit all its kinds of criteria; one without any takes all. @see RFC 8632 §4.1.1 */
export interface Shelf {
  readonly name: string;
  readonly resources: readonly string[];
  readonly types: readonly TypeCriterion[];
}

/** Other severities for alarms of a type. @see RFC 8632 §4.7 */
export interface AlarmProfile {
  readonly type: TypeCriterion;
  readonly resource: string;
  /** From the least severe, instead of those of the type in that order; none: its own. */
  readonly levels: readonly Severity[];
}

/** Which changes are told of. @see RFC 8632 §4.1 */
export interface AlarmControl {
  /** Of each alarm; infinite is as many as {@link MOST_CHANGES}. */
  readonly maxStatusChanges: number;
  readonly notify: "all-state-changes" | "raise-and-clear" | { readonly from: Severity };
  /** The first that fits has an alarm. */
  readonly shelves: readonly Shelf[];
  /** The first that fits counts. */
  readonly profiles: readonly AlarmProfile[];
}

/** Keeps what is called infinite finite. */
export const MOST_CHANGES = 1000;

export const DEFAULT_CONTROL: AlarmControl = {
  ...{ maxStatusChanges: 32, notify: "all-state-changes" },
  ...{ shelves: [], profiles: [] },
};

/** What an operator, or a shelf, has last made of an alarm. */
export const operatorStateOf = ({ operatorChanges }: Alarm): OperatorChange["state"] =>
  operatorChanges[0]?.state ?? "none";
