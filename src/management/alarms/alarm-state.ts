import type { Path } from "../datastore/index.ts";
import type { StateSource } from "../state/index.ts";
import type { AlarmBook } from "./alarm-book.ts";
import { resourceOf } from "./resource.ts";
import { type Alarm, operatorStateOf, SEVERITIES } from "./types.ts";

const AT: Path = [{ name: "ietf-alarms:alarms" }];
const LIST: Path = [...AT, { name: "ietf-alarms:alarm-list" }];
const ALARM: Path = [...LIST, { name: "ietf-alarms:alarm" }];

const SHELVES: Path = [...AT, { name: "ietf-alarms:shelved-alarms" }];
const SHELVED: Path = [...SHELVES, { name: "ietf-alarms:shelved-alarm" }];

const dateAndTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Where an alarm stands in the model. */
export const alarmPath = ({ resource, type, shelf }: Pick<Alarm, "resource" | "type" | "shelf">): Path =>
  entryOf(shelf === undefined ? ALARM : SHELVED, resource, type);

function entryOf(list: Path, resource: string, type: string): Path {
  const keys = { resource, "alarm-type-id": type, "alarm-type-qualifier": "" };
  return [...list.slice(0, -1), { ...list.at(-1)!, keys }];
}

/** Alarm list, shelved alarms, inventory and summary of ietf-alarms. @see RFC 8632 §4.2 to §4.5 */
export function alarmState(book: AlarmBook): readonly StateSource[] {
  const entries = (path: Path, all: () => Iterable<Alarm>): StateSource => ({
    path,
    *rows(wanted) {
      const keys = wanted[2]?.keys ?? {};
      for (const alarm of all()) {
        if (keys.resource !== undefined && resourceOf(keys.resource) !== alarm.resource) continue;
        if (keys["alarm-type-id"] !== undefined && keys["alarm-type-id"] !== alarm.type) continue;
        yield { path: alarmPath(alarm), value: alarmLeaves(alarm) };
      }
    },
    // One that goes to a shelf, or comes from there, is gone from the other list.
    watch: (changed) =>
      book.subscribe((news) => {
        const { resource, type } = news.type === "purged" ? { ...news, type: news.alarmType } : news.alarm;
        changed(entryOf(path, resource, type));
      }),
  });
  return [
    entries(ALARM, () => book.alarms),
    entries(SHELVED, () => book.shelved),
    {
      path: SHELVES,
      rows: () => {
        const value = {
          "number-of-shelved-alarms": book.shelvedSize,
          "shelved-alarms-last-changed": dateAndTime(book.changed),
        };
        return [{ path: SHELVES, value }];
      },
      watch: (changed) => book.subscribe(() => changed(SHELVES)),
    },
    {
      path: LIST,
      rows: () => [{ path: LIST, value: { "number-of-alarms": book.size, "last-changed": dateAndTime(book.changed) } }],
      watch: (changed) => book.subscribe(() => changed(LIST)),
    },
    { path: [...AT, { name: "ietf-alarms:summary" }], rows: () => [summaryRow(book)] },
    { path: [...AT, { name: "ietf-alarms:alarm-inventory" }], rows: () => [inventoryRow(book)] },
  ];
}

function alarmLeaves(alarm: Alarm) {
  return {
    ...(alarm.shelf === undefined ? { "time-created": dateAndTime(alarm.created) } : { "shelf-name": alarm.shelf }), // each only in its own list
    "is-cleared": alarm.isCleared,
    "last-raised": dateAndTime(alarm.raised),
    "last-changed": dateAndTime(alarm.changed),
    "perceived-severity": alarm.severity,
    "alarm-text": alarm.text,
    "status-change": alarm.changes.map(({ time, severity, text }) => ({
      ...{ time: dateAndTime(time), "perceived-severity": severity, "alarm-text": text },
    })),
    "operator-state-change": alarm.operatorChanges.map(({ time, ...change }) => ({
      ...change,
      time: dateAndTime(time),
    })),
  };
}

function summaryRow(book: AlarmBook) {
  const summary = SEVERITIES.map((severity) => {
    const counts = { total: 0, "not-cleared": 0, cleared: 0 };
    const closed = {
      "cleared-not-closed": 0,
      "cleared-closed": 0,
      "not-cleared-closed": 0,
      "not-cleared-not-closed": 0,
    };
    for (const alarm of book.alarms) {
      if (alarm.severity !== severity) continue;
      const status = alarm.isCleared ? "cleared" : "not-cleared";
      counts.total++;
      counts[status]++;
      closed[`${status}-${operatorStateOf(alarm) === "closed" ? "closed" : "not-closed"}`]++;
    }
    return { severity, ...counts, ...closed };
  });
  return {
    path: [...AT, { name: "ietf-alarms:summary" }],
    value: {
      "alarm-summary": summary.filter(({ total }) => total > 0),
      ...(book.shelvedSize === 0 ? {} : { "shelves-active": [null] }),
    },
  };
}

function inventoryRow(book: AlarmBook) {
  const types = book.types.map(({ id, severities, description }) => ({
    ...{ "alarm-type-id": id, "alarm-type-qualifier": "", "will-clear": true },
    ...{ "severity-level": severities, description },
  }));
  return { path: [...AT, { name: "ietf-alarms:alarm-inventory" }], value: { "alarm-type": types } };
}

/** The content of the notification of a change. @see RFC 8632 §4.7 */
export const notificationOf = (alarm: Alarm): Readonly<Record<string, unknown>> => ({
  resource: alarm.resource,
  "alarm-type-id": alarm.type,
  "alarm-type-qualifier": "",
  time: dateAndTime(alarm.changed),
  "perceived-severity": alarm.isCleared ? "cleared" : alarm.severity,
  "alarm-text": alarm.text,
});

/** The content of the notification of what an operator says, without its path. @see RFC 8632 §4.7 */
export function operatorNotificationOf({ operatorChanges }: Alarm): Readonly<Record<string, unknown>> {
  const [{ time, ...change }] = operatorChanges as [Alarm["operatorChanges"][number]];
  return { ...change, time: dateAndTime(time) };
}
