import { type AlarmControl, DEFAULT_CONTROL, MOST_CHANGES, type Severity } from "../alarms/index.ts";

/** `/alarms` of ietf-alarms as libyang prints it with all defaults. */
export interface AlarmsInstance {
  readonly control?: {
    readonly "max-alarm-status-changes": number | "infinite";
    readonly "notify-status-changes": "all-state-changes" | "raise-and-clear" | "severity-level";
    readonly "notify-severity-level"?: Severity;
  };
}

/** `undefined`: a configuration without the node has its default values. */
export function bindAlarms(alarms: AlarmsInstance | undefined): AlarmControl {
  if (alarms?.control === undefined) return DEFAULT_CONTROL;
  const {
    "max-alarm-status-changes": most,
    "notify-status-changes": notify,
    "notify-severity-level": from,
  } = alarms.control;
  return {
    maxStatusChanges: most === "infinite" ? MOST_CHANGES : most,
    notify: notify !== "severity-level" ? notify : from === undefined ? "all-state-changes" : { from },
  };
}
