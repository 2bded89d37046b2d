import { type AlarmControl, DEFAULT_CONTROL, MOST_CHANGES, type Severity } from "../alarms/index.ts";

interface TypeInstance {
  readonly "alarm-type-id": string;
  readonly "alarm-type-qualifier-match": string;
}

interface ShelfInstance {
  readonly name: string;
  readonly resource?: readonly string[];
  readonly "alarm-type"?: readonly TypeInstance[];
}

interface ProfileInstance extends TypeInstance {
  readonly resource: string;
  readonly "alarm-severity-assignment-profile"?: { readonly "severity-level"?: readonly Severity[] };
}

/** `/alarms` of ietf-alarms as libyang prints it with all defaults. */
export interface AlarmsInstance {
  readonly control?: {
    readonly "max-alarm-status-changes": number | "infinite";
    readonly "notify-status-changes": "all-state-changes" | "raise-and-clear" | "severity-level";
    readonly "notify-severity-level"?: Severity;
    readonly "alarm-shelving"?: { readonly shelf?: readonly ShelfInstance[] };
  };
  readonly "alarm-profile"?: readonly ProfileInstance[];
}

/** `undefined`: a configuration without the node has its default values. What is wrong with its criteria {@link criterionFaults} tells. */
export function bindAlarms(alarms: AlarmsInstance | undefined): AlarmControl {
  if (alarms?.control === undefined) return DEFAULT_CONTROL;
  const typeOf = ({ "alarm-type-id": id, "alarm-type-qualifier-match": qualifier }: TypeInstance) => ({
    id,
    qualifier,
  });
  const {
    "alarm-shelving": { shelf: shelves = [] } = {},
    "max-alarm-status-changes": most,
    "notify-status-changes": notify,
    "notify-severity-level": from,
  } = alarms.control;
  return {
    maxStatusChanges: most === "infinite" ? MOST_CHANGES : most,
    notify: notify !== "severity-level" ? notify : from === undefined ? "all-state-changes" : { from },
    shelves: shelves.map(({ name, resource = [], "alarm-type": types = [] }) => ({
      ...{ name, resources: resource, types: types.map(typeOf) },
    })),
    profiles: (alarms["alarm-profile"] ?? []).map((profile) => ({
      type: typeOf(profile),
      resource: profile.resource,
      levels: profile["alarm-severity-assignment-profile"]?.["severity-level"] ?? [],
    })),
  };
}
