import type { LogLevel } from "../../host/index.ts";
import { answered, type Provider, type RouterChange } from "../../management/index.ts";
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
