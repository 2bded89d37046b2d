import type { Clock } from "../../base/index.ts";
import { answered, fault, formatPath, refused } from "../datastore/index.ts";
import type { OperationHandler } from "../operations/index.ts";
import type { AlarmBook } from "./alarm-book.ts";
import { resourceOf } from "./resource.ts";
import { type Alarm, type OperatorState, operatorStateOf, SEVERITIES, type Severity } from "./types.ts";

const SECONDS_OF = { seconds: 1, minutes: 60, hours: 3600, days: 86_400, weeks: 604_800 } as const;

interface PurgeInput {
  readonly "alarm-clearance-status": "any" | "cleared" | "not-cleared";
  readonly "older-than"?: { readonly [unit in keyof typeof SECONDS_OF]?: number };
  readonly severity?: { readonly [side in "below" | "is" | "above"]?: Severity };
  readonly "operator-state-filter"?: { readonly state?: string; readonly user?: string };
}

interface CompressInput {
  readonly resource?: string;
  readonly "alarm-type-id"?: string;
  readonly "alarm-type-qualifier"?: string;
}

/** The actions of ietf-alarms, of the alarm list and of that of shelved alarms. @see RFC 8632 §4.5, §4.6 */
export function alarmOperations(book: AlarmBook, clock: Clock): Readonly<Record<string, OperationHandler>> {
  const purge =
    (isMeant: Which): OperationHandler =>
    ({ input }) => {
      const asked = input as unknown as PurgeInput;
      return answered({ "purged-alarms": book.purge((alarm) => isMeant(alarm) && isPurged(alarm, asked, clock)) });
    };
  const compress =
    (isMeant: Which): OperationHandler =>
    ({ input }) => {
      const { resource, "alarm-type-id": type, "alarm-type-qualifier": qualifier = "" } = input as CompressInput;
      const fits: Which = (alarm) =>
        isMeant(alarm) &&
        qualifier === "" &&
        (resource === undefined || resourceOf(resource) === alarm.resource) &&
        (type ?? alarm.type) === alarm.type;
      return answered({ "compressed-alarms": book.compress(fits) });
    };
  return {
    "/ietf-alarms:alarms/alarm-list/alarm/set-operator-state": ({ target, input }, { user }) => {
      const { resource = "", "alarm-type-id": type = "" } = target.at(-1)!.keys!;
      const alarm = book.find(resourceOf(resource), type);
      if (alarm === undefined || alarm.shelf !== undefined) {
        const message = `there is no alarm ${type} of ${resource} in the list${alarm === undefined ? "" : ", but on a shelf"}`;
        return refused(fault("data-missing", message, { path: formatPath(target) }));
      }
      const { state, text } = input as { readonly state: OperatorState; readonly text?: string };
      book.setOperatorState(alarm, { operator: user, state, ...(text === undefined ? {} : { text }) });
      return answered({});
    },
    "/ietf-alarms:alarms/alarm-list/purge-alarms": purge(inList),
    "/ietf-alarms:alarms/alarm-list/compress-alarms": compress(inList),
    "/ietf-alarms:alarms/shelved-alarms/purge-shelved-alarms": purge(onShelf),
    "/ietf-alarms:alarms/shelved-alarms/compress-shelved-alarms": compress(onShelf),
  };
}

type Which = (alarm: Alarm) => boolean;

const onShelf: Which = ({ shelf }) => shelf !== undefined;
const inList: Which = ({ shelf }) => shelf === undefined;

function isPurged(alarm: Alarm, asked: PurgeInput, clock: Clock): boolean {
  const { "alarm-clearance-status": status, "older-than": age, severity, "operator-state-filter": operator } = asked;
  if (status !== "any" && (status === "cleared") !== alarm.isCleared) return false;
  if (age !== undefined && clock.wall() - alarm.changed <= 1000 * secondsIn(age)) return false;
  if (severity !== undefined && !isSevere(alarm.severity, severity)) return false;
  if (operator?.state !== undefined && operator.state !== operatorStateOf(alarm)) return false;
  return operator?.user === undefined || alarm.operatorChanges[0]?.operator === operator.user;
}

function secondsIn(age: NonNullable<PurgeInput["older-than"]>): number {
  const [unit, count] = (Object.entries(age)[0] ?? ["seconds", 0]) as [keyof typeof SECONDS_OF, number];
  return SECONDS_OF[unit] * count;
}

function isSevere(severity: Severity, { below, is, above }: NonNullable<PurgeInput["severity"]>): boolean {
  const own = SEVERITIES.indexOf(severity);
  if (below !== undefined) return own < SEVERITIES.indexOf(below);
  if (above !== undefined) return own > SEVERITIES.indexOf(above);
  return is === undefined || own === SEVERITIES.indexOf(is);
}
