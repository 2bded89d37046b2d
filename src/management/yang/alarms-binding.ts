import {
  type AlarmControl,
  DEFAULT_CONTROL,
  MOST_CHANGES,
  regularExpression,
  resourceCriterion,
  type Severity,
} from "../alarms/index.ts";
import { fault, type ManagementFault } from "../datastore/index.ts";

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

/** What is wrong with the criteria of shelves and profiles, which the model takes as they are. */
export function alarmFaults(alarms: AlarmsInstance | undefined): readonly ManagementFault[] {
  const faults: ManagementFault[] = [];
  const check = (criterion: ReturnType<typeof resourceCriterion>, path: string): void => {
    if (!criterion.ok) faults.push(fault("invalid-value", criterion.reason, { path }));
  };
  for (const { name, resource = [], "alarm-type": types = [] } of alarms?.control?.["alarm-shelving"]?.shelf ?? []) {
    const shelf = `/ietf-alarms:alarms/control/alarm-shelving/shelf[name=${quoted(name)}]`;
    for (const one of resource) check(resourceCriterion(one), `${shelf}/resource[.=${quoted(one)}]`);
    for (const { "alarm-type-id": id, "alarm-type-qualifier-match": qualifier } of types)
      check(
        regularExpression(qualifier),
        `${shelf}/alarm-type[alarm-type-id=${quoted(id)}][alarm-type-qualifier-match=${quoted(qualifier)}]`,
      );
  }
  for (const profile of alarms?.["alarm-profile"] ?? []) {
    const { "alarm-type-id": id, "alarm-type-qualifier-match": qualifier, resource } = profile;
    const keys = `[alarm-type-id=${quoted(id)}][alarm-type-qualifier-match=${quoted(qualifier)}][resource=${quoted(resource)}]`;
    for (const one of [regularExpression(qualifier), resourceCriterion(resource)])
      check(one, `/ietf-alarms:alarms/alarm-profile${keys}`);
  }
  return faults;
}

const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);

/** `undefined`: a configuration without the node has its default values. Criteria have been looked at by {@link alarmFaults}. */
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
