import type { Path } from "../datastore/index.ts";
import type { AlarmRow } from "./alarm-rows.ts";
import { accepted } from "./configuration-refusal.ts";
import { inSession } from "./configure-sessions.ts";
import { ControlRefusal } from "./handlers.ts";
import { NOTHING } from "./permission.ts";
import { parameters } from "./request.ts";
import { type Exchange, type Resource, report } from "./resource.ts";

const LIST: Path = [{ name: "ietf-alarms:alarms" }, { name: "ietf-alarms:alarm-list" }];
const STATES = ["none", "ack", "closed"] as const;

/** Where the alarm of a row stands in the model. */
export function alarmRowPath({ resource, type, shelf }: Pick<AlarmRow, "resource" | "type" | "shelf">): Path {
  const keys = { resource, "alarm-type-id": `semrd-alarms:${type}`, "alarm-type-qualifier": "" };
  return shelf === undefined
    ? [...LIST, { name: "ietf-alarms:alarm", keys }]
    : [LIST[0]!, { name: "ietf-alarms:shelved-alarms" }, { name: "ietf-alarms:shelved-alarm", keys }];
}

/** What people do with alarms: the actions of the model, so that who may not call those may not do it here. */
export const ALARM_RESOURCES: readonly Resource[] = [
  {
    method: "POST",
    path: "alarms/{}/state",
    needs: NOTHING,
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { state, text } = parameters(exchange.target, ["state", "text"]);
        if (!STATES.some((one) => one === state)) {
          const message = `${JSON.stringify(state)} is none of the states ${STATES.join(", ")}`;
          throw new ControlRefusal(400, "control.bad-state", "Bad request", message);
        }
        const row = alarmNamed(exchange);
        const input = { state, ...(text === undefined ? {} : { text }) };
        const request = { name: "set-operator-state", target: alarmRowPath(row), input };
        accepted(await exchange.handlers.management.call(session, request));
        return report(alarmNamed(exchange));
      }),
  },
  {
    method: "POST",
    path: "alarms/purge",
    needs: NOTHING,
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { status = "cleared" } = parameters(exchange.target, ["status"]);
        const input = { "alarm-clearance-status": status };
        const request = { name: "purge-alarms", target: LIST, input };
        return report(accepted(await exchange.handlers.management.call(session, request)));
      }),
  },
];

function alarmNamed({ name, handlers }: Exchange): AlarmRow {
  for (const row of handlers.alarms()) if (row.id === name) return row;
  throw new ControlRefusal(
    404,
    "control.no-such-alarm",
    "No such alarm",
    `there is no alarm ${name}: see semrctl show alarms --all`,
  );
}
