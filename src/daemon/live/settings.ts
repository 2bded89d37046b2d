import { sameValue } from "../../base/index.ts";
import type { LogLevel } from "../../host/index.ts";
import {
  type AlarmBook,
  answered,
  expressionsOf,
  fault,
  type ManagementFault,
  type Provider,
  type RouterChange,
  refused,
} from "../../management/index.ts";
import type { Current } from "./current.ts";

/** What everybody looks up in the configuration in use. Last in the order: it is in use once the parts go by it. */
export function currentProvider(current: Current): Provider<RouterChange> {
  return {
    name: "configuration in use",
    plan: () => answered([]),
    prepare: ({ before, after }) =>
      answered({
        apply: () => {
          current.configuration = after;
        },
        revert: () => {
          current.configuration = before;
        },
      }),
  };
}

/** Which changes of alarms are told of, how many are kept, what is on shelves. */
export function alarmsProvider(book: AlarmBook): Provider<RouterChange> {
  return {
    name: "alarms",
    async plan({ before, after }) {
      const known = new Set(expressionsOf(before.alarms).map(({ expression }) => expression));
      const faults: ManagementFault[] = [];
      for (const { expression, path } of expressionsOf(after.alarms)) {
        if (known.has(expression)) continue;
        const selected = await book.select(expression);
        if (selected.ok) continue;
        const reason = selected.faults.map(({ message }) => message).join("; ");
        faults.push(fault("invalid-value", `${expression} selects no resources: ${reason}`, { path }));
      }
      return faults.length > 0 ? refused(...faults) : answered([]);
    },
    prepare({ before, after }) {
      if (sameValue(before.alarms, after.alarms)) return answered(undefined);
      return answered({ apply: () => book.follow(after.alarms), revert: () => book.follow(before.alarms) });
    },
  };
}

/** The level of the log, unless the command line has set it. */
export function logLevelProvider(log: { level: LogLevel }): Provider<RouterChange> {
  return {
    name: "log level",
    plan: () => answered([]),
    prepare({ before, after }) {
      const [old, next] = [before.telemetry.logLevel, after.telemetry.logLevel];
      if (old === next) return answered(undefined);
      const set = (level: LogLevel) => () => {
        log.level = level;
      };
      return answered({ apply: set(next), revert: set(old) });
    },
  };
}
