import { createHash } from "node:crypto";
import { type AlarmBook, operatorStateOf } from "../alarms/index.ts";
import { formatPath, localName } from "../datastore/index.ts";
import type { EventLog } from "../events/index.ts";

/** An entry of the alarm list. @see RFC 8632 §4.4 */
export interface AlarmRow {
  /** By which commands name it. */
  readonly id: string;
  /** An identity of semrd-alarms, without the module. */
  readonly type: string;
  /** What it is about: a path of the model. */
  readonly resource: string;
  readonly state: "raised" | "cleared" | "shelved";
  /** The name of the shelf that has it. */
  readonly shelf?: string;
  readonly severity: "indeterminate" | "warning" | "minor" | "major" | "critical";
  readonly text: string;
  readonly raisedSecondsAgo: number;
  readonly changedSecondsAgo: number;
  /** The newest first; times as in ISO 8601. */
  readonly changes: readonly { readonly time: string; readonly severity: string; readonly text: string }[];
  /** What an operator says: "none", "ack" or "closed"; or the router, that it is on a shelf, or was. */
  readonly operatorState: "none" | "ack" | "closed" | "shelved" | "un-shelved";
  readonly operator?: string;
  readonly operatorText?: string;
}

/** Something that happened, as a notification of the model says it. */
export interface EventRow {
  /** ISO 8601. */
  readonly time: string;
  /** `module:name`. */
  readonly event: string;
  /** The same without its module. */
  readonly type: string;
  /** The node that it belongs to; absent for one at the top of its module. */
  readonly target?: string;
  /** RFC 7951 JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** By which people name an alarm: eight characters of a digest of what it is about, the same each time. */
const alarmId = (resource: string, type: string): string =>
  createHash("sha256").update(`${type} ${resource}`).digest("hex").slice(0, 8);

/** The alarm list and what is on shelves, those that were raised last first. `now`: wall clock. */
export function alarmRows(book: AlarmBook, now: number): readonly AlarmRow[] {
  const ago = (then: number): number => Math.max(0, Math.round((now - then) / 1000));
  return [...book.alarms, ...book.shelved]
    .toSorted((a, b) => b.raised - a.raised)
    .map((alarm) => ({
      id: alarmId(alarm.resource, alarm.type),
      type: localName({ name: alarm.type }),
      resource: alarm.resource,
      state: alarm.shelf !== undefined ? "shelved" : alarm.isCleared ? "cleared" : "raised",
      severity: alarm.severity,
      text: alarm.text,
      raisedSecondsAgo: ago(alarm.raised),
      changedSecondsAgo: ago(alarm.changed),
      changes: alarm.changes.map(({ time, severity, text }) => ({
        ...{ time: new Date(time).toISOString(), severity, text },
      })),
      operatorState: operatorStateOf(alarm),
      ...(alarm.shelf === undefined ? {} : { shelf: alarm.shelf }),
      ...(alarm.operatorChanges[0] === undefined ? {} : { operator: alarm.operatorChanges[0].operator }),
      ...(alarm.operatorChanges[0]?.text === undefined ? {} : { operatorText: alarm.operatorChanges[0].text }),
    }));
}

/** What happened since the start, as far as it is kept, the oldest first. */
export function* eventRows(log: EventLog): Generator<EventRow> {
  for (const { time, name, target, content } of log.from(log.created))
    yield {
      time: new Date(time).toISOString(),
      event: name,
      type: localName({ name }),
      ...(target.length === 0 ? {} : { target: formatPath(target) }),
      content,
    };
}
