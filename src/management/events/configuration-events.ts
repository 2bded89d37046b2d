import { isIP } from "node:net";
import type { Change, Management, ManagementEvent, Session } from "../datastore/index.ts";
import type { EventLog, NotificationSource } from "./event-log.ts";

/** Edits that one notification lists; those of the log, as all of a large commit would be a long turn. */
const MOST_EDITS = 1_000;
const OPERATIONS = { create: "create", delete: "delete", replace: "replace", move: "merge" } as const;

/** Tells the log of changed datastores and of confirmed commits. @see RFC 6470 */
export function logConfigurationEvents(management: Management, log: EventLog): Disposable {
  return management.subscribe((event) => {
    const notification = notificationOf(event, management);
    if (notification !== undefined) log.publish(notification);
  });
}

function notificationOf(event: ManagementEvent, management: Management): NotificationSource | undefined {
  switch (event.type) {
    case "configuration-changed": {
      const { entry, datastore } = event;
      const { user, source, protocol } = entry;
      // 0 where its session is over.
      const id = management.sessions().find((one) => one.source === source && one.user === user)?.id ?? 0;
      const changedBy = protocol === "system" ? { server: [null] } : parameters({ user, source, id });
      return {
        name: "ietf-netconf-notifications:netconf-config-change",
        target: [],
        content: { "changed-by": changedBy, datastore, edit: entry.changes.slice(0, MOST_EDITS).map(edit) },
      };
    }
    case "confirmed-commit": {
      const { session, timeout } = event;
      return {
        name: "ietf-netconf-notifications:netconf-confirmed-commit",
        target: [],
        content: {
          "confirm-event": event.event,
          ...(session === undefined ? {} : parameters(session)),
          ...(timeout === undefined ? {} : { timeout: Math.ceil(timeout) }),
        },
      };
    }
    default:
      return undefined;
  }
}

const edit = ({ path, operation }: Change) => ({ target: path, operation: OPERATIONS[operation] });

/** @see RFC 6470 §2.2, grouping common-session-parms */
export function parameters({ user, source, id }: Pick<Session, "user" | "source" | "id">): Record<string, unknown> {
  const host = source.split(" ", 1)[0]!;
  return { username: user, "session-id": id, ...(isIP(host) === 0 ? {} : { "source-host": host }) };
}
