import { sameValue } from "../../base/index.ts";
import type { LogLevel } from "../../host/index.ts";
import { type AlarmBook, answered, type Provider, type RouterChange } from "../../management/index.ts";
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

/** Which changes of alarms are told of, and how many are kept. */
export function alarmsProvider(book: AlarmBook): Provider<RouterChange> {
  return {
    name: "alarms",
    plan: () => answered([]),
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
